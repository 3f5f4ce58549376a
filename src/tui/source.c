/* The source of a place, with what each of its lines takes beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pyspyc/processes.h"
#include "tui/cells.h"
#include "tui/source_figures.h"
#include "tui/source_text.h"

struct source {
	struct tui_list list; /* first: see tui_view */
	struct pyspyc_place place;
	struct tui_source_text text;
	struct tui_figures figures;
	size_t rows; /* of the text, and of lines with figures that it does not have */
	bool memory; /* what is beside the lines is memory, not time */
	bool loaded;
	bool centre;	   /* the cursor's line is to be in the middle */
	int hot;	   /* the line that x went to last */
	char notice[1024]; /* what is wrong with the text, or "" */
};

/* --- rows: lines of the text, then lines with figures beyond its end --- */

static int line_of(const struct source *source, size_t row)
{
	if (row < source->text.count)
		return (int)row + 1;
	row = row - source->text.count + tui_figures_after(&source->figures, source->text.count);
	return row < source->figures.count ? source->figures.figures[row].line : 0;
}

static const struct tui_figure *figure_of(const struct source *source, size_t row)
{
	return tui_figures_find(&source->figures, line_of(source, row));
}

static void cell_line(const void *context, size_t row, struct tui_cell *cell)
{
	cell->role = TUI_DIM;
	snprintf(cell->text, sizeof(cell->text), "%d", line_of(context, row));
}

static void cell_own(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_figure *figure = figure_of(context, row);

	if (figure && figure->own_now > 0)
		tui_cell_share(cell, figure->own_now);
}

static void cell_total(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_figure *figure = figure_of(context, row);

	if (figure)
		tui_cell_share(cell, figure->total_now);
}

static void cell_own_time(const void *context, size_t row, struct tui_cell *cell)
{
	const struct source *source = context;
	const struct tui_figure *figure = figure_of(source, row);

	if (figure && figure->own_s > 0)
		tui_cell_seconds(cell, figure->own_s, source->figures.all_s);
}

static void cell_text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct source *source = context;
	const struct tui_figure *figure = figure_of(source, row);

	if (row < source->text.count)
		tui_cell_text(cell, figure ? TUI_STRONG : TUI_TEXT,
			      tui_source_text_line(&source->text, row));
	else if (figure)
		tui_cell_text(cell, TUI_DIM, figure->name ? figure->name : "");
}

static void cell_bytes(const struct source *source, double bytes, struct tui_cell *cell)
{
	double all = source->figures.all_grown;

	cell->role = bytes > 0 && all > 0 ? tui_heat(bytes / all) : TUI_DIM;
	tui_bytes(bytes, cell->text, sizeof(cell->text));
}

static void cell_grown(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_figure *figure = figure_of(context, row);

	if (figure && figure->grown > 0)
		cell_bytes(context, figure->grown, cell);
}

static void cell_released(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_figure *figure = figure_of(context, row);

	if (figure && figure->released > 0)
		tui_bytes(figure->released, cell->text, sizeof(cell->text));
}

static void cell_net_total(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_figure *figure = figure_of(context, row);

	if (figure && fabs(figure->net_total) > 0)
		cell_bytes(context, figure->net_total, cell);
}

static const struct tui_column memory_columns[] = {
	{ "Line", -6, 0, 0, cell_line },	  { "Grown", -7, 0, 0, cell_grown },
	{ "Released", -8, 56, 0, cell_released }, { "NetTotal", -8, 66, 0, cell_net_total },
	{ "Source", 0, 0, 0, cell_text },	  { NULL },
};

static const struct tui_column columns[] = {
	{ "Line", -6, 0, 0, cell_line },     { "%Own", -7, 0, 0, cell_own },
	{ "%Total", -7, 56, 0, cell_total }, { "OwnTime", -8, 66, 0, cell_own_time },
	{ "Source", 0, 0, 0, cell_text },    { NULL },
};

static uint64_t identity(const void *context, size_t row)
{
	return (uint64_t)line_of(context, row);
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	cell_text(context, row, cell);
}

static void go_to_line(struct source *source, int line)
{
	size_t row = line > 0 ? (size_t)line - 1 : 0;

	if (row >= source->text.count)
		for (row = source->text.count; row < source->rows; row++)
			if (line_of(source, row) >= line)
				break;
	if (row >= source->rows && source->rows)
		row = source->rows - 1;
	tui_list_go(&source->list, row);
	source->centre = true;
}

/* --- reading --- */

/* Processes that are asked for the file before giving up. */
#define MOST_ASKED 16

static int read_bytes(struct tui_app *app, struct source *source, char **bytes, size_t *size)
{
	const struct pyspyc_live *live = app->live;
	const char *path = source->place.path;
	struct pyspyc_error error = { 0 };
	pid_t pid = source->place.pid;
	int asked = 0;

	if (!path || !path[0] || path[0] == '<') {
		snprintf(source->notice, sizeof(source->notice),
			 "%s is no file: there is no source to show",
			 path && path[0] ? path : "This");
		return -1;
	}
	if (pid && pyspyc_source_read(pid, path, bytes, size, &error) >= 0)
		return 0;
	for (size_t i = 0; live && i < live->process_count && asked < MOST_ASKED; i++) {
		if (live->processes[i].ended || live->processes[i].pid == pid)
			continue;
		asked++;
		if (pyspyc_source_read(live->processes[i].pid, path, bytes, size,
				       error.code ? NULL : &error) >= 0)
			return 0;
	}
	/* Nobody is left to ask: what this machine has under that name is most likely it. */
	if ((!asked || app->finished) && path[0] == '/' &&
	    pyspyc_source_read(0, path, bytes, size, NULL) >= 0) {
		snprintf(source->notice, sizeof(source->notice),
			 "The process has ended: this is the file as pyspyc sees it now");
		return 0;
	}
	snprintf(source->notice, sizeof(source->notice), "%s",
		 error.message[0] ? error.message
				  : "No process is left that the source could be read from");
	return -1;
}

/* Whether functions begin where the interpreter says that they do. */
static void compare_with_code(struct tui_app *app, struct source *source)
{
	struct pyspyc_query query = { .scope = PYSPYC_SCOPE_ALL };
	struct pyspyc_table table = { 0 };

	if (pyspyc_live_table(app->recorder, PYSPYC_TABLE_FUNCTIONS, &query, &table, NULL) < 0)
		return;
	for (size_t i = 0; i < table.count && !source->notice[0]; i++) {
		const struct pyspyc_place *place = &table.rows[i].place;

		if (place->kind == PYSPYC_ROW_CODE && place->path && place->name &&
		    strcmp(place->path, source->place.path) == 0 &&
		    !tui_source_text_has(&source->text, place->name, place->line))
			snprintf(source->notice, sizeof(source->notice),
				 "The file has changed, or is not what runs: %s is not at line %d",
				 place->name, place->line);
	}
	pyspyc_table_free(&table);
}

static void load(struct tui_app *app, struct source *source)
{
	char *bytes = NULL;
	size_t size = 0;

	source->loaded = true;
	if (read_bytes(app, source, &bytes, &size) < 0)
		return;
	switch (tui_source_text_parse(&source->text, bytes, size)) {
	case TUI_SOURCE_TEXT:
		compare_with_code(app, source);
		break;
	case TUI_SOURCE_BINARY:
		snprintf(source->notice, sizeof(source->notice),
			 "This is a binary file, no source");
		break;
	case TUI_SOURCE_MEMORY:
		snprintf(source->notice, sizeof(source->notice), "No memory for so large a file");
		break;
	}
	free(bytes);
}

static void take_figures(struct tui_app *app, struct source *source)
{
	struct pyspyc_query query = app->query;
	struct pyspyc_table table = { 0 };
	struct pyspyc_error error = { 0 };

	if (source->memory)
		query.scope = PYSPYC_SCOPE_ALL; /* as in the view of it */
	if (pyspyc_live_table(app->recorder, PYSPYC_TABLE_LINES, &query, &table, &error) < 0) {
		tui_app_say(app, TUI_BAD, "%s", error.message);
		return;
	}
	if (tui_figures_take(&source->figures, &table, &source->place) < 0)
		tui_app_say(app, TUI_BAD, "Out of memory");
	pyspyc_table_free(&table);
}

/* --- the overlay --- */

static void open_source(struct tui_app *app, void *state)
{
	struct source *source = state;

	tui_list_init(&source->list, columns, -1);
	source->list.context = source;
	source->list.identity = identity;
	source->list.text = text;
	source->list.fixed = true;
}

static void begin(void *state, const void *argument)
{
	((struct source *)state)->place = *(const struct pyspyc_place *)argument;
}

static void begin_memory(void *state, const void *argument)
{
	struct source *source = state;

	begin(state, argument);
	source->memory = source->figures.by_growth = true;
	source->list.columns = memory_columns;
}

static void close_source(void *state)
{
	struct source *source = state;

	tui_list_free(&source->list);
	tui_source_text_free(&source->text);
	tui_figures_free(&source->figures);
}

static void update(struct tui_app *app, void *state)
{
	struct source *source = state;
	bool first = !source->loaded;
	size_t beyond;

	if (first)
		load(app, source);
	take_figures(app, source);
	beyond = source->figures.count - tui_figures_after(&source->figures, source->text.count);
	if (beyond && source->text.count && !source->notice[0])
		snprintf(source->notice, sizeof(source->notice),
			 "The file has changed, or is not what runs: it has only %zu lines",
			 source->text.count);
	/* A long file's rows are not gone through for nothing. */
	if (first || beyond || source->rows != source->text.count) {
		source->rows = source->list.count = source->text.count + beyond;
		tui_list_update(&source->list);
	}
	if (first)
		go_to_line(source, source->place.line);
}

static void draw_title(const struct tui_app *app, const struct source *source, struct tui_area area)
{
	const struct pyspyc_place *place = &source->place;
	const char *path = place->path ? place->path : "";
	int width = tui_columns(path), x = area.x;

	/* Where it does not fit, the end of a path tells more than its beginning. */
	if (width + 1 > area.width && place->file)
		path = place->file;
	x += tui_put(area.y, x, area.width, TUI_STRONG, false, path);
	/* Whose the figures are, where they are not everybody's. */
	if (place->tid && app->query.by_thread)
		tui_putf(area.y, x, area.x + area.width - x, TUI_DIM, true, "  in thread %d",
			 (int)place->tid);
	else if (place->pid && (app->query.by_process || app->query.by_thread))
		tui_putf(area.y, x, area.x + area.width - x, TUI_DIM, true, "  in process %d",
			 (int)place->pid);
	else
		tui_put(area.y, x, area.x + area.width - x, TUI_DIM, true, "");
}

/* With no more rows than these, there is no title, or not both a title and what is wrong. */
#define LEAST_TITLE 3
#define LEAST_BOTH 7

static void draw(struct tui_app *app, void *state, struct tui_area area)
{
	struct source *source = state;

	/* What is wrong comes before what can be known otherwise. */
	if (area.height > (source->notice[0] ? LEAST_BOTH : LEAST_TITLE)) {
		draw_title(app, source, area);
		area.y++;
		area.height--;
	}
	if (source->notice[0] && area.height > LEAST_TITLE) {
		tui_put(area.y, area.x, area.width, TUI_BAD, true, source->notice);
		area.y++;
		area.height--;
	}
	if (source->centre && area.height > 1) {
		size_t half = (size_t)(area.height - 1) / 2;

		source->list.top = source->list.cursor > half ? source->list.cursor - half : 0;
		source->centre = false;
	}
	tui_list_draw(&source->list, area);
	if (!source->rows && area.height > 1)
		tui_put(area.y + 1, area.x, area.width, TUI_DIM, true,
			source->loaded && !source->notice[0] ? "The file is empty."
							     : "No line of it has been seen.");
}

static bool key_source(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	struct source *source = state;
	const struct tui_figure *after = NULL, *figure;
	size_t row;

	if (key != 'x')
		return tui_list_key(&source->list, key, mouse);
	/* Again, on the line that it went to: the next hottest. */
	if (source->hot && tui_list_row(&source->list, &row) && line_of(source, row) == source->hot)
		after = figure_of(source, row);
	figure = tui_figures_hottest(&source->figures, after);
	if (!figure)
		figure = tui_figures_hottest(&source->figures, NULL);
	if (!figure) {
		tui_app_say(app, TUI_DIM, "Nothing of this file has been seen running");
		return true;
	}
	source->hot = figure->line;
	go_to_line(source, figure->line);
	return true;
}

static struct tui_list *list(void *state)
{
	return &((struct source *)state)->list;
}

static const struct tui_hint hints[] = {
	{ "x", "hottest", "Goes to the line that took most; again, to the next." },
	{ "h l", "scroll", "Scrolls long lines." },
	{ NULL },
};

static const struct tui_view source_view = {
	.name = "source",
	.title = "Source",
	.help = "The source, with what each line takes beside it.",
	.hints = hints,
	.size = sizeof(struct source),
	.open = open_source,
	.close = close_source,
	.update = update,
	.draw = draw,
	.key = key_source,
	.list = list,
};

static void show(struct tui_app *app, const struct pyspyc_place *place,
		 void (*begin_with)(void *state, const void *argument))
{
	if (place->kind != PYSPYC_ROW_CODE || !place->path || !place->path[0]) {
		tui_app_say(app, TUI_DIM, "This has no source");
		return;
	}
	tui_app_push(app, &source_view, begin_with, place);
}

void tui_app_show_source(struct tui_app *app, const struct pyspyc_place *place)
{
	show(app, place, begin);
}

void tui_app_show_memory(struct tui_app *app, const struct pyspyc_place *place)
{
	show(app, place, begin_memory);
}
