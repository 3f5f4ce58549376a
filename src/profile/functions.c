/* Which frames are the same function: the same name, file and first line. */
#include <stdlib.h>
#include <string.h>

#include "profile/live_parts.h"

bool spy_functions_begin(struct spy_functions *functions, const struct pyspyc_profile *profile,
			 bool lines)
{
	size_t count = profile->frame_count ? profile->frame_count : 1;

	*functions = (struct spy_functions){
		.profile = profile,
		.lines = lines,
		.of_frame = malloc(count * sizeof(*functions->of_frame)),
		.frames = malloc(count * sizeof(*functions->frames)),
		.hashes = malloc(count * sizeof(*functions->hashes)),
	};
	if (!functions->of_frame || !functions->frames || !functions->hashes)
		return false;
	memset(functions->of_frame, 0xff, count * sizeof(*functions->of_frame));
	return true;
}

void spy_functions_free(struct spy_functions *functions)
{
	free(functions->of_frame);
	free(functions->frames);
	free(functions->hashes);
	spy_index_free(&functions->index);
}

static uint64_t hash_of(const struct spy_functions *functions, const struct spy_frame *frame)
{
	uint64_t line = functions->lines ? (uint32_t)frame->line : 0;
	uint64_t hash = spy_mix((uint64_t)frame->name << 32 | frame->path);

	return spy_mix(hash ^ ((uint64_t)(uint32_t)frame->first_line << 32 | line)) ^ frame->kind;
}

static bool same(const struct spy_functions *functions, const struct spy_frame *a,
		 const struct spy_frame *b)
{
	return a->name == b->name && a->path == b->path && a->first_line == b->first_line &&
	       a->kind == b->kind && (!functions->lines || a->line == b->line);
}

static uint32_t add(struct spy_functions *functions, uint32_t frame, uint64_t hash)
{
	uint32_t number = functions->count, i;

	if (spy_index_is_full(&functions->index, number)) {
		if (!spy_index_grow(&functions->index))
			return SPY_NO_FUNCTION;
		for (i = 0; i < number; i++)
			spy_index_put(&functions->index, functions->hashes[i], i);
	}
	spy_index_put(&functions->index, hash, number);
	functions->frames[number] = frame;
	functions->hashes[number] = hash;
	functions->count++;
	return number;
}

static uint32_t find(const struct spy_functions *functions, const struct spy_frame *frame,
		     uint64_t hash)
{
	const struct spy_frame *frames = functions->profile->frames;
	const struct spy_index *index = &functions->index;
	uint32_t i;

	if (!index->slots)
		return SPY_NO_FUNCTION;
	for (i = spy_index_first(index, hash); index->slots[i]; i = spy_index_next(index, i))
		if (same(functions, &frames[functions->frames[index->slots[i] - 1]], frame))
			return index->slots[i] - 1;
	return SPY_NO_FUNCTION;
}

uint32_t spy_functions_of(struct spy_functions *functions, uint32_t frame)
{
	const struct spy_frame *it = &functions->profile->frames[frame];
	uint32_t *known = &functions->of_frame[frame];
	uint64_t hash;

	if (*known != SPY_NO_FUNCTION)
		return *known;
	hash = hash_of(functions, it);
	*known = find(functions, it, hash);
	if (*known == SPY_NO_FUNCTION)
		*known = add(functions, frame, hash);
	return *known;
}

struct pyspyc_place spy_functions_place(const struct spy_functions *functions, uint32_t function)
{
	struct pyspyc_place place = { .kind = PYSPYC_ROW_MARKER, .origin = PYSPYC_ORIGIN_NONE,
				      .name = SPY_LIBRARY_NAME, .file = "", .path = "" };
	const struct spy_frame *frame;

	if (function == SPY_FUNCTION_LIBRARY)
		return place;
	frame = &functions->profile->frames[functions->frames[function]];
	place.name = spy_profile_text(functions->profile, frame->name);
	if (frame->kind != SPY_FRAME_PYTHON)
		return place;
	place.kind = PYSPYC_ROW_CODE;
	place.origin = (enum pyspyc_origin)frame->origin; /* the same, in the same order */
	place.file = spy_profile_text(functions->profile, frame->file);
	place.path = spy_profile_text(functions->profile, frame->path);
	place.line = functions->lines ? frame->line : frame->first_line;
	return place;
}
