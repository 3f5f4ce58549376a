#include "profiles.h"
#include "sink/escape.h"

struct escape_case {
	const char *text, *wanted;
};

static void check(void (*escape)(struct spy_buffer *, const char *),
		  const struct escape_case *cases, size_t count)
{
	struct spy_buffer buffer = { 0 };
	size_t i;

	for (i = 0; i < count; i++) {
		spy_buffer_clear(&buffer);
		escape(&buffer, cases[i].text);
		assert_string_equal(spy_buffer_text(&buffer), cases[i].wanted);
	}
	spy_buffer_free(&buffer);
}

#define CHECK(escape, cases) check(escape, cases, sizeof(cases) / sizeof((cases)[0]))

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
		int size;
	} cases[] = {
		{ "", 0, 0 },
		{ "a", 'a', 1 },
		{ "\xc3\xa9", 0xe9, 2 },
		{ "\xe2\x82\xac", 0x20ac, 3 },
		{ "\xf0\x9f\x90\x8d", 0x1f40d, 4 },
		{ "\xf4\x8f\xbf\xbf", 0x10ffff, 4 },
		{ "\xf4\x90\x80\x80", SPY_UTF8_BAD + 0xf4, 1 }, /* too large */
		{ "\xc0\xaf", SPY_UTF8_BAD + 0xc0, 1 },		/* overlong */
		{ "\xe0\x80\xaf", SPY_UTF8_BAD + 0xe0, 1 },
		{ "\xed\xa0\x80", SPY_UTF8_BAD + 0xed, 1 }, /* surrogate */
		{ "\xe2\x82", SPY_UTF8_BAD + 0xe2, 1 },	    /* cut off */
		{ "\xf0\x9f\x90", SPY_UTF8_BAD + 0xf0, 1 },
		{ "\x80", SPY_UTF8_BAD + 0x80, 1 },
		{ "\xff", SPY_UTF8_BAD + 0xff, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = cases[i].text;

		assert_int_equal(spy_utf8_next(&at), cases[i].code);
		assert_int_equal(at - cases[i].text, cases[i].size);
	}
}

static void visible(struct spy_buffer *buffer, const char *text)
{
	spy_escape_visible(buffer, text, SIZE_MAX);
}

static void test_visible(void **state)
{
	static const struct escape_case cases[] = {
		{ "", "" },
		{ "plain <b>", "plain <b>" },
		{ "a\nb\tc\rd", "a\\nb\\tc\\rd" },
		{ "\x1b[31m\x07\x7f", "\\x1b[31m\\x07\\x7f" },
		{ "\xc2\x85", "\\x85" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xed\xb3\xbf", "\\xed\\xb3\\xbf" },
		{ "\xe2\x80\xae"
		  "abc\xe2\x80\xac",
		  "\\u202eabc\\u202c" },
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069" },
		{ "\xe2\x80\x8b\xe2\x80\xa8\xef\xbb\xbf", "\\u200b\\u2028\\ufeff" },
		{ "\xf3\xa0\x81\x81", "\\U000e0041" },
		{ "\xef\xbf\xbf", "\\uffff" },
		{ "\xc3\xa9\xe8\x9b\x87\xf0\x9f\x90\x8d", "\xc3\xa9\xe8\x9b\x87\xf0\x9f\x90\x8d" },
	};

	CHECK(visible, cases);
}

static void test_cut(void **state)
{
	struct spy_buffer buffer = { 0 };
	char text[70001];

	spy_escape_visible(&buffer, "abcdefghij", 10);
	assert_string_equal(buffer.data, "abcdefghij");
	spy_buffer_clear(&buffer);
	spy_escape_visible(&buffer, "abcdefghijk", 10);
	assert_string_equal(buffer.data, "abcde…hijk");
	spy_buffer_clear(&buffer);
	spy_escape_visible(&buffer, "éééééééé", 5);
	assert_string_equal(buffer.data, "éé…éé");
	spy_buffer_clear(&buffer);
	memset(text, 'a', 70000);
	text[0] = '<';
	text[69999] = '>';
	text[70000] = '\0';
	spy_escape_visible(&buffer, text, 100);
	assert_int_equal(buffer.size, 99 + strlen("…"));
	assert_int_equal(buffer.data[0], '<');
	assert_int_equal(buffer.data[buffer.size - 1], '>');
	spy_buffer_free(&buffer);
}

static void test_fit(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *wanted;
	} cases[] = {
		{ "abc", 3, "abc" },
		{ "abcd", 3, "ab…" },
		{ "abcd", 1, "…" },
		{ "abcd", 0, "" },
		{ "", 0, "" },
		{ "蛇蛇蛇", 6, "蛇蛇蛇" },
		{ "蛇蛇蛇", 5, "蛇蛇…" },
		{ "蛇蛇蛇", 4, "蛇…" },
		{ "e\xcc\x81"
		  "e",
		  2,
		  "e\xcc\x81"
		  "e" },
	};
	struct spy_buffer buffer = { 0 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		spy_buffer_clear(&buffer);
		spy_text_fit(&buffer, cases[i].text, cases[i].columns);
		assert_string_equal(spy_buffer_text(&buffer), cases[i].wanted);
		assert_true(spy_text_columns(spy_buffer_text(&buffer)) <= cases[i].columns);
	}
	spy_buffer_free(&buffer);
}

static void test_xml(void **state)
{
	static const struct escape_case cases[] = {
		{ "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
		{ "]]>", "]]&gt;" },
		{ "\"onload='x'&", "&quot;onload=&#39;x&#39;&amp;" },
		{ "\x01\x0b\x1b", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\t\n\r", "&#9;&#10;&#13;" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "\xef\xbf\xbe", "\xef\xbf\xbd" },
	};

	CHECK(spy_escape_xml, cases);
}

static void test_json(void **state)
{
	static const struct escape_case cases[] = {
		{ "", "\"\"" },
		{ "</script>]]>", "\"\\u003c/script\\u003e]]\\u003e\"" },
		{ "\"\\&'", "\"\\u0022\\\\\\u0026\\u0027\"" },
		{ "\n\x7f\xc2\x80", "\"\\u000a\\u007f\\u0080\"" },
		{ "\xe2\x80\xa8", "\"\\u2028\"" },
		{ "\xff", "\"\\ufffd\"" },
		{ "é\xf0\x9f\x90\x8d", "\"é\xf0\x9f\x90\x8d\"" },
	};

	CHECK(spy_escape_json, cases);
}

static void test_folded(void **state)
{
	static const struct escape_case cases[] = {
		{ "a;b", "a:b" },
		{ "a\nb\r\n", "a\\nb\\r\\n" },
		{ "\x1b \x7f", "\\x1b \\x7f" },
		{ "\xc2\x85\xe2\x80\xa8", "\\x85\\u2028" },
		{ "<lambda> é", "<lambda> é" },
		{ "\xff", "\\xff" },
	};

	CHECK(spy_escape_folded, cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),   cmocka_unit_test(test_visible),
		cmocka_unit_test(test_cut),    cmocka_unit_test(test_fit),
		cmocka_unit_test(test_xml),    cmocka_unit_test(test_json),
		cmocka_unit_test(test_folded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
