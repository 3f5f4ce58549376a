/* sample/: what is known of a stack whose inner part changes too fast, when the thread has left it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "stacks.h"

/* Readings that disagree once the memory has been armed. */
#define READINGS 3

/* While it is armed, each reading finds another function in f3's frame; then one in f2's. */
struct moving {
	struct spy_memory memory;
	struct made *made;
	uint64_t other, later; /* code objects */
	bool armed;
	unsigned readings;
};

static void run_code(struct made *made, int frame, uint64_t code)
{
	arena_word(&made->arena, made->frames[frame] + made->arena.layout.frame_code, code);
}

static bool covers(const struct spy_range *range, uint64_t address)
{
	return range->address <= address && address < range->address + range->size;
}

static int moving_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		       struct pyspyc_error *err)
{
	struct moving *moving = (struct moving *)memory;
	struct made *made = moving->made;
	bool shifts = moving->armed && moving->readings < READINGS;
	unsigned copies = 0;
	size_t i;
	int result = 0;

	moving->readings += moving->armed;
	for (i = 0; i < count && result == 0; i++) {
		if (moving->armed) {
			copies += covers(&ranges[i], made->frames[3]);
			run_code(made, 3, shifts && copies % 2 ? moving->other : made->codes[3]);
			run_code(made, 2, shifts ? made->codes[2] : moving->later);
		}
		result = spy_memory_readv(made->arena.heap.memory, &ranges[i], 1, err);
	}
	return result;
}

static const struct spy_memory_ops moving_ops = { .read = moving_read };

struct case_of {
	const char *version;
	bool wanted; /* by who reads */
	bool away;   /* it was not in f2 at the last stack, whose functions are looked at */
	bool leaves; /* the thread has left f2 when it can be read */
	bool partial;
};

static void check(const struct case_of *it)
{
	struct spy_stack_memory memory = { 0 };
	struct spy_stack_reader reader;
	struct moving moving = { 0 };
	struct spy_stack stack;
	struct spy_heap heap;
	struct made made;
	int i;

	make(&made, it->version);
	moving.memory.ops = &moving_ops;
	moving.made = &made;
	moving.other = make_code(&made.arena, "other", 99);
	moving.later = it->leaves ? make_code(&made.arena, "later", 77) : made.codes[2];
	heap = made.arena.heap;
	heap.memory = &moving.memory;
	spy_stack_reader_init(&reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
	reader.outer = it->wanted;
	for (i = 1; i <= 4; i++) {
		if (i == 4 && it->away)
			run_code(&made, 2, moving.later);
		assert_int_equal(read_at(&reader, &memory, &made, i * 100, &stack), 0);
	}
	moving.armed = true;
	assert_int_equal(read_at(&reader, &memory, &made, 500, &stack), 0);
	assert_int_equal(stack.partial, it->partial);
	assert_int_equal(reader.counters.partial, it->partial);
	assert_int_equal(stack.count, it->partial ? 3 : DEPTH);
	assert_string_equal(stack.codes[stack.count - 3]->code.name,
			    it->partial || !it->leaves ? "f2" : "later");
	assert_string_equal(stack.codes[stack.count - 1]->code.name, "f0");
	/* The next stack is not told by what it shares with one that nobody has seen. */
	moving.armed = false;
	i = (int)stack.sequence;
	assert_int_equal(read_at(&reader, &memory, &made, 501, &stack), 0);
	assert_false(stack.partial);
	assert_int_equal(stack.count, DEPTH);
	assert_int_equal(stack.sequence == (uint64_t)i + 1, !it->partial);
	spy_stack_memory_free(&memory);
	spy_stack_reader_deinit(&reader);
	arena_close(&made.arena);
}

static void test_what_the_thread_has_left(void **state)
{
	static const struct case_of cases[] = {
		{ .version = "3.13.0", .wanted = true, .leaves = true, .partial = true },
		{ .version = "3.13.0", .wanted = true, .leaves = false, .partial = false },
		{ .version = "3.13.0", .wanted = true, .away = true, .leaves = true, .partial = true },
		{ .version = "3.13.0", .wanted = false, .leaves = true, .partial = false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_thread_has_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
