/* memory_profiler's table: which lines, which figures, and hostile sources. */
#include "memories.h"

#include "profile/line_growth.h"

/* Source files by path. */
struct file {
	const char *path, *text;
	size_t size; /* 0: up to the NUL */
};

static bool read_file(void *context, const char *path, char **text, size_t *size)
{
	const struct file *file;

	for (file = context; file->path; file++) {
		if (strcmp(file->path, path) != 0)
			continue;
		*size = file->size ? file->size : strlen(file->text);
		*text = malloc(*size + 1);
		assert_non_null(*text);
		memcpy(*text, file->text, *size);
		return true;
	}
	return false;
}

static char *write_lines(const struct pyspyc_profile *profile, const struct file *files, bool all)
{
	struct spy_memory_recording memory = {
		.profile = profile,
		.all_lines = all,
		.sources = { .read = read_file, .context = (void *)(uintptr_t)files },
	};

	return write_memory(&memory, "lines");
}

#define HEAD                                                              \
	"Line #    Mem usage    Increment  Occurrences   Line Contents\n" \
	"=============================================================\n"

static const char app[] = "import json\n"	     /* 1 */
			  "\n"			     /* 2 */
			  "def main():\n"	     /* 3 */
			  "    a = 1\n"		     /* 4 */
			  "    b = load()\n"	     /* 5 */
			  "    drop(b)\n"	     /* 6 */
			  "\n"			     /* 7 */
			  "def load():\n"	     /* 8 */
			  "    x = []\n"	     /* 9 */
			  "    for i in range(9):\n" /* 10 */
			  "        x.append(1)\n"    /* 11 */
			  "    return x\n"	     /* 12 */
			  "\n"			     /* 13 */
			  "main()\n";		     /* 14 */

static struct pyspyc_profile *make_app(void)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t module = add_node(profile, 0, "<module>", OWN, 14, 1);
	uint32_t call = add_node(profile, module, "main", OWN, 5, 3);
	uint32_t append = add_node(profile, call, "load", OWN, 11, 8);

	book_bytes(profile, append, 10 * MB, 0, 30 * MB);
	book_bytes(profile, append, 10 * MB, MB / 2, 40 * MB);
	book_bytes(profile, add_node(profile, module, "main", OWN, 6, 3), 0, 15 * MB, 35 * MB);
	book_bytes(profile, add_node(profile, module, "main", OWN, 4, 3), 1000, 0, 20 * MB);
	book_bytes(profile, add_other(profile, 0, SPY_FRAME_MARKER, "<unknown>"), 3 * MB, 0, 0);
	profile->title = strdup("python app.py");
	return profile;
}

static void test_table(void **state)
{
	static const struct file files[] = { { OWN, app, 0 }, { 0 } };
	struct pyspyc_profile *profile = make_app();
	char *text = write_lines(profile, files, false);

	assert_string_equal(text,
			    "python app.py\n"
			    "RSS grew by 23.0 MiB and shrank by 15.5 MiB\n"
			    "Of these 3.0 MiB and 0 B while no line was seen to run.\n"
			    "\n"
			    "Filename: " OWN "\n\n" HEAD
			    "     3                                         def main():\n"
			    "     4     20.0 MiB      0.0 MiB           1       a = 1\n"
			    "     5     40.0 MiB     19.5 MiB           2       b = load()\n"
			    "     6     35.0 MiB    -15.0 MiB           1       drop(b)\n"
			    "     7\n"
			    "     8                                         def load():\n"
			    "     …\n"
			    "    11     40.0 MiB     19.5 MiB           2           x.append(1)\n"
			    "     …\n"
			    "    14     40.0 MiB      4.5 MiB           4   main()\n"
			    "\n\n");
	free(text);
	text = write_lines(profile, files, true);
	assert_null(strstr(text, "…"));
	assert_non_null(strstr(text,
			       "\n     1                                         import json\n"
			       "     2\n     3  "));
	assert_non_null(strstr(text, "\n    13\n    14     40.0 MiB"));
	free(text);
	spy_profile_free(profile);
}

/* A function whose first line is a decorator's. */
static void test_decorators(void **state)
{
	static const struct file files[] = {
		{ OWN, "x = 1\n\n@one\n@two(\n    3)\nasync def f():\n    a\n    b\n    c\n    d\n",
		  0 },
		{ 0 }
	};
	struct pyspyc_profile *profile = new_live();
	char *text;

	book_bytes(profile, add_node(profile, 0, "f", OWN, 10, 3), MB, 0, 2 * MB);
	text = write_lines(profile, files, false);
	assert_non_null(strstr(text,
			       "==\n"
			       "     3                                         @one\n"
			       "     4                                         @two(\n"
			       "     5                                             3)\n"
			       "     6                                         async def f():\n"
			       "     …\n"
			       "    10      2.0 MiB      1.0 MiB           1       d\n\n"));
	free(text);
	spy_profile_free(profile);
}

/* Columns and widths are memory_profiler's own, as its 0.61 writes them. */
static void test_columns(void **state)
{
	static const struct file files[] = { { OWN, app, 0 }, { 0 } };
	struct pyspyc_profile *profile = make_app();
	char *text = write_lines(profile, files, false), wanted[128];

	snprintf(wanted, sizeof(wanted), "\n%6d %12s %12s  %10d   %s\n", 6, " 35.0 MiB",
		 "-15.0 MiB", 1, "    drop(b)");
	assert_non_null(strstr(text, wanted));
	free(text);
	spy_profile_free(profile);
}

/* A line that is on the stack many times counts once; so does a file. */
static void test_recursion(void **state)
{
	struct pyspyc_profile *profile = new_live();
	struct spy_line_growths growths;
	uint32_t node = add_node(profile, 0, "<module>", OWN, 9, 1), i;

	for (i = 0; i < 50; i++) {
		node = add_node(profile, node, "even", OWN, 4, 3);
		book_bytes(profile, node, MB, 0, i * MB);
		node = add_node(profile, node, "odd", OWN, 7, 6);
	}
	book_bytes(profile, node, 0, 2 * MB, 0);
	assert_int_equal(spy_line_growths_make(profile, &growths, NULL), 0);
	assert_int_equal(growths.file_count, 1);
	assert_int_equal(growths.line_count, 3);
	assert_int_equal(growths.grown, 50 * MB);
	assert_int_equal(growths.files[0].grown, 50 * MB);
	assert_int_equal(growths.lines[0].line, 4);
	assert_int_equal(growths.lines[0].grown, 50 * MB);
	assert_int_equal(growths.lines[0].own_grown, 50 * MB);
	assert_int_equal(growths.lines[0].samples, 51);
	assert_int_equal(growths.lines[0].usage, 49 * MB);
	assert_int_equal(growths.lines[0].first_line, 3);
	assert_int_equal(growths.lines[1].line, 7);
	assert_int_equal(growths.lines[1].grown, 49 * MB);
	assert_int_equal(growths.lines[1].own_released, 2 * MB);
	assert_int_equal(growths.lines[2].released, 2 * MB);
	spy_line_growths_free(&growths);
	spy_profile_free(profile);
}

/* Own code comes first; a library is told of where it did something itself. */
static void test_files(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t own = add_node(profile, 0, "main", OWN, 2, 1);
	uint32_t library = add_node(profile, own, "decode", STDLIB, 340, 330);
	uint32_t third = add_node(profile, library, "query", THIRD_PARTY, 17, 15);
	const char *first, *second;
	char *text;

	book_bytes(profile, own, MB, 0, 0);
	book_bytes(profile, third, 9 * MB, 0, 0);
	text = write_lines(profile, (const struct file[]){ { 0 } }, false);
	first = strstr(text, "Filename: " OWN "\nIts source could not be read.\n\n" HEAD
			     "     2                  10.0 MiB           2\n");
	assert_non_null(first);
	second = strstr(first, "Filename: " THIRD_PARTY "\n");
	assert_non_null(second);
	assert_null(strstr(text, STDLIB));
	free(text);
	spy_profile_free(profile);
	profile = new_live();
	text = write_lines(profile, (const struct file[]){ { 0 } }, false);
	assert_non_null(strstr(text, "No line grew or released 0.1 MiB.\n"));
	free(text);
	spy_profile_free(profile);
}

/* The folded output's sums are those of the table. */
static void test_sums(void **state)
{
	struct pyspyc_profile *profile = make_app();
	struct spy_memory_recording memory = { .profile = profile };
	struct spy_line_growths growths;
	char *text = write_memory(&memory, "folded"), *at = text, *next;
	uint64_t sum = 0, append = 0;

	for (; *at; at = next + 1) {
		uint64_t bytes;

		next = strchr(at, '\n');
		*next = '\0';
		bytes = strtoull(strrchr(at, ' '), NULL, 10);
		sum += bytes;
		append += strstr(at, OWN ":11") ? bytes : 0;
	}
	assert_int_equal(spy_line_growths_make(profile, &growths, NULL), 0);
	assert_int_equal(sum, growths.grown);
	assert_int_equal(append, growths.lines[3].grown);
	assert_int_equal(growths.lines[3].line, 11);
	assert_int_equal(growths.unknown_grown, 3 * MB);
	spy_line_growths_free(&growths);
	free(text);
	spy_profile_free(profile);
}

static void check_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 && *text != '\n')
			fail_msg("a control character %d is left", *text);
}

static void test_hostile_sources(void **state)
{
	static char giant[3 << 20];
	const struct file files[] = {
		{ "/tabs.py",
		  "\xef\xbb\xbf"
		  "if 1:\n\tx = 1\n    \ty\r\n\x1b[31mred\x07\n\xff\xfe",
		  0 },
		{ "/binary.py", "a\0b\nc\n", 6 },
		{ "/giant.py", giant, sizeof(giant) },
		{ "/a\x1b[2J\n;b.py", "x\n", 0 },
		{ "/empty.py", "", 0 },
		{ 0 },
	};
	struct pyspyc_profile *profile = new_live();
	size_t i;
	int line;
	char *text;

	memset(giant, 'g', sizeof(giant));
	memcpy(giant + sizeof(giant) - 6, "\nlast\n", 6);
	for (i = 0; files[i].path; i++)
		for (line = 1; line <= 5; line++)
			book_bytes(profile, add_node(profile, 0, "f", files[i].path, line, 0), MB,
				   0, MB);
	book_bytes(profile, add_node(profile, 0, "f", "<string>", INT32_MAX, INT32_MIN), MB, 0, MB);
	book_bytes(profile, add_node(profile, 0, "f", "/giant.py", 0, 0), MB, 0, MB);
	text = write_lines(profile, files, false);
	check_clean(text);
	assert_non_null(strstr(text, "           1   if 1:\n"));
	assert_non_null(strstr(text, "           1           x = 1\n"));
	assert_non_null(strstr(text, "           1           y\n"));
	assert_non_null(strstr(text, "           1   \\x1b[31mred\\x07\n"));
	assert_non_null(strstr(text, "           1   \\xff\\xfe\n"));
	assert_non_null(strstr(text, "Filename: /binary.py\nIts source could not be read.\n"));
	assert_non_null(strstr(text, "Filename: /a\\x1b[2J\\n;b.py\n"));
	assert_non_null(strstr(text, "           1   last\n"));
	assert_non_null(strstr(text, "\n2147483647 "));
	assert_true(strlen(text) < 10000);
	free(text);
	text = write_lines(profile, files, true);
	check_clean(text);
	assert_true(strlen(text) < 10000);
	free(text);
	spy_profile_free(profile);
}

/* Files with more lines than anybody reads are not shown whole. */
static void test_whole_files_are_bounded(void **state)
{
	static char feeds[3 << 20];
	const struct file files[] = { { "/one.py", feeds, sizeof(feeds) },
				      { "/two.py", feeds, sizeof(feeds) },
				      { 0 } };
	struct pyspyc_profile *profile = new_live();
	char *text;
	size_t count = 0, i;

	memset(feeds, '\n', sizeof(feeds));
	book_bytes(profile, add_node(profile, 0, "f", "/one.py", 3000000, 1), MB, 0, MB);
	book_bytes(profile, add_node(profile, 0, "f", "/two.py", 3000000, 1), MB, 0, MB);
	text = write_lines(profile, files, true);
	for (i = 0; text[i]; i++)
		count += text[i] == '\n';
	assert_true(count < (1u << 20) + 100);
	assert_non_null(strstr(text, "     …\n3000000"));
	free(text);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_decorators),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_recursion),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_hostile_sources),
		cmocka_unit_test(test_whole_files_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
