/* The list of threads, who holds the GIL and who collects, of made-up interpreters. */
#include "cpython/threads.h"
#include "fake_process.h"

/* Two interpreters with two threads and one, a GIL each (or one for both), in one heap. */
#define FIRST (HEAP_BASE + 0x0)
#define OTHER (HEAP_BASE + 0x20000)
#define OLD (HEAP_BASE + 0x40000)
#define NEW (HEAP_BASE + 0x41000)
#define THIRD (HEAP_BASE + 0x42000)
#define GIL (HEAP_BASE + 0x43000)
#define OTHER_GIL (HEAP_BASE + 0x43800)
#define HEAD (HEAP_BASE + 0x44000)
#define CURRENT (HEAP_BASE + 0x44100)
#define COLLECTING (HEAP_BASE + 0x44200)
#define BYTES 0x45000

struct world {
	uint8_t bytes[BYTES];
	struct spy_layout layout;
	struct spy_python python;
	struct spy_memory *memory;
	struct spy_heap heap;
	struct spy_thread_states threads;
};

static void set(struct world *world, uint64_t address, uint64_t word)
{
	memcpy(world->bytes + (address - HEAP_BASE), &word, sizeof(word));
}

static void set_int(struct world *world, uint64_t address, int32_t number)
{
	memcpy(world->bytes + (address - HEAP_BASE), &number, sizeof(number));
}

static void add_thread(struct world *world, uint64_t address, uint64_t interp, uint64_t next,
		       uint64_t ident)
{
	set(world, address + world->layout.tstate_next, next);
	set(world, address + world->layout.tstate_interp, interp);
	set(world, address + world->layout.tstate_thread_id, ident);
}

static struct world *begin(const char *version)
{
	struct world *world = calloc(1, sizeof(*world));
	struct spy_segment segment;
	struct spy_layout *layout;

	assert_non_null(world);
	layout = &world->layout;
	*layout = layout_of(version);
	assert_true(layout->interp_threads_head < OTHER - FIRST - 8);
	set(world, HEAD, OTHER);
	set(world, OTHER + layout->interp_next, FIRST);
	set(world, FIRST + layout->interp_threads_head, NEW);
	set(world, OTHER + layout->interp_threads_head, THIRD);
	add_thread(world, NEW, FIRST, OLD, 0x1002000);
	add_thread(world, OLD, FIRST, 0, 0x1001000);
	add_thread(world, THIRD, OTHER, 0, 0x1003000);
	if (layout->interp_ceval_gil != SPY_NO_FIELD) {
		set(world, FIRST + layout->interp_ceval_gil, GIL);
		set(world, OTHER + layout->interp_ceval_gil, OTHER_GIL);
	}
	world->python.layout = *layout;
	world->python.interpreters_head = HEAD;
	if (layout->interp_ceval_gil == SPY_NO_FIELD)
		world->python.tstate_current = CURRENT;
	if (layout->interp_gc_collecting == SPY_NO_FIELD)
		world->python.collecting = COLLECTING;
	segment = (struct spy_segment){ HEAP_BASE, world->bytes, BYTES };
	assert_int_equal(spy_memory_open_image(&segment, 1, &world->memory, NULL), 0);
	world->heap = (struct spy_heap){ world->memory, layout, world->python.version };
	return world;
}

static void end(struct world *world)
{
	spy_threads_free(&world->threads);
	spy_memory_close(world->memory);
	free(world);
}

/* What is read must be so in a full walk and in the short reading after it. */
static void assert_read(struct world *world, const char *gil, const char *collecting)
{
	struct spy_thread_states fresh = { 0 };
	size_t round, i;

	if (world->threads.count)
		assert_true(spy_threads_again(&world->heap, &world->python, &world->threads));
	else
		assert_int_equal(
			spy_threads_read(&world->heap, &world->python, &world->threads, NULL), 0);
	assert_int_equal(spy_threads_read(&world->heap, &world->python, &fresh, NULL), 0);
	assert_false(world->threads.also_read);
	for (round = 0; round < 2; round++) {
		struct spy_thread_states *threads = round ? &fresh : &world->threads;

		assert_int_equal(threads->count, 3);
		assert_int_equal(threads->items[0].address, OLD);
		assert_int_equal(threads->items[1].address, NEW);
		assert_int_equal(threads->items[2].address, THIRD);
		for (i = 0; i < 3; i++) {
			assert_int_equal(threads->items[i].gil, gil[i] == 'x');
			assert_int_equal(threads->items[i].collecting, collecting[i] == 'x');
		}
	}
	spy_threads_free(&fresh);
}

/* One GIL and one collector for all, in the process (2.7 and 3.8). */
static void check_process_wide(const char *version)
{
	struct world *world = begin(version);

	assert_read(world, "---", "---");
	set(world, CURRENT, NEW);
	assert_read(world, "-x-", "---");
	set_int(world, COLLECTING, 1);
	assert_read(world, "-x-", "-x-");
	set(world, CURRENT, THIRD);
	assert_read(world, "--x", "--x");
	set_int(world, COLLECTING, 0);
	assert_read(world, "--x", "---");
	assert_int_equal(world->threads.interpreters[0].collecting, COLLECTING);
	end(world);
}

static void test_process_wide(void **state)
{
	check_process_wide("2.7.18");
	check_process_wide("3.6.15");
	check_process_wide("3.8.18");
}

/* One GIL, a collector for each interpreter (3.9 to 3.11). */
static void test_collector_each(void **state)
{
	struct world *world = begin("3.10.13");
	uint64_t collecting = world->layout.interp_gc_collecting;

	set(world, CURRENT, OLD);
	set_int(world, OTHER + (collecting), 1);
	assert_read(world, "x--", "---");
	set_int(world, FIRST + collecting, 1);
	assert_read(world, "x--", "x--");
	assert_int_equal(world->threads.interpreters[1].collecting, FIRST + collecting);
	end(world);
}

static void check_gil_each(const char *version)
{
	struct world *world = begin(version);
	const struct spy_layout *layout = &world->layout;

	assert_read(world, "---", "---");
	set(world, GIL + layout->gil_last_holder, NEW);
	set(world, OTHER_GIL + layout->gil_last_holder, THIRD);
	assert_read(world, "---", "---");
	set_int(world, GIL + layout->gil_locked, 1);
	set_int(world, OTHER_GIL + layout->gil_locked, 1);
	set_int(world, OTHER + layout->interp_gc_collecting, 1);
	assert_read(world, "-xx", "--x");
	set_int(world, FIRST + layout->interp_gc_collecting, 1);
	assert_read(world, "-xx", "-xx");
	set_int(world, GIL + layout->gil_locked, -1);
	assert_read(world, "--x", "--x");
	end(world);
}

static void test_gil_each(void **state)
{
	check_gil_each("3.12.1");
	check_gil_each("3.13.0");
	check_gil_each("3.15.0");
}

/* An interpreter has threads before it has its GIL: the short reading sees it come. */
static void test_gil_comes_later(void **state)
{
	struct world *world = begin("3.12.1");
	const struct spy_layout *layout = &world->layout;

	set(world, FIRST + layout->interp_ceval_gil, 0);
	set_int(world, GIL + layout->gil_locked, 1);
	set(world, GIL + layout->gil_last_holder, NEW);
	assert_read(world, "---", "---");
	set(world, FIRST + layout->interp_ceval_gil, GIL);
	assert_false(spy_threads_again(&world->heap, &world->python, &world->threads));
	world->threads.count = world->threads.interpreter_count = 0;
	assert_read(world, "-x-", "---");
	end(world);
}

static struct world *begin_free_threaded(void)
{
	struct spy_version version;
	struct world *world = begin("3.13.0");

	assert_true(spy_version_parse("3.13.0", 6, &version));
	version.free_threaded = true;
	assert_int_equal(spy_layout_find(&version, SPY_ARCH_HERE, &world->layout, NULL), 0);
	memset(world->bytes, 0, BYTES);
	set(world, HEAD, FIRST);
	set(world, FIRST + world->layout.interp_threads_head, NEW);
	set(world, FIRST + world->layout.interp_ceval_gil, GIL);
	add_thread(world, NEW, FIRST, OLD, 0x1002000);
	add_thread(world, OLD, FIRST, THIRD, 0x1001000);
	add_thread(world, THIRD, FIRST, 0, 0x1003000);
	return world;
}

/* Without a GIL the collector is the only one that is attached, or it is not known. */
static void test_free_threaded(void **state)
{
	struct world *world = begin_free_threaded();
	const struct spy_layout *layout = &world->layout;
	struct spy_thread_states *threads = &world->threads;
	int round;

	set_int(world, FIRST + layout->interp_gc_collecting, 1);
	set_int(world, OLD + layout->tstate_state, 1);
	for (round = 0; round < 2; round++) {
		assert_int_equal(spy_threads_read(&world->heap, &world->python, threads, NULL), 0);
		assert_int_equal(threads->count, 3);
		assert_true(threads->gil_disabled);
		assert_true(threads->items[1].gil && threads->items[1].collecting);
		assert_false(threads->items[0].collecting || threads->items[2].collecting);
	}
	set_int(world, NEW + layout->tstate_state, 1);
	assert_true(spy_threads_again(&world->heap, &world->python, threads));
	assert_true(threads->items[2].gil);
	assert_false(threads->items[1].collecting || threads->items[2].collecting);
	end(world);
}

/* What the caller wants to know besides is read in the short reading, and only there. */
static void test_also(void **state)
{
	struct world *world = begin("3.12.1");
	uint64_t word = 0;
	const struct spy_range range = { HEAD, &word, 8 };

	world->threads.also = &range;
	world->threads.also_count = 1;
	assert_int_equal(spy_threads_read(&world->heap, &world->python, &world->threads, NULL), 0);
	assert_false(world->threads.also_read);
	assert_int_equal(word, 0);
	assert_int_equal(spy_threads_read(&world->heap, &world->python, &world->threads, NULL), 0);
	assert_true(world->threads.also_read);
	assert_int_equal(word, OTHER);
	/* The list has changed: what was read with it is not to be relied on. */
	set(world, OLD + world->layout.tstate_native_thread_id, 77);
	assert_int_equal(spy_threads_read(&world->heap, &world->python, &world->threads, NULL), 0);
	assert_false(world->threads.also_read);
	end(world);
}

/* The short reading notices every way in which the list can have changed. */
static void test_changes_are_seen(void **state)
{
	struct world *world = begin("3.12.1");
	const struct spy_layout *layout = &world->layout;
	const uint64_t words[][2] = {
		{ HEAD, FIRST },
		{ OTHER + layout->interp_next, 0 },
		{ FIRST + layout->interp_threads_head, OLD },
		{ FIRST + layout->interp_ceval_gil, OTHER_GIL },
		{ NEW + layout->tstate_next, 0 },
		{ OLD + layout->tstate_next, THIRD },
		{ NEW + layout->tstate_interp, OTHER },
		{ THIRD + layout->tstate_thread_id, 0x1004000 },
		{ OLD + layout->tstate_native_thread_id, 77 },
	};
	size_t i;

	assert_read(world, "---", "---");
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint64_t before;

		memcpy(&before, world->bytes + (words[i][0] - HEAP_BASE), sizeof(before));
		set(world, words[i][0], words[i][1]);
		if (spy_threads_again(&world->heap, &world->python, &world->threads))
			fail_msg("change %zu was not seen", i);
		set(world, words[i][0], before);
		assert_true(spy_threads_again(&world->heap, &world->python, &world->threads));
	}
	end(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_wide),	 cmocka_unit_test(test_collector_each),
		cmocka_unit_test(test_gil_each),	 cmocka_unit_test(test_free_threaded),
		cmocka_unit_test(test_gil_comes_later),	 cmocka_unit_test(test_changes_are_seen),
		cmocka_unit_test(test_also),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
