/* What a profile does when a program has no end of stacks, names, threads or moments. */
#include "profiles.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FRAMES 40
#define DEEPEST 60

/* Who samples: keeps the numbers of its last stack, as long as they are good. */
struct caller {
	struct pyspyc_profile *profile;
	uint32_t frames[DEEPEST], nodes[DEEPEST];
	uint32_t count, generation;
};

static void book(struct caller *caller, const uint32_t *frames, uint32_t count, uint32_t lane,
		 uint64_t at_ns, uint64_t samples)
{
	struct pyspyc_profile *profile = caller->profile;
	uint32_t i = 0;

	if (caller->generation != profile->generation)
		caller->count = 0;
	caller->generation = profile->generation;
	while (i < count && i < caller->count && caller->frames[i] == frames[i])
		i++;
	for (; i < count; i++) {
		caller->frames[i] = frames[i];
		caller->nodes[i] = spy_profile_child(profile, i ? caller->nodes[i - 1] : 0,
						     frames[i]);
		assert_int_equal(caller->generation, profile->generation);
		assert_true(caller->nodes[i] < profile->node_count);
	}
	caller->count = count;
	spy_profile_add(profile, caller->nodes[count - 1], lane, at_ns, samples);
	assert_int_equal(caller->generation, profile->generation);
	spy_profile_make_room(profile);
}

static void make_frames(struct pyspyc_profile *profile, uint32_t *frames)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		frames[i] = add_frame(profile, "f", "a.py", i + 1, 1);
}

/* What holds of every profile, whatever was folded. */
static void check(const struct pyspyc_profile *profile)
{
	uint64_t all = 0, vague = 0;
	uint32_t i;

	assert_true(profile->node_count <= profile->limits.nodes + DEEPEST);
	for (i = 0; i < profile->node_count; i++) {
		const struct spy_node *node = &profile->nodes[i];

		all += node->self;
		vague += node->vague ? node->self : 0;
		if (!i)
			continue;
		assert_true(node->parent < i);
		assert_true(node->frame < profile->frame_count);
		assert_int_equal(spy_profile_find(profile, node->parent, node->frame), i);
		assert_int_equal(node->vague, node->frame == profile->other_frame ||
						      profile->nodes[node->parent].vague);
		/* One <other> says it all. */
		assert_false(node->frame == profile->other_frame &&
			     profile->nodes[node->parent].frame == profile->other_frame);
	}
	assert_int_equal(all, profile->samples);
	assert_int_equal(vague, profile->folded);
}

/*
 * Every stack that limited still has is one of whole's, with no more samples than there. Frames
 * have the same numbers in both.
 */
static void check_against(const struct pyspyc_profile *limited, const struct pyspyc_profile *whole)
{
	uint32_t *twins = calloc(limited->node_count, sizeof(*twins)), i;
	uint64_t *totals = spy_profile_sum(limited), *truth = spy_profile_sum(whole);

	assert_int_equal(totals[0], truth[0]);
	for (i = 1; i < limited->node_count; i++) {
		const struct spy_node *node = &limited->nodes[i];

		if (node->vague)
			continue;
		twins[i] = spy_profile_find(whole, twins[node->parent], node->frame);
		assert_true(twins[i] < whole->node_count);
		assert_true(node->self <= whole->nodes[twins[i]].self);
		assert_true(totals[i] <= truth[twins[i]]);
	}
	free(twins);
	free(totals);
	free(truth);
}

/* The timeline has all samples, and with no resolution lost, each node's. */
static void check_moments(const struct pyspyc_profile *profile)
{
	uint64_t *selves = calloc(profile->node_count, sizeof(*selves)), all = 0;
	uint32_t i;

	for (i = 0; i < profile->moment_count; i++) {
		assert_true(profile->moments[i].node < profile->node_count);
		selves[profile->moments[i].node] += profile->moments[i].samples;
		all += profile->moments[i].samples;
	}
	assert_int_equal(all, profile->samples);
	for (i = 0; i < profile->node_count && !profile->resolution_ns; i++)
		assert_int_equal(selves[i], profile->nodes[i].self);
	free(selves);
}

/* A stack: some of it often the same, the rest by chance. */
static uint32_t make_stack(uint32_t *state, const uint32_t *frames, uint32_t *stack)
{
	uint32_t count = 1 + random_below(state, DEEPEST - 1), shared, i;

	shared = random_below(state, count + 1);
	for (i = 0; i < count; i++)
		stack[i] = frames[i < shared ? i % 7 : random_below(state, FRAMES)];
	return count;
}

static void run_random(uint32_t seed, uint32_t limit, uint32_t stacks, bool timeline, bool few)
{
	struct pyspyc_profile *limited = spy_profile_new(timeline), *whole = spy_profile_new(false);
	struct caller callers[3] = { { limited }, { limited }, { limited } };
	struct caller other = { whole };
	struct spy_lane lane = { .name = spy_profile_string(limited, "thread") };
	uint32_t frames[FRAMES], known[FRAMES], stack[DEEPEST], state = seed, lanes[3], i, j;

	limited->limits.nodes = limit;
	if (few) /* frames: half of them have no place */
		limited->limits.frames = FRAMES / 2;
	whole->limits.nodes = UINT32_MAX / 4;
	limited->period_ns = 1000;
	make_frames(whole, frames);
	make_frames(limited, known);
	for (i = 0; i < 3; i++)
		lanes[i] = spy_profile_lane(limited, &lane);
	for (i = 0; i < stacks; i++) {
		uint32_t count = make_stack(&state, frames, stack);
		uint32_t thread = random_below(&state, 3), samples = random_below(&state, 4);

		book(&other, stack, count, 0, 0, samples);
		for (j = 0; j < count; j++)
			stack[j] = known[stack[j]];
		book(&callers[thread], stack, count, lanes[thread], i * 1000, samples);
		if (i % (stacks / 16 + 1) == 0)
			check(limited);
	}
	check(limited);
	check_against(limited, whole);
	if (timeline)
		check_moments(limited);
	assert_true(limited->generation > 0 && limited->folded > 0);
	spy_profile_free(limited);
	spy_profile_free(whole);
}

static void test_samples_are_conserved(void **state)
{
	static const uint32_t limits[] = { 1, 2, 3, 10, 100, 1000, 5000 };
	uint32_t i, seed;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		for (seed = 1; seed <= 4; seed++)
			run_random(seed * 7919, limits[i], limits[i] < 100 ? 300 : 3000, seed % 2,
				   seed > 2);
}

/* Stack i of a hundred thousand: 24 frames that all share, 8 of its own. */
static void book_one_of_many(struct caller *caller, const uint32_t *frames, uint32_t i,
			     uint64_t at_ns)
{
	uint32_t stack[32], j;

	for (j = 0; j < 32; j++)
		stack[j] = frames[j < 24 ? j : (i >> (31 - j)) % FRAMES];
	/* What parts it from all others comes first. */
	stack[24] = add_frame(caller->profile, "f", "b.py", (int)(i % 1000) + 1, 1);
	stack[25] = add_frame(caller->profile, "f", "c.py", (int)(i / 1000) + 1, 1);
	book(caller, stack, 32, 0, at_ns, 1);
}

/* Stacks without end, and a hundred thousand, at the limits that are used. */
static void test_a_million_stacks(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	struct caller caller = { profile };
	uint32_t frames[FRAMES], stack[32], seed = 1, i, j;

	make_frames(profile, frames);
	for (i = 0; i < 1000000; i++) {
		for (j = 0; j < 32; j++)
			stack[j] = frames[j < 24 ? j : random_below(&seed, FRAMES)];
		book(&caller, stack, 32, 0, 0, 1);
		assert_true(profile->node_count <= SPY_LIMIT_NODES);
	}
	assert_true(profile->generation > 1);
	assert_true(profile->folded > 0 && profile->folded < 1000000);
	check(profile);
	spy_profile_free(profile);
	profile = spy_profile_new(false);
	caller = (struct caller){ profile };
	make_frames(profile, frames);
	for (i = 0; i < 200000; i++)
		book_one_of_many(&caller, frames, i % 100000, 0);
	assert_true(profile->node_count > 650000);
	assert_int_equal(profile->folded, 0);
	assert_int_equal(profile->generation, 0);
	spy_profile_free(profile);
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* The most memory this process has had, in KiB. */
static unsigned long most_memory(void)
{
	spy_autofclose FILE *file = fopen("/proc/self/status", "r");
	unsigned long most = 0;
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %lu", &most) == 1)
			break;
	return most;
}

/* An hour at 100 samples a second, and then the file. */
static int record_an_hour(const struct pyspyc_format *format)
{
	struct pyspyc_profile *profile = spy_profile_new(format->needs_timeline);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread") };
	spy_autofclose FILE *file = fopen("/dev/null", "w");
	struct caller caller = { profile };
	uint32_t frames[FRAMES], seed = 1, i;

	spy_profile_lane(profile, &lane);
	profile->period_ns = 10000000;
	make_frames(profile, frames);
	for (i = 0; i < 360000; i++)
		book_one_of_many(&caller, frames, i < 100000 ? i : random_below(&seed, 100000),
				 i * 10000000ull);
	if (!file || profile->folded || profile->resolution_ns ||
	    pyspyc_profile_write(profile, format, file, NULL) != 0)
		return 1;
	return most_memory() > 0 && most_memory() <= 48 * 1024 ? 0 : 2;
}

/* With what reading a process takes, this stays below 64 MB. */
static void test_memory(void **state)
{
	const struct pyspyc_format *const *format;
	int status;
	pid_t pid;

#ifdef SANITIZED
	skip(); /* its shadow is memory, too */
#endif
	for (format = pyspyc_formats(); *format; format++) {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			_exit(record_an_hour(*format));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* What is seen often stays as it is; what goes are the rare ones, the old before the new. */
static void test_the_rare_and_old_go(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t often, main, rare[400], i, gone = 0, oldest = 0, stay = 0;

	profile->limits.nodes = 400;
	main = add_frame(profile, "main", "a.py", 1, 1);
	often = add_frame(profile, "often", "a.py", 1, 1);
	for (i = 0; i < 400; i++)
		rare[i] = add_frame(profile, "rare", "a.py", (int)i + 1, 1);
	spy_profile_add(profile,
			spy_profile_child(profile, spy_profile_child(profile, 0, main), often), 0,
			0, 50);
	/* One more than there is room for, the root, `main` and `often` among them. */
	for (i = 0; i < 398; i++) {
		assert_int_equal(profile->generation, 0);
		spy_profile_add(profile,
				spy_profile_child(profile, spy_profile_child(profile, 0, main),
						  rare[i]),
				0, 0, i == 5 ? 2 : 1);
		spy_profile_make_room(profile);
	}
	assert_int_equal(profile->generation, 1);
	assert_true(profile->node_count <= 300 && profile->node_count > 280);
	main = spy_profile_find(profile, 0, main);
	assert_int_equal(profile->nodes[spy_profile_find(profile, main, often)].self, 50);
	assert_int_equal(profile->nodes[spy_profile_find(profile, main, rare[5])].self, 2);
	for (i = 0; i < 398; i++) {
		if (spy_profile_find(profile, main, rare[i]) == UINT32_MAX) {
			gone++;
			oldest = i;
		} else if (i != 5 && !stay) {
			stay = i;
		}
	}
	assert_true(gone > 90 && oldest < stay);
	assert_int_equal(profile->folded, gone);
	i = spy_profile_find(profile, main, profile->other_frame);
	assert_int_equal(profile->nodes[i].self, gone);
	assert_string_equal(spy_profile_text(profile, profile->frames[profile->other_frame].name),
			    SPY_OTHER_NAME);
	assert_int_equal(profile->frames[profile->other_frame].kind, SPY_FRAME_MARKER);
	check(profile);
	spy_profile_free(profile);
}

/* Functions with new names for ever. */
static void test_frames_and_strings(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t known = add_frame(profile, "known", "a.py", 1, 1), node, i;
	char name[100];

	profile->limits.frames = 100;
	for (i = 0; i < 1000; i++) {
		node = spy_profile_child(profile, 0, add_frame(profile, "f", "a.py", (int)i, 1));
		node = spy_profile_child(profile, node, add_frame(profile, "g", "a.py", (int)i, 1));
		spy_profile_add(profile, node, 0, 0, 1);
	}
	assert_true(profile->frame_count <= 101);
	assert_int_equal(add_frame(profile, "known", "a.py", 1, 1), known);
	assert_int_equal(profile->samples, 1000);
	assert_true(profile->folded >= 950 && profile->folded < 955);
	check(profile);
	spy_profile_rename_frame(profile, profile->other_frame, profile->frames[known].name,
				 profile->frames[known].file);
	assert_string_equal(spy_profile_text(profile, profile->frames[profile->other_frame].name),
			    SPY_OTHER_NAME);
	profile->limits.frames = 10000;
	profile->limits.string_bytes = 10000;
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "function_%u", i);
		add_frame(profile, name, "a.py", 1, 1);
	}
	assert_true(profile->string_bytes <= 10000 && profile->string_bytes > 9900);
	assert_true(profile->strings.count < 250);
	assert_int_equal(add_frame(profile, name, "a.py", 1, 1), profile->other_frame);
	assert_int_equal(add_frame(profile, "known", "a.py", 1, 1), known);
	spy_profile_free(profile);
}

/* Threads for ever. */
static void test_lanes(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread") };
	uint32_t name = spy_profile_string(profile, "renamed"), i;

	profile->limits.lanes = 10;
	for (i = 0; i < 100; i++)
		assert_int_equal(spy_profile_lane(profile, &lane), i < 9 ? i : 9);
	spy_profile_rename_lane(profile, 8, name);
	spy_profile_rename_lane(profile, 9, name);
	assert_int_equal(profile->lanes[8].name, name);
	assert_string_equal(spy_profile_text(profile, profile->lanes[9].name), SPY_OTHER_NAME);
	spy_profile_free(profile);
}

/* The longer it gets, the coarser: all time is there, shared out as before on the average. */
static void test_moments(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread") };
	static const uint8_t parts[] = { 0, 0, 0, 0, 0, 1, 1, 1, 2, 3 }; /* 50, 30, 10, 10 % */
	uint32_t lanes[2], nodes[4], seed = 1, i;
	uint64_t shares[4] = { 0 }, spans[2] = { 0 };

	profile->limits.moments = 1000;
	profile->period_ns = 100;
	for (i = 0; i < 2; i++)
		lanes[i] = spy_profile_lane(profile, &lane);
	for (i = 0; i < 4; i++)
		nodes[i] = add_node(profile, 0, "f", "a.py", (int)i + 1, 1);
	for (i = 0; i < 100000; i++) {
		spy_profile_add(profile, nodes[parts[random_below(&seed, 10)]], lanes[i % 5 == 0],
				i * 100, 1);
		assert_true(profile->moment_count <= 1000);
	}
	check_moments(profile);
	assert_true(profile->resolution_ns >= 20000 && profile->resolution_ns <= 80000);
	assert_true(profile->moment_count >= 400);
	for (i = 0; i < profile->moment_count; i++) {
		const struct spy_moment *moment = &profile->moments[i];

		assert_true(i < 2 || moment->start_ns >= profile->moments[i - 2].start_ns);
		assert_true(moment->start_ns + profile->resolution_ns >= spans[moment->lane]);
		spans[moment->lane] = moment->start_ns;
		shares[moment->node - nodes[0]] += moment->samples;
	}
	/* Five hundred lots or more: nine points are four standard deviations. */
	assert_in_range(shares[0], 41000, 59000);
	assert_in_range(shares[1], 22000, 38000);
	assert_in_range(shares[2], 4500, 15500);
	assert_in_range(shares[3], 4500, 15500);
	assert_true(spans[0] > 9900000 && spans[1] > 9900000);
	spy_profile_free(profile);
}

/* A stack that was there for longer is drawn the more often. */
static void test_moments_weigh(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread") };
	uint32_t one = spy_profile_lane(profile, &lane), seed = 1, i, longer, shorter;
	uint64_t at = 0, share = 0;

	profile->limits.moments = 1000;
	profile->period_ns = 100;
	longer = add_node(profile, 0, "f", "a.py", 1, 1);
	shorter = add_node(profile, 0, "f", "a.py", 2, 1);
	for (i = 0; i < 40000; i++) {
		uint64_t before = random_below(&seed, 10);

		spy_profile_add(profile, longer, one, at, before);
		spy_profile_add(profile, shorter, one, at + before * 100, 1);
		spy_profile_add(profile, longer, one, at + (before + 1) * 100, 9 - before);
		at += 1000;
	}
	check_moments(profile);
	for (i = 0; i < profile->moment_count; i++)
		share += profile->moments[i].node == longer ? profile->moments[i].samples : 0;
	assert_in_range(share, 340000, 380000);
	spy_profile_free(profile);
}

/* Also where no time passes, or more threads than moments are left. */
static void test_moments_at_once(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread") };
	uint32_t nodes[2], i;

	profile->limits.moments = 100;
	for (i = 0; i < 2; i++)
		nodes[i] = add_node(profile, 0, "f", "a.py", (int)i + 1, 1);
	for (i = 0; i < 1000; i++) {
		spy_profile_add(profile, nodes[i / 2 % 2], spy_profile_lane(profile, &lane),
				i < 500 ? 0 : UINT64_MAX - i, i % 7 + 1);
		assert_true(profile->moment_count <= 100);
	}
	/* A timeline that cannot be kept is left out. */
	assert_false(profile->timeline);
	assert_int_equal(profile->moment_count, 0);
	assert_int_equal(profile->samples, 3997);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory), /* before the others need some */
		cmocka_unit_test(test_samples_are_conserved),
		cmocka_unit_test(test_a_million_stacks),
		cmocka_unit_test(test_the_rare_and_old_go),
		cmocka_unit_test(test_frames_and_strings),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_moments_weigh),
		cmocka_unit_test(test_moments_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
