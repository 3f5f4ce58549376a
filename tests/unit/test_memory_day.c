/*
 * A recording of memory that goes on for a day at 10 Hz: several processes, stacks that change all
 * of the time. What it takes is bounded, and so is what is written; peaks stay as they were.
 */
#include "history_points.h"

#include <malloc.h>

#include "memories.h"
#include "profile/live.h"

#define TICKS 864000u
#define TICK_NS (100 * MSEC)
#define PROCESSES 4u
#define FUNCTIONS 3000u
#define DEPTH 12u
#define MOST_BYTES (32 * MB)

/* Peaks of one moment each, far apart, each higher or lower than the others. */
#define SPIKES 10u

struct day {
	struct spy_history *history;
	struct pyspyc_profile *profile;
	uint32_t frames[FUNCTIONS];
	uint64_t rss[PROCESSES];
	uint32_t state; /* of random numbers */
	uint64_t most_bytes, grown;
	uint64_t peak, peak_ns; /* of all together, as fed */
};

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static uint64_t allocated(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
#if defined(__GLIBC__)
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#else
	return 0;
#endif
}

static uint64_t spike_tick(uint32_t process, uint32_t number)
{
	return (uint64_t)TICKS / SPIKES * number + 1234 + 1017 * process;
}

static uint64_t spike_rss(uint32_t process, uint32_t number)
{
	return (1500 + 50 * ((number * 7 + process) % SPIKES)) * MB + number;
}

/* What a process uses: it wanders, and now and then shoots up for a moment. */
static uint64_t next_rss(struct day *day, uint32_t process, uint32_t tick)
{
	uint64_t *rss = &day->rss[process];
	uint32_t i;

	for (i = 0; i < SPIKES; i++)
		if (tick == spike_tick(process, i))
			return spike_rss(process, i);
	*rss += random_below(&day->state, 65) * 4096;
	*rss -= random_below(&day->state, 65) * 4096;
	if (*rss < 100 * MB)
		*rss = 100 * MB;
	if (*rss > 300 * MB)
		*rss = 300 * MB;
	return *rss;
}

static void begin(struct day *day)
{
	char name[64], file[64];
	uint32_t i;

	*day = (struct day){ .history = new_history(PROCESSES), .profile = spy_profile_new(false) };
	assert_non_null(day->profile);
	assert_true(spy_live_begin(day->profile));
	day->profile->limits.nodes = SPY_LIVE_LIMIT_MEMORY;
	day->profile->title = strdup("python app.py");
	for (i = 0; i < FUNCTIONS; i++) {
		snprintf(name, sizeof(name), "Class%u.method_%u", i % 97, i);
		snprintf(file, sizeof(file), "/srv/app/package_%u/module_%u.py", i % 31, i % 311);
		day->frames[i] = add_frame(day->profile, name, file, (int)(i % 900) + 1, 1);
	}
	for (i = 0; i < PROCESSES; i++)
		day->rss[i] = 200 * MB;
}

/* A stack, of which the inner frames are other ones each time. */
static uint32_t make_stack(struct day *day, uint32_t process, uint32_t *node)
{
	uint32_t frames[DEPTH], i, last = random_below(&day->state, 7);

	*node = SPY_ROOT_NODE;
	for (i = 0; i < DEPTH; i++) {
		uint32_t at = i < 6 ? i : random_below(&day->state, i < 9 ? 40 : FUNCTIONS);

		frames[DEPTH - 1 - i] = day->frames[(at + process * (i < 6 ? 7 : 0)) % FUNCTIONS];
		*node = spy_profile_child(day->profile, *node, frames[DEPTH - 1 - i]);
		assert_int_not_equal(*node, UINT32_MAX);
	}
	return spy_history_stack(day->history, frames + last, DEPTH - last);
}

/* A stack that is looked at anew: its process has grown or shrunk there since the last one. */
static uint32_t look(struct day *day, uint32_t process, uint32_t tick, uint64_t rss, uint64_t *last)
{
	uint32_t node, stack = make_stack(day, process, &node);

	spy_profile_add(day->profile, node, UINT32_MAX, tick * TICK_NS, 1);
	spy_live_add(day->profile, node, SPY_LIVE_ALL, TICK_NS);
	spy_live_add(day->profile, node, rss > *last ? SPY_LIVE_GROWN : SPY_LIVE_RELEASED,
		     rss > *last ? rss - *last : *last - rss);
	day->grown += rss > *last ? rss - *last : 0;
	*last = rss;
	return stack;
}

static void feed(struct day *day, uint64_t before)
{
	uint64_t last[PROCESSES] = { 0 }, rss, sum, bytes;
	uint32_t stacks[PROCESSES] = { 0 }, tick, i;

	for (tick = 0; tick < TICKS; tick++) {
		for (i = 0, sum = 0; i < PROCESSES; i++) {
			rss = next_rss(day, i, tick);
			sum += rss;
			/* Each goes on to another stack in its turn. */
			if (!tick || tick % PROCESSES == i)
				stacks[i] = look(day, i, tick, rss, &last[i]);
			add(day->history, i, tick * TICK_NS, rss, stacks[i]);
		}
		if (sum > day->peak) {
			day->peak = sum;
			day->peak_ns = tick * TICK_NS;
		}
		spy_profile_make_room(day->profile);
		bytes = tick % 16 ? 0 : allocated() - before;
		if (bytes > day->most_bytes)
			day->most_bytes = bytes;
	}
	day->profile->duration_ns = TICKS * TICK_NS;
	day->profile->period_ns = TICK_NS;
}

static void check_peaks(const struct day *day)
{
	struct spy_history_peak peaks[2 * SPIKES];
	uint32_t process, i;

	assert_int_equal(day->history->peak_rss, day->peak);
	assert_int_equal(day->history->peak_ns, day->peak_ns);
	assert_true(spy_history_peaks(day->history, SPY_ALL_PROCESSES, 1, peaks) == 1);
	assert_int_equal(peaks[0].rss, day->peak);
	assert_int_equal(peaks[0].at_ns, day->peak_ns);
	for (process = 0; process < PROCESSES; process++) {
		size_t count = spy_history_peaks(day->history, process, 2 * SPIKES, peaks);

		assert_int_equal(count, SPIKES);
		for (i = 0; i < SPIKES; i++)
			assert_true(has_point(day->history, process,
					      spike_tick(process, i) * TICK_NS,
					      spike_rss(process, i)));
		for (i = 0; i < SPIKES; i++) /* the highest first, each as it was */
			assert_true(
				has_point(day->history, process, peaks[i].at_ns, peaks[i].rss) &&
				peaks[i].rss >= 1500 * MB);
	}
	/* Of all together, too; the others' share may be another moment's near by. */
	assert_int_equal(spy_history_peaks(day->history, SPY_ALL_PROCESSES, 2 * SPIKES, peaks),
			 2 * SPIKES);
}

/* Returns how much is written. */
static size_t written(const struct spy_memory_recording *recording, const char *format)
{
	char *text = write_memory(recording, format);
	size_t size = strlen(text);

	print_message("%s: %.1f MB\n", format, (double)size / (double)MB);
	free(text);
	return size;
}

static void test_a_day(void **state)
{
	static const char *const formats[] = { "plot",	     "mprof",  "csv",	    "json",
					       "flamegraph", "folded", "speedscope" };
	struct day day;
	struct spy_memory_recording recording = { 0 };
	uint64_t before = allocated(), grown = 0, i;
	uint32_t node;

	begin(&day);
	feed(&day, before);
	print_message("%u points, %u stacks, %u nodes: %.1f MB at most\n", day.history->point_count,
		      day.history->stack_count, day.profile->node_count,
		      (double)day.most_bytes / (double)MB);
	assert_true(day.most_bytes > MB || !allocated());
	assert_true(day.most_bytes <= MOST_BYTES);
	check_peaks(&day);
	assert_int_equal(day.profile->samples, TICKS + PROCESSES - 1);
	for (node = 0; node < day.profile->node_count; node++)
		grown += spy_profile_values(day.profile,
					    node)[spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE)];
	assert_int_equal(grown, day.grown); /* folded, and there all the same */
	recording.history = day.history;
	recording.profile = day.profile;
	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		assert_in_range(written(&recording, formats[i]), 10000, MOST_BYTES);
	spy_history_free(day.history);
	spy_profile_free(day.profile);
}

/* Where much has grown no sample needs to have been: what is folded is what little has. */
static void test_bytes_stay(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t node, i, grew, grew_frame = 0;
	char name[32];

	assert_true(spy_live_begin(profile));
	profile->limits.nodes = 100;
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		node = add_node(profile, SPY_ROOT_NODE, name, "app.py", 1, 1);
		if (i == 5) {
			spy_live_add(profile, node, SPY_LIVE_GROWN, 100 * MB);
			grew_frame = profile->nodes[node].frame;
		} else {
			spy_profile_add(profile, node, UINT32_MAX, i, 1 + i / 100);
		}
	}
	spy_profile_make_room(profile);
	assert_in_range(profile->node_count, 2, 75);
	grew = spy_profile_find(profile, SPY_ROOT_NODE, grew_frame);
	assert_int_not_equal(grew, UINT32_MAX);
	assert_int_equal(spy_profile_values(profile, grew)[spy_live_at(SPY_LIVE_GROWN,
								       SPY_LIVE_SINCE)],
			 100 * MB);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_day),
					    cmocka_unit_test(test_bytes_stay) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
