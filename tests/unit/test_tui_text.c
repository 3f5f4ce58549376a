/* tui/text.c: any bytes as columns of a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tui/text.h"

#define MOST 64

/* What a terminal would show of text, as UTF-8. */
static const char *shown(const char *text, int width, bool utf8, int *columns)
{
	static char bytes[MOST * 5 * 4 + 1];
	struct tui_glyph glyphs[MOST];
	size_t count = tui_text_glyphs(text, width, utf8, glyphs, columns);
	size_t size = 0;
	int sum = 0;

	assert_true(count <= (size_t)(width > 0 ? width : 0));
	for (size_t i = 0; i < count; i++) {
		sum += glyphs[i].width;
		for (const wchar_t *at = glyphs[i].text; *at; at++)
			size += tui_text_encode(*at, bytes + size);
	}
	assert_int_equal(sum, *columns);
	bytes[size] = '\0';
	return bytes;
}

static void check(const char *text, const char *wanted, int columns)
{
	int got;

	assert_string_equal(shown(text, MOST, true, &got), wanted);
	assert_int_equal(got, columns);
	assert_int_equal(tui_text_columns(text, SIZE_MAX, true), columns);
}

static void check_cut(const char *text, int width, const char *wanted, int columns)
{
	int got;

	assert_string_equal(shown(text, width, true, &got), wanted);
	assert_int_equal(got, columns);
}

static void test_text_is_itself(void **state)
{
	check("", "", 0);
	check("def f(x): ~", "def f(x): ~", 11);
	check("caf\u00e9 \u00df \u20ac \U0001d11e", "caf\u00e9 \u00df \u20ac \U0001d11e", 10);
}

static void test_wide_and_combining(void **state)
{
	check("\u51fd\u6570", "\u51fd\u6570", 4);
	check("\U0001f40d!", "\U0001f40d!", 3);
	check("e\u0301e", "e\u0301e", 2);
	/* No more than a few in a cell, and never without a character below. */
	check("z\u0300\u0301\u0302\u0303\u0304z", "z\u0300\u0301\u0302z", 2);
	check("\u0301x", "\u25cc\u0301x", 2);
}

static void test_what_would_do_something_is_told(void **state)
{
	check("\x1b[31m\n\t\x7f", "^[[31m^J^I^?", 12);
	check("\xc2\x80\xc2\x9b\u00a0", "\\u0080\\u009b\u00a0", 13);
	check("\u202e\u2066\u2028\u200b\ufeff\u00ad", "\\u202e\\u2066\\u2028\\u200b\\ufeff\\u00ad",
	      36);
	check("\U000e0041", "\\U000e0041", 10);
	check("\ufe0f\u200d", "\\ufe0f\\u200d", 12);
	/* No character has this number. */
	check("\xef\xbf\xbf", "\\uffff", 6);
}

static void test_what_is_no_utf8(void **state)
{
	check("a\xff\xc3(", "a\\xff\\xc3(", 10);
	check("\xc0\xaf", "\\xc0\\xaf", 8);		       /* overlong */
	check("\xed\xa0\x80", "\\xed\\xa0\\x80", 12);	       /* a surrogate */
	check("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", 16); /* too large */
	check("\xe2\x82", "\\xe2\\x82", 8);		       /* cut off by the end */
}

static void test_cut_at_the_width(void **state)
{
	check_cut("abcdef", 6, "abcdef", 6);
	check_cut("abcdefg", 6, "abcde\u2026", 6);
	check_cut("abc", 1, "\u2026", 1);
	check_cut("a", 1, "a", 1);
	check_cut("abc", 0, "", 0);
	check_cut("abc", -5, "", 0);
	check_cut("abe\u0301", 3, "abe\u0301", 3);
	check_cut("abe\u0301f", 3, "ab\u2026", 3);
	/* A wide character goes in full or not at all. */
	check_cut("\u51fd\u6570", 4, "\u51fd\u6570", 4);
	check_cut("\u51fd\u6570", 3, "\u51fd\u2026", 3);
	check_cut("\u51fd\u6570\u51fd", 4, "\u51fd\u2026", 3);
	check_cut("\u51fd", 1, "\u2026", 1);
	check_cut("a\u51fd", 2, "a\u2026", 2);
	/* What stands in the place of a character is cut like any text. */
	check_cut("ab\xff", 5, "ab\\x\u2026", 5);
	check_cut("\u51fd\xff", 4, "\u51fd\\\u2026", 4);
	check_cut("\xff", 4, "\\xff", 4);
	check_cut("\xff\xff", 4, "\\xf\u2026", 4);
}

static void test_ascii_terminals(void **state)
{
	int columns;

	assert_string_equal(shown("caf\u00e9 \u51fd", MOST, false, &columns), "caf? ?");
	assert_int_equal(columns, 6);
	assert_string_equal(shown("abcdef", 4, false, &columns), "abc~");
	assert_string_equal(shown("\x1b\xff\u202e", MOST, false, &columns), "^[\\xff\\u202e");
}

static void test_columns_of_a_part(void **state)
{
	const char *text = "a\u51fd\x1b"
			   "e\u0301b";

	assert_int_equal(tui_text_columns(text, 0, true), 0);
	assert_int_equal(tui_text_columns(text, 1, true), 1);
	assert_int_equal(tui_text_columns(text, 4, true), 3);
	assert_int_equal(tui_text_columns(text, 5, true), 5);
	assert_int_equal(tui_text_columns(text, 8, true), 6);
	assert_int_equal(tui_text_columns(text, 100, true), 7);
}

static void check_skip(const char *text, int columns, const char *wanted, int wanted_blanks)
{
	int blanks = -1;

	assert_string_equal(tui_text_skip(text, columns, true, &blanks), wanted);
	assert_int_equal(blanks, wanted_blanks);
}

static void test_skipping_columns(void **state)
{
	check_skip("abc", 0, "abc", 0);
	check_skip("abc", 2, "c", 0);
	check_skip("abc", 3, "", 0);
	check_skip("abc", 30, "", 0);
	check_skip("\u51fd\u6570x", 2, "\u6570x", 0);
	check_skip("\u51fd\u6570x", 1, "\u6570x", 1);
	check_skip("\u51fd\u6570x", 3, "x", 1);
	check_skip("\xff\x1bx", 3, "\x1bx", 1);
	check_skip("\xff\x1bx", 5, "x", 1);
	/* Marks go with their character. */
	check_skip("e\u0301e\u0301x", 1, "e\u0301x", 0);
	check_skip("e\u0301e\u0301x", 2, "x", 0);
}

static void test_encoding(void **state)
{
	char bytes[5] = "";

	assert_int_equal(tui_text_encode('a', bytes), 1);
	assert_memory_equal(bytes, "a", 1);
	assert_int_equal(tui_text_encode(0xe9, bytes), 2);
	assert_memory_equal(bytes, "\xc3\xa9", 2);
	assert_int_equal(tui_text_encode(0x2026, bytes), 3);
	assert_memory_equal(bytes, "\xe2\x80\xa6", 3);
	assert_int_equal(tui_text_encode(0x1f40d, bytes), 4);
	assert_memory_equal(bytes, "\xf0\x9f\x90\x8d", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_itself),
		cmocka_unit_test(test_wide_and_combining),
		cmocka_unit_test(test_what_would_do_something_is_told),
		cmocka_unit_test(test_what_is_no_utf8),
		cmocka_unit_test(test_cut_at_the_width),
		cmocka_unit_test(test_ascii_terminals),
		cmocka_unit_test(test_columns_of_a_part),
		cmocka_unit_test(test_skipping_columns),
		cmocka_unit_test(test_encoding),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
