/* What /proc says of a thread, and whether that means that it waits for the GIL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sample/ostate.h"
#include "sample/waits.h"

static void test_syscall_lines(void **state)
{
	struct spy_syscall call;

	assert_true(spy_syscall_parse("202 0x7f1200000010 0x189 0x2 0x7ffe0 0x0 0xffffffff "
				      "0x7ffc98a7ac17 0x7f02bf288eb0\n",
				      &call));
	assert_int_equal(call.number, 202);
	assert_int_equal(call.arguments[0], 0x7f1200000010);
	assert_int_equal(call.arguments[1], 0x189);
	assert_int_equal(call.arguments[5], 0xffffffff);
	assert_true(spy_syscall_parse("-1 0x7ffc98a7ac17 0x7f02bf288eb0\n", &call));
	assert_int_equal(call.number, -1);
	assert_int_equal(call.arguments[0], 0);
	assert_true(spy_syscall_parse("0 0x0 0xffffffffffffffff 0x1 0x0 0x0 0x0 0x1 0x2\n", &call));
	assert_int_equal(call.number, 0);
	assert_true(call.arguments[1] == UINT64_MAX);
}

static void test_no_syscall_lines(void **state)
{
	static const char *const texts[] = {
		"running\n",
		"",
		"\n",
		"202",
		"202 \n",
		"202 0x1 0x2\n",
		"-2 0x1 0x2\n",
		"0x10 0x1",
		"202 0x1 0x2 0x3 0x4 0x5 zero 0x7 0x8\n",
		"99999999999999999999 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n",
		"202 0x11111111111111111 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n",
	};
	struct spy_syscall call;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (spy_syscall_parse(texts[i], &call))
			fail_msg("taken: %s", texts[i]);
}

static void test_place(void **state)
{
	const struct spy_gil_place place = { 0x1000, 0x80 }, none = { 0 };
	struct spy_syscall call = { .number = SYS_futex, .arguments = { 0x1000 } };

	assert_true(spy_waits_at(&call, &place));
	assert_false(spy_waits_at(&call, &none));
	call.arguments[0] = 0x107f;
	assert_true(spy_waits_at(&call, &place));
	call.arguments[0] = 0x1080;
	assert_false(spy_waits_at(&call, &place));
	call.arguments[0] = 0xfff;
	assert_false(spy_waits_at(&call, &place));
	call.arguments[0] = 0;
	assert_false(spy_waits_at(&call, &none));
	call = (struct spy_syscall){ .number = SYS_read, .arguments = { 0x1000 } };
	assert_false(spy_waits_at(&call, &place));
	call.number = -1;
	assert_false(spy_waits_at(&call, &place));
}

static char parse_stat(const char *text)
{
	return spy_ostate_parse(text, strlen(text));
}

static void test_stat(void **state)
{
	assert_int_equal(parse_stat("12 (python3) R 1 12 12"), 'R');
	assert_int_equal(parse_stat("12 (a) S (b) ) t 1 12"), 't');
	assert_int_equal(parse_stat("12 (\n) D 1"), 'D');
	assert_int_equal(parse_stat("12 (python3) "), '?');
	assert_int_equal(parse_stat("12 (python3)"), '?');
	assert_int_equal(parse_stat("12"), '?');
	assert_int_equal(parse_stat(""), '?');
}

static void test_kernels(void **state)
{
	assert_true(spy_ostate_slow_kernel("6.12.48+deb13-amd64"));
	assert_true(spy_ostate_slow_kernel("6.15.0"));
	assert_false(spy_ostate_slow_kernel("6.1.0-40-amd64"));
	assert_false(spy_ostate_slow_kernel("6.16.1"));
	assert_false(spy_ostate_slow_kernel("6.18.44"));
	assert_false(spy_ostate_slow_kernel("5.15.0-1"));
	assert_false(spy_ostate_slow_kernel("nonsense"));
}

/* Ourselves: running, by either file; and a thread that is not there. */
static void test_own_state(void **state)
{
	struct spy_ostate ostate, gone;

	spy_ostate_open(&ostate, getpid(), (pid_t)syscall(SYS_gettid));
	assert_int_equal(spy_ostate_read(&ostate), 'R');
	spy_ostate_close(&ostate);
	assert_int_equal(spy_ostate_read(&ostate), 'R');
	ostate.by_stat = true;
	assert_int_equal(spy_ostate_read(&ostate), 'R');
	spy_ostate_open(&gone, getpid(), 1 << 30);
	assert_int_equal(spy_ostate_read(&gone), 'X');
	spy_ostate_open(&gone, getpid(), 0);
	assert_int_equal(spy_ostate_read(&gone), '?');
}

/* A thread that sleeps until it is told to answer. */
struct answering {
	int asked[2], answered[2];
	pid_t tid;
};

static void *answer(void *context)
{
	struct answering *answering = context;
	char byte = 'a';

	answering->tid = (pid_t)syscall(SYS_gettid);
	do {
		if (write(answering->answered[1], &byte, 1) != 1)
			return NULL;
	} while (read(answering->asked[0], &byte, 1) == 1 && byte != 'e');
	return NULL;
}

static void wait_for(const struct answering *answering)
{
	struct spy_ostate ostate;
	char byte;

	assert_int_equal(read(answering->answered[0], &byte, 1), 1);
	spy_ostate_open(&ostate, getpid(), answering->tid);
	while (spy_ostate_read(&ostate) != 'S')
		;
	spy_ostate_close(&ostate);
}

/* Lets the thread run once; it sleeps again. */
static void ask(const struct answering *answering)
{
	assert_int_equal(write(answering->asked[1], "a", 1), 1);
	wait_for(answering);
}

/* One that always has run is asked ever less often, one that sleeps each time, and soon again. */
static void test_who_always_runs_is_not_asked(void **state)
{
	struct answering answering = { .tid = 0 };
	unsigned looks, due = 0, late = 0;
	struct spy_runs runs;
	pthread_t thread;

	assert_int_equal(pipe(answering.asked) | pipe(answering.answered), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer, &answering), 0);
	wait_for(&answering);
	spy_runs_open(&runs, getpid(), answering.tid);
	assert_true(spy_runs_due(&runs));
	assert_true(spy_runs_again(&runs)); /* for all that is known */
	for (looks = 0; looks < 200; looks++) {
		ask(&answering);
		if (spy_runs_due(&runs)) {
			assert_true(spy_runs_again(&runs));
			due++;
		}
	}
	assert_in_range(due, 2 * 200 / 17, 2 * 200 / 10 + 12);
	/* It does not run any more: after one such pause that is seen, and at each look from then. */
	while (!spy_runs_due(&runs) || spy_runs_again(&runs))
		late++;
	assert_in_range(late, 0, 2 * 16);
	for (looks = 0; looks < 20; looks++) {
		assert_true(spy_runs_due(&runs));
		assert_false(spy_runs_again(&runs));
	}
	/* And when it runs again, at once; one that does so now and then is asked at each look. */
	for (looks = 0; looks < 20; looks++) {
		ask(&answering);
		assert_true(spy_runs_due(&runs));
		assert_true(spy_runs_again(&runs));
		assert_true(spy_runs_due(&runs));
		assert_false(spy_runs_again(&runs));
	}
	assert_int_equal(write(answering.asked[1], "e", 1), 1);
	pthread_join(thread, NULL);
	spy_runs_close(&runs);
}

static void test_threads_are_counted(void **state)
{
	struct answering answering = { .tid = 0 };
	pthread_t thread;
	int folder = -1, none = -1;
	unsigned alone = spy_ostate_threads(getpid(), &folder);

	assert_int_not_equal(alone, 0); /* an emulator has some of its own */
	assert_int_equal(pipe(answering.asked) | pipe(answering.answered), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer, &answering), 0);
	wait_for(&answering);
	assert_int_equal(spy_ostate_threads(getpid(), &folder), alone + 1);
	assert_int_equal(write(answering.asked[1], "e", 1), 1);
	pthread_join(thread, NULL);
	assert_int_equal(spy_ostate_threads(0, &none), 0);
	assert_int_equal(none, -1);
	close(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syscall_lines), cmocka_unit_test(test_no_syscall_lines),
		cmocka_unit_test(test_place),	      cmocka_unit_test(test_stat),
		cmocka_unit_test(test_kernels),	      cmocka_unit_test(test_own_state),
		cmocka_unit_test(test_who_always_runs_is_not_asked),
		cmocka_unit_test(test_threads_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
