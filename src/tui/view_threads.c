/* Threads: what each is doing. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/cells.h"
#include "tui/threads.h"
#include "tui/view.h"

enum { NAME, PID, TID, STATE, GIL, CPU, ACTIVE, FRAME, COLUMNS };

struct threads_view {
	struct tui_thread_rows rows;		/* first: the list's context */
	struct tui_column columns[COLUMNS + 1]; /* for the width */
	bool in_short;
};

/* --- columns --- */

static void cell_state(const void *context, size_t row, struct tui_cell *cell)
{
	const struct threads_view *view = context;
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	cell->role = tui_doing_role(thread->doing);
	tui_thread_state(thread, view->in_short, cell->text, sizeof(cell->text));
}

static void cell_cpu(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, tui_thread_row(context, row)->cpu);
}

static void cell_active(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, tui_thread_row(context, row)->active);
}

/* Those that work first, those that are gone last. */
static int rank(enum pyspyc_doing doing)
{
	switch (doing) {
	case PYSPYC_DOING_GIL:
		return 0;
	case PYSPYC_DOING_ACTIVE:
		return 1;
	case PYSPYC_DOING_GIL_WAIT:
		return 2;
	case PYSPYC_DOING_IDLE:
		return 3;
	case PYSPYC_DOING_ENDED:
		break;
	}
	return 4;
}

static int compare_states(const void *context, size_t left, size_t right)
{
	return rank(tui_thread_row(context, left)->doing) -
	       rank(tui_thread_row(context, right)->doing);
}

static int compare_cpu(const void *context, size_t left, size_t right)
{
	return tui_larger_share(tui_thread_row(context, left)->cpu,
				tui_thread_row(context, right)->cpu);
}

static int compare_active(const void *context, size_t left, size_t right)
{
	return tui_larger_share(tui_thread_row(context, left)->active,
				tui_thread_row(context, right)->active);
}

#define STATE_WIDTH 15 /* "waits for GIL S" */
#define SHORT_STATE_WIDTH 8
#define LEAST_NAME 10
/* Columns of the screen from which each is shown. */
#define LEAST_TID 60
#define LEAST_GIL 50
#define LEAST_ACTIVE 90
#define LEAST_LONG_STATE 100

static const struct tui_column all_columns[COLUMNS + 1] = {
	[NAME] = { "Thread", LEAST_NAME, 0, 0, tui_thread_cell_name, tui_thread_compare_names, true },
	[PID] = { "Pid", -7, LEAST_TID, 0, tui_thread_cell_pid, tui_thread_compare_pids },
	[TID] = { "Tid", -7, LEAST_TID, 0, tui_thread_cell_tid, tui_thread_compare_tids },
	[STATE] = { "State", STATE_WIDTH, 0, '1', cell_state, compare_states },
	[GIL] = { "%GIL", -6, LEAST_GIL, '2', tui_thread_cell_gil, tui_thread_compare_gil },
	[CPU] = { "%CPU", -6, 0, '3', cell_cpu, compare_cpu },
	[ACTIVE] = { "%Active", -7, LEAST_ACTIVE, '4', cell_active, compare_active },
	[FRAME] = { "Function", 0, 0, 0, tui_thread_cell_frame, tui_thread_compare_frames, true },
};

static void fit_columns(struct threads_view *view, int width)
{
	struct tui_column *columns = view->columns;
	int room = width - 1, name;

	memcpy(columns, all_columns, sizeof(all_columns));
	view->in_short = width < LEAST_LONG_STATE;
	if (view->in_short)
		columns[STATE].width = SHORT_STATE_WIDTH;
	if (!view->rows.live || !tui_threads_of_several(view->rows.live))
		columns[PID].least = INT_MAX;
	for (int i = PID; i < FRAME; i++)
		if (width >= columns[i].least)
			room -= abs(columns[i].width) + 1;
	name = tui_thread_names_fit(&view->rows, room);
	columns[NAME].width = name > LEAST_NAME ? name : LEAST_NAME;
}

/* --- the view --- */

static void open_threads(struct tui_app *app, void *state)
{
	struct threads_view *view = state;

	(void)app;
	fit_columns(view, 80);
	tui_thread_rows_open(&view->rows, view->columns, CPU);
}

static void close_threads(void *state)
{
	tui_list_free(&((struct threads_view *)state)->rows.list);
}

static void update_threads(struct tui_app *app, void *state)
{
	tui_thread_rows_update(&((struct threads_view *)state)->rows, app->live);
}

static void draw_sums(const struct pyspyc_live *live, struct tui_area area)
{
	size_t counts[PYSPYC_DOING_ENDED + 1] = { 0 };
	char line[160];
	int length;

	for (size_t i = 0; i < live->thread_count; i++)
		if (live->threads[i].doing <= PYSPYC_DOING_ENDED)
			counts[live->threads[i].doing]++;
	length = snprintf(line, sizeof(line), "%zu active, %zu waiting for the GIL, %zu idle",
			  counts[PYSPYC_DOING_ACTIVE] + counts[PYSPYC_DOING_GIL],
			  counts[PYSPYC_DOING_GIL_WAIT], counts[PYSPYC_DOING_IDLE]);
	if (counts[PYSPYC_DOING_ENDED] && length > 0 && (size_t)length < sizeof(line))
		snprintf(line + length, sizeof(line) - (size_t)length, ", %zu ended",
			 counts[PYSPYC_DOING_ENDED]);
	tui_put(area.y, area.x, area.width, TUI_DIM, true, line);
}

/* From so many rows on, one of them is for the sums. */
#define LEAST_SUMS 8

static void draw_threads(struct tui_app *app, void *state, struct tui_area area)
{
	struct threads_view *view = state;

	fit_columns(view, area.width);
	if (area.height >= LEAST_SUMS) {
		draw_sums(app->live, area);
		area.y++;
		area.height--;
	}
	tui_thread_rows_draw(&view->rows, area);
}

static bool key_threads(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	return tui_thread_rows_key(app, &((struct threads_view *)state)->rows, key, mouse);
}

static struct tui_list *list_threads(void *state)
{
	return &((struct threads_view *)state)->rows.list;
}

static const struct tui_hint hints[] = {
	{ "Enter", "stack", "Shows the live stack of the thread." },
	{ "1-4", "sort", "Sorts by state, %GIL, %CPU or %Active." },
	{ NULL },
};

const struct tui_view tui_view_threads = {
	.name = "threads",
	.title = "Threads",
	.help = "What each thread is doing: its state, its share of the GIL and of a CPU, and the "
		"function it is in.",
	.hints = hints,
	.size = sizeof(struct threads_view),
	.open = open_threads,
	.close = close_threads,
	.update = update_threads,
	.draw = draw_threads,
	.key = key_threads,
	.list = list_threads,
};
