#include "profile/profile.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for one more item; false when memory ran out or 32 bits are used up. */
static bool reserve(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t larger = *capacity ? *capacity * 2 : 64;
	void *moved;

	if (count < *capacity)
		return true;
	if (*capacity > UINT32_MAX / 4)
		return false;
	moved = realloc(*items, larger * size);
	if (!moved)
		return false;
	*items = moved;
	*capacity = larger;
	return true;
}

struct pyspyc_profile *spy_profile_new(bool timeline)
{
	struct pyspyc_profile *profile = calloc(1, sizeof(*profile));

	if (!profile)
		return NULL;
	profile->timeline = timeline;
	if (!reserve((void **)&profile->nodes, 0, &profile->node_capacity,
		     sizeof(*profile->nodes))) {
		free(profile);
		return NULL;
	}
	profile->nodes[SPY_ROOT_NODE] = (struct spy_node){ .frame = SPY_NO_FRAME };
	profile->node_count = 1;
	return profile;
}

void spy_profile_free(struct pyspyc_profile *profile)
{
	if (!profile)
		return;
	spy_strings_free(&profile->strings);
	spy_map_free(&profile->frame_index);
	spy_map_free(&profile->node_index);
	free(profile->frames);
	free(profile->nodes);
	free(profile->lanes);
	free(profile->moments);
	free(profile->title);
	free(profile->summary);
	free(profile);
}

uint32_t spy_profile_string(struct pyspyc_profile *profile, const char *text)
{
	return spy_strings_intern(&profile->strings, text);
}

static bool frame_equal(const struct spy_frame *a, const struct spy_frame *b)
{
	return a->name == b->name && a->file == b->file && a->path == b->path &&
	       a->line == b->line && a->first_line == b->first_line && a->kind == b->kind &&
	       a->origin == b->origin;
}

static uint64_t frame_hash(const struct spy_frame *frame)
{
	uint32_t words[] = { frame->name,
			     frame->file,
			     frame->path,
			     (uint32_t)frame->line,
			     (uint32_t)frame->first_line,
			     (uint32_t)frame->kind << 8 | frame->origin };

	return spy_hash(words, sizeof(words), 0);
}

uint32_t spy_profile_frame(struct pyspyc_profile *profile, const struct spy_frame *frame)
{
	uint64_t key = frame_hash(frame), *slot;
	bool inserted;

	if (!reserve((void **)&profile->frames, profile->frame_count, &profile->frame_capacity,
		     sizeof(*profile->frames)))
		return SPY_NO_FRAME;
	for (;; key = spy_mix(key + 1)) { /* on to another key when hashes collide */
		slot = spy_map_insert(&profile->frame_index, key, &inserted);
		if (!slot)
			return SPY_NO_FRAME;
		if (inserted)
			break;
		if (frame_equal(&profile->frames[*slot], frame))
			return (uint32_t)*slot;
	}
	*slot = profile->frame_count;
	profile->frames[profile->frame_count] = *frame;
	return profile->frame_count++;
}

uint32_t spy_profile_child(struct pyspyc_profile *profile, uint32_t parent, uint32_t frame)
{
	uint64_t key = (uint64_t)parent << 32 | frame, *slot;
	uint32_t child = profile->node_count;
	bool inserted;

	slot = spy_map_find(&profile->node_index, key);
	if (slot)
		return (uint32_t)*slot;
	if (!reserve((void **)&profile->nodes, child, &profile->node_capacity,
		     sizeof(*profile->nodes)))
		return UINT32_MAX;
	slot = spy_map_insert(&profile->node_index, key, &inserted);
	if (!slot)
		return UINT32_MAX;
	*slot = child;
	profile->nodes[child] = (struct spy_node){
		.frame = frame,
		.parent = parent,
		.next_sibling = profile->nodes[parent].first_child,
	};
	profile->nodes[parent].first_child = child;
	return profile->node_count++;
}

uint32_t spy_profile_lane(struct pyspyc_profile *profile, const struct spy_lane *lane)
{
	if (!reserve((void **)&profile->lanes, profile->lane_count, &profile->lane_capacity,
		     sizeof(*profile->lanes)))
		return UINT32_MAX;
	profile->lanes[profile->lane_count] = *lane;
	profile->lanes[profile->lane_count].latest = 0;
	return profile->lane_count++;
}

/* Without memory for the order of samples, their sums are still right: keep those alone. */
static void drop_timeline(struct pyspyc_profile *profile)
{
	free(profile->moments);
	profile->moments = NULL;
	profile->moment_count = profile->moment_capacity = 0;
	profile->timeline = false;
}

/* Whether at_ns follows moment without a pause; half a period more is jitter. */
static bool follows(const struct pyspyc_profile *profile, const struct spy_moment *moment,
		    uint64_t at_ns)
{
	uint64_t period = profile->period_ns, passed;

	if (!period || at_ns <= moment->start_ns)
		return true;
	passed = at_ns - moment->start_ns;
	return passed / period < moment->samples ||
	       (passed / period == moment->samples && passed % period <= period / 2);
}

static void add_moment(struct pyspyc_profile *profile, const struct spy_moment *moment)
{
	struct spy_lane *lane = &profile->lanes[moment->lane];
	struct spy_moment *last = lane->latest ? &profile->moments[lane->latest - 1] : NULL;

	if (last && last->node == moment->node && follows(profile, last, moment->start_ns)) {
		last->samples += moment->samples;
		return;
	}
	if (profile->moment_count == profile->moment_capacity) {
		size_t capacity = profile->moment_capacity ? profile->moment_capacity * 2 : 1024;
		struct spy_moment *moved = NULL;

		if (capacity <= SIZE_MAX / sizeof(*moved) / 2)
			moved = realloc(profile->moments, capacity * sizeof(*moved));
		if (!moved) {
			drop_timeline(profile);
			return;
		}
		profile->moments = moved;
		profile->moment_capacity = capacity;
	}
	profile->moments[profile->moment_count++] = *moment;
	lane->latest = profile->moment_count;
}

void spy_profile_add(struct pyspyc_profile *profile, uint32_t node, uint32_t lane, uint64_t at_ns,
		     uint64_t samples)
{
	struct spy_moment moment = {
		.lane = lane, .node = node, .start_ns = at_ns, .samples = samples
	};

	if (node >= profile->node_count || !samples)
		return;
	profile->nodes[node].self += samples;
	profile->samples += samples;
	if (profile->timeline && lane < profile->lane_count)
		add_moment(profile, &moment);
}

void spy_profile_sum(struct pyspyc_profile *profile)
{
	uint32_t i;

	for (i = 0; i < profile->node_count; i++)
		profile->nodes[i].total = profile->nodes[i].self;
	/* A child always has a larger number than its parent. */
	for (i = profile->node_count - 1; i > SPY_ROOT_NODE; i--)
		profile->nodes[profile->nodes[i].parent].total += profile->nodes[i].total;
}
