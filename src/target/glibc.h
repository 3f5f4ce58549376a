/* What glibc's malloc takes from the system beside the heap that brk(2) moves the end of. */
#ifndef SPY_TARGET_GLIBC_H
#define SPY_TARGET_GLIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/memory.h"
#include "target/smaps.h"

/* Heaps of arenas other than the main one begin at multiples of this (HEAP_MAX_SIZE, 64-bit). */
#define SPY_GLIBC_HEAP_SIZE (UINT64_C(64) << 20)

/*
 * Whether such a heap begins at address, in smap: struct _heap_info (malloc/arena.c, 2.17 to 2.42).
 * *end is where its usable part does.
 */
bool spy_glibc_heap(struct spy_memory *memory, const struct spy_smaps *smaps,
		    const struct spy_smap *smap, uint64_t address, uint64_t *end);

/*
 * Whether a block that was mapped for itself begins at address, a page's: its first two words
 * (malloc_chunk in malloc/malloc.c: no previous chunk, a size in pages with IS_MMAPPED set).
 * *end, at most limit, is where it ends.
 */
bool spy_glibc_block(const uint64_t words[2], uint64_t address, uint64_t limit, uint64_t *end);

#endif
