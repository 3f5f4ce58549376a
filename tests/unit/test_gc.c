/* The collector's state out of bytes, and collections out of states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "cpython/gc.h"
#include "lib/gc_events.h"

#define MS UINT64_C(1000000)

static struct spy_layout layout_of(unsigned minor, unsigned micro)
{
	struct spy_version version = {
		.major = 3, .minor = (uint8_t)minor, .micro = (uint8_t)micro, .level = 'f'
	};
	struct spy_layout layout;

	assert_int_equal(spy_layout_find(&version, SPY_ARCH_X86_64, &layout, NULL), 0);
	return layout;
}

static void put(uint8_t *bytes, size_t offset, int64_t value)
{
	memcpy(bytes + offset, &value, sizeof(value));
}

static void put_record(const struct spy_layout *layout, uint8_t *bytes, int64_t collections,
		       int64_t start, int64_t stop, double duration)
{
	put(bytes, layout->gc_stats_collections, collections);
	put(bytes, layout->gc_stats_collected, (int64_t)((uint64_t)collections * 10));
	put(bytes, layout->gc_stats_uncollectable, 0);
	put(bytes, layout->gc_stats_start, start);
	put(bytes, layout->gc_stats_stop, stop);
	memcpy(bytes + layout->gc_stats_duration, &duration, sizeof(duration));
}

/* A ring is in no order, and has empty records, others twice, and some that make no sense. */
static void test_records(void **state)
{
	const struct spy_layout layout = layout_of(15, 0);
	struct spy_gc_record records[SPY_GC_RECORDS_LIMIT];
	uint8_t bytes[24 * 64] = { 0 };
	size_t step = layout.gc_stats_size;

	put_record(&layout, bytes, 9, 500, 600, 0.9);
	put_record(&layout, bytes + step, 7, 100, 200, 0.7);
	put_record(&layout, bytes + 3 * step, 9, 500, 600, 0.9);
	put_record(&layout, bytes + 4 * step, -5, 100, 200, 0.7);
	put_record(&layout, bytes + 5 * step, 5, 200, 100, 0.7);
	put_record(&layout, bytes + 6 * step, 6, 100, 200, NAN);
	put_record(&layout, bytes + 7 * step, INT64_MAX, 100, 200, 0.1);
	put_record(&layout, bytes + 8 * step, 8, 300, 400, 0.8);
	assert_int_equal(spy_gc_records(&layout, bytes, 11 * step, records), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(records[i].totals.collections, 7 + i);
	/* Nothing behind the end, and no more than there is room for. */
	assert_int_equal(spy_gc_records(&layout, bytes, 2 * step - 1, records), 1);
	for (int i = 0; i < 24; i++)
		put_record(&layout, bytes + (size_t)i * step, 24 - i, 100, 200, 0.1);
	assert_int_equal(spy_gc_records(&layout, bytes, sizeof(bytes), records),
			 SPY_GC_RECORDS_LIMIT);
}

/* 3.14.0 to 3.14.4: the generations 1 and 2 change places, and the third threshold is none. */
static void test_incremental(void **state)
{
	const struct spy_layout before = layout_of(14, 4), after = layout_of(14, 5);
	struct spy_gc_place place = { .generation_size = before.gc_generation_size };
	struct spy_gc_raw raw = { .visited_space = 1 };
	struct spy_gc_state ret;

	assert_true(before.gc_visited_space != SPY_NO_FIELD);
	assert_true(after.gc_visited_space == SPY_NO_FIELD);
	assert_true(after.gc_long_lived_total != SPY_NO_FIELD);
	for (uint32_t i = 0; i < 3; i++) {
		int32_t pair[2] = { (int32_t)(100 + i), (int32_t)i };

		memcpy(raw.generations + i * place.generation_size + before.gc_generation_threshold,
		       pair, sizeof(pair));
	}
	spy_gc_decode(&after, &place, &raw, &ret);
	assert_int_equal(ret.counts[1], 1);
	assert_int_equal(ret.thresholds[2], 102);
	place.visited_space = 1;
	spy_gc_decode(&before, &place, &raw, &ret);
	assert_int_equal(ret.counts[1], 2);
	assert_int_equal(ret.counts[2], 1);
	assert_int_equal(ret.thresholds[1], 101);
	assert_int_equal(ret.thresholds[2], 0);
}

struct log {
	struct spy_gc_event events[16];
	size_t count;
};

static void note(void *context, const struct spy_gc_event *event)
{
	struct log *log = context;

	assert_true(log->count < 16);
	log->events[log->count++] = *event;
}

static void track(struct spy_gc_tracker *tracker, const struct spy_gc_state *state, bool has_ring,
		  uint64_t ms, struct log *log)
{
	spy_gc_track(tracker, state, has_ring, ms * MS, ms * MS, note, log);
}

static void test_polled(void **state)
{
	struct spy_gc_tracker tracker = { 0 };
	struct spy_gc_state now = { 0 };
	struct log log = { .count = 0 };

	track(&tracker, &now, false, 10, &log);
	now.collecting = true;
	for (uint64_t ms = 11; ms <= 20; ms++)
		track(&tracker, &now, false, ms, &log);
	assert_int_equal(log.count, 0);
	/* A long one of generation 2 has ended; two of generation 0 came and went as well. */
	now.collecting = false;
	now.totals[2] = (struct spy_gc_totals){ 1, 50, 3 };
	now.totals[0] = (struct spy_gc_totals){ 2, 7, 0 };
	track(&tracker, &now, false, 21, &log);
	assert_int_equal(log.count, 2);
	assert_int_equal(log.events[0].generation, 2);
	assert_int_equal(log.events[0].duration_ns, 10 * MS);
	assert_int_equal(log.events[0].error_ns, 1 * MS);
	assert_int_equal(log.events[0].collected, 50);
	assert_int_equal(log.events[0].uncollectable, 3);
	assert_int_equal(log.events[1].generation, 0);
	assert_int_equal(log.events[1].count, 2);
	assert_int_equal(log.events[1].duration_ns + log.events[1].error_ns, 1 * MS);
	assert_int_equal(tracker.collections, 3);
	assert_int_equal(tracker.unseen, 2);
	assert_int_equal(tracker.paused_ns, 10 * MS);
	/* Sums that fall, or rise beyond belief, are another's: they count from there. */
	now.totals[2].collections = 0;
	track(&tracker, &now, false, 22, &log);
	now.totals[2].collections = INT64_C(1) << 50;
	track(&tracker, &now, false, 23, &log);
	assert_int_equal(log.count, 2);
}

/* A reading takes its time, and sums grow before the last callbacks of a collection have run. */
static void test_bounds(void **state)
{
	struct spy_gc_tracker tracker = { 0 };
	struct spy_gc_state now = { 0 };
	struct log log = { .count = 0 };

	spy_gc_track(&tracker, &now, false, 10 * MS, 12 * MS, note, &log);
	now.totals[0].collections = 1;
	spy_gc_track(&tracker, &now, false, 13 * MS, 16 * MS, note, &log);
	assert_int_equal(log.count, 1);
	assert_int_equal(log.events[0].duration_ns + log.events[0].error_ns, 6 * MS);
	now.totals[0].collections = 2;
	now.collecting = true;
	track(&tracker, &now, false, 17, &log);
	assert_int_equal(log.count, 2);
	assert_true(tracker.tail);
	track(&tracker, &now, false, 20, &log);
	/* Whether it went on till now, or another has come since, cannot be told. */
	now.totals[0].collections = 3;
	now.collecting = false;
	track(&tracker, &now, false, 21, &log);
	assert_int_equal(log.count, 3);
	assert_int_equal(log.events[2].duration_ns, log.events[2].error_ns);
	assert_int_equal(log.events[2].duration_ns + log.events[2].error_ns, 8 * MS);
	/* The clock of a reading does not go back. */
	now.totals[0].collections = 4;
	track(&tracker, &now, false, 20, &log);
	assert_int_equal(log.count, 3);
	/* One that begins while nothing ended is timed again. */
	track(&tracker, &now, false, 22, &log);
	now.collecting = true;
	track(&tracker, &now, false, 23, &log);
	assert_false(tracker.tail);
}

/* 2.7: nothing but counts. */
static void test_counts_only(void **state)
{
	static const struct spy_gc_totals none = { SPY_GC_NONE, SPY_GC_NONE, SPY_GC_NONE };
	struct spy_gc_state now = { .totals = { none, none, none }, .counts = { 5, 3, 1 } };
	struct spy_gc_tracker tracker = { 0 };
	struct log log = { .count = 0 };

	track(&tracker, &now, false, 10, &log);
	now.counts[1] = 5;
	track(&tracker, &now, false, 11, &log);
	assert_int_equal(log.events[0].generation, 0);
	assert_int_equal(log.events[0].count, 2);
	assert_int_equal(log.events[0].collected, SPY_GC_NONE);
	now.collecting = true;
	now.counts[1] = now.counts[2] = 0;
	track(&tracker, &now, false, 12, &log);
	assert_int_equal(log.count, 1);
	now.collecting = false;
	track(&tracker, &now, false, 13, &log);
	assert_int_equal(log.count, 2);
	assert_int_equal(log.events[1].generation, 2);
	now.counts[2] = 1;
	track(&tracker, &now, false, 14, &log);
	assert_int_equal(log.count, 3);
	assert_int_equal(log.events[2].generation, 1);
}

static void set_record(struct spy_gc_state *state, size_t at, int64_t collections, int64_t start_ms,
		       int64_t stop_ms, double duration)
{
	state->records[0][at] = (struct spy_gc_record){
		.totals = { collections, collections * 10, 0 },
		.start_ns = start_ms * (int64_t)MS,
		.stop_ns = stop_ms * (int64_t)MS,
		.duration = duration,
	};
	state->record_counts[0] = at + 1;
	state->totals[0] = state->records[0][at].totals;
}

static void test_ring(void **state)
{
	struct spy_gc_tracker tracker = { 0 };
	struct spy_gc_state now = { 0 };
	struct log log = { .count = 0 };

	set_record(&now, 0, 4, 1, 2, 0.5);
	track(&tracker, &now, true, 10, &log);
	/* The newest may be half written while a collection runs. */
	set_record(&now, 1, 5, 11, 14, 0.503);
	now.collecting = true;
	track(&tracker, &now, true, 15, &log);
	assert_int_equal(log.count, 0);
	set_record(&now, 2, 6, 16, 17, 0.504);
	track(&tracker, &now, true, 18, &log);
	assert_int_equal(log.count, 1);
	assert_int_equal(log.events[0].duration_ns, 3 * MS);
	assert_int_equal(log.events[0].error_ns, 0);
	assert_int_equal(log.events[0].end_ns, 14 * MS);
	assert_int_equal(log.events[0].collected, 10);
	/* What the ring has lost is in the sums. */
	now.collecting = false;
	set_record(&now, 0, 9, 30, 32, 0.516);
	track(&tracker, &now, true, 33, &log);
	assert_int_equal(log.count, 2);
	assert_int_equal(log.events[1].count, 4);
	assert_int_equal((log.events[1].duration_ns + MS / 2) / MS, 13);
	assert_int_equal(tracker.unseen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_incremental),
		cmocka_unit_test(test_polled),	cmocka_unit_test(test_counts_only),
		cmocka_unit_test(test_ring),	cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
