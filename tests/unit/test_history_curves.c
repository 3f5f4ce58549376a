/* What is to be seen in memory against time: peaks and climbs of known curves. */
#include "history_points.h"

static void test_sawtooth(void **state)
{
	struct spy_history *history = new_history(1);
	struct spy_history_climb climbs[10];
	struct spy_history_peak peaks[10];
	uint64_t i;

	for (i = 0; i < 500; i++) /* five teeth, each one higher */
		add(history, 0, i * SECOND, (10 + i % 100 + i / 100) * MB, (uint32_t)(i / 100));
	assert_int_equal(spy_history_peaks(history, 0, 10, peaks), 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(peaks[i].rss, (113 - i) * MB);
		assert_int_equal(peaks[i].at_ns, (499 - i * 100) * SECOND);
		assert_int_equal(peaks[i].stack, 4 - i);
	}
	assert_int_equal(spy_history_peaks(history, 0, 2, peaks), 2);
	assert_int_equal(peaks[1].rss, 112 * MB);
	assert_int_equal(spy_history_peaks(history, 0, 0, peaks), 0);
	assert_int_equal(spy_history_climbs(history, 0, 10, climbs), 5);
	assert_int_equal(climbs[0].from_ns, 0);
	assert_int_equal(climbs[0].to_ns, 99 * SECOND);
	assert_int_equal(climbs[0].to_rss - climbs[0].from_rss, 99 * MB);
	assert_int_equal(spy_history_climbs(history, 0, 3, climbs), 3);
	spy_history_free(history);
}

static void test_one_step(void **state)
{
	struct spy_history *history = new_history(1);
	struct spy_history_climb climbs[4];
	struct spy_history_peak peaks[4];
	uint32_t line = stack_of(history, 7, 1), deep = stack_of(history, 7, 2);
	uint32_t other = stack_of(history, 8, 1), i;

	for (i = 0; i < 100; i++)
		add(history, 0, i * SECOND, 50 * MB, other);
	add(history, 0, 100 * SECOND, 80 * MB, line);
	add(history, 0, 101 * SECOND, 90 * MB, other);
	add(history, 0, 102 * SECOND, 110 * MB, deep);
	for (i = 103; i < 200; i++)
		add(history, 0, i * SECOND, 110 * MB, other);
	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 1);
	assert_int_equal(peaks[0].at_ns, 102 * SECOND);
	assert_int_equal(peaks[0].stack, deep);
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 1);
	assert_int_equal(climbs[0].from_ns, 99 * SECOND);
	assert_int_equal(climbs[0].to_ns, 102 * SECOND);
	assert_int_equal(climbs[0].from_rss, 50 * MB);
	assert_int_equal(climbs[0].to_rss, 110 * MB);
	assert_int_equal(climbs[0].stack, line); /* 30 of 50 MB of this line at once */
	assert_int_equal(climbs[0].of_stack, 50 * MB);
	spy_history_free(history);
}

static void test_plateaus(void **state)
{
	struct spy_history *history = new_history(1);
	struct spy_history_climb climbs[4];
	struct spy_history_peak peaks[4];

	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 0);
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 0);
	add(history, 0, 0, 30 * MB, 0);
	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 1);
	add(history, 0, 9, 30 * MB, 0);
	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 1);
	assert_int_equal(peaks[0].at_ns, 0);
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 0);
	add(history, 0, 10, 10 * MB, 0);
	add(history, 0, 19, 10 * MB, 0);
	add(history, 0, 20, 25 * MB, 0);
	add(history, 0, 30, 25 * MB, 0);
	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 2);
	assert_int_equal(peaks[0].rss, 30 * MB);
	assert_int_equal(peaks[1].rss, 25 * MB);
	assert_int_equal(peaks[1].at_ns, 20);
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 1);
	assert_int_equal(climbs[0].from_ns, 19);
	assert_int_equal(climbs[0].to_ns, 20);
	spy_history_free(history);
}

static void test_noise_is_no_peak(void **state)
{
	struct spy_history *history = new_history(1);
	struct spy_history_climb climbs[4];
	struct spy_history_peak peaks[4];
	uint32_t i;

	/* Up to 1 MB of noise upon a climb of 100 MB, a fall of 60 and a climb of 20. */
	for (i = 0; i <= 10000; i++) {
		uint64_t base = i < 5000   ? i * 20000ull
				: i < 8000 ? 100000000 - (i - 5000) * 20000ull
					   : 40000000 + (i - 8000) * 10000ull;

		add(history, 0, i * MSEC, base + (i * 2654435761u >> 12), i % 4);
	}
	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 2);
	assert_in_range(peaks[0].at_ns, 4900 * MSEC, 5100 * MSEC);
	assert_in_range(peaks[1].at_ns, 9800 * MSEC, 10000 * MSEC);
	assert_int_equal(spy_history_climbs(history, 0, 1, climbs), 1);
	assert_in_range(climbs[0].from_ns, 0, 100 * MSEC);
	assert_in_range(climbs[0].to_ns, 4900 * MSEC, 5100 * MSEC);
	spy_history_free(history);
}

/* A fall that is too deep for what was there may be nothing in the whole. */
static void test_falls_within_a_climb(void **state)
{
	static const uint64_t sizes[] = { 0, 100, 96, 97, 94, 144, 130, 200 };
	struct spy_history *history = new_history(1);
	struct spy_history_climb climbs[4];
	uint32_t i;

	for (i = 0; i < 8; i++)
		add(history, 0, i, sizes[i] * MB, 0);
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 2);
	assert_int_equal(climbs[0].from_ns, 0);
	assert_int_equal(climbs[0].to_ns, 5);
	assert_int_equal(climbs[1].from_ns, 6);
	assert_int_equal(climbs[1].to_ns, 7);
	add(history, 0, 8, 300 * MB, 0); /* now 14 MB of fall are less than a twentieth */
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 1);
	assert_int_equal(climbs[0].from_ns, 0);
	assert_int_equal(climbs[0].to_ns, 8);
	spy_history_free(history);
}

static void test_two_processes(void **state)
{
	struct spy_history *history = new_history(2);
	uint32_t first = stack_of(history, 1, 9), second = stack_of(history, 2, 9);
	struct spy_history_climb climbs[4];
	struct spy_history_peak peaks[4];
	uint32_t i;

	/* One is up while the other is down: together they are highest where they overlap. */
	for (i = 0; i < 100; i++) {
		add(history, 0, i * SECOND, (i >= 10 && i < 50 ? 60 : 10) * MB, first);
		add(history, 1, i * SECOND, (i >= 40 && i < 90 ? 50 : 10) * MB, second);
	}
	assert_int_equal(spy_history_peaks(history, 0, 4, peaks), 1);
	assert_int_equal(peaks[0].rss, 60 * MB);
	assert_int_equal(spy_history_peaks(history, SPY_ALL_PROCESSES, 4, peaks), 1);
	assert_int_equal(peaks[0].rss, 110 * MB);
	assert_int_equal(peaks[0].at_ns, 40 * SECOND);
	assert_int_equal(peaks[0].stack, second);
	assert_int_equal(peaks[0].process, SPY_ALL_PROCESSES);
	assert_int_equal(spy_history_climbs(history, SPY_ALL_PROCESSES, 4, climbs), 1);
	assert_int_equal(climbs[0].from_rss, 20 * MB);
	assert_int_equal(climbs[0].to_rss, 110 * MB);
	assert_int_equal(climbs[0].stack, first);
	assert_int_equal(climbs[0].of_stack, 50 * MB);
	assert_int_equal(spy_history_climbs(history, 1, 4, climbs), 1);
	assert_int_equal(climbs[0].stack, second);
	spy_history_free(history);
}

/* A fork begins with its parent's memory, which is no growth, whatever line it is seen on. */
static void test_beginning_is_no_climb(void **state)
{
	struct spy_history *history = new_history(2);
	uint32_t main_line = stack_of(history, 1, 9), child_line = stack_of(history, 2, 9);
	struct spy_history_value *values;
	struct spy_history_climb climbs[4];
	uint32_t i;

	for (i = 0; i < 50; i++) {
		add(history, 0, i * SECOND, 110 * MB, main_line);
		if (i >= 20)
			add(history, 1, i * SECOND, 100 * MB, child_line);
	}
	assert_int_equal(spy_history_climbs(history, SPY_ALL_PROCESSES, 4, climbs), 0);
	for (; i < 70; i++) {
		add(history, 0, i * SECOND, 110 * MB, main_line);
		add(history, 1, i * SECOND, (100 + i - 49) * MB, child_line);
	}
	assert_int_equal(spy_history_climbs(history, SPY_ALL_PROCESSES, 4, climbs), 1);
	assert_int_equal(climbs[0].from_ns, 49 * SECOND);
	assert_int_equal(climbs[0].to_ns, 69 * SECOND);
	assert_int_equal(climbs[0].from_rss, 210 * MB);
	assert_int_equal(climbs[0].to_rss, 230 * MB);
	assert_int_equal(climbs[0].grown, 20 * MB);
	assert_int_equal(climbs[0].stack, child_line);
	assert_int_equal(climbs[0].of_stack, 20 * MB);
	spy_history_end(history, 1, 70 * SECOND);
	i = (uint32_t)spy_history_curve(history, SPY_ALL_PROCESSES, &values);
	assert_int_equal(values[i - 2].rss, 230 * MB);
	assert_int_equal(values[i - 2].grown, 130 * MB);
	assert_int_equal(values[i - 1].rss, 110 * MB);
	assert_int_equal(values[i - 1].grown, 110 * MB);
	free(values);
	spy_history_free(history);
}

/* One that begins while another grows is part of its climb, but counts for nothing in it. */
static void test_beginning_in_a_climb(void **state)
{
	struct spy_history *history = new_history(2);
	uint32_t grow = stack_of(history, 1, 9), other = stack_of(history, 2, 9);
	struct spy_history_climb climbs[4];
	uint32_t i;

	for (i = 0; i <= 50; i++) {
		add(history, 0, i * SECOND, (10 + i) * MB, i % 5 ? grow : other);
		/* Begins with all of its parent's, runs another program, grows, and ends. */
		if (i >= 20 && i < 30)
			add(history, 1, i * SECOND, (i < 22 ? 30 : 3 + (i >= 25)) * MB, grow);
	}
	spy_history_end(history, 1, 30 * SECOND);
	assert_int_equal(spy_history_climbs(history, SPY_ALL_PROCESSES, 4, climbs), 1);
	assert_int_equal(climbs[0].from_ns, 0);
	assert_int_equal(climbs[0].to_ns, 50 * SECOND);
	assert_int_equal(climbs[0].from_rss, 10 * MB);
	assert_int_equal(climbs[0].to_rss, 60 * MB);
	assert_int_equal(climbs[0].grown, 50 * MB);
	assert_int_equal(climbs[0].stack, grow);
	assert_int_equal(climbs[0].of_stack, 41 * MB);
	spy_history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sawtooth),
		cmocka_unit_test(test_one_step),
		cmocka_unit_test(test_plateaus),
		cmocka_unit_test(test_noise_is_no_peak),
		cmocka_unit_test(test_falls_within_a_climb),
		cmocka_unit_test(test_two_processes),
		cmocka_unit_test(test_beginning_is_no_climb),
		cmocka_unit_test(test_beginning_in_a_climb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
