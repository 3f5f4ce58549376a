/*
 * The memory that CPython's allocator for small objects (obmalloc) has got from the system: arenas
 * of 256 KiB, from 3.10 of 1 MiB (2 MiB where it was built for huge pages).
 */
#ifndef SPY_CPYTHON_ARENAS_H
#define SPY_CPYTHON_ARENAS_H

#include "cpython/objects.h"
#include "cpython/threads.h"

struct spy_arena {
	uint64_t address; /* not always a multiple of the size */
	uint64_t size;
};

struct spy_arenas {
	struct spy_arena *items; /* in order of address, not overlapping */
	size_t count, capacity;
};

/* More than these (1 TiB of them) are taken for an error. */
#define SPY_ARENAS_LIMIT 1000000

/*
 * Reads a table of arenas at address, an array of struct arena_object (Objects/obmalloc.c of 2.7 to
 * 3.11, Include/internal/pycore_obmalloc.h from 3.12, all alike), and appends those in use to
 * *ret. Nothing tells how long it is: it goes on for as long as its entries make sense, and one
 * counts only when the first pool of its arena says that it belongs to this very entry. The number
 * of arenas found; 0 when there is no such table at address. Negative when memory ran out.
 */
int spy_arenas_read(struct spy_memory *memory, uint64_t address, struct spy_arenas *ret);

/*
 * Finds all arenas of a process: every word of the runtime's data segments (and, from 3.12, of other
 * interpreters' structs) that points to writable memory may be the one that points to the table.
 * It needs neither symbols nor offsets. None is no error: a program may use malloc instead
 * (PYTHONMALLOC), free-threaded builds do without. The caller frees ret.
 */
int spy_arenas_find(const struct spy_process *process, const struct spy_python *python,
		    const struct spy_thread_states *states, struct spy_arenas *ret,
		    struct pyspyc_error *err);

void spy_arenas_free(struct spy_arenas *arenas);

#endif
