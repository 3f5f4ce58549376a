/* Threads that wait for the GIL are copied once: less is read, and nothing torn gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stacks.h"

#define THREADS 4
#define AT_MS 100

static const char *const versions[] = { "3.12.1", "3.13.0", "3.14.8", "3.15.0" };

#define VERSIONS (sizeof(versions) / sizeof(*versions))

/*
 * A process whose memory counts what is read of it, and in which its thread takes the GIL and goes
 * on, in front of one range. All jobs are of that one thread.
 */
struct crowd {
	struct spy_memory memory;
	struct made made;
	uint64_t gil, other; /* a code object */
	size_t ranges, bytes, change_at;
	uint64_t left_to; /* who has had the GIL last, when it is looked at after the change */
	struct spy_heap heap;
	struct spy_stack_reader reader;
	struct spy_stack_memory memories[THREADS];
	struct spy_stack_job jobs[THREADS];
};

/* Two frames that change together: with one of them only there never was such a stack. */
static void put_codes(struct crowd *crowd, bool changed)
{
	struct made *made = &crowd->made;
	uint32_t at = made->arena.layout.frame_code;

	arena_word(&made->arena, made->frames[1] + at, changed ? crowd->other : made->codes[1]);
	arena_word(&made->arena, made->frames[3] + at, changed ? crowd->other : made->codes[3]);
}

static void put_gil(struct crowd *crowd, uint64_t holder, uint64_t switches)
{
	arena_word(&crowd->made.arena, crowd->gil, holder);
	arena_word(&crowd->made.arena, crowd->gil + 16, switches);
}

static int crowd_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		      struct pyspyc_error *err)
{
	struct crowd *crowd = (struct crowd *)memory;
	size_t i;
	int result = 0;

	for (i = 0; i < count && result == 0; i++) {
		if (crowd->ranges++ == crowd->change_at) {
			put_gil(crowd, crowd->left_to, 9);
			put_codes(crowd, true);
		}
		crowd->bytes += ranges[i].size;
		result = spy_memory_readv(crowd->made.arena.heap.memory, &ranges[i], 1, err);
	}
	return result;
}

static const struct spy_memory_ops crowd_ops = { .read = crowd_read };

static int read_alone(struct crowd *crowd, size_t i, unsigned at_ms)
{
	struct spy_stack stack;

	return read_at(&crowd->reader, &crowd->memories[i], &crowd->made, at_ms, &stack);
}

/* Waiting for the GIL, which somebody else has; all code objects known and looked at just now. */
static void begin(struct crowd *crowd)
{
	size_t i, at_ms;

	put_gil(crowd, ARENA_ELSEWHERE, 7);
	crowd->change_at = SIZE_MAX;
	for (at_ms = AT_MS - 1; at_ms <= AT_MS; at_ms++) {
		for (i = 0; i < 2 * THREADS; i++) {
			put_codes(crowd, i < THREADS);
			assert_int_equal(read_alone(crowd, i % THREADS, at_ms), 0);
		}
	}
	for (i = 0; i < THREADS; i++)
		crowd->jobs[i] = (struct spy_stack_job){ .memory = &crowd->memories[i],
							 .state = &crowd->made.state };
	crowd->ranges = crowd->bytes = 0;
}

static void open_crowd(struct crowd *crowd, const char *version)
{
	struct made *made = &crowd->made;
	size_t i;

	memset(crowd, 0, sizeof(*crowd));
	make(made, version);
	/* Each frame in a range of its own. */
	for (i = 0; i < DEPTH; i++) {
		made->frames[i] = arena_take(&made->arena, 256);
		arena_take(&made->arena, 2048);
	}
	for (i = 0; i < DEPTH; i++)
		make_frame(made, (int)i);
	set_top(made, made->frames[DEPTH - 1]);
	crowd->other = make_code(&made->arena, "other", 99);
	crowd->gil = arena_take(&made->arena, 64);
	crowd->memory.ops = &crowd_ops;
	crowd->heap = made->arena.heap;
	crowd->heap.memory = &crowd->memory;
	spy_stack_reader_init(&crowd->reader, &crowd->heap, 0, PYSPYC_BLOCKING_NEVER);
	crowd->reader.gil = crowd->gil;
	crowd->change_at = SIZE_MAX;
	/* Code objects are to be old. */
	for (i = 0; i < THREADS; i++) {
		put_codes(crowd, i % 2);
		assert_int_equal(read_alone(crowd, i, 1), 0);
	}
	begin(crowd);
}

static void close_crowd(struct crowd *crowd)
{
	close_stacks(&crowd->reader, crowd->memories, THREADS, &crowd->made.arena);
}

static size_t done(const struct crowd *crowd)
{
	size_t i, count = 0;

	for (i = 0; i < THREADS; i++)
		count += crowd->jobs[i].done;
	return count;
}

static void test_those_who_wait_are_copied_once(void **state)
{
	size_t v, i;

	for (v = 0; v < VERSIONS; v++) {
		struct crowd crowd;
		size_t twice;

		open_crowd(&crowd, versions[v]);
		crowd.reader.gil = 0;
		spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
		assert_int_equal(done(&crowd), THREADS);
		twice = crowd.ranges;
		begin(&crowd);
		crowd.reader.gil = crowd.gil;
		spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
		assert_int_equal(done(&crowd), THREADS);
		assert_in_range(crowd.ranges, THREADS * DEPTH, twice - THREADS * DEPTH);
		for (i = 0; i < THREADS; i++) {
			assert_int_equal(crowd.jobs[i].stack.count, DEPTH);
			assert_string_equal(crowd.jobs[i].stack.codes[0]->code.name, "f4");
			assert_int_equal(crowd.jobs[i].stack.same, DEPTH);
		}
		/* With so few of them it is not worth a look at the GIL. */
		begin(&crowd);
		crowd.jobs[0].done = true;
		spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
		assert_int_equal(done(&crowd), THREADS);
		assert_in_range(crowd.ranges, 2 * (THREADS - 1) * DEPTH, twice);
		close_crowd(&crowd);
	}
}

/*
 * Whenever the thread takes the GIL and goes on, no stack is of two moments; nor when the one that
 * had it before has it back by the time that it is looked at.
 */
static void test_who_takes_the_gil_is_not_torn(void **state)
{
	size_t v, i, at, ranges;

	for (v = 0; v < 2 * VERSIONS; v++) {
		size_t before = 0, after = 0;
		struct crowd crowd;

		open_crowd(&crowd, versions[v / 2]);
		crowd.left_to = v % 2 ? ARENA_ELSEWHERE : crowd.made.tstate;
		spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
		ranges = crowd.ranges;
		for (at = 0; at <= ranges; at++) {
			begin(&crowd);
			crowd.change_at = at;
			spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
			for (i = 0; i < THREADS; i++) {
				struct spy_stack *stack = &crowd.jobs[i].stack;
				bool inner, outer;

				/* New chains are read once more. */
				if (!crowd.jobs[i].done)
					assert_int_equal(read_at(&crowd.reader, &crowd.memories[i],
								 &crowd.made, AT_MS, stack), 0);
				inner = strcmp(stack->codes[1]->code.name, "other") == 0;
				outer = strcmp(stack->codes[3]->code.name, "other") == 0;
				assert_int_equal(inner, outer);
				before += !outer;
				after += outer;
			}
		}
		assert_int_equal(before, THREADS); /* only what came after all ranges left it so */
		assert_int_equal(after, THREADS * ranges);
		close_crowd(&crowd);
	}
}

/* One that has the GIL, as is found out in the reading, is not taken for one that waits. */
static void test_who_has_the_gil_is_not_still(void **state)
{
	size_t v;

	for (v = 0; v < VERSIONS; v++) {
		struct crowd crowd;

		open_crowd(&crowd, versions[v]);
		put_gil(&crowd, crowd.made.tstate, 7);
		spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
		assert_int_equal(done(&crowd), 0);
		assert_int_equal(read_alone(&crowd, 0, AT_MS), 0);
		/* Known before, it is copied twice like ever. */
		begin(&crowd);
		put_gil(&crowd, crowd.made.tstate, 7);
		crowd.made.state.gil = true;
		spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
		assert_int_equal(done(&crowd), THREADS);
		assert_in_range(crowd.ranges, 2 * THREADS * DEPTH, SIZE_MAX);
		close_crowd(&crowd);
	}
}

/* 3.12: another state of the thread that has the GIL was swapped in and runs. */
static void test_who_is_swapped_in_is_not_still(void **state)
{
	struct crowd crowd;
	uint64_t status;

	open_crowd(&crowd, "3.12.1");
	status = crowd.made.tstate + crowd.made.arena.layout.tstate_interp + 8;
	arena_byte(&crowd.made.arena, status, 0x0b); /* initialized, bound, bound_gilstate */
	spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
	assert_int_equal(done(&crowd), THREADS);
	begin(&crowd);
	arena_byte(&crowd.made.arena, status, 0x1b);
	spy_stack_read_many(&crowd.reader, crowd.jobs, THREADS);
	assert_int_equal(done(&crowd), 0);
	close_crowd(&crowd);
}

static void test_which_gil(void **state)
{
	struct spy_interpreter interpreters[2] = { { .gil = 0x1000 }, { .gil = 0x2000 } };
	struct spy_thread_states states = { .interpreters = interpreters, .interpreter_count = 1 };
	size_t v;

	for (v = 0; v < ARENA_VERSIONS; v++) {
		const char *version = arena_versions[v];
		bool has = strcmp(version, "3.12.1") == 0 || strcmp(version, "3.13.0") == 0 ||
			   strcmp(version, "3.14.8") == 0 || strcmp(version, "3.15.0") == 0;
		struct arena arena;

		arena_open(&arena, version);
		interpreters[0].gil = arena.layout.interp_ceval_gil != SPY_NO_FIELD ? 0x1000 : 0;
		assert_int_equal(spy_stack_sole_gil(&arena.layout, &states),
				 has ? 0x1000 + arena.layout.gil_last_holder : 0);
		states.interpreter_count = 2;
		assert_int_equal(spy_stack_sole_gil(&arena.layout, &states), 0);
		states.interpreter_count = 1;
		states.gil_disabled = true;
		assert_int_equal(spy_stack_sole_gil(&arena.layout, &states), 0);
		states.gil_disabled = false;
		arena_close(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_those_who_wait_are_copied_once),
		cmocka_unit_test(test_who_takes_the_gil_is_not_torn),
		cmocka_unit_test(test_who_has_the_gil_is_not_still),
		cmocka_unit_test(test_who_is_swapped_in_is_not_still),
		cmocka_unit_test(test_which_gil),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
