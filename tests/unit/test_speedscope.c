#include "profiles.h"

#include <jansson.h>

static json_t *load(const struct pyspyc_profile *profile)
{
	char *text = write_profile(profile, "speedscope");
	json_error_t error;
	json_t *root = json_loads(text, 0, &error);

	if (!root)
		fail_msg("%s in %s", error.text, text);
	free(text);
	return root;
}

static json_t *item(json_t *root, const char *list, size_t index)
{
	json_t *array = json_object_get(root, list);

	assert_true(json_is_array(array) && index < json_array_size(array));
	return json_array_get(array, index);
}

static const char *string(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t integer(json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

/* "0,1;;2" for the stacks [0, 1], [] and [2] with their weights in brackets. */
static void check_samples(json_t *profile, const char *wanted)
{
	json_t *samples = json_object_get(profile, "samples");
	json_t *weights = json_object_get(profile, "weights");
	char text[500] = "";
	size_t i, j, used = 0;

	assert_int_equal(json_array_size(samples), json_array_size(weights));
	for (i = 0; i < json_array_size(samples); i++) {
		json_t *stack = json_array_get(samples, i);

		for (j = 0; j < json_array_size(stack); j++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d",
						 j ? "," : "",
						 (int)json_integer_value(json_array_get(stack, j)));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "(%d)",
					 (int)json_integer_value(json_array_get(weights, i)));
	}
	assert_string_equal(text, wanted);
}

static void test_sums(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t thread = add_other(profile, 0, SPY_FRAME_THREAD, "thread 1 (Main)");
	uint32_t a = add_node(profile, thread, "a", "a.py", 3, 1);
	uint32_t b = add_node(profile, a, "b\n\"", "b.py", 0, 1);
	json_t *root, *frame;

	profile->period_ns = 10;
	profile->title = strdup("prog");
	spy_profile_add(profile, a, 0, 0, 2);
	spy_profile_add(profile, b, 0, 0, 3);
	root = load(profile);
	assert_string_equal(string(root, "$schema"),
			    "https://www.speedscope.app/file-format-schema.json");
	assert_string_equal(string(root, "name"), "prog");
	frame = json_object_get(root, "shared");
	assert_string_equal(string(item(frame, "frames", 0), "name"), "thread 1 (Main)");
	assert_null(json_object_get(item(frame, "frames", 0), "file"));
	assert_string_equal(string(item(frame, "frames", 1), "file"), "a.py");
	assert_int_equal(integer(item(frame, "frames", 1), "line"), 3);
	assert_string_equal(string(item(frame, "frames", 2), "name"), "b\n\"");
	assert_null(json_object_get(item(frame, "frames", 2), "line"));
	assert_int_equal(json_array_size(json_object_get(root, "profiles")), 1);
	check_samples(item(root, "profiles", 0), "0,1(20)0,1,2(30)");
	assert_string_equal(string(item(root, "profiles", 0), "unit"), "nanoseconds");
	assert_int_equal(integer(item(root, "profiles", 0), "endValue"), 50);
	json_decref(root);
	spy_profile_free(profile);
}

static void test_lanes(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	uint32_t a = add_node(profile, 0, "a", "a.py", 1, 1);
	uint32_t b = add_node(profile, a, "b", "a.py", 2, 1);
	struct spy_lane lane = { .name = spy_profile_string(profile, "thread 1") };
	uint32_t one = spy_profile_lane(profile, &lane), unused, two;
	json_t *root;

	lane.name = spy_profile_string(profile, "never seen");
	unused = spy_profile_lane(profile, &lane);
	lane.name = spy_profile_string(profile, "thread 2");
	two = spy_profile_lane(profile, &lane);
	assert_int_equal(unused, 1);
	profile->period_ns = 100;
	spy_profile_add(profile, a, one, 0, 1);
	spy_profile_add(profile, b, two, 300, 2); /* starts late */
	spy_profile_add(profile, b, one, 100, 1);
	spy_profile_add(profile, a, one, 220, 1);
	spy_profile_add(profile, a, one, 1000, 1); /* was idle */
	root = load(profile);
	assert_int_equal(json_array_size(json_object_get(root, "profiles")), 2);
	assert_string_equal(string(item(root, "profiles", 0), "name"), "thread 1");
	check_samples(item(root, "profiles", 0), "0(100)0,1(100)0(100)(700)0(100)");
	assert_int_equal(integer(item(root, "profiles", 0), "endValue"), 1100);
	assert_string_equal(string(item(root, "profiles", 1), "name"), "thread 2");
	check_samples(item(root, "profiles", 1), "(300)0,1(200)");
	json_decref(root);
	spy_profile_free(profile);
}

static void test_empty(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	json_t *root = load(profile);

	check_samples(item(root, "profiles", 0), "");
	json_decref(root);
	spy_profile_free(profile);
}

static void test_hostile_names(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	json_t *root, *shared;

	spy_profile_add(profile, add_node(profile, 0, "\xff\x01</script>", "\xed\xa0\x80", 1, 1), 0,
			0, 1);
	root = load(profile);
	shared = json_object_get(root, "shared");
	assert_string_equal(string(item(shared, "frames", 0), "name"), "\\xff\\x01</script>");
	assert_string_equal(string(item(shared, "frames", 0), "file"), "\\xed\\xa0\\x80");
	json_decref(root);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
