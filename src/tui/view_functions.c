#include "tui/table_view.h"
#include "tui/views.h"

static const struct tui_hint hints[] = {
	{ "1-4", "sort", "Sorts by %Own, %Total, OwnTime or TotalTime." },
	{ "L", "lines", "Goes to the same by lines, and back." },
	{ "Enter", "source", "Shows the source of the row." },
	{ NULL },
};

static void open_functions(struct tui_app *app, void *state)
{
	tui_table_view_open(state, PYSPYC_TABLE_FUNCTIONS, "lines");
}

const struct tui_view tui_view_functions = {
	.name = "functions",
	.title = "Functions",
	.help = "Where the time goes, function by function, now and since the start.",
	.hints = hints,
	.size = sizeof(struct tui_table_view),
	.open = open_functions,
	.close = tui_table_view_close,
	.update = tui_table_view_update,
	.draw = tui_table_view_draw,
	.key = tui_table_view_key,
	.list = tui_table_view_list,
};
