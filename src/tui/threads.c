#include "tui/threads.h"

#include <stdio.h>
#include <strings.h>

#include "tui/cells.h"

const char *tui_doing_word(enum pyspyc_doing doing, bool in_short)
{
	switch (doing) {
	case PYSPYC_DOING_IDLE:
		return "idle";
	case PYSPYC_DOING_GIL_WAIT:
		return in_short ? "waits" : "waits for GIL";
	case PYSPYC_DOING_ACTIVE:
		return "active";
	case PYSPYC_DOING_GIL:
		return "GIL";
	case PYSPYC_DOING_ENDED:
		return "ended";
	}
	return "?";
}

enum tui_role tui_doing_role(enum pyspyc_doing doing)
{
	switch (doing) {
	case PYSPYC_DOING_GIL:
		return TUI_GOOD;
	case PYSPYC_DOING_GIL_WAIT:
		return TUI_BAD;
	case PYSPYC_DOING_ACTIVE:
		return TUI_STRONG;
	case PYSPYC_DOING_IDLE:
	case PYSPYC_DOING_ENDED:
		break;
	}
	return TUI_DIM;
}

void tui_thread_state(const struct pyspyc_live_thread *thread, bool in_short, char *text,
		      size_t size)
{
	const char *word = tui_doing_word(thread->doing, in_short);

	if (thread->doing == PYSPYC_DOING_ENDED)
		snprintf(text, size, "%s", word);
	else
		snprintf(text, size, "%s %c", word, thread->os_state ? thread->os_state : '?');
}

void tui_thread_name(const struct pyspyc_live_thread *thread, char *text, size_t size)
{
	if (thread->name && thread->name[0])
		snprintf(text, size, "%s", thread->name);
	else
		snprintf(text, size, "thread %d", (int)thread->tid);
}

void tui_frame_text(const struct pyspyc_frame_info *frame, char *text, size_t size)
{
	if (!frame->name)
		snprintf(text, size, "%s", "");
	else if (!frame->file || !frame->file[0])
		snprintf(text, size, "%s", frame->name);
	else if (frame->line > 0)
		snprintf(text, size, "%s (%s:%d)", frame->name, frame->file, frame->line);
	else
		snprintf(text, size, "%s (%s)", frame->name, frame->file);
}

uint64_t tui_thread_identity(pid_t pid, pid_t tid)
{
	return (uint64_t)(uint32_t)pid << 32 | (uint32_t)tid;
}

const struct pyspyc_live_thread *tui_thread_at(const struct pyspyc_live *live, size_t row)
{
	static const struct pyspyc_live_thread none = { .os_state = '?', .cpu = -1 };

	return live && row < live->thread_count ? &live->threads[row] : &none;
}

const struct pyspyc_live_thread *tui_thread_find(const struct pyspyc_live *live, pid_t pid,
						 pid_t tid)
{
	for (size_t i = 0; i < live->thread_count; i++)
		if (live->threads[i].pid == pid && live->threads[i].tid == tid)
			return &live->threads[i];
	return NULL;
}

bool tui_threads_of_several(const struct pyspyc_live *live)
{
	return live->thread_count &&
	       live->threads[0].pid != live->threads[live->thread_count - 1].pid;
}

/* --- rows --- */

const struct pyspyc_live_thread *tui_thread_row(const void *context, size_t row)
{
	return tui_thread_at(((const struct tui_thread_rows *)context)->live, row);
}

void tui_thread_cell_name(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	cell->role = thread->doing == PYSPYC_DOING_ENDED ? TUI_DIM : TUI_TEXT;
	tui_thread_name(thread, cell->text, sizeof(cell->text));
}

void tui_thread_cell_pid(const void *context, size_t row, struct tui_cell *cell)
{
	cell->role = TUI_DIM;
	snprintf(cell->text, sizeof(cell->text), "%d", (int)tui_thread_row(context, row)->pid);
}

void tui_thread_cell_tid(const void *context, size_t row, struct tui_cell *cell)
{
	cell->role = TUI_DIM;
	snprintf(cell->text, sizeof(cell->text), "%d", (int)tui_thread_row(context, row)->tid);
}

void tui_thread_cell_gil(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, tui_thread_row(context, row)->gil);
}

void tui_thread_cell_frame(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	cell->role = thread->doing == PYSPYC_DOING_IDLE || thread->doing == PYSPYC_DOING_ENDED
			     ? TUI_DIM
			     : TUI_TEXT;
	tui_frame_text(&thread->frame, cell->text, sizeof(cell->text));
}

int tui_thread_compare_names(const void *context, size_t left, size_t right)
{
	return tui_compare_names(tui_thread_row(context, left)->name,
				 tui_thread_row(context, right)->name);
}

int tui_thread_compare_pids(const void *context, size_t left, size_t right)
{
	pid_t a = tui_thread_row(context, left)->pid, b = tui_thread_row(context, right)->pid;

	return a < b ? -1 : a > b;
}

int tui_thread_compare_tids(const void *context, size_t left, size_t right)
{
	pid_t a = tui_thread_row(context, left)->tid, b = tui_thread_row(context, right)->tid;

	return a < b ? -1 : a > b;
}

int tui_thread_compare_gil(const void *context, size_t left, size_t right)
{
	return tui_larger_share(tui_thread_row(context, left)->gil,
				tui_thread_row(context, right)->gil);
}

int tui_thread_compare_frames(const void *context, size_t left, size_t right)
{
	const char *a = tui_thread_row(context, left)->frame.name;
	const char *b = tui_thread_row(context, right)->frame.name;

	return strcasecmp(a ? a : "~", b ? b : "~");
}

static uint64_t identity(const void *context, size_t row)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);

	return tui_thread_identity(thread->pid, thread->tid);
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct pyspyc_live_thread *thread = tui_thread_row(context, row);
	char name[128], frame[512];

	tui_thread_name(thread, name, sizeof(name));
	tui_frame_text(&thread->frame, frame, sizeof(frame));
	snprintf(cell->text, sizeof(cell->text), "%s %d %d %s %s", name, (int)thread->pid,
		 (int)thread->tid, tui_doing_word(thread->doing, false), frame);
}

void tui_thread_rows_open(struct tui_thread_rows *rows, const struct tui_column *columns, int sort)
{
	tui_list_init(&rows->list, columns, sort);
	rows->list.context = rows;
	rows->list.identity = identity;
	rows->list.text = text;
}

void tui_thread_rows_update(struct tui_thread_rows *rows, const struct pyspyc_live *live)
{
	char frame[TUI_CELL];

	rows->live = live;
	for (size_t i = 0; i < live->thread_count; i++) {
		const char *name = live->threads[i].name;
		int columns = name ? tui_columns(name) : 0;

		if (columns > rows->names)
			rows->names = columns;
		tui_frame_text(&live->threads[i].frame, frame, sizeof(frame));
		columns = tui_columns(frame);
		if (columns > rows->frames)
			rows->frames = columns;
	}
	rows->list.count = live->thread_count;
	tui_list_update(&rows->list);
}

int tui_thread_names_fit(const struct tui_thread_rows *rows, int room)
{
	int most = room - 1 - rows->frames, least = room * 2 / 5;

	if (most < least)
		most = least;
	return rows->names < most ? rows->names : most;
}

void tui_thread_rows_draw(struct tui_thread_rows *rows, struct tui_area area)
{
	tui_list_draw(&rows->list, area);
	if (!rows->list.shown && area.height > 1)
		tui_put(area.y + 1, area.x, area.width, TUI_DIM, true,
			rows->list.count ? "No thread matches the filter."
					 : "No thread has been seen yet.");
}

bool tui_thread_rows_key(struct tui_app *app, struct tui_thread_rows *rows, int key,
			 const struct tui_mouse *mouse)
{
	const struct pyspyc_live_thread *thread;
	size_t row;

	if (!tui_list_chosen(&rows->list, key, mouse, &row))
		return tui_list_key(&rows->list, key, mouse);
	thread = tui_thread_row(rows, row);
	tui_app_show_stack(app, thread->pid, thread->tid);
	return true;
}
