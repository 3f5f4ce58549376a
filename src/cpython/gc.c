/*
 * Where the collector's state is and what it says. Sources: Modules/gcmodule.c (2.7, 3.6),
 * Include/internal/pycore_gc.h (3.9 to 3.13), pycore_interp_structs.h (3.14, 3.15),
 * Modules/gcmodule.c of 3.14.0 for the incremental collector.
 */
#include "cpython/gc.h"

#include <string.h>

#include "base/error.h"
#include "cpython/frames.h"

/* So often a state whose sums change is read. */
#define TRIES 8
/* Low bits of _gc_next and _gc_prev are flags. */
#define HEAD_FLAGS UINT64_C(7)
/* A user's addresses end below. */
#define ADDRESS_LIMIT (UINT64_C(1) << 48)

static bool within(uint32_t offset, uint32_t width, uint32_t size)
{
	return offset != SPY_NO_FIELD && offset <= size && width <= size - offset;
}

static bool sane_rings(const struct spy_layout *layout)
{
	uint32_t size = layout->gc_ring_size, old = layout->gc_ring_old,
		 old_size = layout->gc_ring_old_size;

	if (layout->gc_stats_start == SPY_NO_FIELD)
		return true;
	return size <= SPY_GC_RING_LIMIT && within(layout->gc_ring_young_end, 0, old) &&
	       within(layout->gc_ring_old_end, 0, old_size) && within(old, 0, size) &&
	       old_size <= (size - old) / 2 &&
	       within(layout->gc_stats_start, 8, layout->gc_stats_size) &&
	       within(layout->gc_stats_stop, 8, layout->gc_stats_size) &&
	       within(layout->gc_stats_duration, 8, layout->gc_stats_size);
}

static bool sane_layout(const struct spy_layout *layout)
{
	uint32_t generation = layout->gc_generation_size, stats = layout->gc_stats_size;

	if (generation < 16 || generation > SPY_GC_GENERATION_LIMIT ||
	    !within(layout->gc_generation_threshold, 4, generation) ||
	    !within(layout->gc_generation_count, 4, generation))
		return false;
	if (stats == SPY_NO_FIELD)
		return true;
	return stats > 0 && stats <= SPY_GC_STATS_LIMIT &&
	       within(layout->gc_stats_collections, 8, stats) &&
	       within(layout->gc_stats_collected, 8, stats) &&
	       within(layout->gc_stats_uncollectable, 8, stats) && sane_rings(layout);
}

static bool points(uint64_t word)
{
	return spy_address_plausible(word & ~HEAD_FLAGS) && word < ADDRESS_LIMIT;
}

/* Whether three heads of lists can lie there: pointers, or nothing without a GIL. */
static bool heads_fit(const struct spy_heap *heap, uint64_t address, uint32_t size)
{
	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		uint64_t head[2];

		if (spy_memory_read(heap->memory, address + (uint64_t)i * size, head, sizeof(head),
				    NULL) < 0)
			return false;
		if (heap->version.free_threaded ? head[0] || head[1]
						: !points(head[0]) || !points(head[1]))
			return false;
	}
	return true;
}

/*
 * PyGC_Head is aligned otherwise in early micro versions of 2.7, and in Debian's 3.13: how, its
 * three instances tell.
 */
static void settle_generations(const struct spy_heap *heap, struct spy_gc_place *place)
{
	uint64_t aligned = (place->generations + 7) & ~UINT64_C(7);
	uint32_t larger = (place->generation_size + 15) & ~15u;

	if (heads_fit(heap, aligned, place->generation_size))
		place->generations = aligned;
	else if (!heads_fit(heap, place->generations, place->generation_size) &&
		 larger <= SPY_GC_GENERATION_LIMIT && heads_fit(heap, aligned, larger))
		place->generation_size = larger;
}

static uint64_t at(uint64_t base, uint32_t offset)
{
	return offset == SPY_NO_FIELD ? 0 : base + offset;
}

static int find_statics(const struct spy_python *python, struct spy_gc_place *ret,
			struct pyspyc_error *err)
{
	const struct spy_gc_statics *gc = &python->gc;
	char version[32];

	if (!gc->generations || !gc->enabled || !gc->debug || !python->collecting)
		return spy_fail(
			err, PYSPYC_EVERSION,
			"CPython %s has its collector's state in static variables, and %s has "
			"no symbols to find them by: install its debug symbols",
			spy_version_format(&python->version, version, sizeof(version)),
			python->binary ? python->binary : "its file");
	ret->enabled = gc->enabled;
	ret->debug = gc->debug;
	ret->generations = gc->generations;
	ret->stats = gc->stats;
	ret->garbage = gc->garbage;
	ret->long_lived_total = gc->long_lived_total;
	ret->long_lived_pending = gc->long_lived_pending;
	return 0;
}

int spy_gc_find(const struct spy_heap *heap, const struct spy_python *python, uint64_t interpreter,
		struct spy_gc_place *ret, struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	uint64_t base;
	int result = 0;

	*ret = (struct spy_gc_place){ .generation_size = layout->gc_generation_size };
	if (!sane_layout(layout))
		return spy_fail(err, PYSPYC_EVERSION,
				"the layout of the collector's state makes no sense");
	if (layout->gc_state == SPY_NO_FIELD) {
		result = find_statics(python, ret, err);
	} else {
		base = (layout->interp_gc_collecting != SPY_NO_FIELD ? interpreter
								     : python->runtime) +
		       layout->gc_state;
		ret->enabled = at(base, layout->gc_enabled);
		ret->debug = at(base, layout->gc_debug);
		ret->generations = at(base, layout->gc_generations);
		ret->permanent = at(base, layout->gc_permanent);
		ret->stats = at(base, layout->gc_stats);
		ret->garbage = at(base, layout->gc_garbage);
		ret->visited_space = at(base, layout->gc_visited_space);
		ret->long_lived_total = at(base, layout->gc_long_lived_total);
		ret->long_lived_pending = at(base, layout->gc_long_lived_pending);
		ret->freeze_active = at(base, layout->gc_freeze_active);
	}
	ret->collecting = layout->interp_gc_collecting != SPY_NO_FIELD
				  ? interpreter + layout->interp_gc_collecting
				  : python->collecting;
	ret->has_ring = layout->gc_stats_start != SPY_NO_FIELD;
	if (result == 0)
		settle_generations(heap, ret);
	return result;
}

struct ranges {
	struct spy_range items[32];
	size_t count;
};

static void want(struct ranges *ranges, uint64_t address, void *buffer, size_t size)
{
	if (address)
		ranges->items[ranges->count++] = (struct spy_range){ address, buffer, size };
}

static void want_all(struct ranges *ranges, const struct spy_layout *layout,
		     const struct spy_gc_place *place, struct spy_gc_raw *raw)
{
	want(ranges, place->collecting, &raw->collecting, sizeof(raw->collecting));
	want(ranges, place->enabled, &raw->enabled, sizeof(raw->enabled));
	want(ranges, place->debug, &raw->debug, sizeof(raw->debug));
	want(ranges, place->generations, raw->generations,
	     SPY_GC_GENERATIONS * (size_t)place->generation_size);
	if (place->has_ring)
		want(ranges, place->stats, &raw->ring, sizeof(raw->ring));
	else
		want(ranges, place->stats, raw->stats,
		     layout->gc_stats_size == SPY_NO_FIELD
			     ? 0
			     : SPY_GC_GENERATIONS * (size_t)layout->gc_stats_size);
	if (place->has_ring)
		want(ranges, place->ring, raw->ring_bytes, layout->gc_ring_size);
	want(ranges, place->garbage, &raw->garbage, sizeof(raw->garbage));
	want(ranges, place->visited_space, &raw->visited_space, sizeof(raw->visited_space));
	want(ranges, place->long_lived_total, &raw->long_lived_total, sizeof(int64_t));
	want(ranges, place->long_lived_pending, &raw->long_lived_pending, sizeof(int64_t));
	want(ranges, place->freeze_active, &raw->freeze_active, sizeof(raw->freeze_active));
}

/* Counts may change at any time; the sums must not have in between the two copies. */
static bool agree(const struct spy_gc_raw *first, const struct spy_gc_raw *second)
{
	return first->collecting == second->collecting && first->ring == second->ring &&
	       memcmp(first->stats, second->stats, sizeof(first->stats)) == 0 &&
	       memcmp(first->ring_bytes, second->ring_bytes, sizeof(first->ring_bytes)) == 0;
}

int spy_gc_read(const struct spy_heap *heap, struct spy_gc_place *place, struct spy_gc_state *ret,
		struct pyspyc_error *err)
{
	struct spy_gc_raw raw[2];
	int tries, result;

	for (tries = 0; tries < TRIES; tries++) {
		struct ranges ranges = { .count = 0 };

		memset(raw, 0, sizeof(raw));
		want_all(&ranges, heap->layout, place, &raw[0]);
		want_all(&ranges, heap->layout, place, &raw[1]);
		result = spy_memory_readv(heap->memory, ranges.items, ranges.count, err);
		if (result == -PYSPYC_EFAULT && place->ring) {
			place->ring = 0; /* the rings may have gone since */
			continue;
		}
		if (result < 0)
			return result;
		if (place->has_ring && raw[1].ring != place->ring) {
			place->ring = spy_address_plausible(raw[1].ring) ? raw[1].ring : 0;
			if (place->ring)
				continue;
		}
		if (agree(&raw[0], &raw[1]))
			break;
	}
	spy_gc_decode(heap->layout, place, &raw[1], ret);
	return 0;
}
