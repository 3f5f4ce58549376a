/* Threads as several views show them: in words and in rows. */
#ifndef TUI_THREADS_H
#define TUI_THREADS_H

#include "pyspyc/live.h"
#include "tui/view.h"

/* What views of threads begin with: a row for each thread of the last figures. */
struct tui_thread_rows {
	struct tui_list list;
	const struct pyspyc_live *live;
	int names, frames; /* columns of the longest name and frame so far */
};

/* columns belong to the view; sort is the one to begin with. */
void tui_thread_rows_open(struct tui_thread_rows *rows, const struct tui_column *columns, int sort);
void tui_thread_rows_update(struct tui_thread_rows *rows, const struct pyspyc_live *live);

/* Columns for the names where names and frames have room together. */
int tui_thread_names_fit(const struct tui_thread_rows *rows, int room);

/* The list's rows, and why there are none. */
void tui_thread_rows_draw(struct tui_thread_rows *rows, struct tui_area area);

/* Enter and a double click show the stack; others are the list's. */
bool tui_thread_rows_key(struct tui_app *app, struct tui_thread_rows *rows, int key,
			 const struct tui_mouse *mouse);

/* The thread of a row, in the context of a column. */
const struct pyspyc_live_thread *tui_thread_row(const void *context, size_t row);

/* Columns. */
void tui_thread_cell_name(const void *context, size_t row, struct tui_cell *cell);
void tui_thread_cell_pid(const void *context, size_t row, struct tui_cell *cell);
void tui_thread_cell_tid(const void *context, size_t row, struct tui_cell *cell);
void tui_thread_cell_gil(const void *context, size_t row, struct tui_cell *cell);
void tui_thread_cell_frame(const void *context, size_t row, struct tui_cell *cell);
int tui_thread_compare_names(const void *context, size_t left, size_t right);
int tui_thread_compare_pids(const void *context, size_t left, size_t right);
int tui_thread_compare_tids(const void *context, size_t left, size_t right);
int tui_thread_compare_gil(const void *context, size_t left, size_t right);
int tui_thread_compare_frames(const void *context, size_t left, size_t right);

/* "GIL", "active", "waits for GIL", "idle", "ended"; in short "waits" for the third. */
const char *tui_doing_word(enum pyspyc_doing doing, bool in_short);
enum tui_role tui_doing_role(enum pyspyc_doing doing);

/* "waits for GIL S": the word and what the OS says. */
void tui_thread_state(const struct pyspyc_live_thread *thread, bool in_short, char *text,
		      size_t size);

/* A thread's name, or its tid where it has none. */
void tui_thread_name(const struct pyspyc_live_thread *thread, char *text, size_t size);

/* "name (file:line)"; "" when frame has no name. */
void tui_frame_text(const struct pyspyc_frame_info *frame, char *text, size_t size);

/* A number that is the thread's own. */
uint64_t tui_thread_identity(pid_t pid, pid_t tid);

/* The thread at a row of the last figures; an empty one where there is none. */
const struct pyspyc_live_thread *tui_thread_at(const struct pyspyc_live *live, size_t row);

/* NULL when it is not there. */
const struct pyspyc_live_thread *tui_thread_find(const struct pyspyc_live *live, pid_t pid,
						 pid_t tid);

/* Whether threads of more than one process are there, so that pids tell something. */
bool tui_threads_of_several(const struct pyspyc_live *live);

#endif
