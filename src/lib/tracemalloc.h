/* The owner of a struct pyspyc_tracemalloc; for tracemalloc*.c. */
#ifndef SPY_LIB_TRACEMALLOC_H
#define SPY_LIB_TRACEMALLOC_H

#include "cpython/tracemalloc.h"
#include "pyspyc/tracemalloc.h"

struct spy_tracemalloc_owner {
	struct pyspyc_tracemalloc traces; /* first: the caller holds its address */
	struct spy_traces raw;
	char **shown; /* of each of raw.files, shortened */
	char *command;
	char version[32];
	bool totals; /* tracebacks know how many frames they had */
};

static inline const struct spy_tracemalloc_owner *spy_tracemalloc_owner(
	const struct pyspyc_tracemalloc *traces)
{
	return (const struct spy_tracemalloc_owner *)traces;
}

#endif
