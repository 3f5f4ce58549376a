/* What /proc says of a process' memory and CPU time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "target/process.h"
#include "target/usage.h"

static void test_statm(void **state)
{
	static const char *const bad[] = { "",	       "12",
					   "12 ",      "12 x",
					   "12 34",    "x 34 5",
					   " 12 34 5", "12 99999999999999999999 1",
					   "-1 2 3" };
	uint64_t pages;
	size_t i;

	assert_true(spy_statm_parse("765 438 410 5 0 123 0\n", 22, &pages));
	assert_int_equal(pages, 438);
	assert_true(spy_statm_parse("0 18446744073709551615 0", 24, &pages));
	assert_true(pages == UINT64_MAX);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (spy_statm_parse(bad[i], strlen(bad[i]), &pages))
			fail_msg("taken: '%s'", bad[i]);
	/* Nothing is read behind the end. */
	assert_false(spy_statm_parse("765 438 ", 7, &pages));
}

static void test_schedstat(void **state)
{
	uint64_t ns, turns;

	assert_true(spy_schedstat_parse("123456789 42 7\n", 15, &ns));
	assert_int_equal(ns, 123456789);
	assert_false(spy_schedstat_parse("", 0, &ns));
	assert_false(spy_schedstat_parse("running\n", 8, &ns));
	assert_false(spy_schedstat_parse("12", 2, &ns));
	assert_true(spy_schedstat_turns("123456789 42 7\n", 15, &turns));
	assert_int_equal(turns, 7);
	assert_false(spy_schedstat_turns("123456789 42 7\n", 14, &turns));
	assert_false(spy_schedstat_turns("123456789 42\n", 13, &turns));
	assert_false(spy_schedstat_turns("0 0 0\n", 6, &turns));
}

static const char rollup_text[] =
	"555c035aa000-7fff749eb000 ---p 00000000 00:00 0                          [rollup]\n"
	"Rss:                1752 kB\n"
	"Pss:                 333 kB\n"
	"Pss_Dirty:           112 kB\n"
	"Shared_Clean:       1600 kB\n"
	"Private_Clean:        40 kB\n"
	"Private_Dirty:       112 kB\n"
	"Private_Hugetlb:    2048 kB\n"
	"Swap:                 16 kB\n"
	"SwapPss:               9 kB\n";

static void test_rollup(void **state)
{
	static const char huge[] = "Rss: 99999999999999999 kB\nPss: 1 kB\n";
	struct spy_rollup rollup;

	assert_true(spy_rollup_parse(rollup_text, sizeof(rollup_text) - 1, &rollup));
	assert_int_equal(rollup.rss, 1752 * 1024);
	assert_int_equal(rollup.pss, 333 * 1024);
	assert_int_equal(rollup.uss, (40 + 112 + 2048) * 1024);
	assert_int_equal(rollup.swap, 16 * 1024);
	assert_false(spy_rollup_parse("Pss: 1 kB\n", 10, &rollup));
	assert_false(spy_rollup_parse("", 0, &rollup));
	assert_false(spy_rollup_parse(huge, sizeof(huge) - 1, &rollup));
}

static void test_status(void **state)
{
	static const char text[] = "Name:\tVmHWM:\t77 kB\nVmPeak:\t 5272 kB\nVmHWM:\t    4284 kB\n"
				   "VmRSS:\t 4284 kB\nVmSwap:\t      12 kB";
	static const char zombie[] = "Name:\tx\nState:\tZ (zombie)\n";
	struct spy_status status;

	assert_true(spy_status_parse(text, sizeof(text) - 1, &status));
	assert_int_equal(status.peak_rss, 4284 * 1024);
	assert_int_equal(status.swap, 12 * 1024);
	assert_false(spy_status_parse(zombie, sizeof(zombie) - 1, &status));
	assert_int_equal(status.peak_rss, 0);
}

/* This process' own figures grow as it does. */
static void test_of_this_process(void **state)
{
	const size_t size = 64 << 20;
	uint64_t before, after, cpu_before, cpu_after, spent = spy_clock_cpu();
	struct spy_rollup rollup;
	struct spy_status status;
	struct spy_stat stat;
	struct spy_rss rss;
	int64_t started;
	char *bytes;

	spy_rss_open(&rss, getpid());
	assert_true(spy_rss_read(&rss, &before));
	assert_true(spy_cpu_read(getpid(), &cpu_before));
	bytes = malloc(size);
	assert_non_null(bytes);
	memset(bytes, 1, size);
	assert_true(spy_rss_read(&rss, &after));
	assert_in_range(after - before, size - (8 << 20), size + (8 << 20));
	assert_true(spy_cpu_read(getpid(), &cpu_after));
	assert_in_range(cpu_after - cpu_before, 1, spy_clock_cpu() - spent);
	assert_true(spy_rollup_read(getpid(), &rollup));
	assert_in_range(rollup.uss, size, rollup.rss);
	assert_in_range(rollup.pss, size, rollup.rss);
	assert_true(spy_status_read(getpid(), &status));
	assert_in_range(status.peak_rss, size, UINT32_MAX);
	free(bytes);
	/* The same through a descriptor that was not kept. */
	spy_rss_close(&rss);
	assert_true(spy_rss_read(&rss, &before));
	assert_int_equal(spy_stat_read(getpid(), 0, &stat, NULL), 0);
	started = spy_start_time(stat.start_time);
	assert_in_range(started, time(NULL) - 120, time(NULL));
	assert_int_equal(spy_start_time(UINT64_MAX), 0);
}

/* A zombie has no memory any more, and what has been waited for nothing at all. */
static void test_of_one_that_ended(void **state)
{
	struct spy_rollup rollup;
	struct spy_status status;
	struct spy_rss rss;
	uint64_t number;
	siginfo_t info;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	spy_rss_open(&rss, pid);
	assert_false(spy_rss_read(&rss, &number));
	assert_false(spy_rollup_read(pid, &rollup));
	assert_false(spy_status_read(pid, &status));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(spy_rss_read(&rss, &number));
	spy_rss_close(&rss);
	assert_false(spy_rss_read(&rss, &number));
	assert_false(spy_cpu_read(pid, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statm),		cmocka_unit_test(test_schedstat),
		cmocka_unit_test(test_rollup),		cmocka_unit_test(test_status),
		cmocka_unit_test(test_of_this_process), cmocka_unit_test(test_of_one_that_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
