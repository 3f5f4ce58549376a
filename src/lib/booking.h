/* From stacks to a profile: which frames to show, under which roots, and what to leave out. */
#ifndef SPY_LIB_BOOKING_H
#define SPY_LIB_BOOKING_H

#include <regex.h>

#include "base/map.h"
#include "profile/profile.h"
#include "pyspyc/recorder.h"
#include "sample/sampler.h"

/* What the options say of every stack. */
struct spy_booking {
	struct pyspyc_recorder_options options;
	struct pyspyc_profile *profile;
	regex_t include, exclude;
	bool has_include, has_exclude;
	uint8_t *matches; /* one per frame of the profile: MATCH_* */
	size_t match_count;
	bool process_roots;
	uint64_t left_out; /* stacks that a filter left out */
	bool failed;	   /* memory ran out */
};

/* options is copied; its regular expressions are compiled: -PYSPYC_EINVAL when one is none. */
int spy_booking_init(struct spy_booking *booking, const struct pyspyc_recorder_options *options,
		     struct pyspyc_error *err);
void spy_booking_deinit(struct spy_booking *booking);

/* One thread's last path through the call tree, so that a sample costs what changed. */
struct spy_thread_book {
	uint32_t *frames, *nodes; /* root first */
	size_t count, capacity;
	uint32_t root; /* the node below which its stacks hang */
	uint32_t lane;
	uint32_t label; /* the frame of its root, SPY_NO_FRAME where threads are no roots */
	bool named;	/* by threading; until then by the OS */
};

/* One process' part in the booking. Zero-initialise. */
struct spy_process_book {
	struct spy_map places;	/* code id << 32 | line → frame of the profile */
	struct spy_map threads; /* thread id → struct spy_thread_book * */
	uint32_t root;		/* the process' node, or the root of all */
	bool begun;
};

void spy_process_book_deinit(struct spy_process_book *book);

/* True for a thread that options.threads asks for (by tid or by a pattern of its name). */
bool spy_booking_wants(const struct spy_booking *booking, const struct spy_thread *thread);

/* Books one stack, unless it has no Python frame or a filter leaves it out. */
void spy_booking_add(struct spy_booking *booking, struct spy_process_book *book,
		     struct spy_sampler *sampler, const struct spy_thread *thread,
		     const struct spy_stack *stack, uint64_t at_ns);

#endif
