/* Threads that cannot have had the GIL since the look before: found, and nobody else for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stacks.h"

#define THREADS 6

static const char *const versions[] = { "3.12.1", "3.13.0", "3.14.8", "3.15.0" };

#define VERSIONS (sizeof(versions) / sizeof(*versions))

/* A process whose memory counts what is read of it, and whose GIL is taken in front of one range. */
struct crowd {
	struct spy_memory memory;
	struct made made; /* its thread is one of those below, in turn */
	struct made threads[THREADS];
	uint64_t gil, switches;
	size_t ranges, change_at;
	struct spy_heap heap;
	struct spy_stack_reader reader;
	struct spy_stack_memory memories[THREADS];
	struct spy_stack_job jobs[THREADS];
};

static void put_gil(struct crowd *crowd, int holder, unsigned switches)
{
	crowd->switches += switches;
	arena_word(&crowd->made.arena, crowd->gil, crowd->threads[holder].tstate);
	arena_word(&crowd->made.arena, crowd->gil + 16, crowd->switches);
}

static int crowd_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		      struct pyspyc_error *err)
{
	struct crowd *crowd = (struct crowd *)memory;
	size_t i;
	int result = 0;

	for (i = 0; i < count && result == 0; i++) {
		if (crowd->ranges++ == crowd->change_at)
			put_gil(crowd, THREADS - 1, 1);
		result = spy_memory_readv(crowd->made.arena.heap.memory, &ranges[i], 1, err);
	}
	return result;
}

static const struct spy_memory_ops crowd_ops = { .read = crowd_read };

/* One more thread in the same memory. */
static void add_thread(struct crowd *crowd, size_t which)
{
	struct made *made = &crowd->made;
	int i;

	if (which) {
		made->tstate = arena_take(&made->arena, 1024);
		made->cframe = arena_take(&made->arena, 64);
		for (i = 0; i < DEPTH; i++)
			made->frames[i] = arena_take(&made->arena, 512);
		for (i = 0; i < DEPTH; i++)
			make_frame(made, i);
		if (made->arena.layout.frames == SPY_FRAME_CFRAME)
			arena_word(&made->arena,
				   made->tstate + made->arena.layout.tstate_cframe, made->cframe);
		set_top(made, made->frames[DEPTH - 1]);
		made->state = (struct spy_thread_state){ .address = made->tstate };
	}
	crowd->threads[which] = *made;
}

/* All stacks are read: known to be what they are from here on. */
static void read_all(struct crowd *crowd)
{
	struct spy_stack stack;
	size_t i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(read_at(&crowd->reader, &crowd->memories[i], &crowd->threads[i],
					 100, &stack), 0);
}

static void open_crowd(struct crowd *crowd, const char *version)
{
	size_t i;

	memset(crowd, 0, sizeof(*crowd));
	make(&crowd->made, version);
	for (i = 0; i < THREADS; i++)
		add_thread(crowd, i);
	crowd->gil = arena_take(&crowd->made.arena, 64);
	crowd->memory.ops = &crowd_ops;
	crowd->heap = crowd->made.arena.heap;
	crowd->heap.memory = &crowd->memory;
	spy_stack_reader_init(&crowd->reader, &crowd->heap, 0, PYSPYC_BLOCKING_NEVER);
	crowd->reader.gil = crowd->gil;
	crowd->change_at = SIZE_MAX;
	crowd->switches = UINT64_MAX - 1; /* it may begin anew */
	put_gil(crowd, 0, 0);
	for (i = 0; i < THREADS; i++)
		crowd->jobs[i] = (struct spy_stack_job){ .memory = &crowd->memories[i],
							 .state = &crowd->threads[i].state };
	read_all(crowd);
}

static void close_crowd(struct crowd *crowd)
{
	close_stacks(&crowd->reader, crowd->memories, THREADS, &crowd->made.arena);
}

/* Asks, and says who is told not to have run, a bit each. */
static unsigned ask(struct crowd *crowd)
{
	unsigned found = 0;
	size_t i;

	for (i = 0; i < THREADS; i++)
		crowd->memories[i].unturned = false;
	spy_stack_turns(&crowd->reader, crowd->jobs, THREADS);
	for (i = 0; i < THREADS; i++)
		found |= (unsigned)crowd->memories[i].unturned << i;
	return found;
}

static void peek(struct crowd *crowd)
{
	assert_true(spy_stack_peeks(&crowd->reader));
	spy_stack_peek(&crowd->reader);
}

/* So many threads have the GIL in turn, with a peek at each. */
static void pass_on(struct crowd *crowd, unsigned turns)
{
	unsigned i;

	for (i = 0; i < turns; i++) {
		put_gil(crowd, crowd->switches % 2 ? 1 : 2, 1);
		peek(crowd);
	}
}

static void test_who_has_had_it(void **state)
{
	size_t v;

	for (v = 0; v < VERSIONS; v++) {
		struct crowd crowd;

		open_crowd(&crowd, versions[v]);
		assert_int_equal(ask(&crowd), 0); /* nothing is known of before */
		assert_int_equal(ask(&crowd), 0x3e);
		put_gil(&crowd, 3, 1);
		assert_int_equal(ask(&crowd), 0x36);
		assert_int_equal(ask(&crowd), 0x37);
		/* Two switches: there was somebody in between. */
		put_gil(&crowd, 0, 2);
		assert_int_equal(ask(&crowd), 0);
		put_gil(&crowd, 0, 2);
		assert_int_equal(ask(&crowd), 0);
		assert_int_equal(ask(&crowd), 0x3e);
		/* Another holder without a switch, or a switch without one: it is being taken just now. */
		put_gil(&crowd, 4, 0);
		assert_int_equal(ask(&crowd), 0);
		put_gil(&crowd, 4, 1);
		assert_int_equal(ask(&crowd), 0);
		assert_int_equal(ask(&crowd), 0x2f);
		/* One that has not been read is not known to be what it was. */
		crowd.memories[2].current = false;
		assert_int_equal(ask(&crowd), 0x2b);
		close_crowd(&crowd);
	}
}

static void test_peeks(void **state)
{
	struct crowd crowd;

	open_crowd(&crowd, "3.12.1");
	assert_false(spy_stack_peeks(&crowd.reader));
	ask(&crowd);
	peek(&crowd);
	pass_on(&crowd, SPY_GIL_HOLDERS - 1);
	assert_int_equal(ask(&crowd), 0x38);
	/* More than can be noted. */
	pass_on(&crowd, SPY_GIL_HOLDERS - 1);
	pass_on(&crowd, 1);
	assert_false(spy_stack_peeks(&crowd.reader));
	assert_int_equal(ask(&crowd), 0);
	/* Between a look, a peek and a look. */
	put_gil(&crowd, 3, 1);
	peek(&crowd);
	put_gil(&crowd, 4, 1);
	assert_int_equal(ask(&crowd), 0x23);
	put_gil(&crowd, 0, 2);
	peek(&crowd);
	assert_false(spy_stack_peeks(&crowd.reader));
	assert_int_equal(ask(&crowd), 0);
	assert_int_equal(ask(&crowd), 0x3e);
	close_crowd(&crowd);
}

/* The GIL is taken between the two readings of a look, or of a peek: neither counts. */
static void test_taken_meanwhile(void **state)
{
	unsigned peeks;

	for (peeks = 0; peeks < 2; peeks++) {
		struct crowd crowd;

		open_crowd(&crowd, "3.14.8");
		ask(&crowd);
		crowd.ranges = 0;
		crowd.change_at = 1;
		if (peeks)
			peek(&crowd);
		assert_int_equal(ask(&crowd), 0);
		assert_int_equal(ask(&crowd), peeks ? 0x1f : 0);
		assert_int_equal(ask(&crowd), 0x1f);
		close_crowd(&crowd);
	}
}

/* Of another GIL nothing is known. */
static void test_another_gil(void **state)
{
	struct crowd crowd;

	open_crowd(&crowd, "3.15.0");
	ask(&crowd);
	assert_int_equal(ask(&crowd), 0x3e);
	memcpy(arena_at(&crowd.made.arena, crowd.gil + 24),
	       arena_at(&crowd.made.arena, crowd.gil), 24);
	crowd.reader.gil += 24;
	assert_int_equal(ask(&crowd), 0);
	assert_int_equal(ask(&crowd), 0x3e);
	close_crowd(&crowd);
}

/* Where the GIL changes hands all of the time it is peeked less and less often. */
static void test_peeks_less_and_less_often(void **state)
{
	struct crowd crowd;
	unsigned i, peeks = 0;

	open_crowd(&crowd, "3.13.0");
	ask(&crowd);
	for (i = 0; i < 640; i++) {
		if (spy_stack_peeks(&crowd.reader)) {
			spy_stack_peek(&crowd.reader);
			peeks++;
		}
		put_gil(&crowd, 0, 2);
		assert_int_equal(ask(&crowd), 0);
	}
	assert_in_range(peeks, 640 / 32, 640 / 32 + 10);
	/* Where it does so once in a while, again; and where nobody else wants it there is no need to. */
	for (i = 0; i < 33; i++) {
		put_gil(&crowd, crowd.switches % 2 ? 1 : 2, 1);
		assert_int_equal(ask(&crowd), i ? 0x39 : crowd.switches % 2 ? 0x3a : 0x3c);
	}
	assert_true(spy_stack_peeks(&crowd.reader));
	ask(&crowd);
	assert_false(spy_stack_peeks(&crowd.reader));
	/* Without threads to ask for, or without a GIL, nothing is read. */
	crowd.ranges = 0;
	spy_stack_turns(&crowd.reader, crowd.jobs, 0);
	assert_false(spy_stack_peeks(&crowd.reader));
	spy_stack_peek(&crowd.reader);
	crowd.reader.gil = 0;
	assert_int_equal(ask(&crowd), 0);
	assert_false(spy_stack_peeks(&crowd.reader));
	assert_int_equal(crowd.ranges, 0);
	close_crowd(&crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_has_had_it),
		cmocka_unit_test(test_peeks),
		cmocka_unit_test(test_taken_meanwhile),
		cmocka_unit_test(test_another_gil),
		cmocka_unit_test(test_peeks_less_and_less_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
