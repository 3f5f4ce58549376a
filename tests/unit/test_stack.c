/* sample/: spans, pace, and stacks read from a captured image, torn ones included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "sample/pace.h"
#include "stacks.h"

static void test_spans_join_and_find(void **state)
{
	struct spy_spans spans = { 0 };
	const struct spy_span *span;

	assert_true(spy_spans_add(&spans, 0x5000, 64));
	assert_true(spy_spans_add(&spans, 0x1000, 64));
	assert_true(spy_spans_add(&spans, 0x1080, 64));
	assert_true(spy_spans_settle(&spans));
	assert_int_equal(spans.count, 2);
	assert_int_equal(spans.bytes, 0xc0 + 64);
	span = spy_spans_find(&spans, 0x1040, 64, NULL);
	assert_non_null(span);
	assert_int_equal(span->start, 0x1000);
	assert_null(spy_spans_find(&spans, 0x5020, 64, span));
	assert_null(spy_spans_find(&spans, 0xfff, 1, span));
	assert_true(spy_spans_drop(&spans, 0x5001));
	assert_false(spy_spans_drop(&spans, 0x5001));
	assert_int_equal(spans.bytes, 0xc0);
	assert_true(spy_spans_add(&spans, 0x100000, SPY_SPANS_BYTES_LIMIT));
	assert_false(spy_spans_settle(&spans));
	spy_spans_free(&spans);
}

static void test_pace_is_even_and_counts(void **state)
{
	struct spy_pace pace;
	uint64_t now = 1000000, i;

	spy_pace_begin(&pace, 1000, now, 42);
	for (i = 0; i < 1000; i++) {
		uint64_t next = spy_pace_next(&pace, now);

		assert_in_range(next, 1000000 + i * 1000000, 1000000 + (i + 1) * 1000000 - 1);
		now = next;
	}
	assert_int_equal(pace.missed, 0);
	now += 10 * 1000000;
	spy_pace_next(&pace, now);
	assert_in_range(pace.missed, 9, 10);
	i = pace.missed;
	now += 50 * 1000000;
	spy_pace_skip(&pace, now);
	assert_int_equal(pace.missed, i);
	/* Asked again and again it does not run ahead of time. */
	assert_in_range(spy_pace_skip(&pace, now), now - 1000000, now + 1000000);
	assert_in_range(spy_pace_skip(&pace, now), now - 1000000, now + 1000000);
	/* The next sample stands for what was missed before it, but not for an age. */
	spy_pace_begin(&pace, 1000, now, 42);
	spy_pace_next(&pace, now);
	assert_int_equal(pace.covered, 1);
	spy_pace_next(&pace, now + 4 * 1000000);
	assert_int_equal(pace.covered, 4);
	assert_int_equal(pace.missed, 3);
	spy_pace_next(&pace, now + UINT64_C(5000) * 1000000);
	assert_int_equal(pace.covered, 101);
	spy_pace_begin(&pace, 1000, now, 42);
	i = 0;
	spy_pace_end(&pace, now + 5 * 1000000);
	assert_in_range(pace.missed, i + 4, i + 5);
}

static void test_stacks_of_every_version(void **state)
{
	size_t v;

	for (v = 0; v < ARENA_VERSIONS; v++) {
		struct spy_stack_memory memory = { 0 };
		struct spy_stack_reader reader;
		struct spy_stack stack;
		struct made made;
		char name[16];
		size_t i;

		make(&made, arena_versions[v]);
		spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
		assert_int_equal(spy_stack_read(&reader, &memory, &made.state, 0, &stack, NULL), 0);
		assert_int_equal(stack.count, DEPTH);
		assert_false(stack.truncated);
		for (i = 0; i < DEPTH; i++) {
			snprintf(name, sizeof(name), "f%d", (int)(DEPTH - 1 - i));
			assert_string_equal(stack.codes[i]->code.name, name);
		}
		/* An address used again for another function shows the new one's name. */
		make_frame(&made, 0);
		arena_word(&made.arena, made.codes[2] + made.arena.layout.code_name,
			   arena_name(&made.arena, "other"));
		if (made.arena.layout.code_qualname != SPY_NO_FIELD)
			arena_word(&made.arena, made.codes[2] + made.arena.layout.code_qualname,
				   arena_name(&made.arena, "other"));
		assert_int_equal(spy_stack_read(&reader, &memory, &made.state, 0, &stack, NULL), 0);
		assert_string_equal(stack.codes[2]->code.name, "other");
		/* A stack of one frame. */
		set_top(&made, made.frames[0]);
		assert_int_equal(spy_stack_read(&reader, &memory, &made.state, 0, &stack, NULL), 0);
		assert_int_equal(stack.count, 1);
		assert_string_equal(stack.codes[0]->code.name, "f0");
		set_top(&made, made.frames[DEPTH - 1]);
		/* A loop and a wild pointer are refused. */
		arena_word(&made.arena, made.frames[0] + made.arena.layout.frame_back,
			   made.frames[3]);
		assert_true(spy_stack_read(&reader, &memory, &made.state, 0, &stack, NULL) < 0);
		arena_word(&made.arena, made.frames[0] + made.arena.layout.frame_back, 0xdead0000);
		assert_true(spy_stack_read(&reader, &memory, &made.state, 0, &stack, NULL) < 0);
		spy_stack_memory_free(&memory);
		spy_stack_reader_deinit(&reader);
		arena_close(&made.arena);
	}
}

/* A sample costs by what changed: what is as it was is said to be so, and no more than that. */
static void test_same_frames_are_told(void **state)
{
	size_t v;

	for (v = 0; v < ARENA_VERSIONS; v++) {
		struct spy_stack_memory memory = { 0 };
		struct spy_stack_reader reader;
		const struct spy_layout *layout;
		struct spy_stack stack;
		struct made made;
		uint32_t instr;

		make(&made, arena_versions[v]);
		layout = &made.arena.layout;
		instr = layout->frame_instr_ptr != SPY_NO_FIELD ? layout->frame_instr_ptr
								: layout->frame_lasti;
		spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
		assert_int_equal(read_at(&reader, &memory, &made, 1, &stack), 0);
		assert_int_equal(stack.sequence, 1);
		read_at(&reader, &memory, &made, 2, &stack); /* the plan may still change */
		assert_int_equal(read_at(&reader, &memory, &made, 3, &stack), 0);
		assert_int_equal(stack.sequence, 3);
		assert_int_equal(stack.same, DEPTH);
		/* A waiting frame is elsewhere: it and what it called are new. */
		*(uint8_t *)arena_at(&made.arena, made.frames[2] + instr) += 2;
		assert_int_equal(read_at(&reader, &memory, &made, 4, &stack), 0);
		assert_int_equal(stack.count, DEPTH);
		assert_int_equal(stack.same, 2);
		/* The innermost one has returned. */
		set_top(&made, made.frames[DEPTH - 2]);
		assert_int_equal(read_at(&reader, &memory, &made, 5, &stack), 0);
		assert_int_equal(stack.count, DEPTH - 1);
		assert_int_equal(stack.same, DEPTH - 1);
		/* Another code object at the same address, in a frame of the same bytes. */
		arena_word(&made.arena, made.codes[1] + layout->code_name,
			   arena_name(&made.arena, "other"));
		assert_int_equal(read_at(&reader, &memory, &made, 6, &stack), 0);
		assert_string_equal(stack.codes[DEPTH - 3]->code.name, "other");
		assert_in_range(stack.same, 0, 1);
		spy_stack_memory_free(&memory);
		spy_stack_reader_deinit(&reader);
		arena_close(&made.arena);
	}
}

/* Old code objects are looked at once a window: what has been read until then is provisional. */
static void test_windows_are_settled(void **state)
{
	size_t v;

	for (v = 0; v < ARENA_VERSIONS; v++) {
		struct spy_stack_memory memory = { 0 };
		struct spy_stack_reader reader;
		struct spy_stack stack;
		struct made made;

		make(&made, arena_versions[v]);
		spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
		assert_int_equal(read_at(&reader, &memory, &made, 1, &stack), 0);
		assert_int_equal(read_at(&reader, &memory, &made, 10, &stack), 0);
		assert_false(stack.provisional); /* young */
		assert_int_equal(read_at(&reader, &memory, &made, 100, &stack), 0);
		assert_false(stack.provisional); /* not looked at for long */
		assert_int_equal(read_at(&reader, &memory, &made, 100, &stack), 0);
		assert_true(stack.provisional);
		assert_true(spy_stack_due(&reader));
		assert_true(spy_stack_settle(&reader));
		assert_false(spy_stack_due(&reader));
		assert_int_equal(read_at(&reader, &memory, &made, 100, &stack), 0);
		assert_true(stack.provisional);
		arena_word(&made.arena, made.codes[2] + made.arena.layout.code_name,
			   arena_name(&made.arena, "other"));
		assert_false(spy_stack_settle(&reader));
		assert_int_equal(read_at(&reader, &memory, &made, 100, &stack), 0);
		assert_string_equal(stack.codes[2]->code.name, "other");
		assert_true(spy_stack_settle(&reader));
		spy_stack_memory_free(&memory);
		spy_stack_reader_deinit(&reader);
		arena_close(&made.arena);
	}
}

/* A chain that leads out of memory behind its first frames: what was found is in order. */
static void test_a_wild_chain_is_refused(void **state)
{
	size_t v;

	for (v = 0; v < ARENA_VERSIONS; v++) {
		struct spy_stack_memory memory = { 0 };
		struct spy_stack_reader reader;
		struct spy_stack stack;
		struct made made;

		make(&made, arena_versions[v]);
		spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
		arena_word(&made.arena, made.frames[3] + made.arena.layout.frame_back,
			   ARENA_ELSEWHERE);
		assert_true(read_at(&reader, &memory, &made, 1, &stack) < 0);
		make_frame(&made, 3);
		assert_int_equal(read_at(&reader, &memory, &made, 2, &stack), 0);
		assert_int_equal(stack.count, DEPTH);
		spy_stack_memory_free(&memory);
		spy_stack_reader_deinit(&reader);
		arena_close(&made.arena);
	}
}

/* A generator's frame that nobody called waits for being resumed: no stack ends in it. */
static void test_no_stack_ends_in_a_generator(void **state)
{
	static const char *const versions[] = { "3.6.15", "3.9.18", "3.10.13", "3.11.7",
						"3.12.1", "3.13.0", "3.15.0" };
	size_t v;

	for (v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		struct spy_stack_memory memory = { 0 };
		struct spy_stack_reader reader;
		struct spy_stack stack;
		struct made made;
		uint64_t top;

		make(&made, versions[v]);
		top = made.frames[DEPTH - 1];
		if (made.arena.layout.frame_gen != SPY_NO_FIELD)
			arena_word(&made.arena, top + made.arena.layout.frame_gen, ARENA_ELSEWHERE);
		else
			arena_byte(&made.arena, top + made.arena.layout.frame_owner,
				   SPY_OWNED_BY_GENERATOR);
		spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
		assert_int_equal(read_at(&reader, &memory, &made, 1, &stack), 0);
		assert_int_equal(stack.count, DEPTH);
		arena_word(&made.arena, top + made.arena.layout.frame_back, 0);
		assert_int_equal(read_at(&reader, &memory, &made, 2, &stack), -PYSPYC_EAGAIN);
		arena_word(&made.arena, top + made.arena.layout.frame_back, made.frames[DEPTH - 2]);
		assert_int_equal(read_at(&reader, &memory, &made, 3, &stack), 0);
		assert_int_equal(stack.count, DEPTH);
		spy_stack_memory_free(&memory);
		spy_stack_reader_deinit(&reader);
		arena_close(&made.arena);
	}
}

/* Several threads in one read, one of them not to be read at all. */
static void test_threads_are_read_together(void **state)
{
	struct spy_stack_memory memory[3] = { 0 };
	struct spy_thread_state gone = { .address = ARENA_ELSEWHERE };
	struct spy_stack_job jobs[3];
	struct spy_stack_reader reader;
	struct spy_stack stack;
	struct made made;
	size_t i;

	make(&made, "3.13.0");
	spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
	for (i = 0; i < 3; i++)
		assert_int_equal(read_at(&reader, &memory[i], &made, 1, &stack), 0);
	reader.now_ns = UINT64_C(1000000) * 100;
	for (i = 0; i < 3; i++)
		jobs[i] = (struct spy_stack_job){ .memory = &memory[i], .state = &made.state };
	spy_stack_read_many(&reader, jobs, 3);
	assert_false(jobs[0].done); /* their code objects have not been looked at for long */
	spy_stack_refresh(&reader, jobs, 3);
	spy_stack_read_many(&reader, jobs, 3);
	for (i = 0; i < 3; i++) {
		assert_true(jobs[i].done);
		assert_int_equal(jobs[i].stack.count, DEPTH);
		assert_string_equal(jobs[i].stack.codes[0]->code.name, "f4");
		jobs[i].done = false;
	}
	jobs[1].state = &gone;
	spy_stack_read_many(&reader, jobs, 3);
	for (i = 0; i < 3; i++)
		assert_false(jobs[i].done);
	for (i = 0; i < 3; i++)
		spy_stack_memory_free(&memory[i]);
	spy_stack_reader_deinit(&reader);
	arena_close(&made.arena);
}

/* The thread state has become another thread's: nothing is read in its name. */
static void test_another_thread_is_not_read(void **state)
{
	struct spy_stack_memory memory = { 0 };
	struct spy_stack_reader reader;
	struct spy_stack stack;
	struct made made;

	make(&made, "3.12.1");
	spy_stack_reader_init(&reader, &made.arena.heap, 0, PYSPYC_BLOCKING_NEVER);
	assert_int_equal(read_at(&reader, &memory, &made, 1, &stack), 0);
	arena_word(&made.arena, made.tstate + made.arena.layout.tstate_thread_id, 4711);
	assert_int_equal(read_at(&reader, &memory, &made, 2, &stack), -PYSPYC_ENOTREADY);
	assert_int_equal(reader.counters.dropped + reader.counters.unreadable, 0);
	spy_stack_memory_free(&memory);
	spy_stack_reader_deinit(&reader);
	arena_close(&made.arena);
}

/* A memory that changes under the reader: after `reads` bytes' ranges the stack is another. */
struct shifting {
	struct spy_memory memory;
	struct made *made;
	uint64_t other; /* the code that takes the place of f3's, whenever a range has been read */
	bool whole;	/* or rather a reading, so that its copies agree */
	size_t ranges, readings;
};

static int shifting_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
			 struct pyspyc_error *err)
{
	struct shifting *shifting = (struct shifting *)memory;
	struct made *made = shifting->made;
	size_t i;
	int result = 0;

	for (i = 0; i < count && result == 0; i++) {
		size_t count_of = shifting->whole ? shifting->readings : shifting->ranges++;
		uint64_t code = count_of % 2 ? shifting->other : made->codes[3];

		arena_word(&made->arena, made->frames[3] + made->arena.layout.frame_code, code);
		result = spy_memory_readv(made->arena.heap.memory, &ranges[i], 1, err);
	}
	shifting->readings++;
	return result;
}

static const struct spy_memory_ops shifting_ops = { .read = shifting_read };

/* Both copies of such a stack differ in their third frame: it must never be taken for true. */
static void test_a_torn_stack_is_dropped(void **state)
{
	struct spy_stack_memory memory = { 0 };
	struct spy_stack_reader reader;
	struct shifting shifting = { 0 };
	struct spy_stack stack;
	struct spy_heap heap;
	struct made made;

	make(&made, "3.13.0");
	shifting.memory.ops = &shifting_ops;
	shifting.made = &made;
	shifting.other = make_code(&made.arena, "other", 99);
	heap = made.arena.heap;
	heap.memory = &shifting.memory;
	spy_stack_reader_init(&reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
	assert_int_equal(spy_stack_read(&reader, &memory, &made.state, 0, &stack, NULL),
			 -PYSPYC_EAGAIN);
	assert_int_equal(reader.counters.dropped, 1);
	assert_true(reader.counters.retried > 0);
	spy_stack_memory_free(&memory);
	spy_stack_reader_deinit(&reader);
	arena_close(&made.arena);
}

/* Two copies that agree may be torn: what one reading shows and the next does not is dropped. */
static void test_new_chains_are_confirmed(void **state)
{
	static const char *const versions[] = { "3.10.13", "3.11.7",  "3.12.1", "3.13.0",
						"3.15.0",  "3.13.0t", "3.15.0t" };
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct spy_stack_memory memory = { 0 };
		struct shifting shifting = { .memory.ops = &shifting_ops };
		struct spy_stack_reader reader;
		struct spy_stack stack;
		struct spy_heap heap;
		struct made made;

		make(&made, versions[i]);
		shifting.made = &made;
		shifting.other = made.codes[3];
		heap = made.arena.heap;
		heap.memory = &shifting.memory;
		spy_stack_reader_init(&reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
		assert_int_equal(read_at(&reader, &memory, &made, 1, &stack), 0);
		shifting.other = make_code(&made.arena, "other", 99);
		shifting.whole = true;
		memory.views[!memory.now].count = 0; /* the last stack was another */
		assert_int_equal(read_at(&reader, &memory, &made, 2, &stack), -PYSPYC_EAGAIN);
		spy_stack_memory_free(&memory);
		spy_stack_reader_deinit(&reader);
		arena_close(&made.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans_join_and_find),
		cmocka_unit_test(test_pace_is_even_and_counts),
		cmocka_unit_test(test_stacks_of_every_version),
		cmocka_unit_test(test_same_frames_are_told),
		cmocka_unit_test(test_windows_are_settled),
		cmocka_unit_test(test_a_wild_chain_is_refused),
		cmocka_unit_test(test_no_stack_ends_in_a_generator),
		cmocka_unit_test(test_threads_are_read_together),
		cmocka_unit_test(test_another_thread_is_not_read),
		cmocka_unit_test(test_a_torn_stack_is_dropped),
		cmocka_unit_test(test_new_chains_are_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
