/*
 * A profile: frames interned, stacks as one call tree, and on demand their order in time.
 *
 * Its memory is bounded, whatever the recorded program does (struct spy_profile_limits). Samples
 * are never lost to that: what goes is detail, and `folded` says of how many samples.
 */
#ifndef SPY_PROFILE_PROFILE_H
#define SPY_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "profile/index.h"
#include "pyspyc/profile.h"

#define SPY_NO_FRAME UINT32_MAX
#define SPY_ROOT_NODE 0

/* The name of what stands for things that are no longer told apart. */
#define SPY_OTHER_NAME "<other>"

enum spy_frame_kind {
	SPY_FRAME_PYTHON,
	SPY_FRAME_PROCESS, /* name is `process 12 "command"` */
	SPY_FRAME_THREAD,  /* name is `thread 12 (name)` */
	SPY_FRAME_MARKER,  /* something that is no function: `<truncated>` */
};

/* Whose code a frame is. */
enum spy_origin {
	SPY_ORIGIN_OWN,
	SPY_ORIGIN_STDLIB,
	SPY_ORIGIN_THIRD_PARTY,
	SPY_ORIGIN_NONE, /* no Python code: a process, a thread, a marker */
};

/* One place in a program. Strings are interned: equal numbers are equal texts. */
struct spy_frame {
	uint32_t name; /* function */
	uint32_t file; /* as shown; of a process its command alone, of a thread its name alone */
	uint32_t path; /* co_filename as it is */
	int32_t line;  /* 0: none to show */
	int32_t first_line;
	int32_t id;	/* of a process its pid, of a thread its tid, else 0 */
	uint8_t kind;	/* enum spy_frame_kind */
	uint8_t origin; /* enum spy_origin */
};

/*
 * A node of the call tree; node 0 is the root, which stands for no frame. A child has a larger
 * number than its parent, always.
 */
struct spy_node {
	uint32_t frame;	      /* SPY_NO_FRAME for the root */
	uint32_t parent : 31; /* the root's own: 0 */
	uint32_t vague : 1;   /* <other>, or below it: its samples are in `folded` */
	uint64_t self;	      /* samples whose innermost frame is this */
};

/* Samples in a row that hit the same node, in one thread. */
struct spy_moment {
	uint32_t lane;
	uint32_t node;
	uint64_t start_ns; /* since the recording began */
	uint64_t samples;
};

/* One thread of one process, for formats that tell them apart. */
struct spy_lane {
	uint32_t name; /* interned: `thread 12 (name)`, with the process where there are several */
	int32_t pid;
	int32_t tid;
	uint32_t latest; /* 1 + the number of its latest moment, 0: none; kept by spy_profile_add */
};

/*
 * How large a profile becomes, about 64 MB with everything at its limit. What happens there:
 *
 * nodes: the branches of the call tree with the fewest samples, among equal ones the oldest, are
 *	folded into a marker `<other>` below their caller, until three quarters are left. (Where nodes
 *	keep bytes, SPY_BYTES_OF_SAMPLE of them count as a sample.)
 * frames, string_bytes: places and names that come later are `<other>`.
 * lanes: threads that come later share one, called `<other>`.
 * moments: the timeline gets coarser. Moments of a thread that start within the same
 *	resolution_ns become one, with all of their samples and the stack of one of them, drawn by
 *	lot with their samples as weights. So times stay right, and shares on the average.
 */
struct spy_profile_limits {
	uint32_t nodes; /* may be passed until the next spy_profile_make_room */
	uint32_t frames;
	uint32_t lanes;
	uint32_t moments;
	size_t string_bytes;
};

#define SPY_BYTES_OF_SAMPLE 16384

#define SPY_LIMIT_NODES (1u << 20)
#define SPY_LIMIT_FRAMES (1u << 17)
#define SPY_LIMIT_LANES (1u << 16)
#define SPY_LIMIT_MOMENTS (1u << 19)
#define SPY_LIMIT_STRING_BYTES ((size_t)8 << 20)

struct pyspyc_profile {
	struct spy_profile_limits limits; /* may be changed while the profile is empty */
	struct spy_strings strings;
	size_t string_bytes; /* used by texts and their bookkeeping, about */
	uint32_t other_string;
	struct spy_frame *frames;
	uint32_t frame_count, frame_capacity;
	struct spy_index frame_index;
	uint32_t other_frame; /* SPY_NO_FRAME until there is one */
	struct spy_node *nodes;
	uint32_t node_count, node_capacity;
	struct spy_index node_index; /* by parent and frame */
	uint32_t generation;	     /* goes up when nodes get new numbers */
	uint64_t *values;	     /* value_count of each node, in a row; NULL: none */
	uint32_t value_count, value_capacity; /* capacity: in nodes */
	uint32_t value_sums; /* the first so many are sums; of those after them the largest counts */
	/* So many values from this one on are bytes, which count for what is folded too; 0: none. */
	uint32_t byte_first, byte_count;
	struct spy_lane *lanes;
	uint32_t lane_count, lane_capacity;
	struct spy_moment *moments;
	uint32_t moment_count, moment_capacity;
	bool timeline;		/* moments are kept */
	uint64_t resolution_ns; /* of the timeline; 0: every sample as it was */
	uint64_t lot;		/* state of the random numbers for that */
	uint64_t samples;
	uint64_t folded;    /* those that an <other> stands for, in part or whole */
	bool bytes;	    /* what is counted are bytes, not samples: a sample is a byte */
	uint64_t period_ns; /* one sample stands for this much time */
	uint64_t duration_ns;
	int64_t started_at; /* seconds since the epoch */
	char *title;	    /* what was recorded: the command line(s); valid UTF-8 */
	char *summary;	    /* the line of truth: samples, rate, missed, …; valid UTF-8 */
	/* The same recording as bytes by which RSS grew and shrank, freed with this; NULL: none. */
	struct pyspyc_profile *grown, *released;
};

/* An empty profile with its root node, or NULL when memory ran out. */
struct pyspyc_profile *spy_profile_new(bool timeline);

void spy_profile_free(struct pyspyc_profile *profile);

/*
 * The number of an interned string; SPY_NO_STRING when memory ran out. With no room for a new one
 * it is other_string, and a frame of that name is other_frame.
 */
uint32_t spy_profile_string(struct pyspyc_profile *profile, const char *text);

/* The text of an interned string. */
static inline const char *spy_profile_text(const struct pyspyc_profile *profile, uint32_t string)
{
	return profile->strings.texts[string];
}

/*
 * The number of an equal frame, added when new; SPY_NO_FRAME when memory ran out. Frames keep
 * their numbers. With no room for a new one it is other_frame, which many may share.
 */
uint32_t spy_profile_frame(struct pyspyc_profile *profile, const struct spy_frame *frame);

/*
 * Gives a frame that is one thread's or process' alone another name and file (interned strings).
 * Leaves alone what others share. Without effect on which frames count as equal.
 */
void spy_profile_rename_frame(struct pyspyc_profile *profile, uint32_t frame, uint32_t name,
			      uint32_t file);

/*
 * The child of parent for frame, added when new; UINT32_MAX when memory ran out.
 *
 * The number is valid while `generation` stays the same, and only spy_profile_make_room changes
 * that: who keeps numbers longer compares generations first, and walks down from the root again,
 * through this function, when they differ.
 */
uint32_t spy_profile_child(struct pyspyc_profile *profile, uint32_t parent, uint32_t frame);

/* The child of parent for frame; UINT32_MAX when there is none. */
uint32_t spy_profile_find(const struct pyspyc_profile *profile, uint32_t parent, uint32_t frame);

/* A new lane, or the last one for all when there is no room; UINT32_MAX when memory ran out. */
uint32_t spy_profile_lane(struct pyspyc_profile *profile, const struct spy_lane *lane);

/* Gives a lane that is one thread's alone another name (an interned string). */
void spy_profile_rename_lane(struct pyspyc_profile *profile, uint32_t lane, uint32_t name);

/* Books `samples` samples on node, at at_ns since the start, in lane (for the timeline). */
void spy_profile_add(struct pyspyc_profile *profile, uint32_t node, uint32_t lane, uint64_t at_ns,
		     uint64_t samples);

/*
 * Keeps count further values for each node from now on, zero at first; folding adds them up (or
 * takes the largest: value_sums). Only
 * while the profile is empty; false when it is not, or memory ran out.
 */
bool spy_profile_set_values(struct pyspyc_profile *profile, uint32_t count);

/* A node's values, when there are any. Valid until the next node is made. */
static inline uint64_t *spy_profile_values(const struct pyspyc_profile *profile, uint32_t node)
{
	return profile->values + (size_t)node * profile->value_count;
}

/*
 * Lets a sample stand for another time from now on, and turns those that are there into such
 * ones, rounded: meant for shorter times than before. (Not the columns, which have units of
 * their own.)
 */
void spy_profile_set_period(struct pyspyc_profile *profile, uint64_t period_ns);

/* True when there are more nodes than there should be: time for spy_profile_make_room. */
static inline bool spy_profile_is_full(const struct pyspyc_profile *profile)
{
	return profile->node_count > profile->limits.nodes;
}

/*
 * When the profile is full, folds nodes until three quarters of the limit are left, at most, and
 * gives all nodes new numbers (see spy_profile_child). To be called now and then, at the latest
 * after each pass over the threads, when no node's number is waiting to be booked. Takes about 50
 * ms for a million nodes. Without memory for it everything stays as it is.
 */
void spy_profile_make_room(struct pyspyc_profile *profile);

/*
 * The samples of each node and all nodes below it, by number; the caller frees them. NULL when
 * memory ran out.
 */
uint64_t *spy_profile_sum(const struct pyspyc_profile *profile);

/* Whose code a file is, from its full path: stdlib and <frozen …>, third party or own. */
enum spy_origin spy_origin_of(const char *path);

#endif
