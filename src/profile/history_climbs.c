/* The climbs of a curve, and the lines that made them. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "profile/history_parts.h"
#include "profile/parts.h"

#define LEAST_SHARE 20 /* of the range of all: what a climb rises at least */
#define FALL_SHARE 20  /* of a climb: what it may fall in between */

/* How many rises back a long one is looked for: bounds the time it takes with mere noise. */
#define MOST_BACK 512

/* Growth from one value of the curve to another; fall: the deepest in between. */
struct rise {
	long from, to;
	uint64_t low, high, fall;
};

struct rises {
	struct rise *items;
	size_t count;
};

static uint64_t below(uint64_t high, uint64_t low)
{
	return high > low ? high - low : 0;
}

/*
 * Puts the last rise and as many before it together as make one climb: it begins lowest, ends
 * highest, and no fall in it is deeper than it may be.
 */
static void join_last(struct rises *rises)
{
	const struct rise *last = &rises->items[rises->count - 1];
	struct rise joined = *last;
	size_t best = rises->count - 1, at;
	uint64_t low = last->low, fall = last->fall;

	for (at = rises->count - 1; at-- > 0 && rises->count - at <= MOST_BACK;) {
		const struct rise *it = &rises->items[at];
		uint64_t between = below(it->high, low);

		if (it->high > last->high)
			break;
		if (it->fall > fall)
			fall = it->fall;
		if (between > fall)
			fall = between;
		if (it->low > low)
			continue;
		low = it->low;
		if (fall > (last->high - low) / FALL_SHARE)
			continue;
		best = at;
		joined.from = it->from;
		joined.low = low;
		joined.fall = fall;
	}
	rises->count = best + 1;
	rises->items[best] = joined;
}

static bool find_rises(const struct spy_history_value *values, long count, struct rises *ret)
{
	long i = 0;

	ret->items = malloc(((size_t)count / 2 + 1) * sizeof(*ret->items));
	if (!ret->items)
		return false;
	while (i + 1 < count) {
		struct rise rise;

		while (i + 1 < count && values[i + 1].grown <= values[i].grown)
			i++;
		rise = (struct rise){ .from = i, .to = i, .low = values[i].grown };
		while (i + 1 < count && values[i + 1].grown >= values[i].grown) {
			i++;
			if (values[i].grown > values[rise.to].grown)
				rise.to = i;
		}
		rise.high = values[rise.to].grown;
		if (rise.to == rise.from)
			continue;
		ret->items[ret->count++] = rise;
		join_last(ret);
	}
	return true;
}

/* --- which line made it --- */

/* Bytes by which a line, or nothing that was seen, made RSS grow. */
struct grower {
	uint32_t stack; /* the one with this line that grew most at once */
	uint64_t most;
	uint64_t bytes;
};

/* What a process used before. */
struct use {
	uint64_t rss;
	bool there;
};

struct growers {
	struct spy_map index; /* frame + 1, 0: no stack → grower */
	struct grower *items;
	uint32_t count, capacity;
	struct use *uses; /* of each process */
};

static void growers_free(struct growers *growers)
{
	spy_map_free(&growers->index);
	free(growers->items);
	free(growers->uses);
}

static struct grower *grower_of(struct growers *growers, uint64_t key)
{
	bool inserted;
	uint64_t *slot = spy_map_insert(&growers->index, key, &inserted);

	if (!slot)
		return NULL;
	if (!inserted)
		return &growers->items[*slot];
	if (!spy_profile_reserve((void **)&growers->items, growers->count, &growers->capacity,
				 sizeof(*growers->items), UINT32_MAX))
		return NULL;
	*slot = growers->count;
	growers->items[growers->count] = (struct grower){ .stack = SPY_NO_STACK };
	return &growers->items[growers->count++];
}

static bool book(struct growers *growers, const struct spy_history *history,
		 const struct spy_history_point *point)
{
	const struct use *use = &growers->uses[point->process];
	uint64_t bytes = below(point->rss, use->rss), key = 0;
	struct grower *grower;

	if (!bytes || !use->there)
		return true;
	if (point->stack < history->stack_count)
		key = (uint64_t)history->frames[history->stacks[point->stack].first] + 1;
	grower = grower_of(growers, key);
	if (!grower)
		return false;
	grower->bytes += bytes;
	if (bytes > grower->most) {
		grower->most = bytes;
		grower->stack = point->stack;
	}
	return true;
}

uint64_t spy_history_climbed(const void *climb)
{
	return ((const struct spy_history_climb *)climb)->grown;
}

bool spy_history_explain(const struct spy_history *history, struct spy_history_climb *climb)
{
	spy_cleanup(growers_free) struct growers growers = { 0 };
	const struct grower *best = NULL;
	uint32_t i;

	growers.uses = calloc(history->process_count + 1, sizeof(*growers.uses));
	if (!growers.uses)
		return false;
	for (i = 0; i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i];

		if (point->at_ns > climb->to_ns)
			break;
		if (climb->process != SPY_ALL_PROCESSES && point->process != climb->process)
			continue;
		if (point->at_ns > climb->from_ns && !book(&growers, history, point))
			return false;
		growers.uses[point->process] = (struct use){ point->rss, true };
	}
	for (i = 0; i < growers.count; i++)
		if (!best || growers.items[i].bytes > best->bytes)
			best = &growers.items[i];
	if (best) {
		climb->stack = best->stack;
		climb->of_stack = best->bytes < climb->grown ? best->bytes : climb->grown;
	}
	return true;
}

static uint64_t range_of(const struct rises *rises)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (size_t i = 0; i < rises->count; i++) {
		if (rises->items[i].low < low)
			low = rises->items[i].low;
		if (rises->items[i].high > high)
			high = rises->items[i].high;
	}
	return below(high, low);
}

long spy_history_climbs(const struct spy_history *history, uint32_t process, size_t most,
			struct spy_history_climb *ret)
{
	spy_autofree struct spy_history_value *values = NULL;
	spy_autofree struct rise *items = NULL;
	struct rises rises = { 0 };
	long count = spy_history_curve(history, process, &values);
	size_t found = 0;
	uint64_t least;

	if (count < 0 || !find_rises(values, count, &rises))
		return -1;
	items = rises.items;
	least = range_of(&rises) / LEAST_SHARE;
	for (size_t i = 0; i < rises.count; i++) {
		const struct rise *rise = &items[i];
		struct spy_history_climb climb = {
			.from_ns = values[rise->from].at_ns,
			.to_ns = values[rise->to].at_ns,
			.from_rss = values[rise->from].rss,
			.to_rss = values[rise->to].rss,
			.grown = rise->high - rise->low,
			.process = process,
			.stack = SPY_NO_STACK,
		};

		if (climb.grown >= least)
			found = spy_history_insert(ret, found, most, sizeof(climb), &climb,
						   spy_history_climbed);
	}
	for (size_t i = 0; i < found; i++)
		if (!spy_history_explain(history, &ret[i]))
			return -1;
	return (long)found;
}
