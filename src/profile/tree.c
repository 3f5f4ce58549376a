/* The call tree. */
#include <stdlib.h>
#include <string.h>

#include "profile/parts.h"

/* Numbers of nodes have 31 bits; the limit on nodes is far below. */
#define MOST_NODES (UINT32_MAX / 2)
#define MOST_VALUES 256

static uint64_t hash_of(uint32_t parent, uint32_t frame)
{
	uint64_t hash = ((uint64_t)parent << 32 | frame) * 0x9e3779b97f4a7c15u;

	return (hash ^ hash >> 29) * 0xd6e8feb86659fd93u;
}

/* The only place where the tree is searched, so that it is compiled into its callers. */
static inline uint32_t find(const struct pyspyc_profile *profile, uint32_t parent, uint32_t frame,
			    uint64_t hash)
{
	const struct spy_index *index = &profile->node_index;
	uint32_t i, number;

	if (!index->slots)
		return UINT32_MAX;
	for (i = spy_index_first(index, hash); (number = index->slots[i]) != 0;
	     i = spy_index_next(index, i))
		if (profile->nodes[number - 1].frame == frame &&
		    profile->nodes[number - 1].parent == parent)
			return number - 1;
	return UINT32_MAX;
}

uint32_t spy_profile_find(const struct pyspyc_profile *profile, uint32_t parent, uint32_t frame)
{
	return find(profile, parent, frame, hash_of(parent, frame));
}

void spy_tree_index(struct pyspyc_profile *profile)
{
	uint32_t i;

	for (i = 1; i < profile->node_count; i++) /* the root is nobody's child */
		spy_index_put(&profile->node_index,
			      hash_of(profile->nodes[i].parent, profile->nodes[i].frame), i);
}

bool spy_profile_set_values(struct pyspyc_profile *profile, uint32_t count)
{
	uint64_t *values;

	if (profile->node_count > 1 || count == 0 || count > MOST_VALUES)
		return false;
	values = calloc((size_t)profile->node_capacity * count, sizeof(*values));
	if (!values)
		return false;
	free(profile->values);
	profile->values = values;
	profile->value_count = profile->value_sums = count;
	profile->value_capacity = profile->node_capacity;
	return true;
}

static bool add_values(struct pyspyc_profile *profile, uint32_t node)
{
	size_t size = profile->value_count * sizeof(*profile->values);

	if (!size)
		return true;
	if (!spy_profile_reserve((void **)&profile->values, node, &profile->value_capacity, size,
				 MOST_NODES))
		return false;
	memset(spy_profile_values(profile, node), 0, size);
	return true;
}

static uint32_t add_child(struct pyspyc_profile *profile, uint32_t parent, uint32_t frame,
			  uint64_t hash)
{
	uint32_t child = profile->node_count;

	if (!spy_profile_reserve((void **)&profile->nodes, child, &profile->node_capacity,
				 sizeof(*profile->nodes), MOST_NODES) ||
	    !add_values(profile, child))
		return UINT32_MAX;
	if (spy_index_is_full(&profile->node_index, child)) {
		if (!spy_index_grow(&profile->node_index))
			return UINT32_MAX;
		spy_tree_index(profile);
	}
	spy_index_put(&profile->node_index, hash, child);
	profile->nodes[child] = (struct spy_node){
		.frame = frame,
		.parent = parent & MOST_NODES,
		.vague = frame == profile->other_frame || profile->nodes[parent].vague,
	};
	return profile->node_count++;
}

uint32_t spy_profile_child(struct pyspyc_profile *profile, uint32_t parent, uint32_t frame)
{
	uint64_t hash = hash_of(parent, frame);
	uint32_t child;

	/* What is not told apart calls what is not: one <other> says it. */
	if (frame == profile->other_frame && profile->nodes[parent].frame == frame)
		return parent;
	child = find(profile, parent, frame, hash);
	return child != UINT32_MAX ? child : add_child(profile, parent, frame, hash);
}

void spy_profile_add(struct pyspyc_profile *profile, uint32_t node, uint32_t lane, uint64_t at_ns,
		     uint64_t samples)
{
	if (node >= profile->node_count)
		return;
	profile->nodes[node].self += samples;
	profile->samples += samples;
	if (profile->nodes[node].vague)
		profile->folded += samples;
	if (profile->timeline && samples && lane < profile->lane_count) {
		struct spy_moment moment = {
			.lane = lane, .node = node, .start_ns = at_ns, .samples = samples
		};

		spy_timeline_add(profile, &moment);
	}
}

uint64_t *spy_profile_sum(const struct pyspyc_profile *profile)
{
	uint64_t *totals = malloc(profile->node_count * sizeof(*totals));
	uint32_t i;

	if (!totals)
		return NULL;
	for (i = 0; i < profile->node_count; i++)
		totals[i] = profile->nodes[i].self;
	/* A child always has a larger number than its parent. */
	for (i = profile->node_count - 1; i > SPY_ROOT_NODE; i--)
		totals[profile->nodes[i].parent] += totals[i];
	return totals;
}
