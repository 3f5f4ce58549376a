/* Which line has grown since one last looked. */
#ifndef TUI_GROWING_H
#define TUI_GROWING_H

#include "pyspyc/live.h"

struct tui_grown {
	uint64_t id;
	uint64_t grown;
};

/* Zero-initialise. */
struct tui_growing {
	struct tui_grown *known; /* by id: bytes each row had grown by */
	size_t count;
};

/*
 * The row of table that has grown most since the last call, or since the start when there was
 * none, and by how many bytes; NULL when none has.
 */
const struct pyspyc_row *tui_growing_update(struct tui_growing *growing,
					    const struct pyspyc_table *table, uint64_t *bytes);

void tui_growing_free(struct tui_growing *growing);

#endif
