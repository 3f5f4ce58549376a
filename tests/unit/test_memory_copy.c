/* Copies of memory: noted, taken, extended, kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "target/memory_copy.h"

#define PAGE 4096u
#define PAGES 64u
#define BASE UINT64_C(0x7000000)
#define FOREVER UINT64_MAX

struct world {
	uint8_t bytes[PAGES * PAGE];
	struct spy_memory *target;
	struct spy_copy copy;
};

/* Page number of a place below PAGES; a hole in the middle, as memory that was given back. */
#define HOLE 40u

static struct world *open_world(void)
{
	struct world *world = calloc(1, sizeof(*world));
	struct spy_segment segments[2];

	assert_non_null(world);
	segments[0] = (struct spy_segment){ BASE, world->bytes, HOLE * PAGE };
	segments[1] = (struct spy_segment){ BASE + (HOLE + 1) * PAGE,
					    world->bytes + (HOLE + 1) * PAGE,
					    (PAGES - HOLE - 1) * PAGE };
	for (size_t i = 0; i < sizeof(world->bytes); i++)
		world->bytes[i] = (uint8_t)(i / PAGE + i % 251);
	assert_int_equal(spy_memory_open_image(segments, 2, &world->target, NULL), 0);
	spy_copy_open(&world->copy, world->target);
	return world;
}

static void close_world(struct world *world)
{
	spy_copy_close(&world->copy);
	spy_memory_close(world->target);
	free(world);
}

static int read_at(struct world *world, size_t offset, void *to, size_t size)
{
	return spy_memory_read(&world->copy.memory, BASE + offset, to, size, NULL);
}

static void take(struct world *world)
{
	assert_int_equal(spy_copy_prepare(&world->copy, NULL), 0);
	assert_int_equal(spy_copy_take(&world->copy, FOREVER, NULL), 0);
}

/* What was read is in the copy as it was when that was taken, and the rest is not. */
static void test_keeps(void **state)
{
	struct world *world = open_world();
	uint8_t before[3 * PAGE], now[3 * PAGE];

	assert_int_equal(read_at(world, 20 * PAGE + 5, now, 2 * PAGE), 0);
	assert_int_equal(read_at(world, 3 * PAGE, now, 8), 0);
	assert_int_equal(read_at(world, 62 * PAGE, now, 2 * PAGE), 0);
	world->bytes[20 * PAGE + 7] = 99; /* between noting and taking */
	memcpy(before, world->bytes + 20 * PAGE, sizeof(before));
	take(world);
	memset(world->bytes, 0xee, sizeof(world->bytes));
	world->copy.copying = SPY_COPY_KEEPS;
	assert_int_equal(read_at(world, 20 * PAGE, now, 3 * PAGE), 0);
	assert_memory_equal(now, before, sizeof(before));
	assert_int_equal(read_at(world, 3 * PAGE + 100, now, 100), 0);
	assert_int_equal(now[0], 3 + (3 * PAGE + 100) % 251);
	assert_int_equal(read_at(world, 64 * PAGE - 1, now, 1), 0);
	assert_int_equal(read_at(world, 10 * PAGE, now, 1), -PYSPYC_EFAULT);
	assert_int_equal(read_at(world, 23 * PAGE - 1, now, 2), -PYSPYC_EFAULT);
	/* Both misses are in the next one. */
	take(world);
	assert_int_equal(read_at(world, 10 * PAGE, now, 1), 0);
	assert_int_equal(read_at(world, 23 * PAGE - 1, now, 2), 0);
	assert_true(now[0] == 0xee && now[1] == 0xee);
	close_world(world);
}

/* What is not in the copy is added to it, once. */
static void test_extends(void **state)
{
	struct world *world = open_world();
	uint8_t now[2 * PAGE];

	assert_int_equal(read_at(world, 0, now, 1), 0);
	take(world);
	world->copy.copying = SPY_COPY_EXTENDS;
	for (unsigned page = 30; page > 8; page -= 2)
		assert_int_equal(read_at(world, page * PAGE + 17, now, 1), 0);
	assert_int_equal(read_at(world, PAGE - 1, now, 2), 0);
	assert_int_equal(read_at(world, HOLE * PAGE, now, 1), -PYSPYC_EFAULT);
	memset(world->bytes, 0xee, sizeof(world->bytes));
	for (unsigned keeps = 0; keeps < 2; keeps++) {
		for (unsigned page = 10; page <= 30; page += 2) {
			assert_int_equal(read_at(world, page * PAGE + 18, now, 2), 0);
			assert_int_equal(now[0], (uint8_t)(page + (page * PAGE + 18) % 251));
		}
		assert_int_equal(read_at(world, PAGE - 1, now, 2), 0);
		assert_int_equal(now[1], 1 + PAGE % 251);
		world->copy.copying = SPY_COPY_KEEPS;
	}
	assert_int_equal(read_at(world, 11 * PAGE, now, 1), -PYSPYC_EFAULT);
	/* The next copy has all of it as it is then. */
	take(world);
	assert_int_equal(read_at(world, 10 * PAGE, now, 1), 0);
	assert_int_equal(now[0], 0xee);
	close_world(world);
}

/* A page that is gone when the copy is taken takes no other with it. */
static void test_gone(void **state)
{
	struct world *world = open_world();
	uint8_t now[PAGE];

	for (unsigned page = 0; page < PAGES; page++)
		read_at(world, page * PAGE, now, 1);
	take(world);
	world->copy.copying = SPY_COPY_KEEPS;
	for (unsigned page = 0; page < PAGES; page++) {
		assert_int_equal(read_at(world, page * PAGE, now, PAGE), 0);
		if (page == HOLE)
			assert_true(now[0] == 0 && now[PAGE - 1] == 0);
		else
			assert_memory_equal(now, world->bytes + page * PAGE, PAGE);
	}
	close_world(world);
}

static void test_limits(void **state)
{
	struct world *world = open_world();
	struct pyspyc_error err = { 0 };
	uint8_t now[8];

	assert_int_equal(spy_copy_prepare(&world->copy, NULL), 0); /* nothing to copy */
	assert_int_equal(spy_copy_take(&world->copy, FOREVER, NULL), 0);
	assert_int_equal(read_at(world, 0, now, 8), 0);
	assert_int_equal(spy_copy_prepare(&world->copy, NULL), 0);
	assert_int_equal(spy_copy_take(&world->copy, 1, &err), -PYSPYC_EAGAIN);
	/* Addresses that nobody has are not noted. */
	assert_int_equal(spy_memory_read(&world->copy.memory, UINT64_MAX - 7, now, 8, NULL),
			 -PYSPYC_EFAULT);
	assert_int_equal(spy_copy_prepare(&world->copy, NULL), 0);
	assert_int_equal(world->copy.size, PAGE);
	/* Nor does anybody copy all there is. */
	world->copy.copying = SPY_COPY_KEEPS;
	for (unsigned i = 1; i < 6; i++) {
		struct spy_range range = { (uint64_t)i << 40, now, (size_t)1 << 30 };

		assert_int_equal(spy_memory_readv(&world->copy.memory, &range, 1, NULL),
				 -PYSPYC_EFAULT);
	}
	assert_int_equal(spy_copy_prepare(&world->copy, &err), -PYSPYC_ENOMEM);
	close_world(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps),
		cmocka_unit_test(test_extends),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
