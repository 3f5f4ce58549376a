/* What a recording of memory (options.memory) keeps beside its history. */
#ifndef SPY_LIB_MEMORY_H
#define SPY_LIB_MEMORY_H

#include "lib/gauges.h"

struct spy_memory_sums {
	struct spy_points points; /* of the sum, for its slope */
	uint64_t point_ns;	  /* the last of them */
	uint64_t first_rss;	  /* of the processes that there were at first */
	uint64_t last_rss, last_ns; /* the sum while there was a process, and when that was */
	bool begun;
	uint64_t rollup_ns, update_ns; /* when these were done last */
	uint32_t *stacks; /* of the history, plus one, by node; 0: not known */
	size_t stack_count;
	uint32_t generation; /* of the profile, for which they are right */
};

void spy_memory_sums_free(struct spy_memory_sums *memory);

#endif
