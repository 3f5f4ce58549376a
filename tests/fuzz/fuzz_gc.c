/* The collector's state from any bytes, in three readings one after the other, of each layout. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpython/layout_table.h"
#include "lib/gc_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void emit(void *context, const struct spy_gc_event *event)
{
	uint64_t *sum = context;

	if (event->generation < 0 || event->generation >= SPY_GC_GENERATIONS || !event->count)
		__builtin_trap();
	*sum += event->count;
}

static void read_raw(struct spy_gc_raw *raw, const uint8_t *data, size_t size, size_t turn)
{
	uint8_t *bytes = (uint8_t *)raw;

	for (size_t i = 0; i < sizeof(*raw); i++)
		bytes[i] = size ? data[(i + turn * 97) % size] : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct spy_layout *layout;
	struct spy_gc_place place = { 0 };
	struct spy_gc_tracker tracker = { 0 };
	struct spy_gc_raw raw;
	struct spy_gc_state state;
	uint64_t sum = 0;

	if (!size)
		return 0;
	layout = &spy_layout_table[data[0] % spy_layout_table_size].layout;
	place.generation_size = layout->gc_generation_size;
	place.has_ring = layout->gc_stats_start != SPY_NO_FIELD;
	place.stats = layout->gc_stats_size != SPY_NO_FIELD;
	place.visited_space = layout->gc_visited_space != SPY_NO_FIELD;
	for (size_t turn = 0; turn < 3; turn++) {
		read_raw(&raw, data, size, size > 4 ? turn * (data[1] & 1) : 0);
		spy_gc_decode(layout, &place, &raw, &state);
		spy_gc_track(&tracker, &state, place.has_ring, 1000000 * turn + 500000,
			     1000000 * turn + 500000 + data[0] * UINT64_C(1000), emit, &sum);
	}
	return sum != tracker.collections ? __builtin_trap(), 0 : 0;
}
