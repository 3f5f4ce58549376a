/* pyspyc top: its options, its text and JSON, and what it keeps of a program's output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>

#include "cli/commands.h"
#include "cli/top.h"
#include "cli/values.h"
#include "tui/view.h"
#include "tui/views.h"

static void test_views_are_named_alike(void **state)
{
	const char *choices = NULL;
	const char *word;
	size_t size;
	size_t i;

	(void)state;
	for (i = 0; i < cli_option_count; i++)
		if (!strcmp(cli_options[i].name, "view"))
			choices = cli_options[i].choices;
	for (i = 0; tui_views[i]; i++) {
		word = cli_list_next(&choices, &size);
		assert_non_null(word);
		assert_true(strlen(tui_views[i]->name) == size &&
			    !memcmp(word, tui_views[i]->name, size));
	}
	assert_null(cli_list_next(&choices, &size));
	assert_int_equal(i, TUI_VIEWS);
}

static void test_pyspy_command_lines(void **state)
{
	static char *const lines[][12] = {
		{ "--pid", "12345" },
		{ "--", "python", "myprogram.py" },
		{ "-p", "1", "-r", "200", "-s", "-F", "-g", "--full-filenames", "--nonblocking" },
		{ "-p", "1", "--rate", "10", "--delay", "2.5", "-i", "--function" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct cli_arguments arguments;
		int count = 0;

		while (lines[i][count])
			count++;
		if (!cli_arguments_parse(&arguments, "top", CLI_OPERANDS_PROGRAM, count,
					 (char **)lines[i]))
			fail_msg("line %zu: %s", i, arguments.problem);
		cli_arguments_free(&arguments);
	}
}

static void test_problems(void **state)
{
	static const struct {
		char *const words[4];
		const char *part;
	} cases[] = {
		{ { "-o", "x" }, "unknown option '-o'" },
		{ { "--native", "-p", "1" }, "not supported" },
		{ { "--once", "--batch", "2" }, "--once and --batch" },
		{ { "--view", "what" }, "functions, lines, tree, threads, memory or gil" },
	};
	size_t matches;

	(void)state;
	assert_string_equal(cli_command_find("to", NULL)->name, "top");
	assert_null(cli_command_find("t", &matches));
	assert_int_equal(matches, 2); /* tracemalloc */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli_arguments arguments;
		int count = 0;

		while (cases[i].words[count])
			count++;
		assert_false(cli_arguments_parse(&arguments, "top", CLI_OPERANDS_PROGRAM, count,
						 (char **)cases[i].words));
		assert_non_null(strstr(arguments.problem, cases[i].part));
		cli_arguments_free(&arguments);
	}
}

static void test_counts(void **state)
{
	static const char *const bad[] = { "",		 "-1",	"1.5",
					   "x",		 "1x",	" 1",
					   "1000000001", "0x1", "99999999999999999999999",
					   "unlimitedx" };
	uint64_t count = 7;

	(void)state;
	assert_null(cli_parse_count("unlimited", &count));
	assert_int_equal(count, 0);
	assert_null(cli_parse_count("0", &count));
	assert_int_equal(count, 0);
	assert_null(cli_parse_count("1000000000", &count));
	assert_int_equal(count, 1000000000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!cli_parse_count(bad[i], &count))
			fail_msg("count '%s' was accepted", bad[i]);
	assert_int_equal(count, 1000000000);
}

/* A refresh with all there can be, of a program with hostile names. */
struct made {
	struct cli_top top;
	struct pyspyc_live live;
	struct pyspyc_live_process process;
	struct pyspyc_live_thread threads[2];
	struct pyspyc_live_wait wait;
	struct pyspyc_live_point point;
	struct pyspyc_recorder_stats stats;
	struct pyspyc_row rows[2];
	struct pyspyc_table table;
	struct cli_refresh refresh;
};

static void make(struct made *made)
{
	*made = (struct made){
		.process = { .pid = 12,
			     .command = "py\x1b[31m",
			     .version = "3.12.1",
			     .sampling = true,
			     .cpu = -1,
			     .rss = 1048576 },
		.threads = { { .pid = 12,
			       .tid = 12,
			       .name = "Main",
			       .doing = PYSPYC_DOING_GIL,
			       .os_state = 'R',
			       .cpu = -1,
			       .frame = { "f", "a.py", "/a.py", 3, 1 } },
			     { .pid = 12,
			       .tid = 13,
			       .name = "x\ny",
			       .os_state = '?',
			       .doing = PYSPYC_DOING_GIL_WAIT } },
		.wait = { .waiter = 1, .holder = 0, .now = 0.5, .seconds = 2 },
		.point = { .rss = 1048576 },
		.stats = { .samples = 200 },
		.rows = { { .place = { .name = "f\x1b", .file = "a.py", .path = "/a.py", .line = 3 },
			    .amounts = { 0.25, 0.5, 1.5, 2.5, 10, 20, 1, 2 } },
			  { .place = { .kind = PYSPYC_ROW_MARKER,
				       .origin = PYSPYC_ORIGIN_NONE,
				       .name = "<GC>",
				       .file = "",
				       .path = "" } } },
	};
	made->live = (struct pyspyc_live){
		.window_ns = 1000000000,
		.rate = 100,
		.cpu = 1,
		.gil = 0.5,
		.active = 1,
		.gil_wait = 1,
		.rss_per_minute = -1024,
		.processes = &made->process,
		.process_count = 1,
		.threads = made->threads,
		.thread_count = 2,
		.points = &made->point,
		.point_count = 1,
		.waits = &made->wait,
		.wait_count = 1,
	};
	made->table = (struct pyspyc_table){ .rows = made->rows, .count = 2 };
	made->refresh = (struct cli_refresh){ &made->top, &made->live, &made->stats, &made->table };
}

static char *printed(const struct cli_refresh *refresh,
		     bool (*print)(FILE *file, const struct cli_refresh *refresh))
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	assert_true(print(memory, refresh));
	fclose(memory);
	return text;
}

static void test_text(void **state)
{
	struct made made;
	char *text;

	(void)state;
	make(&made);
	text = printed(&made.refresh, cli_top_text);
	assert_non_null(strstr(text, "Process 12: py\\x1b[31m; Python 3.12.1"));
	assert_non_null(strstr(text, "RSS 1.0M, -1.0K a minute"));
	assert_non_null(strstr(text, "\n  25.00   50.00      1.50      2.50  f\\x1b (a.py:3)\n"));
	assert_non_null(strstr(text, "  <GC>\n"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	made.rows[0].place.pid = made.rows[0].place.tid = 12;
	made.rows[0].place.whose = "Main";
	text = printed(&made.refresh, cli_top_text);
	assert_non_null(strstr(text, "  [12 Main] f\\x1b (a.py:3)\n"));
	free(text);
}

static void test_json(void **state)
{
	struct made made;
	json_error_t error;
	json_t *document;
	json_t *row;
	char *text;

	(void)state;
	make(&made);
	text = printed(&made.refresh, cli_top_json);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	document = json_loads(text, 0, &error);
	assert_non_null(document);
	free(text);
	assert_string_equal(json_string_value(json_object_get(document, "schema")), "pyspyc-top");
	row = json_array_get(json_object_get(document, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "f\x1b");
	assert_string_equal(json_string_value(json_object_get(row, "origin")), "own");
	assert_int_equal(json_integer_value(json_object_get(row, "grown_total")), 20);
	row = json_array_get(json_object_get(document, "rows"), 1);
	assert_true(json_is_null(json_object_get(row, "origin")));
	row = json_array_get(json_object_get(document, "threads"), 1);
	assert_string_equal(json_string_value(json_object_get(row, "doing")), "gil-wait");
	assert_true(json_is_null(json_object_get(row, "frame")));
	row = json_array_get(json_object_get(document, "processes"), 0);
	assert_true(json_is_null(json_object_get(row, "cpu")));
	row = json_array_get(json_object_get(document, "waits"), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "waiter")), 13);
	json_decref(document);
}

/* A file in memory in the place of the one that a program writes to, shown to a pipe. */
static void test_capture(void **state)
{
	struct cli_capture capture = CLI_CAPTURE_NONE;
	char bytes[1000];
	char *shown = calloc(1, 200000);
	size_t size = 0;
	int ends[2];
	ssize_t got;

	(void)state;
	assert_non_null(shown);
	assert_null(cli_capture_last(&capture));
	cli_capture_show(&capture);
	capture.file = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND, 0600);
	if (capture.file < 0)
		skip();
	assert_null(cli_capture_last(&capture));
	assert_int_equal(write(capture.file, "one\ntwo\r\n\n", 10), 10);
	assert_string_equal(cli_capture_last(&capture), "two");
	memset(bytes, 'x', sizeof(bytes));
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(capture.file, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(strlen(cli_capture_last(&capture)), sizeof(capture.last) - 1);
	assert_int_equal(write(capture.file, "\nend", 4), 4);
	assert_string_equal(cli_capture_last(&capture), "end");

	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 17);
	capture.stream = ends[1];
	cli_capture_show(&capture);
	cli_capture_show(&capture); /* nothing new */
	assert_int_equal(write(capture.file, "!", 1), 1);
	cli_capture_show(&capture);
	close(ends[1]);
	while ((got = read(ends[0], shown + size, 200000 - size)) > 0)
		size += (size_t)got;
	close(ends[0]);
	assert_int_equal(size, 65536 + 1); /* the newest 64 KB, none of them lost to the cutting */
	assert_null(memchr(shown, 0, size));
	assert_memory_equal(shown + size - 5, "\nend!", 5);
	cli_capture_close(&capture);
	free(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views_are_named_alike),
		cmocka_unit_test(test_pyspy_command_lines),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
