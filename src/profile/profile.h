/* A profile: frames interned, stacks as one call tree, and on demand their order in time. */
#ifndef SPY_PROFILE_PROFILE_H
#define SPY_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "pyspyc/profile.h"

#define SPY_NO_FRAME UINT32_MAX
#define SPY_ROOT_NODE 0

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
	uint32_t file; /* as shown */
	uint32_t path; /* co_filename as it is */
	int32_t line;  /* 0: none to show */
	int32_t first_line;
	uint8_t kind;	/* enum spy_frame_kind */
	uint8_t origin; /* enum spy_origin */
};

/* A node of the call tree; node 0 is the root, which stands for no frame. */
struct spy_node {
	uint32_t frame; /* SPY_NO_FRAME for the root */
	uint32_t parent;
	uint32_t first_child; /* 0: none */
	uint32_t next_sibling;
	uint64_t self;	/* samples whose innermost frame is this */
	uint64_t total; /* self and below; right after spy_profile_sum */
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
	size_t latest; /* 1 + the number of its latest moment, 0: none; kept by spy_profile_add */
};

struct pyspyc_profile {
	struct spy_strings strings;
	struct spy_frame *frames;
	uint32_t frame_count, frame_capacity;
	struct spy_map frame_index;
	struct spy_node *nodes;
	uint32_t node_count, node_capacity;
	struct spy_map node_index; /* parent << 32 | frame → node */
	struct spy_lane *lanes;
	uint32_t lane_count, lane_capacity;
	struct spy_moment *moments;
	size_t moment_count, moment_capacity;
	bool timeline; /* moments are kept */
	uint64_t samples;
	uint64_t period_ns; /* one sample stands for this much time */
	uint64_t duration_ns;
	int64_t started_at; /* seconds since the epoch */
	char *title;	    /* what was recorded: the command line(s); valid UTF-8 */
	char *summary;	    /* the line of truth: samples, rate, missed, …; valid UTF-8 */
};

/* An empty profile with its root node, or NULL when memory ran out. */
struct pyspyc_profile *spy_profile_new(bool timeline);

void spy_profile_free(struct pyspyc_profile *profile);

/* The number of an interned string; SPY_NO_STRING when memory ran out. */
uint32_t spy_profile_string(struct pyspyc_profile *profile, const char *text);

/* The text of an interned string. */
static inline const char *spy_profile_text(const struct pyspyc_profile *profile, uint32_t string)
{
	return profile->strings.texts[string];
}

/* The number of an equal frame, added when new; SPY_NO_FRAME when memory ran out. */
uint32_t spy_profile_frame(struct pyspyc_profile *profile, const struct spy_frame *frame);

/* The child of parent for frame, added when new; UINT32_MAX when memory ran out. */
uint32_t spy_profile_child(struct pyspyc_profile *profile, uint32_t parent, uint32_t frame);

/* A new lane; UINT32_MAX when memory ran out. */
uint32_t spy_profile_lane(struct pyspyc_profile *profile, const struct spy_lane *lane);

/* Books `samples` samples on node, at at_ns since the start, in lane (for the timeline). */
void spy_profile_add(struct pyspyc_profile *profile, uint32_t node, uint32_t lane, uint64_t at_ns,
		     uint64_t samples);

/* Brings every node's total up to date. */
void spy_profile_sum(struct pyspyc_profile *profile);

/* Whose code a file is, from its full path: stdlib and <frozen …>, third party or own. */
enum spy_origin spy_origin_of(const char *path);

#endif
