/* The lower part of the memory view where processes are told apart: a row for each. */
#ifndef TUI_MEMORY_PROCESSES_H
#define TUI_MEMORY_PROCESSES_H

#include "tui/view.h"

/* Zero-initialise, then open. */
struct tui_memory_processes {
	struct tui_list list; /* its context is this */
	const struct pyspyc_live *live;
	double *growth; /* bytes since the start, of each process of live */
	size_t room;
};

void tui_memory_processes_open(struct tui_memory_processes *processes);
void tui_memory_processes_free(struct tui_memory_processes *processes);

/* Takes in the last figures; table: functions told apart by process, all of them. */
void tui_memory_processes_update(struct tui_memory_processes *processes,
				 const struct pyspyc_live *live, const struct pyspyc_table *table);

#endif
