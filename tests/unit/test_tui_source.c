/* Sources as lines to show, and the figures beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/source_figures.h"
#include "tui/source_text.h"

static struct tui_source_text parse(const char *bytes)
{
	struct tui_source_text text = { 0 };

	assert_int_equal(tui_source_text_parse(&text, bytes, strlen(bytes)), TUI_SOURCE_TEXT);
	return text;
}

static void check_line(const struct tui_source_text *text, size_t line, const char *wanted)
{
	assert_true(line < text->count);
	assert_string_equal(tui_source_text_line(text, line), wanted);
}

static void test_lines(void **state)
{
	struct tui_source_text text = parse("\xef\xbb\xbfone\ntwo\r\n\rfour\n\nsix");

	assert_int_equal(text.count, 6);
	check_line(&text, 0, "one");
	check_line(&text, 1, "two");
	check_line(&text, 2, "");
	check_line(&text, 3, "four");
	check_line(&text, 4, "");
	check_line(&text, 5, "six");
	tui_source_text_free(&text);
	text = parse("");
	assert_int_equal(text.count, 0);
	tui_source_text_free(&text);
	text = parse("\n");
	assert_int_equal(text.count, 1);
	tui_source_text_free(&text);
}

static void test_tabs(void **state)
{
	struct tui_source_text text = parse("\tx\ny\tz\n1234567\t8\n12345678\t9\n\xc3\xa4\tb\n");

	check_line(&text, 0, "        x");
	check_line(&text, 1, "y       z");
	check_line(&text, 2, "1234567 8");
	check_line(&text, 3, "12345678        9");
	check_line(&text, 4, "\xc3\xa4       b");
	tui_source_text_free(&text);
}

static void test_binary(void **state)
{
	struct tui_source_text text = { 0 };

	assert_int_equal(tui_source_text_parse(&text, "a\nb\0c\n", 6), TUI_SOURCE_BINARY);
	assert_int_equal(text.count, 0);
	tui_source_text_free(&text);
}

/* However long they are, and made of what, no more is kept than can be shown. */
static void test_long_lines(void **state)
{
	static const char *const parts[] = { "x", "\t", "\xc3\xa4", "\xe2\x82\xac", "\x80" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		size_t length = strlen(parts[i]), size = 0;
		char *bytes = malloc(200000);
		struct tui_source_text text = { 0 };

		assert_non_null(bytes);
		for (int line = 0; line < 20; line++) {
			for (int n = 0; n < 3000; n++, size += length)
				memcpy(bytes + size, parts[i], length);
			bytes[size++] = '\n';
		}
		assert_int_equal(tui_source_text_parse(&text, bytes, size), TUI_SOURCE_TEXT);
		assert_int_equal(text.count, 20);
		for (size_t line = 0; line < text.count; line++) {
			const char *shown = tui_source_text_line(&text, line);

			assert_true(strlen(shown) <= TUI_SOURCE_LINE + 8);
			/* The last character is a whole one. */
			if ((unsigned char)parts[i][0] >= 0xc0)
				assert_int_equal(strlen(shown) % length, 0);
		}
		tui_source_text_free(&text);
		free(bytes);
	}
}

static void test_changed(void **state)
{
	struct tui_source_text text = parse(
		"import x\n@decorate(\n  1)\ndef work(a):\n    return a\n"
		"class C:\n    def method(self): pass\n"
		"def reworked(): pass\n");

	assert_true(tui_source_text_has(&text, "work", 2));
	assert_true(tui_source_text_has(&text, "work", 4));
	assert_false(tui_source_text_has(&text, "work", 5));
	assert_false(tui_source_text_has(&text, "work", 3));
	assert_false(tui_source_text_has(&text, "work", 1));
	assert_false(tui_source_text_has(&text, "work", 700));
	assert_false(tui_source_text_has(&text, "work", 8));
	assert_false(tui_source_text_has(&text, "reworke", 8));
	assert_true(tui_source_text_has(&text, "C.method", 7));
	assert_false(tui_source_text_has(&text, "C.other", 7));
	assert_true(tui_source_text_has(&text, "<module>", 1));
	assert_true(tui_source_text_has(&text, "C.f.<locals>.<lambda>", 700));
	assert_true(tui_source_text_has(&text, "anything", 0));
	tui_source_text_free(&text);
}

#define ROW(function, file, at, thread, own, total)         \
	{                                                   \
		.place = { .kind = PYSPYC_ROW_CODE,         \
			   .name = (function),              \
			   .path = (file),                  \
			   .line = (at),                    \
			   .pid = (thread) ? 1 : 0,         \
			   .tid = (thread) },               \
		.amounts = { .own_s = (own),                \
			     .total_s = (total),            \
			     .own_now = (own) / 10.0,       \
			     .total_now = (total) / 10.0 }, \
	}

static void test_figures(void **state)
{
	char other_copy[] = "/a.py";
	struct pyspyc_row rows[] = {
		ROW("f", "/a.py", 7, 0, 2, 4),
		ROW("g", "/b.py", 7, 0, 2, 4),
		ROW("<listcomp>", other_copy, 5, 0, 1, 3),
		ROW("f", "/a.py", 5, 0, .5, 3.5),
		ROW("f", "/a.py", 90, 0, 8, 8),
		ROW("f", NULL, 8, 0, 8, 8),
		{ .place = { .kind = PYSPYC_ROW_MARKER, .path = "/a.py", .line = 1 } },
	};
	struct pyspyc_table table = { .rows = rows,
				      .count = sizeof(rows) / sizeof(*rows),
				      .all = { .own_s = 20 } };
	struct pyspyc_place place = { .path = "/a.py" };
	struct tui_figures figures = { 0 };
	const struct tui_figure *figure;

	assert_int_equal(tui_figures_take(&figures, &table, &place), 0);
	assert_int_equal(figures.count, 3);
	assert_float_equal(figures.all_s, 20, 1e-9);
	figure = tui_figures_find(&figures, 5);
	assert_non_null(figure);
	assert_float_equal(figure->own_s, 1.5, 1e-9);
	assert_float_equal(figure->total_s, 3.5, 1e-9);
	assert_float_equal(figure->total_now, .35, 1e-9);
	assert_null(tui_figures_find(&figures, 6));
	assert_null(tui_figures_find(&figures, 0));
	assert_null(tui_figures_find(&figures, -1));
	assert_int_equal(tui_figures_after(&figures, 0), 0);
	assert_int_equal(tui_figures_after(&figures, 5), 1);
	assert_int_equal(tui_figures_after(&figures, 89), 2);
	assert_int_equal(tui_figures_after(&figures, 90), 3);
	/* From one line to the next hottest. */
	figure = tui_figures_hottest(&figures, NULL);
	assert_int_equal(figure->line, 90);
	figure = tui_figures_hottest(&figures, figure);
	assert_int_equal(figure->line, 7);
	figure = tui_figures_hottest(&figures, figure);
	assert_int_equal(figure->line, 5);
	assert_null(tui_figures_hottest(&figures, figure));
	place.path = "/c.py";
	assert_int_equal(tui_figures_take(&figures, &table, &place), 0);
	assert_int_equal(figures.count, 0);
	assert_null(tui_figures_find(&figures, 5));
	assert_null(tui_figures_hottest(&figures, NULL));
	tui_figures_free(&figures);
}

static void test_figures_of_threads(void **state)
{
	struct pyspyc_row rows[] = {
		ROW("f", "/a.py", 7, 11, 1, 2),
		ROW("f", "/a.py", 7, 12, 3, 5),
		ROW("f", "/a.py", 8, 12, 1, 1),
	};
	struct pyspyc_table table = { .rows = rows, .count = 3 };
	struct pyspyc_place place = { .path = "/a.py" };
	struct tui_figures figures = { 0 };

	/* Threads run side by side: what each takes adds up. */
	assert_int_equal(tui_figures_take(&figures, &table, &place), 0);
	assert_float_equal(tui_figures_find(&figures, 7)->own_s, 4, 1e-9);
	assert_float_equal(tui_figures_find(&figures, 7)->total_s, 7, 1e-9);
	place.pid = 1;
	place.tid = 11;
	assert_int_equal(tui_figures_take(&figures, &table, &place), 0);
	assert_float_equal(tui_figures_find(&figures, 7)->total_s, 2, 1e-9);
	assert_null(tui_figures_find(&figures, 8));
	place.pid = 2;
	assert_int_equal(tui_figures_take(&figures, &table, &place), 0);
	assert_int_equal(figures.count, 0);
	tui_figures_free(&figures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_tabs),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_figures_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
