/* An open-addressing table of numbers, four bytes each, for items that lie in an array. */
#ifndef SPY_PROFILE_INDEX_H
#define SPY_PROFILE_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Zero-initialise. Holds 1 + the number of each item; 0 is a free slot. Finding is a loop of the
 * table's user, who knows what makes two items equal:
 *
 *	for (i = spy_index_first(&index, hash); index.slots[i]; i = spy_index_next(&index, i))
 *		if (items[index.slots[i] - 1] is it) …
 */
struct spy_index {
	uint32_t *slots;
	uint32_t mask; /* slots - 1, a power of two; only when slots is not NULL */
};

#define SPY_INDEX_LEAST 64u
#define SPY_INDEX_MOST (1u << 31)

static inline uint32_t spy_index_first(const struct spy_index *index, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & index->mask;
}

static inline uint32_t spy_index_next(const struct spy_index *index, uint32_t slot)
{
	return (slot + 1) & index->mask;
}

/* Puts an item in that is not in yet. There must be room. */
static inline void spy_index_put(struct spy_index *index, uint64_t hash, uint32_t number)
{
	uint32_t i = spy_index_first(index, hash);

	while (index->slots[i])
		i = spy_index_next(index, i);
	index->slots[i] = number + 1;
}

/* Whether one more item than count wants a larger table: five eighths full is enough. */
static inline bool spy_index_is_full(const struct spy_index *index, uint32_t count)
{
	return !index->slots || (uint64_t)count * 8 >= ((uint64_t)index->mask + 1) * 5;
}

/*
 * Replaces the table by one of twice the size, empty, which the user fills again. False when
 * memory ran out: the old one is as it was.
 */
static inline bool spy_index_grow(struct spy_index *index)
{
	uint32_t size = index->slots ? index->mask + 1 : SPY_INDEX_LEAST / 2;
	uint32_t *slots;

	if (size >= SPY_INDEX_MOST)
		return false;
	slots = calloc((size_t)size * 2, sizeof(*slots));
	if (!slots)
		return false;
	free(index->slots);
	index->slots = slots;
	index->mask = size * 2 - 1;
	return true;
}

static inline void spy_index_free(struct spy_index *index)
{
	free(index->slots);
	*index = (struct spy_index){ 0 };
}

#endif
