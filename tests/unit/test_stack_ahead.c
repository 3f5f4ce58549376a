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
	struct made made;
	unsigned reads;
	bool stirs;
};

/* A thread, its reader and what is remembered of it. */
struct scene {
	struct counted counted;
	struct spy_stack_reader reader;
	struct spy_stack_memory memory;
	struct spy_stack stack;
};

static int counted_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
			struct pyspyc_error *err)
{
	struct counted *counted = (struct counted *)memory;
	struct made *made = &counted->made;
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

static void begin(struct scene *scene, const char *version)
{
	struct spy_heap heap;

	*scene = (struct scene){ .counted.memory.ops = &counted_ops };
	make(&scene->counted.made, version);
	heap = scene->counted.made.arena.heap;
	heap.memory = &scene->counted.memory;
	spy_stack_reader_init(&scene->reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
}

static void end(struct scene *scene)
{
	spy_stack_memory_free(&scene->memory);
	spy_stack_reader_deinit(&scene->reader);
	arena_close(&scene->counted.made.arena);
}

static void read_now(struct scene *scene, unsigned at_ms)
{
	assert_int_equal(read_at(&scene->reader, &scene->memory, &scene->counted.made, at_ms,
				 &scene->stack), 0);
}

static bool read_ahead(struct scene *scene, unsigned at_ms)
{
	struct spy_stack_reader *reader = &scene->reader;

	reader->now_ns = UINT64_C(1000000) * at_ms;
	if (!spy_stack_ahead(reader, &scene->memory, &scene->counted.made.state))
		return false;
	assert_int_equal(spy_memory_readv(reader->heap.memory, reader->ranges, reader->range_count,
					  NULL), 0);
	reader->ahead = &scene->memory;
	return true;
}

static void check_taken(const char *version)
{
	struct scene scene;
	struct made *made = &scene.counted.made;
	unsigned i;

	begin(&scene, version);
	assert_false(read_ahead(&scene, 50)); /* it is not known where to look */
	for (i = 1; i <= 4; i++)
		read_now(&scene, i * 100);
	scene.counted.reads = 0;
	assert_true(read_ahead(&scene, 401));
	assert_false(spy_stack_moved(&scene.reader, &scene.memory));
	read_now(&scene, 401);
	assert_int_equal(scene.counted.reads, 1);
	assert_int_equal(scene.stack.count, DEPTH);
	assert_int_equal(scene.stack.same, DEPTH);
	assert_string_equal(scene.stack.codes[0]->code.name, "f4");
	/* It counts once. */
	assert_null(scene.reader.ahead);
	set_top(made, made->frames[DEPTH - 2]);
	read_now(&scene, 402);
	assert_int_equal(scene.stack.count, DEPTH - 1);
	/* One that has moved on since is found where it was when it was read. */
	assert_true(read_ahead(&scene, 403));
	set_top(made, made->frames[DEPTH - 3]);
	read_now(&scene, 403);
	assert_int_equal(scene.stack.count, DEPTH - 1);
	end(&scene);
}

static void test_taken(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		check_taken(versions[i]);
}

static void test_moved(void **state)
{
	struct spy_stack_memory other = { 0 };
	struct scene scene;

	begin(&scene, "3.13.0");
	read_now(&scene, 100);
	scene.counted.stirs = true;
	assert_true(read_ahead(&scene, 101));
	assert_true(spy_stack_moved(&scene.reader, &scene.memory));
	assert_false(spy_stack_moved(&scene.reader, &other));
	end(&scene);
}

/* Who did not have the GIL: whether it collects was not read, and might matter now. */
static void test_collector(void **state)
{
	struct scene scene;

	begin(&scene, "3.13.0");
	read_now(&scene, 100);
	scene.memory.collecting_at = arena_take(&scene.counted.made.arena, 8);
	assert_false(read_ahead(&scene, 101));
	scene.counted.made.state.gil = true;
	assert_true(read_ahead(&scene, 101));
	end(&scene);
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
