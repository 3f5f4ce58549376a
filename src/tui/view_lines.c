#include "tui/table_view.h"
#include "tui/views.h"

static const struct tui_hint hints[] = {
	{ "1-4", "sort", "Sorts by %Own, %Total, OwnTime or TotalTime." },
	{ "L", "functions", "Goes to the same by functions, and back." },
	{ "Enter", "source", "Shows the source of the row." },
	{ NULL },
};

static void open_lines(struct tui_app *app, void *state)
{
	tui_table_view_open(state, PYSPYC_TABLE_LINES, "functions");
}

const struct tui_view tui_view_lines = {
	.name = "lines",
	.title = "Lines",
	.help = "Where the time goes, line by line, now and since the start.",
	.hints = hints,
	.size = sizeof(struct tui_table_view),
	.open = open_lines,
	.close = tui_table_view_close,
	.update = tui_table_view_update,
	.draw = tui_table_view_draw,
	.key = tui_table_view_key,
	.list = tui_table_view_list,
};
