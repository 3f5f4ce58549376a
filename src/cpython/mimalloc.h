/*
 * The memory of the mimalloc that is part of CPython: of free-threaded builds, and from 3.13 of any
 * with PYTHONMALLOC=mimalloc.
 */
#ifndef SPY_CPYTHON_MIMALLOC_H
#define SPY_CPYTHON_MIMALLOC_H

#include "cpython/python.h"

struct spy_mimalloc {
	struct spy_mimalloc_range {
		uint64_t start;
		uint64_t end;
	} * items; /* in order of address, not overlapping */
	size_t count, capacity;
};

/* Places where a segment may begin that are looked at, at most: 2 TiB of them. */
#define SPY_MIMALLOC_LIMIT 65536

/*
 * Finds mimalloc's segments, which begin at multiples of 32 MiB (MI_SEGMENT_SIZE), by the word in
 * them that is their address xor _mi_heap_main.cookie (Include/internal/mimalloc/mimalloc/types.h,
 * 3.13 to 3.15): a random number that has to be in the runtime's data segments too. Blocks of the
 * same gibibyte that it has reserved and not used yet are part of the ranges. pagemap (or -1) is
 * target/pagemap.h's: pages that are not in memory are not touched. None is no error. The caller
 * frees ret.
 */
int spy_mimalloc_find(const struct spy_process *process, const struct spy_python *python,
		      int pagemap, struct spy_mimalloc *ret, struct pyspyc_error *err);

void spy_mimalloc_free(struct spy_mimalloc *mimalloc);

#endif
