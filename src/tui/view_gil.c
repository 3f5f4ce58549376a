/* The GIL: who has it, who waits, and behind whom. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tui/cells.h"
#include "tui/threads.h"
#include "tui/view.h"

enum { NAME, PID, TID, BAR, NOW, TIME, WAIT, WAIT_TIME, ELSE, FRAME, COLUMNS };

struct gil_view {
	struct tui_thread_rows rows;		/* first: the list's context */
	struct tui_column columns[COLUMNS + 1]; /* for the width */
	double all_s;				/* of all threads: what the times are parts of */
	int bar;				/* columns of the bar */
	bool without; /* built without a GIL: what is shown is how long threads ran */
};

/* Its share of the GIL, or of a CPU where there is none. */
static double share(const void *context, size_t row)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	return ((const struct gil_view *)context)->without ? thread->active : thread->gil;
}

static double seconds(const void *context, size_t row)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	return ((const struct gil_view *)context)->without ? thread->active_s : thread->gil_s;
}

/* --- columns --- */

static void cell_bar(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_bar(cell, share(context, row), ((const struct gil_view *)context)->bar);
}

static void cell_now(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, share(context, row));
}

static void cell_time(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_seconds(cell, seconds(context, row), ((const struct gil_view *)context)->all_s);
}

static void cell_wait(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, tui_thread_row(context, row)->gil_wait);
}

static void cell_wait_time(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	tui_cell_seconds(cell, thread->gil_wait_s, thread->gil_wait_s + thread->active_s);
}

/*
 * Neither with the GIL nor asleep for it: C code that computes without it, or a wait for a CPU,
 * which a thread has to go through after it got the GIL as well.
 */
static double without_gil(const void *context, size_t row)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);
	double ret = thread->active - thread->gil;

	return ret > 0 ? ret : 0;
}

static void cell_else(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, without_gil(context, row));
}

static int compare_else(const void *context, size_t left, size_t right)
{
	return tui_larger_share(without_gil(context, left), without_gil(context, right));
}

static int compare_now(const void *context, size_t left, size_t right)
{
	return tui_larger_share(share(context, left), share(context, right));
}

static int compare_time(const void *context, size_t left, size_t right)
{
	return tui_larger(seconds(context, left), seconds(context, right));
}

static int compare_wait(const void *context, size_t left, size_t right)
{
	return tui_larger_share(tui_thread_row(context, left)->gil_wait,
				tui_thread_row(context, right)->gil_wait);
}

static int compare_wait_time(const void *context, size_t left, size_t right)
{
	return tui_larger(tui_thread_row(context, left)->gil_wait_s,
			  tui_thread_row(context, right)->gil_wait_s);
}

#define LEAST_NAME 10
#define MOST_NAME 24
/* Columns of the screen from which each is shown. */
#define LEAST_TID 60
#define LEAST_BAR 76
#define LEAST_TIME 50
#define LEAST_FRAME 110
#define WIDE_BAR 30

static const struct tui_column all_columns[COLUMNS + 1] = {
	[NAME] = { "Thread", 0, 0, 0, tui_thread_cell_name, tui_thread_compare_names, true },
	[PID] = { "Pid", -7, LEAST_TID, 0, tui_thread_cell_pid, tui_thread_compare_pids },
	[TID] = { "Tid", -7, LEAST_TID, 0, tui_thread_cell_tid, tui_thread_compare_tids },
	[BAR] = { "GIL now", 10, LEAST_BAR, 0, cell_bar, NULL },
	[NOW] = { "%GIL", -6, 0, '1', cell_now, compare_now },
	[TIME] = { "GILTime", -8, LEAST_TIME, '2', cell_time, compare_time },
	[WAIT] = { "%Wait", -6, 0, '3', cell_wait, compare_wait },
	[WAIT_TIME] = { "WaitTime", -8, LEAST_TIME, '4', cell_wait_time, compare_wait_time },
	[ELSE] = { "%Else", -6, 0, '5', cell_else, compare_else },
	[FRAME] = { "Function", 0, LEAST_FRAME, 0, tui_thread_cell_frame, tui_thread_compare_frames,
		    true },
};

/* What names do not need goes to the bar, or on a wide screen to the function. */
static void fit_columns(struct gil_view *view, int width)
{
	struct tui_column *columns = view->columns;
	bool several = view->rows.live && tui_threads_of_several(view->rows.live);
	int rest = width - 47 - (several ? 8 : 0), name = view->rows.names;

	memcpy(columns, all_columns, sizeof(all_columns));
	if (view->without) {
		columns[BAR].heading = "Active now";
		columns[NOW].heading = "%Active";
		columns[NOW].width--;
		columns[TIME].heading = "ActTime";
		columns[WAIT].least = columns[WAIT_TIME].least = columns[ELSE].least = INT_MAX;
		rest += 22;
	}
	if (!several)
		columns[PID].least = INT_MAX;
	if (width < LEAST_BAR)
		return;
	if (name > MOST_NAME)
		name = MOST_NAME;
	if (name > rest / 2)
		name = rest / 2;
	if (name < LEAST_NAME)
		name = LEAST_NAME;
	view->bar = rest - name - 1;
	if (width >= LEAST_FRAME) {
		view->bar = WIDE_BAR;
		columns[NAME].width = name;
	}
	columns[BAR].width = view->bar;
}

/* --- the view --- */

static void open_gil(struct tui_app *app, void *state)
{
	struct gil_view *view = state;

	(void)app;
	fit_columns(view, 80);
	tui_thread_rows_open(&view->rows, view->columns, NOW);
}

static void close_gil(void *state)
{
	tui_list_free(&((struct gil_view *)state)->rows.list);
}

/* "3.13.0t", "3.14.8td": every process' Python was built without a GIL. */
static bool built_without(const struct pyspyc_live *live)
{
	bool any = false;

	for (size_t i = 0; i < live->process_count; i++) {
		const char *version = live->processes[i].version;

		if (!version || !version[0])
			continue;
		if (!strchr(version, 't'))
			return false;
		any = true;
	}
	return any;
}

static void update_gil(struct tui_app *app, void *state)
{
	struct gil_view *view = state;

	view->without = built_without(app->live);
	view->all_s = 0;
	for (size_t i = 0; i < app->live->thread_count; i++)
		view->all_s += view->without ? app->live->threads[i].active_s
					     : app->live->threads[i].gil_s;
	tui_thread_rows_update(&view->rows, app->live);
}

static void draw_sentence(const struct pyspyc_live *live, struct tui_area area)
{
	char held[32], whose[48] = "GIL is";
	size_t running = 0;
	double waiting = 0, others = 0;

	if (built_without(live)) {
		tui_put(area.y, area.x, area.width, TUI_TEXT, true,
			area.width < 80
				? "Built without a GIL: threads run at once"
				: "This Python is built without a GIL: threads run at once. How long "
				  "each ran:");
		return;
	}
	for (size_t i = 0; i < live->process_count; i++)
		running += live->processes[i].sampling && !live->processes[i].ended;
	if (running > 1)
		snprintf(whose, sizeof(whose), "%zu GILs are", running);
	for (size_t i = 0; i < live->thread_count; i++) {
		waiting += live->threads[i].gil_wait;
		others += live->threads[i].active - live->threads[i].gil;
	}
	tui_percent(live->gil, held, sizeof(held));
	tui_putf(area.y, area.x, area.width, TUI_TEXT, true,
		 area.width < 60   ? "The %s held %s, %.1f wait, %.1f else"
		 : area.width < 110 ? "The %s held %s of the time; %.1f threads wait, %.1f run without it"
				    : "The %s held %s of the time; on average %.1f threads wait for "
				      "it, %.1f run or wait for a CPU without it",
		 whose, held + strspn(held, " "), waiting, others > 0 ? others : 0);
}

/* --- who waits behind whom --- */

static void wait_name(const struct pyspyc_live *live, size_t index, char *text, size_t size)
{
	const struct pyspyc_live_thread *thread = tui_thread_at(live, index);
	char name[80];

	tui_thread_name(thread, name, sizeof(name));
	if (tui_threads_of_several(live))
		snprintf(text, size, "%s (%d)", name, (int)thread->tid);
	else
		snprintf(text, size, "%s", name);
}

static void draw_wait(const struct pyspyc_live *live, const struct pyspyc_live_wait *wait,
		      struct tui_area area)
{
	char waiter[128], holder[128], now[32], seconds[32];

	wait_name(live, wait->waiter, waiter, sizeof(waiter));
	wait_name(live, wait->holder, holder, sizeof(holder));
	tui_putf(area.y, area.x, area.width, wait->now > 0 ? TUI_TEXT : TUI_DIM, true,
		 "%s %8s  %s %s %s", tui_percent(wait->now, now, sizeof(now)),
		 tui_seconds(wait->seconds, seconds, sizeof(seconds)), waiter,
		 tui_screen_utf8() ? "→" : "->", holder);
}

/* Rows below the table, the heading included. */
static int waits_height(const struct pyspyc_live *live, int height)
{
	int most = height / 3;

	if (!live->wait_count || height < 7)
		return 0;
	return live->wait_count + 1 < (size_t)most ? (int)live->wait_count + 1 : most;
}

static void draw_waits(const struct pyspyc_live *live, struct tui_area area)
{
	tui_put(area.y, area.x, area.width, TUI_HEADING, true,
		area.width < 60 ? " %Wait     Time  Behind whom"
				: " %Wait     Time  Who waits behind whom");
	for (int i = 1; i < area.height; i++)
		draw_wait(live, &live->waits[i - 1],
			  (struct tui_area){ area.y + i, area.x, 1, area.width });
}

static void draw_gil(struct tui_app *app, void *state, struct tui_area area)
{
	struct gil_view *view = state;
	int waits;

	fit_columns(view, area.width);
	if (area.height >= 4) {
		draw_sentence(app->live, area);
		area.y++;
		area.height--;
	}
	waits = waits_height(app->live, area.height);
	area.height -= waits;
	tui_thread_rows_draw(&view->rows, area);
	if (waits)
		draw_waits(app->live,
			   (struct tui_area){ area.y + area.height, area.x, waits, area.width });
}

static bool key_gil(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	return tui_thread_rows_key(app, &((struct gil_view *)state)->rows, key, mouse);
}

static struct tui_list *list_gil(void *state)
{
	return &((struct gil_view *)state)->rows.list;
}

static const struct tui_hint hints[] = {
	{ "Enter", "stack", "Shows the live stack of the thread." },
	{ "1-5", "sort", "Sorts by %GIL, GILTime, %Wait, WaitTime or %Else." },
	{ NULL },
};

const struct tui_view tui_view_gil = {
	.name = "gil",
	.title = "GIL",
	.help = "Which threads hold the GIL, which wait for it (%Wait), and behind whom. %Else: "
		"neither, but active: computes without it, or waits for a CPU.",
	.hints = hints,
	.size = sizeof(struct gil_view),
	.open = open_gil,
	.close = close_gil,
	.update = update_gil,
	.draw = draw_gil,
	.key = key_gil,
	.list = list_gil,
};
