/* An arena that is built once; then, for each input, places of it are overwritten. */
#ifndef TESTS_FUZZ_HOSTILE_ARENA_H
#define TESTS_FUZZ_HOSTILE_ARENA_H

#define ARENA_SIZE (1u << 16)

#include "../unit/arena.h"

struct hostile_arena {
	struct arena arena;
	uint8_t *pristine; /* the bytes as they were built; NULL: not yet */
};

static inline void hostile_built(struct hostile_arena *hostile)
{
	hostile->pristine = malloc(ARENA_SIZE);
	if (!hostile->pristine)
		abort();
	memcpy(hostile->pristine, hostile->arena.bytes, ARENA_SIZE);
}

static inline void hostile_restore(struct hostile_arena *hostile)
{
	memcpy(hostile->arena.bytes, hostile->pristine, ARENA_SIZE);
}

/* A number at the edge of something. */
#define HOSTILE_NUMBERS 3

static inline uint64_t hostile_number(unsigned kind, unsigned number)
{
	switch (kind) {
	case 0:
		return number;
	case 1:
		return UINT64_C(1) << (number & 63);
	default:
		return 0 - (uint64_t)number;
	}
}

/* Overwrites one, two, four or eight bytes, as the lowest bits of a patch's third byte say. */
static inline void hostile_write(struct hostile_arena *hostile, const uint8_t *patch, size_t where,
				 uint64_t value)
{
	unsigned width = 1u << (patch[2] & 3);

	if (where + width <= ARENA_SIZE)
		memcpy(hostile->arena.bytes + where, &value, width);
}

#endif
