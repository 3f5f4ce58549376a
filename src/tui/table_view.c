#include "tui/table_view.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cells.h"

static const struct pyspyc_row *row_at(const void *context, size_t row)
{
	return &((const struct tui_table_view *)context)->table.rows[row];
}

/* --- columns --- */

static int compare_own(const void *context, size_t a, size_t b)
{
	return tui_larger_share(row_at(context, a)->amounts.own_now,
				row_at(context, b)->amounts.own_now);
}

static int compare_total(const void *context, size_t a, size_t b)
{
	return tui_larger_share(row_at(context, a)->amounts.total_now,
				row_at(context, b)->amounts.total_now);
}

static int compare_own_time(const void *context, size_t a, size_t b)
{
	return tui_larger(row_at(context, a)->amounts.own_s, row_at(context, b)->amounts.own_s);
}

static int compare_total_time(const void *context, size_t a, size_t b)
{
	return tui_larger(row_at(context, a)->amounts.total_s, row_at(context, b)->amounts.total_s);
}

static int compare_whose_of(const void *context, size_t left, size_t right)
{
	const struct pyspyc_place *a = &row_at(context, left)->place;
	const struct pyspyc_place *b = &row_at(context, right)->place;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

static int compare_names(const void *context, size_t left, size_t right)
{
	return tui_compare_names(row_at(context, left)->place.name,
				 row_at(context, right)->place.name);
}

static int compare_places(const void *context, size_t left, size_t right)
{
	const struct pyspyc_place *a = &row_at(context, left)->place;
	const struct pyspyc_place *b = &row_at(context, right)->place;
	int ret = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	return ret ? ret : (a->line > b->line) - (a->line < b->line);
}

static void cell_own(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, row_at(context, row)->amounts.own_now);
}

static void cell_total(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, row_at(context, row)->amounts.total_now);
}

static void cell_own_time(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_table_view *view = context;

	tui_cell_seconds(cell, row_at(context, row)->amounts.own_s, view->table.all.own_s);
}

static void cell_total_time(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_table_view *view = context;

	tui_cell_seconds(cell, row_at(context, row)->amounts.total_s, view->table.all.own_s);
}

static void cell_whose(const void *context, size_t row, struct tui_cell *cell)
{
	cell->role = TUI_TEXT;
	tui_place_whose(&row_at(context, row)->place, cell->text, sizeof(cell->text));
}

static void cell_name(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_place *place = &row_at(context, row)->place;

	cell->role = tui_place_role(place);
	if (((const struct tui_table_view *)context)->joined)
		tui_place_full(place, cell->text, sizeof(cell->text));
	else
		snprintf(cell->text, sizeof(cell->text), "%s", place->name ? place->name : "");
}

static void cell_place(const void *context, size_t row, struct tui_cell *cell)
{
	cell->role = TUI_DIM;
	tui_place_where(&row_at(context, row)->place, cell->text, sizeof(cell->text));
}

enum { COLUMN_WHOSE = 4, COLUMN_NAME, COLUMN_PLACE };

#define SHARE_WIDTH 7
#define TIME_WIDTH 8
#define TOTAL_TIME_WIDTH 9
#define WHOSE_WIDTH 18
#define LEAST_TIME 50 /* columns of the screen from which each of them is shown */
#define LEAST_TOTAL_TIME 60
#define LEAST_WHOSE 60
#define LEAST_PLACE 9 /* its heading */
#define LEAST_SPLIT 44 /* columns left for function and place from which each has its own */

static const struct tui_column all_columns[TUI_TABLE_COLUMNS] = {
	{ "%Own", -SHARE_WIDTH, 0, '1', cell_own, compare_own },
	{ "%Total", -SHARE_WIDTH, 0, '2', cell_total, compare_total },
	{ "OwnTime", -TIME_WIDTH, LEAST_TIME, '3', cell_own_time, compare_own_time },
	{ "TotalTime", -TOTAL_TIME_WIDTH, LEAST_TOTAL_TIME, '4', cell_total_time,
	  compare_total_time },
	{ "Thread", WHOSE_WIDTH, LEAST_WHOSE, 0, cell_whose, compare_whose_of },
	{ "Function", 0, 0, 0, cell_name, compare_names, true },
	{ "File:line", 0, 0, 0, cell_place, compare_places, true },
	{ NULL },
};

static int larger(int a, int b)
{
	return a > b ? a : b;
}

/* Fits the columns to the query and the width of the screen. */
static void fit_columns(struct tui_table_view *view, int width)
{
	struct tui_column *columns = view->columns;
	int rest = width - 2 * (SHARE_WIDTH + 1);
	bool whose = view->by_thread || view->by_process;
	int name, place;

	memcpy(columns, all_columns, sizeof(all_columns));
	if (width >= LEAST_TIME)
		rest -= TIME_WIDTH + 1;
	if (width >= LEAST_TOTAL_TIME)
		rest -= TOTAL_TIME_WIDTH + 1;
	if (whose && width >= LEAST_WHOSE)
		rest -= WHOSE_WIDTH + 1;
	columns[COLUMN_WHOSE].heading = view->by_thread ? "Thread" : "Process";
	if (!whose)
		columns[COLUMN_WHOSE].least = INT_MAX;
	view->joined = rest < LEAST_SPLIT;
	if (view->joined) {
		columns[COLUMN_NAME].heading = "Function (file:line)";
		columns[COLUMN_PLACE].least = INT_MAX;
		return;
	}
	/* Both what they need; where that is too much, the place no more than two fifths. */
	place = larger(view->places, LEAST_PLACE);
	if (place > rest * 2 / 5)
		place = rest * 2 / 5;
	name = rest - 1 - place;
	columns[COLUMN_NAME].width = larger(view->names < name ? view->names : name, 12);
}

/* --- the view --- */

static uint64_t identity(const void *context, size_t row)
{
	return tui_place_identity(&row_at(context, row)->place);
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_table_view *view = context;

	tui_place_searched(&row_at(context, row)->place, view->by_thread || view->by_process, cell);
}

void tui_table_view_open(struct tui_table_view *view, enum pyspyc_table_kind kind,
			 const char *other)
{
	view->kind = kind;
	view->other = other;
	fit_columns(view, 80);
	tui_list_init(&view->list, view->columns, 0);
	view->list.context = view;
	view->list.identity = identity;
	view->list.text = text;
}

void tui_table_view_close(void *state)
{
	struct tui_table_view *view = state;

	tui_list_free(&view->list);
	pyspyc_table_free(&view->table);
}

void tui_table_view_update(struct tui_app *app, void *state)
{
	struct tui_table_view *view = state;
	struct pyspyc_table table = { 0 };
	struct pyspyc_error error = { 0 };

	if (pyspyc_live_table(app->recorder, view->kind, &app->query, &table, &error) < 0) {
		tui_app_say(app, TUI_BAD, "%s", error.message);
		return;
	}
	pyspyc_table_free(&view->table);
	view->table = table;
	view->by_thread = app->query.by_thread;
	view->by_process = app->query.by_process;
	view->scope = app->query.scope;
	for (size_t i = 0; i < table.count; i++) {
		const struct pyspyc_place *place = &table.rows[i].place;
		char where[TUI_CELL];
		int name = tui_columns(place->name ? place->name : "");

		tui_place_where(place, where, sizeof(where));
		view->names = larger(view->names, name);
		view->places = larger(view->places, tui_columns(where));
	}
	view->list.count = table.count;
	tui_list_update(&view->list);
}

/* What is counted of a thread's time, which is not what the header's CPU is. */
static const char *what_counts(enum pyspyc_scope scope)
{
	switch (scope) {
	case PYSPYC_SCOPE_ACTIVE:
		return " (CPU waits too)";
	case PYSPYC_SCOPE_GIL:
		return " (with the GIL)";
	case PYSPYC_SCOPE_ALL:
		break;
	}
	return " (idle too)";
}

#define LEAST_COUNTS 78 /* columns of the screen from which that is said */

static void draw_sums(const struct tui_table_view *view, struct tui_area area)
{
	const struct pyspyc_amounts *all = &view->table.all;
	const char *what = view->kind == PYSPYC_TABLE_LINES ? "lines" : "functions";
	char now[32], since[32], rows[64];

	if (view->list.shown == view->table.count)
		snprintf(rows, sizeof(rows), "%zu %s", view->table.count, what);
	else
		snprintf(rows, sizeof(rows), "%zu of %zu %s", view->list.shown, view->table.count,
			 what);
	tui_putf(area.y, area.x, area.width, TUI_DIM, true,
		 area.width < LEAST_TIME ? "%*s now%.0s, %s since the start, %s"
					 : "%*s of 1 thread%s now, %s since the start, %s",
		 SHARE_WIDTH, tui_percent(all->own_now, now, sizeof(now)),
		 area.width < LEAST_COUNTS ? "" : what_counts(view->scope),
		 tui_seconds(all->own_s, since, sizeof(since)), rows);
}

/* From so many rows on, one of them is for the sums. */
#define LEAST_SUMS 8

void tui_table_view_draw(struct tui_app *app, void *state, struct tui_area area)
{
	struct tui_table_view *view = state;

	fit_columns(view, area.width);
	if (area.height >= LEAST_SUMS) {
		draw_sums(view, area);
		area.y++;
		area.height--;
	}
	tui_list_draw(&view->list, area);
	if (!view->list.shown && area.height > 1)
		tui_put(area.y + 1, area.x, area.width, TUI_DIM, true,
			view->table.count ? "Nothing matches the filter."
					  : tui_why_empty(view->scope));
}

/* The view of the other kind, sorted by the same column. */
static void go_to_other(struct tui_app *app, const struct tui_table_view *view)
{
	for (size_t i = 0; tui_views[i]; i++) {
		if (strcmp(tui_views[i]->name, view->other) == 0 && app->states && app->states[i]) {
			struct tui_table_view *other = app->states[i];

			other->list.sort = view->list.sort;
			other->list.backward = view->list.backward;
		}
	}
	tui_app_go(app, view->other);
}

bool tui_table_view_key(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	struct tui_table_view *view = state;
	size_t row;

	if (key == 'L') {
		go_to_other(app, view);
		return true;
	}
	if (!tui_list_chosen(&view->list, key, mouse, &row))
		return tui_list_key(&view->list, key, mouse);
	tui_app_show_source(app, &row_at(view, row)->place);
	return true;
}

struct tui_list *tui_table_view_list(void *state)
{
	return &((struct tui_table_view *)state)->list;
}
