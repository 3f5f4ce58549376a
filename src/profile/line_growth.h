/* By how much memory grew while each line was on the stack, file by file. Pure computation. */
#ifndef SPY_PROFILE_LINE_GROWTH_H
#define SPY_PROFILE_LINE_GROWTH_H

#include "profile/profile.h"

/* One line of one file. Bytes; with all that it called, a recursive line once. */
struct spy_line_growth {
	uint32_t file; /* index */
	int32_t line;
	int32_t first_line; /* of its function, the innermost that begins no later; 0: not known */
	uint64_t grown, released;
	uint64_t own_grown, own_released; /* without what it called */
	uint64_t usage;	  /* the highest RSS read while it was on the stack; 0: none */
	uint64_t samples; /* that have it on their stack */
};

struct spy_file_growth {
	uint32_t path; /* string of the profile */
	uint8_t origin;
	uint32_t first, count;	  /* its lines, by number */
	uint64_t grown, released; /* while any of its code was on the stack */
	uint64_t own_grown, own_released;
};

/* Zero-initialise, and free in any case. */
struct spy_line_growths {
	struct spy_file_growth *files; /* own code's first, then by grown */
	uint32_t file_count, file_capacity;
	struct spy_line_growth *lines; /* by file, then by number */
	uint32_t line_count, line_capacity;
	uint64_t grown, released;		  /* in all, */
	uint64_t unknown_grown, unknown_released; /* and where no code was on the stack */
};

/* Of a profile with the columns of profile/live.h. -PYSPYC_ENOMEM. */
int spy_line_growths_make(const struct pyspyc_profile *profile, struct spy_line_growths *ret,
			  struct pyspyc_error *err);

void spy_line_growths_free(struct spy_line_growths *growths);

#endif
