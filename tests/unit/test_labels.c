/* What processes and threads are called, in a profile and in what a live recording tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/booking_roots.h"
#include "lib/recorder_parts.h"

static char command[600] = "x";
static struct spy_process process = { .command = command };
static struct spy_sampler sampler = { .process = &process };

static void set_up(struct spy_booking *booking)
{
	static const struct pyspyc_recorder_options options = { .subprocesses = true,
								.thread_roots = true };

	process.pid = getpid();
	assert_int_equal(spy_booking_init(booking, &options, NULL), 0);
}

/* What the root of a new thread is: a frame. */
static const struct spy_frame *label_of(struct spy_booking *booking, struct spy_process_book *book,
					pid_t tid, const char *name)
{
	struct spy_thread_book path = { 0 };
	struct spy_thread thread = { .tid = tid, .name = (char *)(uintptr_t)name };

	assert_true(spy_booking_root(booking, book, &path, &sampler, &thread));
	return &booking->profile->frames[path.label];
}

static const char *text_of(const struct spy_booking *booking, uint32_t string)
{
	return spy_profile_text(booking->profile, string);
}

/* Of a long command, whole characters. */
static void test_commands_are_cut(void **state)
{
	struct spy_process_book book = { 0 };
	struct spy_booking booking;
	const struct spy_frame *frame;
	size_t i;

	for (i = 1; i < 500; i += 2)
		strcpy(command + i, "\xc3\xbc");
	set_up(&booking);
	label_of(&booking, &book, 1, "one");
	frame = &booking.profile->frames[book.label];
	assert_int_equal(frame->kind, SPY_FRAME_PROCESS);
	assert_int_equal(frame->id, getpid());
	assert_int_equal(strlen(text_of(&booking, frame->file)), 1 + 2 * 99);
	assert_memory_equal(text_of(&booking, frame->file), command, 1 + 2 * 99);
	assert_non_null(strstr(text_of(&booking, frame->name), "process "));
	assert_int_equal(strchr(text_of(&booking, frame->name), 'x')[199], '"');
	spy_booking_deinit(&booking);
}

/* Ever new threads leave room for the names of code. */
static void test_labels_are_bounded(void **state)
{
	struct spy_process_book book = { 0 };
	struct pyspyc_profile *profile;
	struct spy_booking booking;
	const struct spy_frame *frame;
	char name[32];
	int i;

	set_up(&booking);
	profile = booking.profile;
	profile->limits.string_bytes = 20000;
	for (i = 1; i < 1000; i++) {
		snprintf(name, sizeof(name), "brief-%d", i);
		frame = label_of(&booking, &book, i, name);
		if (i > 20)
			continue;
		assert_int_equal(frame->kind, SPY_FRAME_THREAD);
		assert_int_equal(frame->id, i);
		assert_string_equal(text_of(&booking, frame->file), name);
	}
	assert_ptr_equal(frame, &profile->frames[profile->other_frame]);
	assert_in_range(profile->string_bytes, 9000, 11000);
	frame = &profile->frames[spy_booking_marker(&booking, "<GC>")];
	assert_string_equal(text_of(&booking, frame->name), "<GC>");
	assert_int_not_equal(spy_profile_string(profile, "function"), profile->other_string);
	spy_booking_deinit(&booking);
}

/* What an update has told of stays until the next, whatever program is seen meanwhile. */
static void test_commands_stay_until_the_update(void **state)
{
	struct pyspyc_recorder_options options = { .live = true };
	struct pyspyc_recorder *recorder;
	const struct pyspyc_live *live;
	struct spy_tracked *tracked;
	struct pyspyc_error err;
	char *first;

	strcpy(command, "another");
	assert_int_equal(pyspyc_recorder_new(&options, &recorder, &err), 0);
	recorder->started_ns = spy_clock_now();
	tracked = spy_recorder_track(recorder, getpid(), true);
	assert_non_null(tracked);
	process.pid = getpid();
	process.start_time = tracked->start_time;
	assert_int_equal(pyspyc_live_update(recorder, &live, &err), 0);
	assert_int_equal(live->process_count, 1);
	first = strdup(live->processes[0].command);
	assert_string_not_equal(first, command);
	tracked->sampler = &sampler;
	assert_ptr_equal(spy_live_process(recorder, tracked), tracked->gauge);
	assert_string_equal(live->processes[0].command, first);
	assert_int_equal(pyspyc_live_update(recorder, &live, &err), 0);
	assert_string_equal(live->processes[0].command, command);
	tracked->sampler = NULL;
	tracked->gauge->sampler = NULL;
	free(first);
	pyspyc_recorder_free(recorder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_are_cut),
		cmocka_unit_test(test_labels_are_bounded),
		cmocka_unit_test(test_commands_stay_until_the_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
