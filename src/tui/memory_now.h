/* What the memory view tells beside its plot: page faults, the limit, the line that grows now. */
#ifndef TUI_MEMORY_NOW_H
#define TUI_MEMORY_NOW_H

#include "pyspyc/memory.h"
#include "tui/growing.h"
#include "tui/screen.h"

/* Zero-initialise. */
struct tui_memory_now {
	struct pyspyc_memory_now memory; /* as of the last update */
	bool known;			 /* by a recorder with options.memory */
	double faults, major;		 /* page faults a second since the update before */
	struct tui_growing growing;
	uint64_t grown; /* bytes since then, by the line that grew most; 0: none did */
	char line[512]; /* which that is */
};

void tui_memory_now_free(struct tui_memory_now *now);

/* Asks the recorder. Calls that follow at once change nothing. */
void tui_memory_now_update(struct tui_memory_now *now, struct pyspyc_recorder *recorder);

/* Draws "+1.2M f (a.py:3) grows" into a row, if there is anything. */
void tui_memory_now_draw(const struct tui_memory_now *now, struct tui_area line);

#endif
