/* What a live recording counts: points, waits, memory and who made it grow, the unit of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/recorder_parts.h"
#include "profile/live.h"

/* --- who waits --- */

static void test_waits(void **state)
{
	struct spy_gauges *gauges = spy_gauges_new();
	struct spy_thread_gauge threads[3] = { { .serial = 7 }, { .serial = 8 }, { .serial = 9 } };
	struct spy_waits *waits = &gauges->waits;

	spy_waits_add(gauges, &threads[0], &threads[1], 10);
	spy_waits_add(gauges, &threads[1], &threads[0], 30);
	spy_waits_add(gauges, &threads[0], &threads[1], 10);
	spy_waits_add(gauges, &threads[2], &threads[0], 100);
	spy_waits_close(waits, 100);
	threads[2].ended_ns = 1;
	spy_waits_thin(waits);
	assert_int_equal(waits->count, 2);
	assert_ptr_equal(waits->items[0].waiter, &threads[1]);
	assert_true(fabs(waits->items[0].now - 0.3) < 1e-9);
	assert_true(fabs(waits->items[1].now - 0.2) < 1e-9);
	/* They are found again where they are by now. */
	spy_waits_add(gauges, &threads[0], &threads[1], 50);
	assert_int_equal(waits->count, 2);
	spy_waits_close(waits, 100);
	spy_waits_thin(waits);
	assert_ptr_equal(waits->items[0].waiter, &threads[0]);
	assert_true(fabs(waits->items[0].now - 0.5) < 1e-9);
	assert_int_equal(waits->items[0].since_ns, 70);
	assert_true(waits->items[1].now == 0);
	assert_int_equal(waits->items[1].since_ns, 30);
	spy_gauges_free(gauges);
}

static void test_waits_are_bounded(void **state)
{
	enum { THREADS = 200 };
	struct spy_gauges *gauges = spy_gauges_new();
	struct spy_thread_gauge *threads = calloc(THREADS, sizeof(*threads));
	size_t round, i, j;

	assert_non_null(threads);
	for (i = 0; i < THREADS; i++)
		threads[i].serial = (uint32_t)i;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < THREADS; i++)
			for (j = 0; j < THREADS; j++)
				spy_waits_add(gauges, &threads[i], &threads[j], 1);
		for (i = 0; i < 10; i++)
			spy_waits_add(gauges, &threads[0], &threads[1], 1);
		assert_in_range(gauges->waits.count, 1000, 4096);
		spy_waits_close(&gauges->waits, 100);
		spy_waits_thin(&gauges->waits);
	}
	/* The one that there was most of has stayed. */
	assert_ptr_equal(gauges->waits.items[0].holder, &threads[1]);
	assert_int_equal(gauges->waits.items[0].since_ns, 33);
	assert_false(gauges->failed);
	free(threads);
	spy_gauges_free(gauges);
}

/* --- moments: threads made by hand, memory of this very process --- */

struct fake {
	struct spy_gauges *gauges;
	struct spy_booking booking;
	struct spy_process_book book;
	struct spy_process_gauge *process;
	struct spy_thread threads[3];
	struct spy_thread_book paths[3];
};

static void set_up(struct fake *fake)
{
	static const struct pyspyc_recorder_options options = { .live = true };
	uint32_t name;
	int i;

	*fake = (struct fake){ .gauges = spy_gauges_new() };
	assert_int_equal(spy_booking_init(&fake->booking, &options, NULL), 0);
	name = spy_profile_string(fake->booking.profile, "work");
	assert_true(spy_live_begin(fake->booking.profile));
	fake->process = spy_process_gauge_of(fake->gauges, getpid(), 0);
	assert_non_null(fake->process);
	for (i = 0; i < 3; i++) {
		struct spy_frame frame = { .name = name, .line = i + 1 };
		uint32_t number = spy_profile_frame(fake->booking.profile, &frame);

		fake->paths[i].node = spy_profile_child(fake->booking.profile, 0, number);
		fake->paths[i].booked = fake->paths[i].begun = true;
	}
}

static void tear_down(struct fake *fake)
{
	spy_gauges_free(fake->gauges);
	spy_process_book_deinit(&fake->book);
	spy_booking_deinit(&fake->booking);
}

/* The thread did this, having used so many ns of CPU in all. */
static void visit(struct fake *fake, int i, unsigned doing, uint64_t ran_ns)
{
	struct spy_runs *runs = &fake->threads[i].runs;

	runs->line_size = (size_t)snprintf(runs->line, sizeof(runs->line), "%llu 0 1\n",
					   (unsigned long long)ran_ns);
	spy_gauges_visit(fake->gauges, fake->process, &fake->threads[i], &fake->paths[i], doing,
			 1000);
}

/* The process' RSS is `before` of what it was; what has changed is booked now. */
static void moment(struct fake *fake, int64_t grown)
{
	uint64_t now;
	size_t i;

	if (grown) {
		assert_true(spy_rss_read(&fake->process->rss, &now));
		fake->process->rss_bytes = (uint64_t)((int64_t)now - grown);
		fake->process->rss_ns = 1;
		for (i = 0; i < fake->process->thread_count; i++)
			fake->process->threads[i]->mark.at_ns = 1;
	}
	spy_gauges_moment(fake->gauges, fake->process, &fake->booking, &fake->book, spy_clock_now(),
			  1000);
}

static int64_t value_of(const struct fake *fake, int i, enum spy_live_value value)
{
	const uint64_t *values = spy_profile_values(fake->booking.profile, fake->paths[i].node);

	return (int64_t)values[spy_live_at(value, SPY_LIVE_SINCE)];
}

#define MEGABYTE (1 << 20)
#define MS SPY_NSEC_PER_MSEC

static void test_growth_goes_by_cpu_time(void **state)
{
	struct fake fake;
	int64_t first, second;

	set_up(&fake);
	visit(&fake, 0, SPY_DOES_ACTIVE, 50 * MS);
	visit(&fake, 1, SPY_DOES_ACTIVE, 50 * MS);
	visit(&fake, 2, 0, 50 * MS);
	moment(&fake, 0);
	visit(&fake, 0, SPY_DOES_ACTIVE, 55 * MS);
	visit(&fake, 1, SPY_DOES_ACTIVE, 51 * MS); /* and 1 ms for each that is not told yet */
	visit(&fake, 2, 0, 50 * MS);
	moment(&fake, 80 * MEGABYTE);
	first = value_of(&fake, 0, SPY_LIVE_GROWN);
	second = value_of(&fake, 1, SPY_LIVE_GROWN);
	/* The kernel's count may have gone on by some pages meanwhile. */
	assert_in_range(first, 59 * MEGABYTE, 61 * MEGABYTE);
	assert_in_range(second, 19 * MEGABYTE, 21 * MEGABYTE);
	assert_int_equal(value_of(&fake, 2, SPY_LIVE_GROWN), 0);
	assert_int_equal(value_of(&fake, 0, SPY_LIVE_RELEASED), 0);
	/* One that runs is not told before the next clock tick. */
	visit(&fake, 2, SPY_DOES_ACTIVE, 50 * MS);
	moment(&fake, -30 * MEGABYTE);
	assert_in_range(value_of(&fake, 2, SPY_LIVE_RELEASED), 29 * MEGABYTE, 31 * MEGABYTE);
	assert_int_equal(value_of(&fake, 0, SPY_LIVE_GROWN), first);
	tear_down(&fake);
}

/* A thread's stack before has half of it, its stack now the other, if it was not asleep there. */
static void test_growth_between_two_stacks(void **state)
{
	static const struct {
		unsigned before, now;
		int64_t first, second, unknown; /* megabytes */
	} cases[] = {
		{ SPY_DOES_ACTIVE, SPY_DOES_ACTIVE, 40, 40, 0 },
		{ SPY_DOES_ACTIVE, 0, 80, 0, 0 },
		{ 0, SPY_DOES_ACTIVE, 0, 80, 0 },
		{ 0, 0, 0, 0, 80 },
	};
	struct fake fake;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t first, second;

		set_up(&fake);
		first = fake.paths[0].node;
		second = fake.paths[2].node;
		visit(&fake, 0, cases[i].before, 50 * MS);
		moment(&fake, 0);
		fake.paths[0].node = second;
		visit(&fake, 0, cases[i].now, 60 * MS);
		moment(&fake, 80 * MEGABYTE);
		fake.paths[0].node = first;
		fake.paths[1].node = spy_booking_unknown(&fake.booking, fake.paths[0].root);
		assert_true(llabs(value_of(&fake, 0, SPY_LIVE_GROWN) / MEGABYTE - cases[i].first) <= 1);
		assert_true(llabs(value_of(&fake, 2, SPY_LIVE_GROWN) / MEGABYTE - cases[i].second) <= 1);
		assert_true(llabs(value_of(&fake, 1, SPY_LIVE_GROWN) / MEGABYTE - cases[i].unknown) <= 1);
		tear_down(&fake);
	}
}

static void test_growth_of_nobody(void **state)
{
	struct fake fake;
	int i;

	set_up(&fake);
	for (i = 0; i < 3; i++)
		visit(&fake, i, 0, 50 * MS);
	moment(&fake, 0);
	for (i = 0; i < 3; i++)
		visit(&fake, i, 0, 50 * MS);
	fake.threads[0].rested = true;
	visit(&fake, 0, 0, 90 * MS);
	fake.paths[1].booked = false; /* no stack to book it on */
	visit(&fake, 1, SPY_DOES_ACTIVE, 90 * MS);
	moment(&fake, 80 * MEGABYTE);
	for (i = 0; i < 3; i++)
		assert_int_equal(value_of(&fake, i, SPY_LIVE_GROWN), 0);
	tear_down(&fake);
}

/* Bytes wait for the stack that they are booked on. When that never was, it is not known whose. */
static void test_growth_of_provisional_stacks(void **state)
{
	struct fake fake;
	const uint64_t *values;
	uint32_t unknown;
	int hold;

	for (hold = 0; hold < 2; hold++) {
		set_up(&fake);
		fake.paths[0].provisional = true;
		spy_booking_add_bytes(&fake.booking, &fake.book, &fake.paths[0], fake.paths[0].node, 100);
		spy_booking_add_bytes(&fake.booking, &fake.book, &fake.paths[0], fake.paths[0].node, -30);
		spy_booking_add_bytes(&fake.booking, &fake.book, &fake.paths[1], fake.paths[1].node, 7);
		assert_int_equal(value_of(&fake, 0, SPY_LIVE_GROWN), 0);
		assert_int_equal(spy_booking_settle(&fake.booking, &fake.book, hold), 0);
		assert_int_equal(value_of(&fake, 0, SPY_LIVE_GROWN), hold ? 100 : 0);
		assert_int_equal(value_of(&fake, 0, SPY_LIVE_RELEASED), hold ? 30 : 0);
		assert_int_equal(value_of(&fake, 1, SPY_LIVE_GROWN), 7);
		unknown = spy_booking_unknown(&fake.booking, SPY_ROOT_NODE);
		values = spy_profile_values(fake.booking.profile, unknown);
		assert_int_equal(values[spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE)], hold ? 0 : 100);
		assert_int_equal(values[spy_live_at(SPY_LIVE_RELEASED, SPY_LIVE_SINCE)],
				 hold ? 0 : 30);
		assert_int_equal(fake.booking.profile->samples, 0);
		tear_down(&fake);
	}
}

static void test_doings_are_counted(void **state)
{
	struct fake fake;
	const struct spy_thread_gauge *gauge;

	set_up(&fake);
	visit(&fake, 0, SPY_DOES_ACTIVE | SPY_DOES_GIL, 1);
	visit(&fake, 1, SPY_DOES_GIL_WAIT, 1);
	visit(&fake, 2, 0, 1);
	moment(&fake, 0);
	visit(&fake, 0, SPY_DOES_GIL_WAIT, 1);
	visit(&fake, 1, SPY_DOES_ACTIVE, 1);
	fake.paths[1].collecting = true;
	visit(&fake, 1, SPY_DOES_ACTIVE, 1);
	moment(&fake, 0);
	gauge = fake.paths[0].gauge;
	assert_int_equal(gauge->since.active_ns, 1000);
	assert_int_equal(gauge->since.gil_ns, 1000);
	assert_int_equal(gauge->since.wait_ns, 1000);
	assert_int_equal(fake.gauges->gil_ns, 1000);
	assert_int_equal(fake.gauges->gc_ns, 1000);
	/* In the second moment nobody had it. */
	assert_int_equal(fake.gauges->waits.count, 1);
	assert_ptr_equal(fake.gauges->waits.items[0].waiter, fake.paths[1].gauge);
	assert_ptr_equal(fake.gauges->waits.items[0].holder, gauge);
	spy_threads_close(fake.process, 2000);
	assert_true(fabs(gauge->shown.active - 0.5) < 1e-9);
	assert_int_equal(gauge->open.active_ns, 0);
	assert_int_equal(gauge->since.active_ns, 1000);
	tear_down(&fake);
}

/* A thread that has gone stays for a while, and not too many do. */
static void test_ended_threads_are_forgotten(void **state)
{
	struct fake fake;
	size_t i;

	set_up(&fake);
	for (i = 0; i < 3; i++)
		visit(&fake, (int)i, 0, 1);
	moment(&fake, 0);
	fake.paths[1].gauge->ended_ns = 100;
	spy_threads_forget(fake.process, 100 + SPY_ENDED_NS - 1, false);
	assert_int_equal(fake.process->thread_count, 3);
	spy_threads_forget(fake.process, 100 + SPY_ENDED_NS, false);
	assert_int_equal(fake.process->thread_count, 2);
	assert_null(fake.paths[1].gauge);
	for (i = 0; i < 1000; i++) {
		struct spy_thread_book path = { 0 };
		struct spy_thread_gauge *gauge = spy_thread_gauge_of(fake.gauges, fake.process,
								     &fake.threads[0], &path);

		gauge->book = NULL;
		gauge->ended_ns = 200 + i;
	}
	spy_threads_forget(fake.process, 2000, false);
	assert_int_equal(fake.process->thread_count, 2 + SPY_ENDED_LIMIT);
	assert_int_equal(fake.process->threads[fake.process->thread_count - 1]->ended_ns, 1199);
	tear_down(&fake);
}

/* Interpreters with one GIL: who waits for it in one may wait for a thread of another. */
static void test_shared_gils(void **state)
{
	struct spy_interpreter interpreters[] = { { .gil = 5 }, { .gil = 6 }, { .gil = 5 } };
	struct spy_sampler sampler = { .states = { .interpreters = interpreters,
						   .interpreter_count = 3 } };
	struct fake fake;
	int i;

	set_up(&fake);
	fake.process->sampler = &sampler;
	for (i = 0; i < 3; i++)
		fake.threads[i].state.interpreter_index = (uint32_t)i;
	visit(&fake, 0, SPY_DOES_GIL_WAIT, 1);
	visit(&fake, 1, SPY_DOES_GIL | SPY_DOES_ACTIVE, 1);
	visit(&fake, 2, SPY_DOES_GIL | SPY_DOES_ACTIVE, 1);
	moment(&fake, 0);
	assert_int_equal(fake.gauges->waits.count, 1);
	assert_ptr_equal(fake.gauges->waits.items[0].holder, fake.paths[2].gauge);
	fake.process->sampler = NULL;
	tear_down(&fake);
}

/* Between two looks at RSS there may be many moments. */
static void test_growth_above_its_rate(void **state)
{
	struct fake fake;

	set_up(&fake);
	visit(&fake, 0, SPY_DOES_ACTIVE, 50 * MS);
	visit(&fake, 1, SPY_DOES_ACTIVE, 50 * MS);
	moment(&fake, 0);
	visit(&fake, 0, 0, 50 * MS);
	visit(&fake, 1, 0, 51 * MS);
	spy_gauges_moment(fake.gauges, fake.process, &fake.booking, &fake.book,
			  fake.process->rss_ns + 1, 1000); /* too soon to look */
	visit(&fake, 0, 0, 50 * MS);
	visit(&fake, 1, 0, 51 * MS);
	moment(&fake, 8 * MEGABYTE);
	assert_int_equal(value_of(&fake, 0, SPY_LIVE_GROWN), 0);
	assert_in_range(value_of(&fake, 1, SPY_LIVE_GROWN), 7 * MEGABYTE, 9 * MEGABYTE);
	/* What a thread had used before is no reason for what comes after. */
	visit(&fake, 0, SPY_DOES_ACTIVE, 51 * MS);
	visit(&fake, 1, 0, 51 * MS);
	moment(&fake, 8 * MEGABYTE);
	assert_in_range(value_of(&fake, 0, SPY_LIVE_GROWN), 7 * MEGABYTE, 9 * MEGABYTE);
	tear_down(&fake);
}

/* --- another rate --- */

static void test_period_of_a_profile(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	struct spy_lane lane = { 0 };
	struct spy_frame frame = { .line = 1 };
	uint32_t node;

	profile->period_ns = 10 * MS;
	spy_profile_lane(profile, &lane);
	node = spy_profile_child(profile, 0, spy_profile_frame(profile, &frame));
	spy_profile_add(profile, node, 0, 0, 30);
	spy_profile_add(profile, 0, 0, 0, 3);
	spy_profile_set_period(profile, 4 * MS);
	assert_int_equal(profile->period_ns, 4 * MS);
	assert_int_equal(profile->nodes[node].self, 75);
	assert_int_equal(profile->nodes[0].self, 8); /* 7.5 */
	assert_int_equal(profile->samples, 83);
	assert_int_equal(profile->moments[0].samples, 75);
	spy_profile_free(profile);
}

static void test_moments_at_other_rates(void **state)
{
	struct pyspyc_recorder_options options = { .rate = 100, .live = true };
	struct pyspyc_recorder *recorder;
	struct pyspyc_error err;
	uint64_t samples = 0, time = 0;
	int i;

	assert_int_equal(pyspyc_recorder_new(&options, &recorder, &err), 0);
	assert_int_equal(pyspyc_recorder_set_rate(recorder, 0, &err), -PYSPYC_EINVAL);
	assert_int_equal(pyspyc_recorder_set_rate(recorder, 2e6, &err), -PYSPYC_EINVAL);
	assert_int_equal(pyspyc_recorder_set_rate(recorder, 250, &err), 0);
	recorder->started_ns = spy_clock_now();
	recorder->booking.profile->period_ns = 4 * MS;
	spy_pace_begin(&recorder->pace, 250, recorder->started_ns, 1);
	recorder->pace.missed = 5;
	/* Slower: a moment is several samples, in the mean as many as its time is worth. */
	assert_int_equal(pyspyc_recorder_set_rate(recorder, 30, &err), 0);
	assert_int_equal(recorder->booking.profile->period_ns, 4 * MS);
	assert_int_equal(recorder->pace.missed, 5);
	assert_in_range(recorder->next_ns, recorder->started_ns, spy_clock_now() + 34 * MS);
	for (i = 0; i < 30; i++) {
		spy_recorder_cover(recorder);
		samples += recorder->covers;
		time += recorder->covers_ns;
	}
	assert_in_range(time, 999 * MS, 1001 * MS);
	assert_in_range(samples, 249, 250);
	/* Faster: the unit gets smaller, and what was booked stands for the same time. */
	spy_profile_add(recorder->booking.profile, 0, 0, 0, 10);
	assert_int_equal(pyspyc_recorder_set_rate(recorder, 1000, &err), 0);
	assert_int_equal(recorder->booking.profile->period_ns, MS);
	assert_int_equal(recorder->booking.profile->nodes[0].self, 40);
	spy_recorder_cover(recorder);
	assert_int_equal(recorder->covers, 1);
	assert_int_equal(recorder->covers_ns, MS);
	pyspyc_recorder_free(recorder);
}

static void test_pauses_are_no_time(void **state)
{
	struct pyspyc_recorder_options options = { .live = true };
	struct pyspyc_recorder *recorder;
	const struct pyspyc_live *live;
	struct pyspyc_error err;

	assert_int_equal(pyspyc_recorder_new(&options, &recorder, &err), 0);
	assert_int_equal(pyspyc_live_update(recorder, &live, &err), -PYSPYC_EAGAIN);
	recorder->started_ns = 1000;
	assert_int_equal(spy_recorder_elapsed(recorder, 1700), 700);
	recorder->paused = true;
	recorder->paused_since_ns = 1500;
	assert_int_equal(spy_recorder_elapsed(recorder, 1700), 500);
	recorder->paused = false;
	recorder->paused_ns = 400;
	assert_int_equal(spy_recorder_elapsed(recorder, 2000), 600);
	assert_int_equal(spy_recorder_elapsed(recorder, 900), 0);
	pyspyc_recorder_free(recorder);
	options.live = false;
	assert_int_equal(pyspyc_recorder_new(&options, &recorder, &err), 0);
	assert_int_equal(pyspyc_live_update(recorder, &live, &err), -PYSPYC_EINVAL);
	pyspyc_recorder_free(recorder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_waits_are_bounded),
		cmocka_unit_test(test_growth_goes_by_cpu_time),
		cmocka_unit_test(test_growth_between_two_stacks),
		cmocka_unit_test(test_growth_of_nobody),
		cmocka_unit_test(test_growth_of_provisional_stacks),
		cmocka_unit_test(test_doings_are_counted),
		cmocka_unit_test(test_ended_threads_are_forgotten),
		cmocka_unit_test(test_shared_gils),
		cmocka_unit_test(test_growth_above_its_rate),
		cmocka_unit_test(test_period_of_a_profile),
		cmocka_unit_test(test_moments_at_other_rates),
		cmocka_unit_test(test_pauses_are_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
