/* The stacks of a history, each once. */
#include <string.h>

#include "profile/history.h"
#include "profile/parts.h"

/* The last part of the room is for stacks of one frame: the line alone. */
#define ROOM_FOR_LONG (SPY_HISTORY_STACKS / 8 * 7)

#define MOST_TRIES 8 /* with one hash after the other */

static bool equals(const struct spy_history *history, uint32_t stack, const uint32_t *frames,
		   size_t count)
{
	const struct spy_history_stack *known = &history->stacks[stack];

	return known->count == count &&
	       memcmp(history->frames + known->first, frames, count * sizeof(*frames)) == 0;
}

static bool reserve(struct spy_history *history, size_t count)
{
	while (history->frame_capacity < history->frame_count + count)
		if (!spy_profile_reserve((void **)&history->frames, history->frame_capacity,
					 &history->frame_capacity, sizeof(*history->frames),
					 SPY_HISTORY_STACKS * SPY_HISTORY_DEPTH))
			return false;
	return spy_profile_reserve((void **)&history->stacks, history->stack_count,
				   &history->stack_capacity, sizeof(*history->stacks),
				   SPY_HISTORY_STACKS);
}

static uint32_t append(struct spy_history *history, const uint32_t *frames, size_t count,
		       uint64_t key)
{
	uint64_t *slot;

	if (!reserve(history, count))
		return SPY_STACK_NOMEM;
	slot = spy_map_insert(&history->stack_index, key, NULL);
	if (!slot)
		return SPY_STACK_NOMEM;
	*slot = history->stack_count;
	history->stacks[history->stack_count] = (struct spy_history_stack){
		.first = history->frame_count, .count = (uint32_t)count
	};
	memcpy(history->frames + history->frame_count, frames, count * sizeof(*frames));
	history->frame_count += (uint32_t)count;
	return history->stack_count++;
}

uint32_t spy_history_stack(struct spy_history *history, const uint32_t *frames, size_t count)
{
	uint64_t key;
	unsigned tries;

	if (!count)
		return SPY_NO_STACK;
	if (count > SPY_HISTORY_DEPTH)
		count = SPY_HISTORY_DEPTH;
	for (tries = 0; tries < MOST_TRIES; tries++) {
		const uint64_t *known;

		key = spy_hash(frames, count * sizeof(*frames), tries);
		known = spy_map_find(&history->stack_index, key);
		if (!known)
			break;
		if (equals(history, (uint32_t)*known, frames, count))
			return (uint32_t)*known;
	}
	if (tries == MOST_TRIES)
		return SPY_NO_STACK;
	if (count > 1 && history->stack_count >= ROOM_FOR_LONG)
		return spy_history_stack(history, frames, 1);
	if (history->stack_count >= SPY_HISTORY_STACKS)
		return SPY_NO_STACK;
	return append(history, frames, count, key);
}
