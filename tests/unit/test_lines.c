/* Line tables that interpreters made, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/lines.h"

#define CASE_LIMIT 128

/* A code object's table, and the first offset of each run of instructions with one line. */
struct table {
	const char *what;
	enum spy_line_table kind;
	int first;
	int code_size;
	size_t size;
	uint8_t bytes[CASE_LIMIT];
	struct {
		int offset;
		int line;
	} runs[20]; /* ends in an offset of 0 that is not the first */
};

/* Two functions, compiled by each version:
 *
 *   1 def call(f, x):          9 def back(f):
 *   2     return f(           10     f(
 *   3         x,              12         f(1)
 *   4         f(x,            13         .real
 *   5           1),           16     try:
 *   6         x)              17         f()
 *                             18     except ValueError as e:
 *                             19         f(e)
 *                             20     with f() as a: pass
 */
static const struct table tables[] = {
	{
		.what = "2.7: 301 lines at once, more than a byte holds",
		.kind = SPY_LINES_LNOTAB_UNSIGNED,
		.first = 1,
		.code_size = 10,
		.size = 6,
		.bytes = {
			0x00, 0x01, 0x06, 0xff, 0x00, 0x2e,
		},
		.runs = {
			{ 0, 2 }, { 6, 303 },
		},
	},
	{
		.what = "2.7: try, except and with",
		.kind = SPY_LINES_LNOTAB_UNSIGNED,
		.first = 9,
		.code_size = 84,
		.size = 16,
		.bytes = {
			0x00, 0x01, 0x03, 0x02, 0x10, 0x04, 0x03, 0x01, 0x0b, 0x01, 0x0f, 0x01,
			0x0e, 0x01, 0x0c, 0x00,
		},
		.runs = {
			{ 0, 10 }, { 3, 12 }, { 19, 16 }, { 22, 17 }, { 33, 18 }, { 48, 19 },
			{ 62, 20 },
		},
	},
	{
		.what = "3.6: 301 lines at once, signed",
		.kind = SPY_LINES_LNOTAB,
		.first = 1,
		.code_size = 8,
		.size = 8,
		.bytes = {
			0x00, 0x01, 0x04, 0x7f, 0x00, 0x7f, 0x00, 0x2f,
		},
		.runs = {
			{ 0, 2 }, { 4, 303 },
		},
	},
	{
		.what = "3.9: a call over many lines goes back to its first",
		.kind = SPY_LINES_LNOTAB,
		.first = 1,
		.code_size = 18,
		.size = 14,
		.bytes = {
			0x00, 0x01, 0x02, 0x01, 0x02, 0x01, 0x04, 0x01, 0x02, 0xff, 0x02, 0x02,
			0x02, 0xfc,
		},
		.runs = {
			{ 0, 2 }, { 2, 3 }, { 4, 4 }, { 8, 5 }, { 10, 4 }, { 12, 6 },
			{ 14, 2 },
		},
	},
	{
		.what = "3.10: 301 lines at once",
		.kind = SPY_LINES_310,
		.first = 1,
		.code_size = 8,
		.size = 8,
		.bytes = {
			0x04, 0x01, 0x00, 0x7f, 0x00, 0x7f, 0x04, 0x2f,
		},
		.runs = {
			{ 0, 2 }, { 4, 303 },
		},
	},
	{
		.what = "3.10: steps back, and instructions without a line",
		.kind = SPY_LINES_310,
		.first = 9,
		.code_size = 114,
		.size = 22,
		.bytes = {
			0x02, 0x01, 0x06, 0x02, 0x02, 0x01, 0x04, 0xfd, 0x02, 0x06, 0x0a, 0x01,
			0x0e, 0x01, 0x14, 0x01, 0x08, 0x80, 0x02, 0xff, 0x2c, 0x02,
		},
		.runs = {
			{ 0, 10 }, { 2, 12 }, { 8, 13 }, { 10, 10 }, { 14, 16 }, { 16, 17 },
			{ 26, 18 }, { 40, 19 }, { 60, 0 }, { 68, 18 }, { 70, 20 },
		},
	},
	{
		.what = "3.13: 301 lines at once, in the long form",
		.kind = SPY_LINES_LOCATIONS,
		.first = 1,
		.code_size = 10,
		.size = 15,
		.bytes = {
			0x80, 0x00, 0xd8, 0x05, 0x06, 0x80, 0x11, 0xf0, 0x5a, 0x09, 0x00, 0x09,
			0x0a, 0x80, 0x18,
		},
		.runs = {
			{ 0, 1 }, { 2, 2 }, { 6, 303 },
		},
	},
	{
		.what = "3.11: a call over many lines goes back to its first",
		.kind = SPY_LINES_LOCATIONS,
		.first = 1,
		.code_size = 48,
		.size = 48,
		.bytes = {
			0x80, 0x00, 0xd8, 0x0b, 0x0c, 0x88, 0x31, 0xd8, 0x08, 0x09, 0xd8, 0x08,
			0x09, 0x88, 0x01, 0x88, 0x21, 0xd8, 0x0a, 0x0b, 0xf1, 0x03, 0x01, 0x09,
			0x0d, 0xf4, 0x00, 0x01, 0x09, 0x0d, 0xe0, 0x08, 0x09, 0xf1, 0x09, 0x04,
			0x0c, 0x0b, 0xf4, 0x00, 0x04, 0x0c, 0x0b, 0xf0, 0x00, 0x04, 0x05, 0x0b,
		},
		.runs = {
			{ 0, 1 }, { 2, 2 }, { 6, 3 }, { 8, 4 }, { 14, 5 }, { 16, 4 },
			{ 30, 6 }, { 32, 2 },
		},
	},
	{
		.what = "3.13: all forms, instructions without a line among them",
		.kind = SPY_LINES_LOCATIONS,
		.first = 9,
		.code_size = 196,
		.size = 78,
		.bytes = {
			0x80, 0x00, 0xd9, 0x04, 0x05, 0xe1, 0x08, 0x09, 0x88, 0x21, 0x8b, 0x04,
			0xdf, 0x09, 0x0d, 0x89, 0x14, 0xf4, 0x07, 0x05, 0x05, 0x06, 0xf0, 0x0c,
			0x03, 0x05, 0x0d, 0xd9, 0x08, 0x09, 0x8c, 0x03, 0xf1, 0x06, 0x00, 0x0a,
			0x0b, 0x8c, 0x13, 0x90, 0x01, 0x8f, 0x13, 0x88, 0x13, 0xf8, 0xf4, 0x05,
			0x00, 0x0c, 0x16, 0xf3, 0x00, 0x01, 0x05, 0x0d, 0xd9, 0x08, 0x09, 0x88,
			0x21, 0x8f, 0x04, 0x89, 0x04, 0xfb, 0xf0, 0x03, 0x01, 0x05, 0x0d, 0xfa,
			0xe7, 0x09, 0x0c, 0x8d, 0x13, 0xfa,
		},
		.runs = {
			{ 0, 9 }, { 2, 10 }, { 6, 12 }, { 20, 13 }, { 40, 10 }, { 50, 16 },
			{ 52, 17 }, { 66, 20 }, { 100, 0 }, { 102, 18 }, { 120, 19 }, { 146, 0 },
			{ 154, 18 }, { 156, 0 }, { 162, 20 }, { 190, 0 },
		},
	},
};

/* From a copy on the heap, so that a sanitizer sees a look beyond the end. */
static int line_of(enum spy_line_table kind, const uint8_t *bytes, size_t size, int first,
		   int64_t lasti)
{
	uint8_t *copy = malloc(size ? size : 1);
	int line;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	line = spy_line_of(kind, copy, size, first, lasti);
	free(copy);
	return line;
}

static void test_recorded(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		const struct table *table = &tables[i];
		int offset, run = 0;

		for (offset = 0; offset < table->code_size; offset++) {
			int line = line_of(table->kind, table->bytes, table->size, table->first,
					   offset);

			if (offset && table->runs[run + 1].offset == offset)
				run++;
			if (line != table->runs[run].line)
				fail_msg("%s: offset %d has line %d, not %d", table->what, offset,
					 line, table->runs[run].line);
		}
		assert_int_equal(line_of(table->kind, table->bytes, table->size, table->first, -1),
				 table->first);
	}
}

/* Every table cut at every place: any line will do, but nothing beyond the end is looked at. */
static void test_truncated(void **state)
{
	size_t i, size;
	int offset;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (size = 0; size < tables[i].size; size++)
			for (offset = -2; offset < tables[i].code_size + 4; offset += 2)
				assert_true(line_of(tables[i].kind, tables[i].bytes, size,
						    tables[i].first, offset) >= 0);
}

static void test_empty(void **state)
{
	assert_int_equal(line_of(SPY_LINES_LNOTAB, (const uint8_t *)"", 0, 7, 0), 7);
	assert_int_equal(line_of(SPY_LINES_LNOTAB, (const uint8_t *)"", 0, 7, 1000), 7);
	assert_int_equal(line_of(SPY_LINES_LNOTAB_UNSIGNED, (const uint8_t *)"", 0, 7, 0), 7);
	assert_int_equal(line_of(SPY_LINES_310, (const uint8_t *)"", 0, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, (const uint8_t *)"", 0, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, (const uint8_t *)"", 0, 7, -1), 7);
	assert_int_equal(spy_line_of(SPY_LINES_LNOTAB, NULL, 0, 7, 0), 7);
}

static void test_beyond_the_end(void **state)
{
	const uint8_t pair[] = { 4, 1 }, entry[] = { 0xd9, 0, 0 };

	/* lnotab does not say where the code ends; the others do. */
	assert_int_equal(line_of(SPY_LINES_LNOTAB, pair, 2, 7, 3), 7);
	assert_int_equal(line_of(SPY_LINES_LNOTAB, pair, 2, 7, INT64_MAX), 8);
	assert_int_equal(line_of(SPY_LINES_310, pair, 2, 7, 3), 8);
	assert_int_equal(line_of(SPY_LINES_310, pair, 2, 7, 4), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, entry, 3, 7, 3), 8);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, entry, 3, 7, 4), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, entry, 3, 7, INT64_MAX), SPY_NO_LINE);
}

static void test_no_sense(void **state)
{
	/* An entry that does not begin as one, a number without an end, one that is too long. */
	const uint8_t headless[] = { 0x50, 0x80, 0 };
	const uint8_t endless[] = { 0xe8, 0x7f, 0x7f };
	const uint8_t cut[] = { 0xe8, 0x7e, 0x80, 0 };
	const uint8_t longest[] = { 0xe8, 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x01 };
	const uint8_t far[] = { 0xe8, 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f };
	const uint8_t back[] = { 0xe8, 0x15 };

	assert_int_equal(line_of(SPY_LINES_LOCATIONS, headless, 3, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, endless, 3, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, cut, 4, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, longest, 10, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, far, 7, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, back, 2, 7, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LOCATIONS, back, 2, 11, 0), 1);
	assert_int_equal(line_of(SPY_LINES_LNOTAB, back, 0, -5, 0), SPY_NO_LINE);
	assert_int_equal(line_of(SPY_LINES_LNOTAB, (const uint8_t *)"\0\1", 2, INT_MAX, 0),
			 SPY_NO_LINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_empty),	 cmocka_unit_test(test_beyond_the_end),
		cmocka_unit_test(test_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
