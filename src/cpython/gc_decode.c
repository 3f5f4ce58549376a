/* The collector's state out of the bytes that were copied, which may say anything. */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "cpython/gc.h"

/* More collections, objects or seconds than these no process has had. */
#define NUMBER_LIMIT (INT64_C(1) << 53)
#define SECONDS_LIMIT 1e10

static int64_t number_at(const uint8_t *bytes, size_t offset)
{
	return (int64_t)spy_word_at(bytes, offset);
}

static int64_t sane(int64_t number)
{
	return number < 0 || number > NUMBER_LIMIT ? SPY_GC_NONE : number;
}

static struct spy_gc_totals totals_at(const struct spy_layout *layout, const uint8_t *bytes)
{
	return (struct spy_gc_totals){
		.collections = sane(number_at(bytes, layout->gc_stats_collections)),
		.collected = sane(number_at(bytes, layout->gc_stats_collected)),
		.uncollectable = sane(number_at(bytes, layout->gc_stats_uncollectable)),
	};
}

static bool record_at(const struct spy_layout *layout, const uint8_t *bytes,
		      struct spy_gc_record *ret)
{
	ret->totals = totals_at(layout, bytes);
	ret->start_ns = number_at(bytes, layout->gc_stats_start);
	ret->stop_ns = number_at(bytes, layout->gc_stats_stop);
	memcpy(&ret->duration, bytes + layout->gc_stats_duration, sizeof(ret->duration));
	return ret->totals.collections > 0 && ret->totals.collected >= 0 &&
	       ret->totals.uncollectable >= 0 && ret->start_ns > 0 &&
	       ret->stop_ns >= ret->start_ns && isfinite(ret->duration) && ret->duration >= 0 &&
	       ret->duration < SECONDS_LIMIT;
}

size_t spy_gc_records(const struct spy_layout *layout, const uint8_t *bytes, size_t size,
		      struct spy_gc_record *ret)
{
	size_t count = 0;

	for (size_t from = 0; from + layout->gc_stats_size <= size && count < SPY_GC_RECORDS_LIMIT;
	     from += layout->gc_stats_size) {
		struct spy_gc_record record;
		size_t place = count;

		if (!record_at(layout, bytes + from, &record))
			continue;
		while (place > 0 && ret[place - 1].totals.collections > record.totals.collections)
			place--;
		if (place > 0 && ret[place - 1].totals.collections == record.totals.collections)
			continue;
		memmove(&ret[place + 1], &ret[place], (count - place) * sizeof(*ret));
		ret[place] = record;
		count++;
	}
	return count;
}

static void decode_rings(const struct spy_layout *layout, const uint8_t *bytes,
			 struct spy_gc_state *ret)
{
	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		const uint8_t *ring = bytes;
		size_t size = layout->gc_ring_young_end, count;

		if (i > 0) {
			ring += layout->gc_ring_old + (size_t)(i - 1) * layout->gc_ring_old_size;
			size = layout->gc_ring_old_end;
		}
		count = spy_gc_records(layout, ring, size, ret->records[i]);
		ret->record_counts[i] = count;
		ret->totals[i] = count ? ret->records[i][count - 1].totals
				       : (struct spy_gc_totals){ 0, 0, 0 };
	}
}

static void decode_generations(const struct spy_layout *layout, const struct spy_gc_place *place,
			       const struct spy_gc_raw *raw, struct spy_gc_state *ret)
{
	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		const uint8_t *bytes = raw->generations + (size_t)i * place->generation_size;

		ret->thresholds[i] = spy_int_at(bytes, layout->gc_generation_threshold);
		ret->counts[i] = spy_int_at(bytes, layout->gc_generation_count);
	}
	/* gc_get_threshold_impl and gc_get_count_impl of 3.14.0. */
	if (place->visited_space) {
		ret->thresholds[2] = 0;
		if (raw->visited_space == 1) {
			int32_t other = ret->counts[1];

			ret->counts[1] = ret->counts[2];
			ret->counts[2] = other;
		}
	}
}

void spy_gc_decode(const struct spy_layout *layout, const struct spy_gc_place *place,
		   const struct spy_gc_raw *raw, struct spy_gc_state *ret)
{
	*ret = (struct spy_gc_state){
		.enabled = raw->enabled != 0,
		.collecting = raw->collecting != 0,
		.debug = (uint32_t)raw->debug,
		.long_lived_total = place->long_lived_total ? raw->long_lived_total : SPY_GC_NONE,
		.long_lived_pending = place->long_lived_pending ? raw->long_lived_pending
								: SPY_GC_NONE,
		.freeze_active = place->freeze_active ? raw->freeze_active != 0 : -1,
		.garbage = raw->garbage,
	};
	decode_generations(layout, place, raw, ret);
	if (place->has_ring) {
		decode_rings(layout, raw->ring_bytes, ret);
		return;
	}
	for (int i = 0; i < SPY_GC_GENERATIONS; i++)
		ret->totals[i] =
			place->stats && layout->gc_stats_size != SPY_NO_FIELD
				? totals_at(layout, raw->stats + (size_t)i * layout->gc_stats_size)
				: (struct spy_gc_totals){ SPY_GC_NONE, SPY_GC_NONE, SPY_GC_NONE };
}
