/* A recording of memory as mprof's file, as CSV and as JSON. */
#include "memories.h"

#include <jansson.h>

#define MSEC UINT64_C(1000000)

struct recording {
	struct pyspyc_profile *profile;
	struct spy_history *history;
	struct spy_memory_recording memory;
};

static struct recording new_recording(void)
{
	struct recording recording = { .profile = new_live(), .history = spy_history_new() };

	assert_non_null(recording.history);
	recording.profile->started_at = 1700000000;
	recording.profile->duration_ns = 90 * SECOND;
	recording.profile->title = strdup("python app.py");
	recording.profile->summary = strdup("100 samples in 1.0 s");
	recording.memory = (struct spy_memory_recording){ .history = recording.history,
							  .profile = recording.profile };
	return recording;
}

static void free_recording(struct recording *recording)
{
	spy_history_free(recording->history);
	spy_profile_free(recording->profile);
}

/* The stack of one line, called by others. */
static uint32_t add_stack(struct recording *recording, const char *name, const char *path, int line)
{
	uint32_t frames[] = { add_frame(recording->profile, name, path, line, line),
			      add_frame(recording->profile, "<module>", "/srv/app.py", 3, 1) };

	return spy_history_stack(recording->history, frames, 2);
}

static void add_point(struct recording *recording, uint32_t process, uint64_t at_ns, uint64_t rss,
		      uint32_t stack)
{
	struct spy_history_point point = { .at_ns = at_ns,
					   .rss = rss,
					   .process = process,
					   .stack = stack,
					   .minor = at_ns / MSEC };

	if (rss > 2 * MB) {
		point.pss = rss - 4096;
		point.uss = rss - 8192;
	}
	assert_true(spy_history_add(recording->history, &point));
}

/* A program with a child, both of which grow. */
static struct recording make_recording(void)
{
	struct recording recording = new_recording();
	uint32_t load = add_stack(&recording, "load", "/srv/app.py", 10);
	uint32_t sum = add_stack(&recording, "sum", "/srv/lib.py", 20);

	spy_history_process(recording.history, 40, 0, "python app.py --all", "3.12.1", 0);
	add_point(&recording, 0, 1500 * MSEC, 2 * MB, SPY_NO_STACK);
	add_point(&recording, 0, 2000 * MSEC, 100 * MB, load);
	spy_history_process(recording.history, 41, 40, "python worker.py", "3.12.1", 3000 * MSEC);
	add_point(&recording, 0, 3000 * MSEC, 90 * MB, load);
	add_point(&recording, 1, 3000 * MSEC, 30 * MB + 512, sum);
	spy_history_end(recording.history, 1, 4000 * MSEC);
	add_point(&recording, 0, 65432100000, 95 * MB, sum);
	return recording;
}

static void test_mprof(void **state)
{
	struct recording recording = make_recording();
	char *text = write_memory(&recording.memory, "mprof");

	assert_string_equal(text, "CMDLINE python app.py --all\n"
				  "MEM 2.000000 1700000001.5000\n"
				  "MEM 100.000000 1700000002.0000\n"
				  "MEM 90.000000 1700000003.0000\n"
				  "CHLD 41 30.000488 1700000003.0000\n"
				  "MEM 95.000000 1700000065.4321\n");
	free(text);
	free_recording(&recording);
}

static void test_csv(void **state)
{
	struct recording recording = make_recording();
	char *text = write_memory(&recording.memory, "csv");

	assert_string_equal(
		text, "time_s,pid,rss,pss,uss,swap,minor_faults,major_faults,function,file,line\r\n"
		      "1.500000,40,2097152,,,,1500,0,,,\r\n"
		      "2.000000,40,104857600,104853504,104849408,0,2000,0,load,/srv/app.py,10\r\n"
		      "3.000000,40,94371840,94367744,94363648,0,3000,0,load,/srv/app.py,10\r\n"
		      "3.000000,41,31457792,31453696,31449600,0,3000,0,sum,/srv/lib.py,20\r\n"
		      "65.432100,40,99614720,99610624,99606528,0,65432,0,sum,/srv/lib.py,20\r\n");
	free(text);
	free_recording(&recording);
}

static json_t *read_json(const char *text)
{
	json_error_t error;
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!document)
		fail_msg("line %d: %s", error.line, error.text);
	return document;
}

static json_t *at(const json_t *document, const char *list, size_t index)
{
	json_t *item = json_array_get(json_object_get(document, list), index);

	assert_non_null(item);
	return item;
}

static int64_t number(const json_t *object, const char *key)
{
	assert_true(json_is_number(json_object_get(object, key)));
	return (int64_t)(json_number_value(json_object_get(object, key)) * 1e6 + 0.5) / 1000000;
}

static void test_json(void **state)
{
	struct recording recording = make_recording();
	char *text;
	json_t *document, *climb, *point, *frame;
	int stack;

	recording.history->limit = 200 * MB;
	recording.history->limit_name = strdup("/app.slice");
	text = write_memory(&recording.memory, "json");
	document = read_json(text);
	assert_string_equal(json_string_value(json_object_get(document, "schema")),
			    "pyspyc-memory");
	assert_int_equal(number(json_object_get(document, "limit"), "bytes"), 200 * MB);
	assert_int_equal(number(json_object_get(document, "peak"), "rss"), 120 * MB + 512);
	assert_int_equal(number(json_object_get(document, "peak"), "time"), 3);
	assert_int_equal(json_array_size(json_object_get(document, "processes")), 2);
	assert_int_equal(number(at(document, "processes", 1), "parent"), 40);
	assert_true(json_is_true(json_object_get(at(document, "processes", 1), "ended")));
	assert_int_equal(json_array_size(json_object_get(document, "points")), 5);
	assert_true(json_is_null(json_array_get(at(document, "points", 0), 8)));
	point = at(document, "points", 3);
	assert_int_equal(json_integer_value(json_array_get(point, 1)), 1);
	assert_int_equal(json_integer_value(json_array_get(point, 2)), 30 * MB + 512);
	stack = (int)json_integer_value(json_array_get(point, 8));
	frame = at(document, "frames",
		   (size_t)json_integer_value(json_array_get(at(document, "stacks", stack), 0)));
	assert_string_equal(json_string_value(json_object_get(frame, "function")), "sum");
	assert_int_equal(number(frame, "line"), 20);
	assert_string_equal(json_string_value(at(document, "files", number(frame, "file"))),
			    "/srv/lib.py");
	climb = at(document, "climbs", 0);
	assert_int_equal(number(climb, "from_rss"), 2 * MB);
	assert_int_equal(number(climb, "to_rss"), 100 * MB); /* the worker's beginning is none */
	assert_int_equal(number(climb, "grown"), 98 * MB);
	assert_int_equal(number(climb, "of_stack"), 98 * MB);
	assert_int_equal(number(at(document, "peaks", 0), "rss"), 120 * MB + 512);
	json_decref(document);
	free(text);
	free_recording(&recording);
}

/* --- hostile names, and none at all --- */

static void test_nothing_was_seen(void **state)
{
	struct recording recording = new_recording();
	char *text = write_memory(&recording.memory, "mprof");
	json_t *document;

	assert_string_equal(text, "CMDLINE \n");
	free(text);
	text = write_memory(&recording.memory, "csv");
	assert_int_equal(strlen(text), strcspn(text, "\n") + 1);
	free(text);
	text = write_memory(&recording.memory, "json");
	document = read_json(text);
	assert_int_equal(json_array_size(json_object_get(document, "points")), 0);
	assert_int_equal(json_array_size(json_object_get(document, "peaks")), 0);
	assert_true(json_is_null(json_object_get(document, "limit")));
	json_decref(document);
	free(text);
	free_recording(&recording);
}

static void test_hostile_names(void **state)
{
	struct recording recording = new_recording();
	json_t *document;
	char *text;

	spy_history_process(recording.history, 1, 0, "a\nMEM 9 9\n\nb\r\x1b[31m\xff", "\"3\\", 0);
	add_point(&recording, 0, 0, MB,
		  add_stack(&recording, "=cmd|' /C calc'!A0", "a,\"b\"\r\n.py", 1));
	add_point(&recording, 0, 1, 2 * MB, add_stack(&recording, "+1", "-1", 1));
	add_point(&recording, 0, 2, MB, add_stack(&recording, "@x", "\t=1", 1));
	add_point(&recording, 0, 3, MB, 77777); /* of no stack that there is */
	text = write_memory(&recording.memory, "mprof");
	assert_int_equal(
		strncmp(text, "CMDLINE a\\nMEM 9 9\\n\\nb\\r\\x1b[31m\\xff\nMEM 1.000000 ", 49), 0);
	free(text);
	text = write_memory(&recording.memory, "csv");
	assert_non_null(strstr(text, ",'=cmd|' /C calc'!A0,\"a,\"\"b\"\"\\r\\n.py\",1\r\n"));
	assert_non_null(strstr(text, ",'+1,'-1,1\r\n"));
	assert_non_null(strstr(text, ",'@x,\\t=1,1\r\n"));
	assert_null(strstr(text, "\n\n"));
	free(text);
	text = write_memory(&recording.memory, "json");
	document = read_json(text);
	assert_string_equal(json_string_value(
				    json_object_get(at(document, "processes", 0), "command")),
			    "a\\nMEM 9 9\\n\\nb\\r\\x1b[31m\\xff");
	assert_true(json_is_null(json_array_get(at(document, "points", 3), 8)));
	json_decref(document);
	free(text);
	free_recording(&recording);
}

/* A day of a program with as many stacks and as long names as there can be. */
static void test_files_stay_within_bounds(void **state)
{
	static const char *const formats[] = { "mprof", "csv", "json" };
	struct recording recording = new_recording();
	char name[4000], *text;
	uint64_t step;
	json_t *document;

	spy_history_process(recording.history, 1, 0, "p", "", 0);
	memset(name, 'x', sizeof(name));
	for (step = 0; step < 3 * SPY_HISTORY_POINTS; step++) {
		size_t length = (size_t)snprintf(name, sizeof(name), "%d", (int)step % 20000);

		name[length] = '\xf0'; /* no UTF-8: becomes longer */
		name[step % 3000 + 900] = 0;
		add_point(&recording, 0, step * 400 * MSEC, (step * 7919 % 1000 + 100) * MB,
			  add_stack(&recording, name, name, (int)step));
		name[step % 3000 + 900] = 'x';
	}
	for (step = 0; step < 3; step++) {
		text = write_memory(&recording.memory, formats[step]);
		assert_in_range(strlen(text), 1000000, 32 * MB);
		if (step == 2) {
			document = read_json(text);
			assert_int_equal(json_array_size(json_object_get(document, "points")),
					 recording.history->point_count);
			json_decref(document);
		}
		free(text);
	}
	free_recording(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mprof),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_nothing_was_seen),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_files_stay_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
