/* sample/: a stack whose first reading was made by somebody else, in a call of theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stacks.h"

static const char *const versions[] = { "3.10.0", "3.11.0", "3.12.0", "3.13.0" };

/* The arena's memory, with its reads counted; `stirs` changes the innermost frame between copies. */
struct counted {
	struct spy_memory memory;
	struct made *made;
	unsigned reads;
	bool stirs;
};

static int counted_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
			struct pyspyc_error *err)
{
	struct counted *counted = (struct counted *)memory;
	struct made *made = counted->made;
	uint64_t inner = made->frames[DEPTH - 1] + made->arena.layout.frame_instr_ptr;
	size_t i;
	int result = 0;

	counted->reads++;
	for (i = 0; i < count && result == 0; i++) {
		if (counted->stirs)
			arena_word(&made->arena, inner, made->codes[DEPTH - 1] + i);
		result = spy_memory_readv(made->arena.heap.memory, &ranges[i], 1, err);
	}
	return result;
}

static const struct spy_memory_ops counted_ops = { .read = counted_read };

static void begin(struct counted *counted, struct made *made, struct spy_stack_reader *reader,
		  const char *version)
{
	struct spy_heap heap;

	make(made, version);
	*counted = (struct counted){ .memory = { .ops = &counted_ops }, .made = made };
	heap = made->arena.heap;
	heap.memory = &counted->memory;
	spy_stack_reader_init(reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
}

static void end(struct made *made, struct spy_stack_memory *memory, struct spy_stack_reader *reader)
{
	spy_stack_memory_free(memory);
	spy_stack_reader_deinit(reader);
	arena_close(&made->arena);
}

static bool read_ahead(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		       const struct made *made, unsigned at_ms)
{
	reader->now_ns = UINT64_C(1000000) * at_ms;
	if (!spy_stack_ahead(reader, memory, &made->state))
		return false;
	assert_int_equal(spy_memory_readv(reader->heap.memory, reader->ranges, reader->range_count,
					  NULL), 0);
	reader->ahead = memory;
	return true;
}

static void check_taken(const char *version)
{
	struct spy_stack_memory memory = { 0 };
	struct spy_stack_reader reader;
	struct counted counted;
	struct spy_stack stack;
	struct made made;
	unsigned i;

	begin(&counted, &made, &reader, version);
	assert_false(read_ahead(&reader, &memory, &made, 50)); /* it is not known where to look */
	for (i = 1; i <= 4; i++)
		assert_int_equal(read_at(&reader, &memory, &made, i * 100, &stack), 0);
	counted.reads = 0;
	assert_true(read_ahead(&reader, &memory, &made, 401));
	assert_false(spy_stack_moved(&reader, &memory));
	assert_int_equal(read_at(&reader, &memory, &made, 401, &stack), 0);
	assert_int_equal(counted.reads, 1);
	assert_int_equal(stack.count, DEPTH);
	assert_int_equal(stack.same, DEPTH);
	assert_string_equal(stack.codes[0]->code.name, "f4");
	/* It counts once. */
	assert_null(reader.ahead);
	set_top(&made, made.frames[DEPTH - 2]);
	assert_int_equal(read_at(&reader, &memory, &made, 402, &stack), 0);
	assert_int_equal(stack.count, DEPTH - 1);
	/* One that has moved on since is found where it was when it was read. */
	assert_true(read_ahead(&reader, &memory, &made, 403));
	set_top(&made, made.frames[DEPTH - 3]);
	assert_int_equal(read_at(&reader, &memory, &made, 403, &stack), 0);
	assert_int_equal(stack.count, DEPTH - 1);
	end(&made, &memory, &reader);
}

static void test_taken(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		check_taken(versions[i]);
}

static void test_moved(void **state)
{
	struct spy_stack_memory memory = { 0 }, other = { 0 };
	struct spy_stack_reader reader;
	struct counted counted;
	struct spy_stack stack;
	struct made made;

	begin(&counted, &made, &reader, "3.13.0");
	assert_int_equal(read_at(&reader, &memory, &made, 100, &stack), 0);
	counted.stirs = true;
	assert_true(read_ahead(&reader, &memory, &made, 101));
	assert_true(spy_stack_moved(&reader, &memory));
	assert_false(spy_stack_moved(&reader, &other));
	end(&made, &memory, &reader);
}

/* Who did not have the GIL: whether it collects was not read, and might matter now. */
static void test_collector(void **state)
{
	struct spy_stack_memory memory = { 0 };
	struct spy_stack_reader reader;
	struct counted counted;
	struct spy_stack stack;
	struct made made;

	begin(&counted, &made, &reader, "3.13.0");
	assert_int_equal(read_at(&reader, &memory, &made, 100, &stack), 0);
	memory.collecting_at = arena_take(&made.arena, 8);
	assert_false(read_ahead(&reader, &memory, &made, 101));
	made.state.gil = true;
	assert_true(read_ahead(&reader, &memory, &made, 101));
	end(&made, &memory, &reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_collector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
