#include "profile/profile.h"

#include <stdlib.h>
#include <string.h>

#include "profile/parts.h"

/* A string costs its text, malloc's header and rounding, a pointer and two slots. */
#define STRING_OVERHEAD 40

bool spy_profile_reserve(void **items, uint32_t count, uint32_t *capacity, size_t size,
			 uint32_t most)
{
	uint32_t larger = *capacity > most / 2 ? most : *capacity * 2;
	void *moved;

	if (count < *capacity)
		return true;
	if (count >= most)
		return false;
	if (larger < 64)
		larger = 64;
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
	profile->limits = (struct spy_profile_limits){
		.nodes = SPY_LIMIT_NODES,
		.frames = SPY_LIMIT_FRAMES,
		.lanes = SPY_LIMIT_LANES,
		.moments = SPY_LIMIT_MOMENTS,
		.string_bytes = SPY_LIMIT_STRING_BYTES,
	};
	profile->timeline = timeline;
	profile->lot = 1;
	profile->other_frame = SPY_NO_FRAME;
	profile->other_string = spy_strings_intern(&profile->strings, SPY_OTHER_NAME);
	if (profile->other_string == SPY_NO_STRING ||
	    !spy_profile_reserve((void **)&profile->nodes, 0, &profile->node_capacity,
				 sizeof(*profile->nodes), UINT32_MAX)) {
		spy_profile_free(profile);
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
	spy_index_free(&profile->frame_index);
	spy_index_free(&profile->node_index);
	free(profile->frames);
	free(profile->nodes);
	free(profile->values);
	free(profile->lanes);
	free(profile->moments);
	free(profile->title);
	free(profile->summary);
	spy_profile_free(profile->grown);
	spy_profile_free(profile->released);
	free(profile);
}

uint32_t spy_profile_string(struct pyspyc_profile *profile, const char *text)
{
	uint32_t string = spy_strings_find(&profile->strings, text);
	size_t size;

	if (string != SPY_NO_STRING)
		return string;
	size = strlen(text) + STRING_OVERHEAD;
	if (size > profile->limits.string_bytes ||
	    profile->string_bytes > profile->limits.string_bytes - size)
		return profile->other_string;
	string = spy_strings_intern(&profile->strings, text);
	if (string != SPY_NO_STRING)
		profile->string_bytes += size;
	return string;
}

/* --- frames --- */

static bool frame_equal(const struct spy_frame *a, const struct spy_frame *b)
{
	return a->name == b->name && a->file == b->file && a->path == b->path &&
	       a->line == b->line && a->first_line == b->first_line && a->kind == b->kind &&
	       a->origin == b->origin && a->id == b->id;
}

static uint64_t frame_hash(const struct spy_frame *frame)
{
	uint64_t hash = spy_mix((uint64_t)frame->name << 32 | (uint32_t)frame->line);

	hash = spy_mix(hash ^ ((uint64_t)frame->file << 32 | frame->path));
	return spy_mix(hash ^ ((uint64_t)(uint32_t)frame->first_line << 32 |
			       (uint32_t)frame->kind << 8 | frame->origin));
}

static bool grow_frame_index(struct pyspyc_profile *profile)
{
	uint32_t i;

	if (!spy_index_grow(&profile->frame_index))
		return false;
	for (i = 0; i < profile->frame_count; i++)
		spy_index_put(&profile->frame_index, frame_hash(&profile->frames[i]), i);
	return true;
}

static uint32_t add_frame(struct pyspyc_profile *profile, const struct spy_frame *frame)
{
	if (!spy_profile_reserve((void **)&profile->frames, profile->frame_count,
				 &profile->frame_capacity, sizeof(*profile->frames), UINT32_MAX) ||
	    (spy_index_is_full(&profile->frame_index, profile->frame_count) &&
	     !grow_frame_index(profile)))
		return SPY_NO_FRAME;
	spy_index_put(&profile->frame_index, frame_hash(frame), profile->frame_count);
	profile->frames[profile->frame_count] = *frame;
	return profile->frame_count++;
}

uint32_t spy_profile_other(struct pyspyc_profile *profile)
{
	struct spy_frame frame = {
		.name = profile->other_string,
		.file = profile->other_string,
		.path = profile->other_string,
		.kind = SPY_FRAME_MARKER,
		.origin = SPY_ORIGIN_NONE,
	};

	if (profile->other_frame == SPY_NO_FRAME)
		profile->other_frame = add_frame(profile, &frame);
	return profile->other_frame;
}

uint32_t spy_profile_frame(struct pyspyc_profile *profile, const struct spy_frame *frame)
{
	const struct spy_index *index = &profile->frame_index;
	uint32_t i;

	if (frame->name == profile->other_string)
		return spy_profile_other(profile);
	if (index->slots)
		for (i = spy_index_first(index, frame_hash(frame)); index->slots[i];
		     i = spy_index_next(index, i))
			if (frame_equal(&profile->frames[index->slots[i] - 1], frame))
				return index->slots[i] - 1;
	if (profile->frame_count >= profile->limits.frames)
		return spy_profile_other(profile);
	return add_frame(profile, frame);
}

void spy_profile_rename_frame(struct pyspyc_profile *profile, uint32_t frame, uint32_t name,
			      uint32_t file)
{
	if (frame >= profile->frame_count || frame == profile->other_frame)
		return;
	profile->frames[frame].name = name;
	profile->frames[frame].file = file;
}

/* --- lanes --- */

uint32_t spy_profile_lane(struct pyspyc_profile *profile, const struct spy_lane *lane)
{
	struct spy_lane *made;

	if (profile->lane_count && profile->lane_count >= profile->limits.lanes)
		return profile->lane_count - 1;
	if (!spy_profile_reserve((void **)&profile->lanes, profile->lane_count,
				 &profile->lane_capacity, sizeof(*profile->lanes), UINT32_MAX))
		return UINT32_MAX;
	made = &profile->lanes[profile->lane_count++];
	*made = *lane;
	made->latest = 0;
	if (profile->lane_count >= profile->limits.lanes)
		made->name = profile->other_string;
	return profile->lane_count - 1;
}

void spy_profile_rename_lane(struct pyspyc_profile *profile, uint32_t lane, uint32_t name)
{
	if (lane < profile->lane_count && lane + 1 < profile->limits.lanes)
		profile->lanes[lane].name = name;
}
