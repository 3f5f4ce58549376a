/* Bytes by which memory grew and shrank, per stack: the profiles, and the formats of them. */
#include "memories.h"

#include <jansson.h>

#include "sink/bytes.h"

struct sample {
	struct pyspyc_profile *profile;
	uint32_t thread, main, load, library;
};

/* main → load → a library, in a thread of a process; some of it unknown. */
static struct sample make_sample(void)
{
	struct sample sample = { .profile = new_live() };
	struct pyspyc_profile *profile = sample.profile;
	uint32_t process = add_root(profile, 0, SPY_FRAME_PROCESS, 12, "python app.py");

	sample.thread = add_root(profile, process, SPY_FRAME_THREAD, 12, "MainThread");
	sample.main = add_node(profile, sample.thread, "main", OWN, 7, 5);
	sample.load = add_node(profile, sample.main, "load", OWN, 12, 10);
	sample.library = add_node(profile, sample.load, "decode", STDLIB, 340, 330);
	book_bytes(profile, sample.main, 1000, 0, 10 * MB);
	book_bytes(profile, sample.load, 50 * MB, 0, 60 * MB);
	book_bytes(profile, sample.library, 20 * MB, 30 * MB, 80 * MB);
	book_bytes(profile, add_other(profile, sample.thread, SPY_FRAME_MARKER, "<unknown>"), 77, 0,
		   0);
	/* One that only takes time is in none of them. */
	book_active(profile, add_node(profile, sample.thread, "spin", OWN, 90, 90), SECOND);
	profile->title = strdup("python app.py");
	profile->summary = strdup("5 samples in 1.0 s");
	return sample;
}

static uint64_t self_of(const struct pyspyc_profile *profile, const char *name)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 1; i < profile->node_count; i++)
		if (strcmp(spy_profile_text(profile, profile->frames[profile->nodes[i].frame].name),
			   name) == 0)
			sum += profile->nodes[i].self;
	return sum;
}

static void test_a_sample_is_a_byte(void **state)
{
	struct sample sample = make_sample();
	struct pyspyc_query query = { 0 };
	struct pyspyc_profile *bytes;

	assert_int_equal(spy_live_bytes(sample.profile, &query, false, &bytes, NULL), 0);
	assert_true(bytes->bytes);
	assert_int_equal(bytes->period_ns, 0);
	assert_int_equal(bytes->samples, 1000 + 70 * MB + 77);
	assert_int_equal(self_of(bytes, "load"), 50 * MB);
	assert_int_equal(self_of(bytes, "decode"), 20 * MB);
	assert_int_equal(self_of(bytes, "<unknown>"), 77);
	/* Root, main, load, decode, <unknown>: no process, no thread, nothing without bytes. */
	assert_int_equal(bytes->node_count, 5);
	spy_profile_free(bytes);
	assert_int_equal(spy_live_bytes(sample.profile, &query, true, &bytes, NULL), 0);
	assert_int_equal(bytes->samples, 30 * MB);
	assert_int_equal(self_of(bytes, "decode"), 30 * MB);
	spy_profile_free(bytes);
	query.by_thread = query.by_process = query.own_only = true;
	assert_int_equal(spy_live_bytes(sample.profile, &query, false, &bytes, NULL), 0);
	assert_int_equal(self_of(bytes, "load"), 70 * MB);
	assert_int_equal(bytes->node_count, 6);
	spy_profile_free(bytes);
	spy_profile_free(sample.profile);
}

/* record --memory: time, and bytes beside it. */
static void test_time_with_growth(void **state)
{
	struct sample sample = make_sample();
	struct pyspyc_query query = { .scope = PYSPYC_SCOPE_ACTIVE };
	struct pyspyc_profile *made;

	assert_int_equal(spy_live_profile(sample.profile, &query, SECOND / 100, &made, NULL), 0);
	assert_false(made->bytes);
	assert_int_equal(made->samples, 100);
	assert_int_equal(self_of(made, "spin"), 100);
	spy_profile_free(made);
	assert_int_equal(spy_live_bytes(sample.profile, &query, false, &made, NULL), 0);
	assert_int_equal(made->samples, 1000 + 70 * MB + 77);
	spy_profile_free(made);
	assert_int_equal(spy_live_bytes(sample.profile, &query, true, &made, NULL), 0);
	assert_int_equal(made->samples, 30 * MB);
	spy_profile_free(made);
	spy_profile_free(sample.profile);
}

static void test_folded(void **state)
{
	struct sample sample = make_sample();
	struct spy_memory_recording memory = { .profile = sample.profile };
	char *text = write_memory(&memory, "folded");

	assert_non_null(strstr(text, "main (" OWN ":7);load (" OWN ":12) 52428800\n"));
	assert_non_null(strstr(text, "<unknown> 77\n"));
	assert_null(strstr(text, "process"));
	assert_null(strstr(text, "spin"));
	free(text);
	memory.threads = true;
	memory.released = true;
	text = write_memory(&memory, "folded");
	assert_string_equal(text, "thread 12 (MainThread);main (" OWN ":7);load (" OWN
				  ":12);decode (" STDLIB ":340) 31457280\n");
	free(text);
	/* With a second process, each is told apart. */
	book_bytes(sample.profile,
		   add_node(sample.profile,
			    add_root(sample.profile, 0, SPY_FRAME_PROCESS, 13, "python app.py"),
			    "work", OWN, 1, 1),
		   1, 0, 0);
	memory.threads = memory.released = false;
	text = write_memory(&memory, "folded");
	assert_non_null(strstr(text, "process 13 \"python app.py\";work (" OWN ":1) 1\n"));
	assert_non_null(strstr(text, "process 12 \"python app.py\";main (" OWN ":7) 1000\n"));
	free(text);
	spy_profile_free(sample.profile);
}

static void test_speedscope(void **state)
{
	struct sample sample = make_sample();
	struct spy_memory_recording memory = { .profile = sample.profile };
	char *text = write_memory(&memory, "speedscope");
	json_t *file = json_loads(text, 0, NULL), *profile;

	profile = json_array_get(json_object_get(file, "profiles"), 0);
	assert_string_equal(json_string_value(json_object_get(profile, "unit")), "bytes");
	assert_string_equal(json_string_value(json_object_get(profile, "type")), "sampled");
	assert_int_equal(json_integer_value(json_object_get(profile, "endValue")),
			 1000 + 70 * MB + 77);
	json_decref(file);
	free(text);
	spy_profile_free(sample.profile);
}

static void test_flamegraph(void **state)
{
	struct sample sample = make_sample();
	struct spy_memory_recording memory = { .profile = sample.profile };
	char *text = write_memory(&memory, "flamegraph");

	assert_non_null(strstr(text, ">Memory growth: python app.py<"));
	assert_non_null(strstr(text, "70.0 MiB, &gt;99.9 %; self 71.4 %"));
	assert_non_null(strstr(text, ">RSS grew by 70.0 MiB and shrank by 30.0 MiB; 5 samples in "));
	assert_non_null(strstr(text, "\"bytes\":true"));
	assert_null(strstr(text, " samples,"));
	free(text);
	memory.released = true;
	text = write_memory(&memory, "flamegraph");
	assert_non_null(strstr(text, ">Memory released: python app.py<"));
	assert_non_null(strstr(text, "30.0 MiB, 100.0 %; self 100.0 %"));
	free(text);
	spy_profile_free(sample.profile);
	/* Nothing changed. */
	memory.profile = sample.profile = new_live();
	text = write_memory(&memory, "flamegraph");
	assert_non_null(strstr(text, ">No memory<"));
	free(text);
	spy_profile_free(sample.profile);
}

static void test_formats(void **state)
{
	static const char *const paths[][2] = {
		{ "a.flame.svg", "flamegraph" },
		{ "a.collapsed", "folded" },
		{ "a.folded", "folded" },
		{ "a.speedscope.json", "speedscope" },
		{ "a.txt", "lines" },
		{ "A.TXT", "lines" },
	};
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_string_equal(pyspyc_memory_format_by_path(paths[i][0])->name, paths[i][1]);
	assert_null(pyspyc_memory_format_by_path("a.png"));
	assert_null(pyspyc_memory_format_by_name("raw"));
	for (i = 0; pyspyc_memory_formats()[i]; i++)
		assert_non_null(pyspyc_memory_formats()[i]->extensions[0]);
}

static void check_bytes(uint64_t bytes, const char *wanted)
{
	spy_autobuffer struct spy_buffer text = { 0 };

	spy_put_bytes(&text, bytes);
	assert_string_equal(spy_buffer_text(&text), wanted);
}

static void test_amounts(void **state)
{
	check_bytes(0, "0 B");
	check_bytes(1023, "1023 B");
	check_bytes(1024, "1.0 KiB");
	check_bytes(102400, "100 KiB");
	check_bytes(MB - 1, "1.0 MiB");
	check_bytes(12 * MB + MB / 3, "12.3 MiB");
	check_bytes(2048 * MB, "2.0 GiB");
	check_bytes(UINT64_MAX, "16.0 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sample_is_a_byte),
		cmocka_unit_test(test_time_with_growth),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_speedscope),
		cmocka_unit_test(test_flamegraph),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_amounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
