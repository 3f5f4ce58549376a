/* When memory gives the alarm, sizes and growths of options, the line that has grown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/alarm_rules.h"
#include "cli/values.h"
#include "tui/growing.h"

#define MIB (1024.0 * 1024)

static struct pyspyc_memory_now at(double rss, double growth)
{
	return (struct pyspyc_memory_now){ .rss = (uint64_t)rss, .rss_per_minute = growth };
}

static enum cli_alarm next(struct cli_alarm_rules *rules, double rss, double growth)
{
	const struct pyspyc_memory_now now = at(rss, growth);

	return cli_alarm_next(rules, &now);
}

static void test_no_rules(void **state)
{
	struct cli_alarm_rules rules = { 0 };

	(void)state;
	assert_int_equal(next(&rules, 1e18, 1e18), CLI_ALARM_NONE);
}

static void test_once_and_armed_again(void **state)
{
	struct cli_alarm_rules rules = { .most = { [CLI_ALARM_RSS] = 100 } };

	(void)state;
	assert_int_equal(next(&rules, 0, 0), CLI_ALARM_NONE);
	assert_int_equal(next(&rules, 100, 0), CLI_ALARM_NONE); /* as much is allowed */
	assert_int_equal(next(&rules, 101, 0), CLI_ALARM_RSS);
	assert_int_equal(next(&rules, 500, 0), CLI_ALARM_NONE);
	assert_int_equal(next(&rules, 90, 0), CLI_ALARM_NONE);
	assert_int_equal(next(&rules, 101, 0), CLI_ALARM_NONE); /* it had not fallen far enough */
	assert_int_equal(next(&rules, 89, 0), CLI_ALARM_NONE);
	assert_int_equal(next(&rules, 101, 0), CLI_ALARM_RSS);
}

static void test_two_at_once(void **state)
{
	struct cli_alarm_rules rules = { .most = { 100, 10 } };

	(void)state;
	assert_int_equal(next(&rules, 101, 11), CLI_ALARM_RSS);
	assert_int_equal(next(&rules, 101, 11), CLI_ALARM_GROWTH);
	assert_int_equal(next(&rules, 101, 11), CLI_ALARM_NONE);
	assert_int_equal(next(&rules, 101, -50), CLI_ALARM_NONE);
	assert_int_equal(next(&rules, 101, 11), CLI_ALARM_GROWTH);
}

static void assert_name(const char *output, const char *old, unsigned int number,
			const char *ending, const char *expected)
{
	char *name = cli_alarm_name(output, old, number, ending);

	assert_string_equal(name, expected);
	free(name);
}

static void test_names(void **state)
{
	(void)state;
	assert_name("mem.svg", ".svg", 0, ".dump.txt", "mem.dump.txt");
	assert_name("mem.svg", ".svg", 2, ".svg", "mem.alarm-2.svg");
	assert_name("MEM.SVG", ".svg", 1, ".svg", "MEM.alarm-1.svg");
	assert_name("a.b/mem", ".svg", 0, ".dump.txt", "a.b/mem.dump.txt");
	assert_name("a/x.speedscope.json", ".speedscope.json", 1, ".dump.txt",
		    "a/x.alarm-1.dump.txt");
	assert_name("a/x.other", ".svg", 3, ".svg", "a/x.alarm-3.svg");
	assert_name("a/.svg", ".svg", 0, ".dump.txt", "a/.svg.dump.txt");
	assert_name(".hidden", "", 0, ".dump.txt", ".hidden.dump.txt");
	assert_name("dir/", ".svg", 0, ".dump.txt", "dir/.dump.txt");
}

static void assert_size(const char *text, double expected)
{
	double size = -1;

	assert_null(cli_parse_size(text, &size));
	assert_true(size > expected * 0.999999 && size < expected * 1.000001);
}

static void test_sizes(void **state)
{
	static const char *const wrong[] = { "",    "G",   "-1",   "1X",   "1GG",  "1 G", "0",
					     "nan", "inf", "1e9", "1Gi2", "2G/min", "0.0", "99999999T" };
	double size = 7;

	(void)state;
	assert_size("100000", 100000);
	assert_size("100000B", 100000);
	assert_size("1k", 1024);
	assert_size("2G", 2048 * MIB);
	assert_size("2Gi", 2048 * MIB);
	assert_size("1.5GiB", 1536 * MIB);
	assert_size("300MB", 300e6);
	assert_size("1kB", 1000);
	assert_size("1T", 1024 * 1024 * MIB);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(cli_parse_size(wrong[i], &size));
	assert_true(size > 6.9 && size < 7.1);
}

static void assert_growth(const char *text, double expected)
{
	double growth = -1;

	assert_null(cli_parse_growth(text, &growth));
	assert_true(growth > expected * 0.999999 && growth < expected * 1.000001);
}

static void test_growths(void **state)
{
	static const char *const wrong[] = { "", "50M/", "50M/year", "/min", "50/M", "0M/s", "-1M/s",
					     "50M/min/s" };
	double growth;

	(void)state;
	assert_growth("50M/min", 50 * MIB);
	assert_growth("50M", 50 * MIB);
	assert_growth("1M/s", 60 * MIB);
	assert_growth("60M/h", MIB);
	assert_growth("1440M/d", MIB);
	assert_growth("1MB/m", 1e6);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(cli_parse_growth(wrong[i], &growth));
}

static void test_growing(void **state)
{
	struct pyspyc_row rows[2] = {
		{ .place = { .name = "f", .file = "a.py", .path = "a.py", .line = 1 } },
		{ .place = { .name = "f", .file = "a.py", .path = "a.py", .line = 2 } },
	};
	const struct pyspyc_table table = { .rows = rows, .count = 2 };
	const struct pyspyc_table empty = { 0 };
	struct tui_growing growing = { 0 };
	uint64_t bytes = 9;

	(void)state;
	assert_null(tui_growing_update(&growing, &empty, &bytes));
	assert_null(tui_growing_update(&growing, &table, &bytes));
	assert_int_equal(bytes, 0);
	rows[0].amounts.grown = 1000;
	rows[1].amounts.grown = 10;
	assert_ptr_equal(tui_growing_update(&growing, &table, &bytes), &rows[0]);
	assert_int_equal(bytes, 1000);
	assert_null(tui_growing_update(&growing, &table, &bytes));
	rows[0].amounts.grown = 1005;
	rows[1].amounts.grown = 20;
	assert_ptr_equal(tui_growing_update(&growing, &table, &bytes), &rows[1]);
	assert_int_equal(bytes, 10);
	rows[0].amounts.grown = 3; /* set back */
	assert_ptr_equal(tui_growing_update(&growing, &table, &bytes), &rows[0]);
	assert_int_equal(bytes, 3);
	tui_growing_free(&growing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rules), cmocka_unit_test(test_once_and_armed_again),
		cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_names),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_growths),
		cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
