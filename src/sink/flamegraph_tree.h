/* The part of a profile's call tree that a flame graph draws. */
#ifndef SPY_SINK_FLAMEGRAPH_TREE_H
#define SPY_SINK_FLAMEGRAPH_TREE_H

#include "profile/profile.h"

/*
 * How much goes into a picture: frames, and bytes of distinct names. A browser opens that at
 * once (about 2 MB), and more would be narrower than it can show.
 */
#define SPY_FLAME_FRAMES 20000
#define SPY_FLAME_NAME_BYTES 1000000

/* Characters of a name or file that are kept; longer ones are cut in their middle. */
#define SPY_FLAME_NAME_LENGTH 480

struct spy_flame_node {
	uint32_t node;	 /* in the profile; the root node is first */
	uint32_t parent; /* in this tree */
	uint32_t depth;	 /* 0: the root */
	uint64_t start;	 /* samples to the left of it */
	uint64_t self;
	uint64_t total;
};

struct spy_flame_tree {
	struct spy_flame_node *nodes; /* parents before children, left to right */
	uint32_t count;
	uint32_t depth;		   /* rows, the root's included */
	uint64_t left_out;	   /* nodes of the profile that are not in the tree */
	uint64_t left_out_samples; /* whose innermost frame was left out */
	char **texts; /* what to show for the profile's strings, by number; NULL: not needed */
	uint32_t text_count;
	uint64_t origins[SPY_ORIGIN_NONE + 1]; /* samples by the innermost frame's origin */
};

/*
 * The widest frames of profile, at most `most` besides the root, with at most `bytes` of names. Siblings stand by samples, all lines of a function together.
 */
int spy_flame_tree_make(const struct pyspyc_profile *profile, size_t most, size_t bytes,
			struct spy_flame_tree *ret, struct pyspyc_error *err);

void spy_flame_tree_free(struct spy_flame_tree *tree);

#endif
