/* Memory against time: what is kept, and what goes. */
#include "history_points.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What holds of every history. */
static void check(const struct spy_history *history)
{
	uint64_t *times = calloc(history->process_count + 1, sizeof(*times));
	uint32_t i;

	assert_true(history->point_count <= history->point_limit);
	for (i = 0; i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i];

		assert_true(point->process < history->process_count);
		if (i)
			assert_true(point->at_ns >= point[-1].at_ns);
		/* One at a moment of each. */
		assert_true(point->at_ns + 1 > times[point->process]);
		times[point->process] = point->at_ns + 1;
	}
	for (i = 0; i < history->process_count; i++) {
		const struct spy_history_process *process = &history->processes[i];

		if (process->latest == SPY_NO_POINT)
			continue;
		assert_true(process->latest < history->point_count);
		assert_int_equal(history->points[process->latest].process, i);
		assert_int_equal(history->points[process->latest].at_ns + 1, times[i]);
	}
	free(times);
}

/* --- points --- */

static void test_what_repeats_is_moved(void **state)
{
	struct spy_history *history = new_history(2);
	uint64_t at;

	for (at = 1; at <= 1000; at++) {
		add(history, 0, at * MSEC, 10 * MB, 0);
		add(history, 1, at * MSEC, at == 500 ? 7 * MB : 5 * MB, 0);
		check(history);
	}
	assert_int_equal(history->point_count, 2 + 5);
	assert_true(has_point(history, 0, MSEC, 10 * MB));
	assert_true(has_point(history, 0, 1000 * MSEC, 10 * MB));
	assert_true(has_point(history, 1, 499 * MSEC, 5 * MB));
	assert_true(has_point(history, 1, 500 * MSEC, 7 * MB));
	assert_true(has_point(history, 1, 501 * MSEC, 5 * MB));
	add(history, 0, 1001 * MSEC, 10 * MB, 1); /* another stack is another point */
	assert_int_equal(history->point_count, 8);
	check(history);
	assert_int_equal(history->processes[0].first_rss, 10 * MB);
	assert_int_equal(history->processes[1].seen_rss, 7 * MB);
	assert_int_equal(history->processes[1].peak_rss, 7 * MB);
	assert_int_equal(history->processes[0].until_ns, 1001 * MSEC);
	assert_int_equal(history->peak_rss, 17 * MB);
	assert_int_equal(history->peak_ns, 500 * MSEC);
	assert_int_equal(history->sum_rss, 15 * MB);
	spy_history_free(history);
}

static void test_what_a_moved_point_says(void **state)
{
	struct spy_history *history = new_history(1);
	struct spy_history_point point = { .rss = MB, .stack = SPY_NO_STACK };

	for (point.at_ns = 1; point.at_ns <= 5; point.at_ns++) {
		point.pss = point.at_ns * 10;
		point.minor = point.at_ns;
		assert_true(spy_history_add(history, &point));
	}
	assert_int_equal(history->point_count, 2);
	assert_int_equal(history->points[0].pss, 10);
	assert_int_equal(history->points[1].at_ns, 5);
	assert_int_equal(history->points[1].pss, 50);
	assert_int_equal(history->points[1].minor, 5);
	spy_history_free(history);
}

static void test_time_never_goes_back(void **state)
{
	struct spy_history *history = new_history(2);

	add(history, 0, 50, MB, 0);
	add(history, 1, 20, 2 * MB, 0); /* is at 50 then */
	add(history, 1, 10, 3 * MB, 0); /* and replaces that */
	add(history, 0, 60, 4 * MB, 0);
	check(history);
	assert_int_equal(history->point_count, 3);
	assert_true(has_point(history, 1, 50, 3 * MB));
	assert_int_equal(history->peak_rss, 7 * MB);
	spy_history_free(history);
}

/* One process takes what another gave back: at no moment were both there. */
static void test_the_sum_is_of_one_moment(void **state)
{
	struct spy_history *history = new_history(2);
	struct spy_history_value *values;

	add(history, 0, 1, 100 * MB, 0);
	add(history, 1, 1, 10 * MB, 0);
	add(history, 1, 2, 100 * MB, 0);
	add(history, 0, 2, 10 * MB, 0);
	assert_int_equal(history->peak_rss, 110 * MB);
	assert_int_equal(history->peak_ns, 1);
	assert_int_equal(history->sum_rss, 110 * MB);
	add(history, 1, 3, 105 * MB, 0);
	assert_int_equal(history->peak_rss, 115 * MB);
	assert_int_equal(history->peak_ns, 3);
	spy_history_end(history, 1, 4);
	spy_history_end(history, 1, 9); /* once is enough */
	assert_int_equal(history->sum_rss, 10 * MB);
	assert_int_equal(history->processes[1].until_ns, 4);
	assert_int_equal(spy_history_curve(history, SPY_ALL_PROCESSES, &values), 4);
	assert_int_equal(values[0].rss, 110 * MB);
	assert_int_equal(values[1].rss, 110 * MB);
	assert_int_equal(values[2].rss, 115 * MB);
	assert_int_equal(values[3].rss, 10 * MB);
	assert_int_equal(values[3].at_ns, 4);
	free(values);
	assert_int_equal(spy_history_curve(history, 1, &values), 3);
	assert_int_equal(values[0].rss, 10 * MB);
	free(values);
	spy_history_free(history);
}

static void test_sizes_that_cannot_be(void **state)
{
	struct spy_history *history = new_history(3);
	struct spy_history_climb climbs[4];
	struct spy_history_peak peaks[4];
	struct spy_history_value *values;

	add(history, 0, 1, 1, 0);
	add(history, 0, 2, UINT64_MAX, 7777);
	add(history, 1, 2, UINT64_MAX, SPY_NO_STACK);
	add(history, 2, UINT64_MAX - 1, UINT64_MAX, 3);
	add(history, 0, UINT64_MAX - 1, 5, 3);
	check(history);
	assert_int_equal(spy_history_curve(history, SPY_ALL_PROCESSES, &values), 3);
	free(values);
	assert_int_equal(spy_history_peaks(history, SPY_ALL_PROCESSES, 4, peaks), 1);
	assert_int_equal(spy_history_climbs(history, 0, 4, climbs), 1);
	assert_int_equal(climbs[0].of_stack, UINT64_MAX - 1);
	spy_history_free(history);
}

/* --- limits --- */

static void test_no_end_of_processes(void **state)
{
	struct spy_history *history = new_history(0);
	uint32_t i, number = 0;

	for (i = 0; i < SPY_HISTORY_PROCESSES + 100; i++)
		number = spy_history_process(history, (int32_t)i, 0, "p", "", i);
	assert_int_equal(number, SPY_HISTORY_PROCESSES - 1);
	assert_int_equal(history->process_count, SPY_HISTORY_PROCESSES);
	for (i = 0; i < 40 * SPY_HISTORY_PROCESSES; i++)
		add(history, i % SPY_HISTORY_PROCESSES, i / SPY_HISTORY_PROCESSES * SECOND,
		    (i * 7919ull % 1000 + 1) * MB, i % 3);
	check(history);
	spy_history_free(history);
}

static void test_no_end_of_stacks(void **state)
{
	struct spy_history *history = new_history(1);
	uint32_t frames[SPY_HISTORY_DEPTH + 10] = { 0 }, known, i, longest;

	assert_int_equal(spy_history_stack(history, frames, 0), SPY_NO_STACK);
	for (i = 0; i < SPY_HISTORY_DEPTH + 10; i++)
		frames[i] = i;
	longest = spy_history_stack(history, frames, SPY_HISTORY_DEPTH + 10);
	assert_int_equal(history->stacks[longest].count, SPY_HISTORY_DEPTH);
	assert_int_equal(spy_history_stack(history, frames, SPY_HISTORY_DEPTH), longest);
	known = stack_of(history, 5, 6);
	assert_int_not_equal(known, stack_of(history, 6, 5));
	for (i = 0; i < 3 * SPY_HISTORY_STACKS; i++) {
		uint32_t stack = stack_of(history, i % 300, 1000 + i);

		assert_true(stack < history->stack_count);
		assert_int_equal(history->frames[history->stacks[stack].first], i % 300);
	}
	assert_int_equal(stack_of(history, 5, 6), known);
	/* Their lines alone are told apart for longer, and then no more. */
	for (i = 0; i < 3 * SPY_HISTORY_STACKS; i++)
		stack_of(history, 5000 + i, 1);
	assert_int_equal(history->stack_count, SPY_HISTORY_STACKS);
	assert_int_equal(stack_of(history, 1, 77777),
			 spy_history_stack(history, (uint32_t[]){ 1 }, 1));
	assert_int_equal(stack_of(history, 999999, 1), SPY_NO_STACK);
	assert_true(history->frame_count <= SPY_HISTORY_STACKS * SPY_HISTORY_DEPTH);
	spy_history_free(history);
}

#define STEPS 1000000
#define PEAKS 12

/* Noise upon a slow wave, and now and then a moment at which much more is used. */
static uint64_t noisy(uint32_t step, uint32_t process)
{
	uint64_t noise = (step * 2654435761u + process * 40503u) >> 22; /* 0-1023 */

	return (100 + process * 50) * MB + noise * 4096;
}

static bool is_peak(uint32_t step, uint32_t process)
{
	return step % (STEPS / PEAKS) == 1000 + process * 777;
}

static double seconds_of_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check_curve(const struct spy_history *history, uint32_t process)
{
	struct spy_history_peak peaks[100];
	size_t count = spy_history_peaks(history, process, 100, peaks), i;

	assert_int_equal(count, PEAKS);
	for (i = 0; i < count; i++) {
		uint32_t step = (uint32_t)(peaks[i].at_ns / (100 * MSEC));

		assert_true(is_peak(step, process));
		assert_int_equal(peaks[i].rss, noisy(step, process) + 300 * MB + step);
	}
}

static void test_thinning_keeps_what_stands_out(void **state)
{
	struct spy_history *history = new_history(3);
	uint64_t at_ns = 0, sum, most = 0, most_ns = 0;
	double begun = seconds_of_cpu();
	struct spy_history_peak peak;
	uint32_t step, i;

	for (step = 0; step < STEPS; step++) {
		at_ns = step * 100 * MSEC;
		for (sum = i = 0; i < 3; i++) {
			uint64_t rss = noisy(step, i) + (is_peak(step, i) ? 300 * MB + step : 0);
			struct spy_history_point point = {
				.at_ns = at_ns, .rss = rss, .process = i, .stack = step % 9
			};

			if (!spy_history_add(history, &point))
				fail();
			sum += rss;
		}
		if (sum > most) {
			most = sum;
			most_ns = at_ns;
		}
	}
	/* Generous: builds with sanitizers on busy machines run this too. */
	assert_true((seconds_of_cpu() - begun) / STEPS / 3 < 2e-6);
	check(history);
	assert_true(history->point_count > history->point_limit / 4);
	for (i = 0; i < 3; i++) {
		assert_true(has_point(history, i, 0, noisy(0, i)));
		assert_true(has_point(history, i, at_ns, noisy(STEPS - 1, i)));
		check_curve(history, i);
	}
	assert_int_equal(history->peak_rss, most);
	assert_int_equal(history->peak_ns, most_ns);
	assert_int_equal(spy_history_peaks(history, SPY_ALL_PROCESSES, 1, &peak), 1);
	assert_int_equal(peak.rss, most);
	assert_int_equal(peak.at_ns, most_ns);
	spy_history_free(history);
}

static void test_a_day_at_1_khz(void **state)
{
	struct spy_history *history = new_history(2);
	struct spy_history_climb climbs[3];
	uint32_t step, steps = 86400 * 20; /* twenty moments of each second are enough here */
	size_t bytes;

	for (step = 0; step < steps; step++) {
		add(history, 0, step * 50 * MSEC, (step / 100 + step % 100 / 50) * 4096, step % 5);
		add(history, 1, step * 50 * MSEC, 100 * MB, step / 1000000);
	}
	check(history);
	bytes = history->point_capacity * sizeof(*history->points) +
		history->stack_capacity * sizeof(*history->stacks);
	assert_true(bytes <= 8 * MB);
	/* What hardly changes costs hardly anything. */
	assert_true(spy_history_climbs(history, 0, 3, climbs) >= 1);
	assert_int_equal(climbs[0].from_rss, 0);
	assert_int_equal(climbs[0].to_rss, steps / 100 * 4096);
	assert_int_equal(spy_history_climbs(history, 1, 3, climbs), 0);
	spy_history_free(history);
}

static void test_thinning_with_little_room(void **state)
{
	struct spy_history *history = spy_history_new();
	uint32_t step, i;

	history->point_limit = 64;
	for (i = 0; i < 20; i++)
		assert_int_equal(spy_history_process(history, 1, 0, "", "", 0), i < 8 ? i : 7);
	for (step = 0; step < 20000; step++) {
		for (i = 0; i < 8; i++)
			if (step % (i + 1) == 0)
				add(history, i, step * SECOND, (step * 7919ull % 97 + 1) * MB,
				    step % 3);
		if (step % 97 == 0)
			check(history);
	}
	check(history);
	for (i = 0; i < 8; i++)
		assert_true(has_point(history, i, 0, MB));
	spy_history_free(history);
}

/* Flat ones are moved on among others, whatever the others do. */
static void test_random_processes(void **state)
{
	struct spy_history *history = spy_history_new();
	unsigned seed = 1;
	uint32_t step;

	history->point_limit = 2000;
	for (step = 0; step < 40; step++)
		spy_history_process(history, 1, 0, "", "", 0);
	for (step = 0; step < 20000; step++) {
		uint32_t process = (uint32_t)rand_r(&seed) % 40;

		if (rand_r(&seed) % 500 == 0)
			spy_history_end(history, process, step);
		else
			add(history, process, step / 7, (uint64_t)(rand_r(&seed) % 2 + 1) * MB, 0);
		if (step % 50 == 0)
			check(history);
	}
	spy_history_free(history);
}

/* --- no memory --- */

#if defined(__SANITIZE_ADDRESS__) /* which itself cannot do with so little */
static void test_out_of_memory(void **state)
{
	skip();
}
#else

static void fill(void)
{
	struct spy_history *history = spy_history_new();
	struct spy_history_value *values;
	struct spy_history_climb climb;
	struct spy_history_peak peak;
	uint32_t i, process, stack;

	if (!history)
		_exit(2);
	process = spy_history_process(history, 1, 0, "python", "3.12", 0);
	for (i = 0; process == 0; i++) {
		struct spy_history_point point = { .at_ns = i, .rss = i, .stack = i };

		stack = stack_of(history, i, i + 1);
		if (stack == SPY_STACK_NOMEM || !spy_history_add(history, &point))
			break;
		if (i > 4 * SPY_HISTORY_POINTS)
			_exit(1); /* there was enough */
		if (i % 1000 == 0 && spy_history_curve(history, 0, &values) >= 0)
			free(values);
		if (i % 1000 == 0) {
			spy_history_peaks(history, 0, 1, &peak);
			spy_history_climbs(history, 0, 1, &climb);
		}
	}
	spy_history_free(history);
	_exit(0);
}

/* As under an emulator that runs programs of another architecture. */
#define LIMIT_NOT_HEEDED 77

static void test_out_of_memory(void **state)
{
	rlim_t sizes[] = { MB / 4, MB, 2 * MB, 3 * MB };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			struct rlimit limit = { 0 };
			FILE *statm = fopen("/proc/self/statm", "r");
			unsigned long pages = 0;
			void *volatile much;

			if (!statm || fscanf(statm, "%lu", &pages) != 1)
				_exit(3);
			fclose(statm);
			limit.rlim_cur = limit.rlim_max = pages * 4096 + sizes[i];
			setrlimit(RLIMIT_AS, &limit);
			much = malloc(64 * MB);
			if (much)
				_exit(LIMIT_NOT_HEEDED);
			fill();
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == LIMIT_NOT_HEEDED)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory), /* first, while nothing is free yet */
		cmocka_unit_test(test_what_repeats_is_moved),
		cmocka_unit_test(test_what_a_moved_point_says),
		cmocka_unit_test(test_time_never_goes_back),
		cmocka_unit_test(test_the_sum_is_of_one_moment),
		cmocka_unit_test(test_sizes_that_cannot_be),
		cmocka_unit_test(test_no_end_of_processes),
		cmocka_unit_test(test_no_end_of_stacks),
		cmocka_unit_test(test_thinning_keeps_what_stands_out),
		cmocka_unit_test(test_a_day_at_1_khz),
		cmocka_unit_test(test_thinning_with_little_room),
		cmocka_unit_test(test_random_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
