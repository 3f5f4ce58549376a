/* The history of a live recording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/gauges.h"

#define SECOND ((uint64_t)SPY_NSEC_PER_SEC)

static void test_slope(void **state)
{
	struct spy_points points = { 0 };
	uint64_t i;

	assert_true(spy_points_slope(&points) == 0);
	/* Long ago it shrank; in the last minute it grows by 1000 bytes a second, with some noise. */
	for (i = 0; i < 200; i++) {
		struct pyspyc_live_point point = {
			.at_ns = i * SECOND,
			.rss = i < 130 ? 900000000 - i * 1000000 : i * 1000 + (i % 2 ? 50 : 0),
		};

		assert_true(spy_points_add(&points, &point));
	}
	assert_true(fabs(spy_points_slope(&points) - 60000) < 200);
	/* What comes up with a program, in its first seconds, is no growth. */
	points.count = 13;
	for (i = 0; i < 13; i++)
		points.items[i].rss = i < 4 ? i * 9000000 : 40000000;
	assert_true(spy_points_slope(&points) == 0);
	points.items[12].rss = 50000000;
	assert_true(spy_points_slope(&points) > 0);
	points.count = 10; /* too few seconds to say */
	points.items[9].rss = 50000000;
	assert_true(spy_points_slope(&points) == 0);
	free(points.items);
}

static void test_points_are_thinned(void **state)
{
	const size_t count = 3 * SPY_POINTS_LIMIT;
	struct spy_points points = { 0 };
	double sum = 0, peak = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct pyspyc_live_point point = {
			.at_ns = i * SECOND,
			.cpu = i % 2 ? 1 : 0,
			.rss = i == 1000 ? 777 : 5,
		};

		assert_true(spy_points_add(&points, &point));
		assert_true(points.count <= SPY_POINTS_LIMIT);
	}
	for (i = 0; i < points.count; i++) {
		assert_true(!i || points.items[i].at_ns > points.items[i - 1].at_ns);
		sum += points.items[i].cpu;
		if (points.items[i].rss == 777) {
			peak = (double)points.items[i].at_ns;
			assert_true(points.items[i].cpu < 0.9);
		}
	}
	/* The peak is where it was, shares are averages, and what is young is all there. */
	assert_true(peak == 1000.0 * (double)SECOND);
	assert_true(fabs(sum / (double)points.count - 0.5) < 0.01);
	assert_int_equal(points.items[points.count - 1].at_ns, (count - 1) * SECOND);
	assert_int_equal(points.items[points.count - 1000].at_ns, (count - 1000) * SECOND);
	free(points.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slope),
		cmocka_unit_test(test_points_are_thinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
