/* tui/format.c: figures as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tui/view.h"

struct figure {
	double value;
	const char *wanted;
};

static void check(const char *(*format)(double, char *, size_t), const struct figure *figures,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[32];

		assert_ptr_equal(format(figures[i].value, text, sizeof(text)), text);
		assert_string_equal(text, figures[i].wanted);
	}
}

#define CHECK(format, figures) check(format, figures, sizeof(figures) / sizeof((figures)[0]))

static void test_shares(void **state)
{
	static const struct figure figures[] = {
		{ 0, "  0.0%" },      { 0.0004, "  0.0%" }, { 0.0005001, "  0.1%" },
		{ 0.123, " 12.3%" },  { 1, "100.0%" },	    { 9.994, "999.4%" },
		{ 9.9996, " 1000%" }, { 123.4, "12340%" },  { -1, "     -" },
		{ NAN, "     -" },
	};

	CHECK(tui_percent, figures);
}

static void test_seconds(void **state)
{
	static const struct figure figures[] = {
		{ 0, "0.00s" },	    { 1.234, "1.23s" },	  { 9.99, "9.99s" },
		{ 9.996, "10.0s" }, { 59.94, "59.9s" },	  { 59.96, "1m00s" },
		{ 723, "12m03s" },  { 3599.4, "59m59s" }, { 3599.6, "1h00m" },
		{ 10920, "3h02m" }, { 86399, "23h59m" },  { 86400 * 3 + 7200, "3d02h" },
		{ -1, "-" },	    { NAN, "-" },	  { INFINITY, "11574074d01h" },
	};

	CHECK(tui_seconds, figures);
}

static void test_bytes(void **state)
{
	static const struct figure figures[] = {
		{ 0, "0B" },
		{ -0.3, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1.0K" },
		{ 12.34 * 1024, "12.3K" },
		{ 99.96 * 1024, "100K" },
		{ 1023.6 * 1024, "1.0M" },
		{ 12.3 * 1024 * 1024, "12.3M" },
		{ -12.3 * 1024 * 1024, "-12.3M" },
		{ 1024.0 * 1024 * 1024 * 1024 * 5, "5.0T" },
		{ 18446744073709551615.0, "16.0E" },
		{ INFINITY, "99999E" },
		{ NAN, "-" },
	};

	CHECK(tui_bytes, figures);
}

static void test_no_more_than_the_buffer(void **state)
{
	char text[4] = "???";

	tui_seconds(86399, text, 3);
	assert_string_equal(text, "23");
	assert_int_equal(text[3], 0);
}

static void test_heat(void **state)
{
	assert_int_equal(tui_heat(0.25), TUI_HOT);
	assert_int_equal(tui_heat(0.2499), TUI_WARM);
	assert_int_equal(tui_heat(0.05), TUI_WARM);
	assert_int_equal(tui_heat(0.0499), TUI_COOL);
	assert_int_equal(tui_heat(NAN), TUI_COOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares), cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_bytes),  cmocka_unit_test(test_no_more_than_the_buffer),
		cmocka_unit_test(test_heat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
