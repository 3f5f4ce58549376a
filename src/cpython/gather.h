/* Many small pieces of a target's memory, in few reads. */
#ifndef SPY_CPYTHON_GATHER_H
#define SPY_CPYTHON_GATHER_H

#include "target/memory.h"

/* Pieces are at most so large, in bytes. */
#define SPY_PIECE_LIMIT (1u << 20)

struct spy_piece {
	uint64_t address;
	uint8_t *to;	/* where its bytes go; becomes NULL when they could not be read */
	uint32_t size;	/* up to SPY_PIECE_LIMIT */
	uint32_t index; /* the caller's own */
};

/*
 * Reads count pieces, which it sorts by address: neighbours come in one read with what lies
 * between them. Pieces that cannot be read lose their place. Other errors than a page that
 * is not there, such as -PYSPYC_ENOPROC, end it; -PYSPYC_EAGAIN once the clock (spy_clock_now)
 * passes deadline, unless that is 0.
 */
int spy_gather(struct spy_memory *memory, struct spy_piece *pieces, size_t count, uint64_t deadline,
	       struct pyspyc_error *err);

#endif
