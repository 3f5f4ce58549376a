#include "profiles.h"

static void test_lines(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t process = add_other(profile, 0, SPY_FRAME_PROCESS, "process 12 \"a;b\"");
	uint32_t thread = add_other(profile, process, SPY_FRAME_THREAD, "thread 13 (MainThread)");
	uint32_t a = add_node(profile, thread, "main", "app.py", 3, 1);
	uint32_t b = add_node(profile, a, "<listcomp>", "pkg/some mod.py", 0, 1);
	char *text;

	spy_profile_add(profile, a, 0, 0, 2);
	spy_profile_add(profile, b, 0, 0, 40);
	text = write_profile(profile, "folded");
	assert_string_equal(text, "process 12 \"a:b\";thread 13 (MainThread);main (app.py:3) 2\n"
				  "process 12 \"a:b\";thread 13 (MainThread);main (app.py:3);"
				  "<listcomp> (pkg/some mod.py) 40\n");
	free(text);
	text = write_profile(profile, "raw");
	assert_non_null(strstr(text, " 40\n"));
	free(text);
	spy_profile_free(profile);
}

/* Whatever names hold, a line is a stack and `;` parts its frames. */
static void test_hostile(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t a = add_node(profile, 0, "x 5\ny", "a\r.py", 1, 1);
	uint32_t b = add_node(profile, a, "s;t\x1b", "b;c.py", 2, 1);
	char *text;

	spy_profile_add(profile, b, 0, 0, 1);
	text = write_profile(profile, "folded");
	assert_string_equal(text, "x 5\\ny (a\\r.py:1);s:t\\x1b (b:c.py:2) 1\n");
	free(text);
	spy_profile_free(profile);
}

/* Frames that differ only in what is not shown make one line. */
static void test_equal_lines_are_one(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t a = add_node(profile, 0, "f", "a.py", 0, 1);
	uint32_t b = add_node(profile, 0, "f", "a.py", 0, 9);
	char *text;

	spy_profile_add(profile, a, 0, 0, 1);
	spy_profile_add(profile, add_node(profile, a, "g", "a.py", 0, 3), 0, 0, 10);
	spy_profile_add(profile, b, 0, 0, 2);
	spy_profile_add(profile, add_node(profile, b, "g", "a.py", 0, 3), 0, 0, 20);
	text = write_profile(profile, "folded");
	assert_string_equal(text, "f (a.py) 3\nf (a.py);g (a.py) 30\n");
	free(text);
	spy_profile_free(profile);
}

/* Also when escaping made their names equal. */
static void test_escaped_lines_are_one(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	char *text;

	spy_profile_add(profile, add_node(profile, 0, "s;t", "a.py", 1, 1), 0, 0, 1);
	spy_profile_add(profile, add_node(profile, 0, "s:t", "a.py", 1, 1), 0, 0, 2);
	spy_profile_add(profile, add_node(profile, 0, "s:t", "a.py", 2, 1), 0, 0, 4);
	text = write_profile(profile, "folded");
	assert_string_equal(text, "s:t (a.py:1) 3\ns:t (a.py:2) 4\n");
	free(text);
	spy_profile_free(profile);
}

/* Whichever of the frames and nodes that read the same came first. */
static void test_random_lines_are_one(void **state)
{
	static const char *const names[] = { "f", "g;", "g:" };
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t seed = 1, node, i, depth;
	char *text, *line, *rest, *lines[200];
	uint64_t samples = 0;
	size_t count = 0;

	for (i = 0; i < 3000; i++) {
		depth = 1 + random_below(&seed, 4);
		for (node = 0; depth--;)
			node = add_node(profile, node, names[random_below(&seed, 3)], "a.py", 0,
					(int)random_below(&seed, 3));
		spy_profile_add(profile, node, 0, 0, 1 + random_below(&seed, 9));
	}
	text = write_profile(profile, "folded");
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *number = strrchr(line, ' ');

		assert_true(number && count < 200);
		samples += strtoull(number, NULL, 10);
		*number = '\0';
		for (i = 0; i < count; i++)
			assert_string_not_equal(line, lines[i]);
		lines[count++] = line;
	}
	assert_int_equal(count, 2 + 4 + 8 + 16);
	assert_int_equal(samples, profile->samples);
	free(text);
	spy_profile_free(profile);
}

static void test_empty(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(true);
	char *text = write_profile(profile, "folded");

	assert_string_equal(text, "");
	free(text);
	spy_profile_free(profile);
}

static void test_deep(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t node = 0, i, frames = 1;
	char *text, *at;

	for (i = 0; i < 100000; i++)
		node = add_node(profile, node, "f", "a.py", 1, 1);
	spy_profile_add(profile, node, 0, 0, 1);
	text = write_profile(profile, "folded");
	for (at = text; (at = strchr(at, ';')); at++)
		frames++;
	assert_int_equal(frames, 100000);
	free(text);
	spy_profile_free(profile);
}

static void test_full_device(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	const struct pyspyc_format *const *format;
	struct pyspyc_error err = { 0 };
	FILE *file;

	spy_profile_add(profile, add_node(profile, 0, "f", "a.py", 1, 1), 0, 0, 1);
	for (format = pyspyc_formats(); *format; format++) {
		file = fopen("/dev/full", "w");
		assert_non_null(file);
		assert_int_equal(pyspyc_profile_write(profile, *format, file, &err), -PYSPYC_EIO);
		assert_non_null(strstr(err.message, "No space left on device"));
		fclose(file);
	}
	spy_profile_free(profile);
}

static void test_formats(void **state)
{
	static const char *const paths[][2] = {
		{ "a.svg", "flamegraph" },
		{ "/x/y.SVG", "flamegraph" },
		{ "a.folded", "folded" },
		{ "a.txt", "folded" },
		{ "a.raw", "folded" },
		{ "a.json", "speedscope" },
		{ "a.speedscope.json", "speedscope" },
	};
	size_t i;

	assert_string_equal(pyspyc_formats()[0]->name, "flamegraph");
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_string_equal(pyspyc_format_by_path(paths[i][0])->name, paths[i][1]);
	assert_null(pyspyc_format_by_path("a.png"));
	assert_null(pyspyc_format_by_path("svg"));
	assert_null(pyspyc_format_by_path(""));
	assert_null(pyspyc_format_by_name("pprof-of-the-future"));
	assert_string_equal(pyspyc_format_by_name("raw")->name, "folded");
	assert_true(pyspyc_format_by_name("speedscope")->needs_timeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_equal_lines_are_one),
		cmocka_unit_test(test_escaped_lines_are_one),
		cmocka_unit_test(test_random_lines_are_one),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
