/* The live stack of one thread, over another view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cells.h"
#include "tui/threads.h"
#include "tui/view.h"

struct wanted {
	pid_t pid, tid;
};

struct stack_popup {
	struct tui_list list;
	pid_t pid, tid;
	struct pyspyc_frame_info *frames; /* innermost first */
	size_t count;
	char title[160]; /* name and state of the thread */
	char why[1024];	 /* why there is no stack, or an old one */
	bool whole;	 /* frames are a stack, not only where the thread was seen last */
};

static const struct pyspyc_frame_info *frame_at(const void *context, size_t row)
{
	static const struct pyspyc_frame_info none = { .name = "", .file = "", .path = "" };
	const struct stack_popup *popup = context;

	return row < popup->count ? &popup->frames[row] : &none;
}

static void cell_number(const void *context, size_t row, struct tui_cell *cell)
{
	(void)context;
	cell->role = TUI_DIM;
	snprintf(cell->text, sizeof(cell->text), "%zu", row + 1);
}

static void cell_function(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_frame_info *frame = frame_at(context, row);

	tui_cell_text(cell, row ? TUI_TEXT : TUI_STRONG, frame->name ? frame->name : "");
}

static void cell_where(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_frame_info *frame = frame_at(context, row);

	cell->role = TUI_DIM;
	tui_where(frame->file, frame->line, cell->text, sizeof(cell->text));
}

static void cell_both(const void *context, size_t row, struct tui_cell *cell)
{
	cell->role = row ? TUI_TEXT : TUI_STRONG;
	tui_frame_text(frame_at(context, row), cell->text, sizeof(cell->text));
}

/* From so many columns on, function and place have each their own. */
#define LEAST_SPLIT 60

static const struct tui_column wide_columns[] = {
	{ "#", -4, 0, 0, cell_number, NULL },
	{ "Function", 0, 0, 0, cell_function, NULL },
	{ "File:line", 0, 0, 0, cell_where, NULL },
	{ NULL },
};

static const struct tui_column narrow_columns[] = {
	{ "#", -3, 0, 0, cell_number, NULL },
	{ "Function (file:line)", 0, 0, 0, cell_both, NULL },
	{ NULL },
};

/* A frame stays itself while calls come and go above it: it is counted from the root. */
static uint64_t identity(const void *context, size_t row)
{
	const struct stack_popup *popup = context;
	const struct pyspyc_frame_info *frame = frame_at(context, row);
	struct pyspyc_place place = {
		.name = frame->name,
		.path = frame->path,
		.line = frame->first_line,
	};

	return tui_place_identity(&place) + (popup->count - row);
}

static void begin(void *state, const void *argument)
{
	struct stack_popup *popup = state;
	const struct wanted *wanted = argument;

	popup->pid = wanted->pid;
	popup->tid = wanted->tid;
	snprintf(popup->title, sizeof(popup->title), "Thread %d", (int)wanted->tid);
}

static void open_popup(struct tui_app *app, void *state)
{
	struct stack_popup *popup = state;

	(void)app;
	tui_list_init(&popup->list, wide_columns, 0);
	popup->list.context = popup;
	popup->list.fixed = true;
	popup->list.identity = identity;
	popup->list.text = cell_both;
}

static void close_popup(void *state)
{
	struct stack_popup *popup = state;

	tui_list_free(&popup->list);
	free(popup->frames);
}

static void update_title(struct stack_popup *popup, const struct pyspyc_live *live,
			 const struct pyspyc_live_thread *thread)
{
	char name[80], doing[40], process[32] = "";

	if (!thread)
		return;
	tui_thread_name(thread, name, sizeof(name));
	tui_thread_state(thread, false, doing, sizeof(doing));
	if (tui_threads_of_several(live))
		snprintf(process, sizeof(process), " of process %d", (int)popup->pid);
	snprintf(popup->title, sizeof(popup->title), "%s (%d)%s: %s", name, (int)popup->tid,
		 process, doing);
}

/* The function that the thread was seen in last is better than nothing. */
static void take_frame(struct stack_popup *popup, const struct pyspyc_live_thread *thread)
{
	if (popup->count || !thread || !thread->frame.name)
		return;
	popup->frames = malloc(sizeof(*popup->frames));
	if (!popup->frames)
		return;
	popup->frames[0] = thread->frame;
	popup->count = 1;
}

static void explain(struct stack_popup *popup, const struct pyspyc_live_thread *thread)
{
	const char *found = popup->whole   ? "this is its last stack"
			    : popup->count ? "it was last seen here"
					   : "nothing is known of its stack";

	if (!thread || thread->doing == PYSPYC_DOING_ENDED)
		snprintf(popup->why, sizeof(popup->why), "The thread has ended: %s.", found);
	else
		snprintf(popup->why, sizeof(popup->why), "No stack at the last moment: %s.",
			 popup->whole ? "this is the one before" : found);
}

/* What was seen last stays when there is nothing newer. */
static void update_popup(struct tui_app *app, void *state)
{
	struct stack_popup *popup = state;
	const struct pyspyc_live_thread *thread = tui_thread_find(app->live, popup->pid,
								  popup->tid);
	struct pyspyc_frame_info *frames = NULL;
	struct pyspyc_error error = { 0 };
	size_t count = 0;
	int result;

	update_title(popup, app->live, thread);
	result = pyspyc_live_stack(app->recorder, popup->pid, popup->tid, &frames, &count, &error);
	popup->why[0] = '\0';
	if (result == 0) {
		free(popup->frames);
		popup->frames = frames;
		popup->count = count;
		popup->whole = true;
	}
	take_frame(popup, thread);
	if (result == -PYSPYC_EAGAIN || !thread || thread->doing == PYSPYC_DOING_ENDED)
		explain(popup, thread);
	else if (result < 0)
		snprintf(popup->why, sizeof(popup->why), "%s", error.message);
	popup->list.count = popup->count;
	tui_list_update(&popup->list);
}

static void draw_popup(struct tui_app *app, void *state, struct tui_area area)
{
	struct stack_popup *popup = state;

	(void)app;
	popup->list.columns = area.width < LEAST_SPLIT ? narrow_columns : wide_columns;
	tui_putf(area.y, area.x, area.width, TUI_TITLE, true, "%s, %zu frame%s", popup->title,
		 popup->count, popup->count == 1 ? "" : "s");
	area.y++;
	area.height--;
	if (popup->why[0] && area.height > 0) {
		tui_put(area.y, area.x, area.width, TUI_DIM, true, popup->why);
		area.y++;
		area.height--;
	}
	if (area.height > 0)
		tui_list_draw(&popup->list, area);
}

static void show_source(struct tui_app *app, const struct stack_popup *popup, size_t row)
{
	const struct pyspyc_frame_info *frame = frame_at(popup, row);
	struct pyspyc_place place = { .kind = PYSPYC_ROW_CODE, .origin = PYSPYC_ORIGIN_NONE };

	if (!frame->path || !frame->path[0]) {
		tui_app_say(app, TUI_DIM, "There is no source of %s",
			    frame->name ? frame->name : "it");
		return;
	}
	place.name = frame->name;
	place.file = frame->file;
	place.path = frame->path;
	place.line = frame->line;
	place.pid = popup->pid;
	tui_app_show_source(app, &place);
}

static bool key_popup(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	struct stack_popup *popup = state;
	size_t row;

	if (!tui_list_chosen(&popup->list, key, mouse, &row))
		return tui_list_key(&popup->list, key, mouse);
	show_source(app, popup, row);
	return true;
}

static struct tui_list *list_popup(void *state)
{
	return &((struct stack_popup *)state)->list;
}

static const struct tui_hint hints[] = {
	{ "Enter", "source", "Shows the source at the frame." },
	{ NULL },
};

static const struct tui_view stack_view = {
	.name = "stack",
	.title = "Stack",
	.help = "What a thread is doing now, innermost call first.",
	.hints = hints,
	.size = sizeof(struct stack_popup),
	.open = open_popup,
	.close = close_popup,
	.update = update_popup,
	.draw = draw_popup,
	.key = key_popup,
	.list = list_popup,
};

void tui_app_show_stack(struct tui_app *app, pid_t pid, pid_t tid)
{
	struct wanted wanted = { pid, tid };

	tui_app_push(app, &stack_view, begin, &wanted);
}
