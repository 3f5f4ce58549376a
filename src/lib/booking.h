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
	size_t label_bytes; /* of its strings: names of processes and threads */
	regex_t include, exclude;
	bool has_include, has_exclude;
	uint8_t *matches; /* one per frame of the profile: MATCH_* */
	size_t match_count;
	bool process_roots;
	uint64_t left_out; /* stacks that a filter left out */
	uint64_t stacks;   /* booked and settled */
	bool failed;	   /* memory ran out */
};

/* options is copied; its regular expressions are compiled: -PYSPYC_EINVAL when one is none. */
int spy_booking_init(struct spy_booking *booking, const struct pyspyc_recorder_options *options,
		     struct pyspyc_error *err);
void spy_booking_deinit(struct spy_booking *booking);

/*
 * One thread's last path through the call tree, so that a sample costs what changed. Position
 * i is the i-th of the stack's frames, counted from the root, hidden ones included.
 */
struct spy_thread_book {
	uint32_t *frames;  /* SPY_NO_FRAME for those that are not shown */
	uint32_t *nodes;   /* a hidden frame's is its caller's */
	uint8_t *matches;  /* what the filters said of the frames so far: MATCH_* */
	size_t count, capacity;
	size_t node_count; /* so many of nodes are right */
	uint64_t sequence; /* of the stack that it is the path of */
	uint32_t generation; /* of the profile: nodes are valid while it is the same */
	uint32_t root;	   /* the node below which its stacks hang */
	uint32_t lane;
	uint32_t label;	   /* the frame of its root, SPY_NO_FRAME where threads are no roots */
	bool begun;	   /* root, lane and label are there */
	bool named;	   /* by threading; until then by the OS */
	bool booked;	   /* the last stack was, on: */
	bool provisional;  /* and as that */
	bool collecting;   /* it was the garbage collector's, booked or not */
	uint32_t node;
	struct spy_thread_gauge *gauge; /* options.live: what lib/gauges.h keeps of it; or NULL */
};

/* What a thread was doing at a moment. */
#define SPY_DOES_ACTIVE 1u   /* on a CPU or waiting for one */
#define SPY_DOES_GIL 2u	     /* holds the GIL */
#define SPY_DOES_GIL_WAIT 4u /* sleeps until it gets it */

/* What a stack stands for. */
struct spy_sample {
	uint64_t at_ns;
	uint64_t time_ns; /* for so much time of its thread */
	uint32_t samples; /* and so many samples: 1 unless some were missed before it */
	unsigned doing;	  /* SPY_DOES_* */
	bool look;	  /* for nothing: it is only to be known where it would be booked */
};

/* Samples that count once their code objects have been looked at again. */
struct spy_pending {
	uint32_t node, lane;
	uint64_t at_ns;
	uint32_t stacks;
	uint32_t samples; /* what they weigh */
	uint64_t time_ns;
	uint64_t grown, released; /* bytes, only where there are no samples, */
	uint32_t root;		  /* and of these where their thread hangs */
	unsigned doing;
	bool provisional; /* others only wait for their turn */
};

/* One process' part in the booking. Zero-initialise. */
struct spy_process_book {
	struct spy_map places;	/* code id << 32 | line → frame of the profile */
	struct spy_map threads; /* thread id → struct spy_thread_book * */
	uint32_t root;		/* the process' node, or the root of all */
	uint32_t label;		/* its frame, SPY_NO_FRAME where processes are no roots */
	uint32_t generation;	/* of the profile: root is valid while it is the same */
	bool begun;
	struct spy_pending *pending;
	size_t pending_count, pending_capacity;
};

void spy_process_book_deinit(struct spy_process_book *book);

/* True for a thread that options.threads asks for (by tid or by a pattern of its name). */
bool spy_booking_wants(const struct spy_booking *booking, const struct spy_thread *thread);

/* What is kept of a thread, made when it is new; NULL when memory ran out. */
struct spy_thread_book *spy_booking_thread(struct spy_process_book *book,
					   const struct spy_thread *thread);

/*
 * Books one stack of the thread that path belongs to, unless it has no Python frame or a filter
 * leaves it out.
 */
void spy_booking_add(struct spy_booking *booking, struct spy_process_book *book,
		     struct spy_thread_book *path, struct spy_sampler *sampler,
		     const struct spy_thread *thread, const struct spy_stack *stack,
		     const struct spy_sample *as);

/*
 * Books bytes by which RSS has grown, or shrunk if they are negative, on a node (of the profile's
 * generation) where a stack of the thread was booked; path may be NULL for <unknown>.
 */
void spy_booking_add_bytes(struct spy_booking *booking, struct spy_process_book *book,
			   const struct spy_thread_book *path, uint32_t node, int64_t bytes);

/*
 * The node for what ran when nobody looked, `<unknown>`, below that of a thread or process.
 * UINT32_MAX: no memory.
 */
uint32_t spy_booking_unknown(struct spy_booking *booking, uint32_t root);

/*
 * Counts the provisional samples of a process booked so far, or (hold is false) forgets them; bytes
 * booked on such a stack are of an unknown one then. Returns how many samples were forgotten.
 */
uint64_t spy_booking_settle(struct spy_booking *booking, struct spy_process_book *book, bool hold);

/* Forgets what was kept of threads that have ended, when there are many. */
void spy_booking_forget_threads(struct spy_process_book *book, const struct spy_sampler *sampler);

#endif
