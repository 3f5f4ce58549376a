/*
 * smaps_rollup is dear: it walks all page tables, and the target cannot map or unmap memory
 * meanwhile. It may take a hundredth of the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/recorder_parts.h"

#define MAPPED ((size_t)2 << 30)
#define STEP_NS (100u * SPY_NSEC_PER_MSEC)
#define SPAN_NS ((uint64_t)300 * SPY_NSEC_PER_SEC)

static void map_much(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), at;
	volatile const char *memory = mmap(NULL, bytes, PROT_READ,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	madvise((void *)(uintptr_t)memory, bytes, MADV_NOHUGEPAGE);
	for (at = 0; at < bytes; at += page)
		(void)memory[at]; /* the page of zeros, again and again: mapped, and no memory used */
}

/* A process that has so much mapped, and waits. */
static pid_t start(size_t bytes)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (bytes)
			map_much(bytes);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct seen {
	uint64_t reads, spent_ns, longest_ns;
};

/* Five minutes, in which nothing goes by but the time that reading takes. */
static struct seen watch(struct spy_gauges *gauges)
{
	struct seen seen = { 0 };
	uint64_t at, last = 0, began, took;

	for (at = STEP_NS; at <= SPAN_NS; at += STEP_NS) {
		began = spy_clock_now();
		spy_rollups_update(gauges, at);
		took = spy_clock_now() - began;
		if (gauges->processes[0]->rollup_ns == last)
			continue;
		last = gauges->processes[0]->rollup_ns;
		seen.reads++;
		seen.spent_ns += took;
		if (took > seen.longest_ns)
			seen.longest_ns = took;
	}
	return seen;
}

static void test_much(void **state)
{
	struct spy_gauges *gauges = spy_gauges_new();
	pid_t pid = start(MAPPED);
	struct spy_process_gauge *process = spy_process_gauge_of(gauges, pid, 0);
	struct seen seen;

	assert_non_null(process);
	seen = watch(gauges);
	print_message("%zu MB mapped: %llu readings in 300 s, the longest of %llu us\n",
		      MAPPED >> 20, (unsigned long long)seen.reads,
		      (unsigned long long)seen.longest_ns / 1000);
	/* What it may take at once is beside that, and one reading that was begun before it was over. */
	assert_true(seen.reads >= 2);
	assert_true(seen.spent_ns <= SPAN_NS / 100 + 10 * SPY_NSEC_PER_MSEC + seen.longest_ns);
	assert_true(process->shown.pss > 0);
	stop(pid);
	spy_gauges_free(gauges);
}

/* A small process is read as often as it is asked for, within the same limit. */
static void test_little(void **state)
{
	struct spy_gauges *gauges = spy_gauges_new();
	pid_t pid = start(0);
	struct seen seen;

	assert_non_null(spy_process_gauge_of(gauges, pid, 0));
	seen = watch(gauges);
	assert_true(seen.reads >= 100);
	assert_true(seen.spent_ns <= SPAN_NS / 100 + 10 * SPY_NSEC_PER_MSEC + seen.longest_ns);
	stop(pid);
	spy_gauges_free(gauges);
}

/* One that would take longer than anybody wants to wait is not read at all. */
static void test_too_much(void **state)
{
	struct spy_gauges *gauges = spy_gauges_new();
	pid_t pid = start(0);
	struct spy_process_gauge *process = spy_process_gauge_of(gauges, pid, 0);

	assert_non_null(process);
	process->shown.rss = (uint64_t)64 << 30;
	assert_int_equal(watch(gauges).reads, 0);
	stop(pid);
	spy_gauges_free(gauges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_much),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
