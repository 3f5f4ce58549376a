/* The picker between its files: pick.c has the screen and its loop, pick_list.c the table. */
#ifndef TUI_PICK_H
#define TUI_PICK_H

#include "pyspyc/processes.h"
#include "tui/list.h"

struct tui_pick_user; /* a name that has been looked up */

/* The machine's Python processes, and how much each computed between the last two looks. */
struct tui_pick_list {
	struct tui_list list;
	struct pyspyc_process_info *processes; /* in order of pid */
	size_t count;
	double *cpu; /* shares of a CPU; -1 at the first look */
	uint64_t at_ns;
	struct tui_pick_user *users;
	size_t user_count;
};

void tui_pick_list_open(struct tui_pick_list *list);
void tui_pick_list_close(struct tui_pick_list *list);

/* Looks again; the cursor stays on its process. */
int tui_pick_list_update(struct tui_pick_list *list, struct pyspyc_error *err);

#endif
