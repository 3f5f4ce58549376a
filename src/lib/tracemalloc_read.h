/* Reading a process' traces as of one moment. */
#ifndef SPY_LIB_TRACEMALLOC_READ_H
#define SPY_LIB_TRACEMALLOC_READ_H

#include "cpython/tracemalloc.h"
#include "pyspyc/snapshot.h"
#include "target/memory_copy.h"
#include "target/process.h"

/* Whom to read, and how it went. Zero-initialise what is not given. */
struct spy_traces_taking {
	const struct spy_process *process;
	const struct spy_heap *heap;
	const struct spy_tracemalloc *variables;
	enum pyspyc_blocking blocking;
	uint64_t held_ns; /* threads were stopped for so long, in sum */
	/* Its own. */
	struct spy_copy copy;
	struct spy_heads heads;
};

/* A reading ends after this in any case. */
#define SPY_TRACES_READ_LIMIT_NS ((uint64_t)60 * SPY_NSEC_PER_SEC)

/*
 * Reads state and traces into ret, which is zero-initialised; what could not be had as of one
 * moment is not consistent. The caller frees ret in any case.
 */
int spy_traces_take(struct spy_traces_taking *taking, struct spy_traces *ret,
		    struct pyspyc_error *err);

#endif
