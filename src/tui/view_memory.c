/* Memory: how much there is over time, and which functions it grew under. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cells.h"
#include "tui/memory_plot.h"
#include "tui/memory_processes.h"
#include "tui/threads.h"
#include "tui/view.h"

enum { NET, GROWN, RELEASED, NET_TOTAL, GROWN_TOTAL, RELEASED_TOTAL, WHOSE, NAME, COLUMNS };

struct memory_view {
	struct tui_list list;
	struct tui_memory_now now;
	struct tui_memory_plot plot;
	struct pyspyc_table table;		/* only rows that grew or shrank */
	struct tui_column columns[COLUMNS + 1]; /* for the width and the query */
	bool by_thread, by_process;
	struct tui_memory_processes processes; /* in place of list, */
	bool of_processes;		       /* when this is so */
};

/* --- figures --- */

static const struct pyspyc_row *row_at(const void *context, size_t row)
{
	static const struct pyspyc_row none = { .place = { .name = "" } };
	const struct memory_view *view = context;

	return row < view->table.count ? &view->table.rows[row] : &none;
}

static double net(const struct pyspyc_amounts *amounts)
{
	return (double)amounts->grown - (double)amounts->released;
}

static double net_total(const struct pyspyc_amounts *amounts)
{
	return (double)amounts->grown_total - (double)amounts->released_total;
}

static void cell_bytes(const struct memory_view *view, double bytes, struct tui_cell *cell)
{
	double all = (double)view->table.all.grown;

	cell->role = bytes > 0 && all > 0 ? tui_heat(bytes / all) : TUI_DIM;
	tui_bytes(bytes, cell->text, sizeof(cell->text));
}

static void cell_net(const void *context, size_t row, struct tui_cell *cell)
{
	cell_bytes(context, net(&row_at(context, row)->amounts), cell);
}

static void cell_grown(const void *context, size_t row, struct tui_cell *cell)
{
	cell_bytes(context, (double)row_at(context, row)->amounts.grown, cell);
}

static void cell_net_total(const void *context, size_t row, struct tui_cell *cell)
{
	cell_bytes(context, net_total(&row_at(context, row)->amounts), cell);
}

static void cell_grown_total(const void *context, size_t row, struct tui_cell *cell)
{
	cell_bytes(context, (double)row_at(context, row)->amounts.grown_total, cell);
}

static void cell_shrunk(uint64_t bytes, struct tui_cell *cell)
{
	cell->role = bytes ? TUI_TEXT : TUI_DIM;
	tui_bytes((double)bytes, cell->text, sizeof(cell->text));
}

static void cell_released(const void *context, size_t row, struct tui_cell *cell)
{
	cell_shrunk(row_at(context, row)->amounts.released, cell);
}

static void cell_released_total(const void *context, size_t row, struct tui_cell *cell)
{
	cell_shrunk(row_at(context, row)->amounts.released_total, cell);
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
	tui_place_full(place, cell->text, sizeof(cell->text));
}

static int compare_net(const void *context, size_t left, size_t right)
{
	return tui_larger(net(&row_at(context, left)->amounts),
			  net(&row_at(context, right)->amounts));
}

static int compare_grown(const void *context, size_t left, size_t right)
{
	return tui_larger((double)row_at(context, left)->amounts.grown,
			  (double)row_at(context, right)->amounts.grown);
}

static int compare_released(const void *context, size_t left, size_t right)
{
	return tui_larger((double)row_at(context, left)->amounts.released,
			  (double)row_at(context, right)->amounts.released);
}

static int compare_net_total(const void *context, size_t left, size_t right)
{
	return tui_larger(net_total(&row_at(context, left)->amounts),
			  net_total(&row_at(context, right)->amounts));
}

static int compare_grown_total(const void *context, size_t left, size_t right)
{
	return tui_larger((double)row_at(context, left)->amounts.grown_total,
			  (double)row_at(context, right)->amounts.grown_total);
}

static int compare_released_total(const void *context, size_t left, size_t right)
{
	return tui_larger((double)row_at(context, left)->amounts.released_total,
			  (double)row_at(context, right)->amounts.released_total);
}

static int compare_whose(const void *context, size_t left, size_t right)
{
	uint64_t a = tui_thread_identity(row_at(context, left)->place.pid,
					 row_at(context, left)->place.tid);
	uint64_t b = tui_thread_identity(row_at(context, right)->place.pid,
					 row_at(context, right)->place.tid);

	return a < b ? -1 : a > b;
}

static int compare_names(const void *context, size_t left, size_t right)
{
	return tui_compare_names(row_at(context, left)->place.name,
				 row_at(context, right)->place.name);
}

/* Columns of the screen from which each is shown. */
#define LEAST_RELEASED 50
#define LEAST_TOTAL 70
#define LEAST_ALL 110

static const struct tui_column all_columns[COLUMNS + 1] = {
	[NET] = { "Net", -8, 0, '1', cell_net, compare_net },
	[GROWN] = { "Grown", -7, 0, '2', cell_grown, compare_grown },
	[RELEASED] = { "Released", -8, LEAST_RELEASED, '3', cell_released, compare_released },
	[NET_TOTAL] = { "NetTotal", -8, LEAST_TOTAL, '4', cell_net_total, compare_net_total },
	[GROWN_TOTAL] = { "GrownTotal", -10, LEAST_ALL, '5', cell_grown_total,
			  compare_grown_total },
	[RELEASED_TOTAL] = { "RelTotal", -8, LEAST_ALL, '6', cell_released_total,
			     compare_released_total },
	[WHOSE] = { "Thread", 18, LEAST_TOTAL, 0, cell_whose, compare_whose },
	[NAME] = { "Function (file:line)", 0, 0, 0, cell_name, compare_names, true },
};

static void fit_columns(struct memory_view *view)
{
	memcpy(view->columns, all_columns, sizeof(all_columns));
	if (!view->by_thread && !view->by_process)
		view->columns[WHOSE].least = INT_MAX;
	else if (!view->by_thread)
		view->columns[WHOSE].heading = "Process";
}

/* --- the view --- */

static uint64_t identity(const void *context, size_t row)
{
	return tui_place_identity(&row_at(context, row)->place);
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct memory_view *view = context;

	tui_place_searched(&row_at(context, row)->place, view->by_thread || view->by_process, cell);
}

static void open_memory(struct tui_app *app, void *state)
{
	struct memory_view *view = state;

	(void)app;
	fit_columns(view);
	tui_list_init(&view->list, view->columns, NET);
	view->list.context = view;
	view->list.identity = identity;
	view->list.text = text;
	tui_memory_processes_open(&view->processes);
}

static void close_memory(void *state)
{
	struct memory_view *view = state;

	tui_list_free(&view->list);
	tui_memory_processes_free(&view->processes);
	tui_memory_plot_free(&view->plot);
	tui_memory_now_free(&view->now);
	pyspyc_table_free(&view->table);
}

/* Leaves the rows with any growth. */
static void keep_grown(struct pyspyc_table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct pyspyc_amounts *amounts = &table->rows[i].amounts;

		if (amounts->grown_total || amounts->released_total || amounts->grown ||
		    amounts->released)
			table->rows[kept++] = table->rows[i];
	}
	table->count = kept;
}

static void update_memory(struct tui_app *app, void *state)
{
	struct memory_view *view = state;
	struct pyspyc_query query = app->query;
	struct pyspyc_table table = { 0 };
	struct pyspyc_error error = { 0 };

	tui_memory_now_update(&view->now, app->recorder);
	tui_memory_plot_update(&view->plot, app->live, &view->now);
	/* Memory may grow while a thread is not seen to be active, in a page fault, say. */
	query.scope = PYSPYC_SCOPE_ALL;
	if (pyspyc_live_table(app->recorder, PYSPYC_TABLE_FUNCTIONS, &query, &table, &error) < 0) {
		tui_app_say(app, TUI_BAD, "%s", error.message);
		return;
	}
	keep_grown(&table);
	pyspyc_table_free(&view->table);
	view->table = table;
	view->by_thread = query.by_thread;
	view->by_process = query.by_process;
	view->of_processes = query.by_process && !query.by_thread && app->live->process_count > 1;
	if (view->of_processes)
		tui_memory_processes_update(&view->processes, app->live, &view->table);
	view->list.count = table.count;
	fit_columns(view);
	tui_list_update(&view->list);
}

/* Rows for the plot: it may take half, but the table needs some. */
static int plot_height(int height)
{
	int least_table = height < 12 ? 3 : 6, ret = height / 2;

	if (ret > height - least_table)
		ret = height - least_table;
	return ret > 0 ? ret : 0;
}

static struct tui_list *list_memory(void *state)
{
	struct memory_view *view = state;

	return view->of_processes ? &view->processes.list : &view->list;
}

static void draw_sums(const struct memory_view *view, struct tui_area area)
{
	char grown[32], released[32];

	if (view->of_processes) {
		tui_putf(area.y, area.x, area.width, TUI_DIM, true,
			 "%zu processes, and how much each has grown since the start",
			 view->processes.list.count);
		return;
	}
	tui_putf(area.y, area.x, area.width, TUI_DIM, true,
		 view->now.known && view->now.memory.fault_events
			 ? "%s grown, %s released; by function as seen during page faults"
			 : "%s grown, %s released; by function approximate: + samples more often",
		 tui_bytes((double)view->table.all.grown, grown, sizeof(grown)),
		 tui_bytes((double)view->table.all.released, released, sizeof(released)));
}

static void draw_memory(struct tui_app *app, void *state, struct tui_area area)
{
	struct memory_view *view = state;
	struct tui_list *list = list_memory(state);
	struct tui_area upper = area;

	upper.height = plot_height(area.height);
	upper.height = tui_memory_plot_draw(&view->plot, app->live, &view->now, upper);
	area.y += upper.height;
	area.height -= upper.height;
	if (area.height >= 5) {
		draw_sums(view, area);
		area.y++;
		area.height--;
	}
	tui_list_draw(list, area);
	if (!list->shown && area.height > 1)
		tui_put(area.y + 1, area.x, area.width, TUI_DIM, true,
			list->count ? "Nothing matches the filter."
				    : "Memory has not grown so far.");
}

static bool key_memory(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	struct memory_view *view = state;
	size_t row;

	if (key == 'z') {
		view->plot.from_zero = !view->plot.from_zero;
		return true;
	}
	if (view->of_processes)
		return tui_list_key(&view->processes.list, key, mouse);
	if (!tui_list_chosen(&view->list, key, mouse, &row))
		return tui_list_key(&view->list, key, mouse);
	tui_app_show_memory(app, &row_at(view, row)->place);
	return true;
}

static const struct tui_hint hints[] = {
	{ "Enter", "source", "Shows the source of the function." },
	{ "1-6", "sort", "Sorts by net growth, growth or release, own and with callees (Total)." },
	{ "z", "zero", "Lets the plot begin at zero, or near what it shows." },
	{ NULL },
};

static const struct tui_saving savings[] = {
	{ 'p', "plot", "plot", "plot", true },
	{ 'l', "lines", "lines", "lines", true },
	{ 'f', "flame graph", "graph", "flamegraph", true },
	{ 'o', "folded stacks", "folded", "folded", true },
	{ 0 },
};

const struct tui_view tui_view_memory = {
	.name = "memory",
	.title = "Memory",
	.help = "Memory over time, and the functions that ran while it grew.",
	.hints = hints,
	.size = sizeof(struct memory_view),
	.open = open_memory,
	.close = close_memory,
	.update = update_memory,
	.draw = draw_memory,
	.key = key_memory,
	.list = list_memory,
	.savings = savings,
};
