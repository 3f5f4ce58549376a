/* Frames of made-up profiles, for tests and make_profile alike. */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include "profile/profile.h"

/* A Python function's. */
static inline uint32_t make_frame(struct pyspyc_profile *profile, const char *name,
				  const char *file, const char *path, int line, int first_line)
{
	struct spy_frame frame = {
		.name = spy_profile_string(profile, name),
		.file = spy_profile_string(profile, file),
		.path = spy_profile_string(profile, path),
		.line = line,
		.first_line = first_line,
		.kind = SPY_FRAME_PYTHON,
		.origin = (uint8_t)spy_origin_of(path),
	};

	return spy_profile_frame(profile, &frame);
}

/* A process', thread's or marker's. */
static inline uint32_t make_other(struct pyspyc_profile *profile, const char *name, uint8_t kind)
{
	struct spy_frame frame = {
		.name = spy_profile_string(profile, name),
		.file = SPY_NO_STRING, /* not to be looked at */
		.path = SPY_NO_STRING,
		.kind = kind,
		.origin = SPY_ORIGIN_NONE,
	};

	return spy_profile_frame(profile, &frame);
}

/* Numbers that look random and are the same each time. */
static inline uint32_t random_below(uint32_t *state, uint32_t limit)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % limit;
}

#endif
