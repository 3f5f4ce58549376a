#include "profiles.h"

static void test_frames_are_interned(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t frame = add_frame(profile, "f", "a.py", 1, 1);

	assert_int_equal(add_frame(profile, "f", "a.py", 1, 1), frame);
	assert_int_not_equal(add_frame(profile, "f", "a.py", 2, 1), frame);
	assert_int_not_equal(add_frame(profile, "f", "b.py", 1, 1), frame);
	assert_int_not_equal(add_frame(profile, "g", "a.py", 1, 1), frame);
	assert_int_not_equal(add_frame(profile, "f", "a.py", 1, 2), frame);
	assert_int_equal(profile->frame_count, 5);
	spy_profile_free(profile);
}

static void test_many_frames(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	int i;

	for (i = 0; i < 100000; i++)
		assert_int_equal(add_frame(profile, "f", "a.py", i, 1), i);
	for (i = 0; i < 100000; i++)
		assert_int_equal(add_frame(profile, "f", "a.py", i, 1), i);
	spy_profile_free(profile);
}

static void test_totals(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t a = add_node(profile, 0, "a", "a.py", 1, 1);
	uint32_t b = add_node(profile, a, "b", "a.py", 2, 2);
	uint32_t c = add_node(profile, a, "c", "a.py", 3, 3);
	uint64_t *totals;

	assert_int_equal(add_node(profile, a, "b", "a.py", 2, 2), b);
	assert_int_not_equal(add_node(profile, b, "b", "a.py", 2, 2), b);
	spy_profile_add(profile, a, 0, 0, 1);
	spy_profile_add(profile, b, 0, 0, 10);
	spy_profile_add(profile, c, 0, 0, 100);
	spy_profile_add(profile, c, 0, 0, 0);
	spy_profile_add(profile, 12345, 0, 0, 7);
	totals = spy_profile_sum(profile);
	assert_int_equal(totals[0], 111);
	assert_int_equal(totals[a], 111);
	assert_int_equal(totals[b], 10);
	assert_int_equal(totals[c], 100);
	free(totals);
	assert_int_equal(profile->nodes[a].self, 1);
	assert_int_equal(pyspyc_profile_samples(profile), 111);
	assert_int_equal(profile->moment_count, 0);
	spy_profile_free(profile);
}

static void test_children_are_found(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t f = add_frame(profile, "f", "a.py", 1, 1);
	uint32_t g = add_frame(profile, "g", "a.py", 2, 1);
	uint32_t a = spy_profile_child(profile, 0, f), b = spy_profile_child(profile, a, f);

	assert_int_equal(spy_profile_find(profile, 0, f), a);
	assert_int_equal(spy_profile_find(profile, a, f), b);
	assert_int_equal(spy_profile_find(profile, 0, g), UINT32_MAX);
	assert_int_equal(spy_profile_find(profile, b, f), UINT32_MAX);
	assert_int_equal(profile->nodes[b].parent, a);
	assert_int_equal(profile->nodes[b].frame, f);
	assert_int_equal(profile->node_count, 3);
	assert_true(sizeof(struct spy_node) <= 16);
	spy_profile_free(profile);
}

static void test_timeline(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	uint32_t a = add_node(profile, 0, "a", "a.py", 1, 1);
	uint32_t b = add_node(profile, 0, "b", "a.py", 1, 1);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread 1"), .latest = 99 };
	uint32_t one = spy_profile_lane(profile, &lane), two = spy_profile_lane(profile, &lane);

	profile->period_ns = 100;
	spy_profile_add(profile, a, one, 0, 1);
	spy_profile_add(profile, b, two, 0, 1);
	spy_profile_add(profile, a, one, 110, 1); /* late by less than half a period */
	spy_profile_add(profile, b, two, 90, 1);
	spy_profile_add(profile, a, one, 200, 3);
	spy_profile_add(profile, b, one, 500, 1); /* another stack */
	spy_profile_add(profile, b, one, 700, 1); /* after a pause */
	spy_profile_add(profile, b, 77, 800, 1);  /* no such lane: in the sums alone */
	assert_int_equal(profile->moment_count, 4);
	assert_int_equal(profile->moments[0].samples, 5);
	assert_int_equal(profile->moments[0].lane, one);
	assert_int_equal(profile->moments[1].samples, 2);
	assert_int_equal(profile->moments[1].lane, two);
	assert_int_equal(profile->moments[2].start_ns, 500);
	assert_int_equal(profile->moments[3].start_ns, 700);
	assert_int_equal(profile->samples, 10);
	spy_profile_free(profile);
}

static void test_origins(void **state)
{
	static const struct {
		const char *path;
		enum spy_origin origin;
	} cases[] = {
		{ "/usr/lib/python3.12/json/decoder.py", SPY_ORIGIN_STDLIB },
		{ "/usr/lib64/python3.9/os.py", SPY_ORIGIN_STDLIB },
		{ "/opt/py/lib/python3.13t/threading.py", SPY_ORIGIN_STDLIB },
		{ "/usr/lib/python2.7/threading.py", SPY_ORIGIN_STDLIB },
		{ "/app/lib/python311.zip/json/decoder.py", SPY_ORIGIN_STDLIB },
		{ "/home/me/Python-3.14.0/Lib/asyncio/base_events.py", SPY_ORIGIN_STDLIB },
		{ "/src/cpython/Lib/os.py", SPY_ORIGIN_STDLIB },
		{ "lib/python3.8/os.py", SPY_ORIGIN_STDLIB },
		{ "<frozen importlib._bootstrap>", SPY_ORIGIN_STDLIB },
		{ "/usr/lib/python3/dist-packages/yaml/__init__.py", SPY_ORIGIN_THIRD_PARTY },
		{ "/v/lib/python3.12/site-packages/django/x.py", SPY_ORIGIN_THIRD_PARTY },
		{ "/home/me/.local/lib/python3.12/site-packages/x.py", SPY_ORIGIN_THIRD_PARTY },
		{ "/opt/eggs/thing-1.0-py3.8.egg/thing.py", SPY_ORIGIN_THIRD_PARTY },
		{ "/home/me/project/app.py", SPY_ORIGIN_OWN },
		{ "/home/me/lib/python3.12", SPY_ORIGIN_OWN },
		{ "/home/me/lib/pythonic/x.py", SPY_ORIGIN_OWN },
		{ "/home/me/python3.12/x.py", SPY_ORIGIN_OWN },
		{ "/home/me/Lib/x.py", SPY_ORIGIN_OWN },
		{ "/home/me/site-packages.py", SPY_ORIGIN_OWN },
		{ "<string>", SPY_ORIGIN_OWN },
		{ "", SPY_ORIGIN_OWN },
		{ "///", SPY_ORIGIN_OWN },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (spy_origin_of(cases[i].path) != cases[i].origin)
			fail_msg("%s: %d", cases[i].path, spy_origin_of(cases[i].path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_are_interned),
		cmocka_unit_test(test_many_frames),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_children_are_found),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
