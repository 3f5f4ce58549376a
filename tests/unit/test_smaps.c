/* smaps, stack pointers, malloc's marks and tables of arenas: right, wrong and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/arenas.h"
#include "target/glibc.h"
#include "target/smaps.h"
#include "target/stacks.h"

static const char two[] =
	"00400000-00401000 r-xp 00000000 08:01 42     /usr/bin/a b\\012c (deleted)\n"
	"Size:                  4 kB\nRss:                   4 kB\nPss:                   2 kB\n"
	"Shared_Dirty:          1 kB\nPrivate_Clean:         2 kB\nPrivate_Dirty:         1 kB\n"
	"SwapPss:               9 kB\nSwap:                  3 kB\nVmFlags: rd ex mr mw me \n"
	"7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n"
	"Rss:                2048 kB\nPrivate_Hugetlb:    2048 kB\nFancyNewField: yes\n";

/* Fed in pieces of `piece` bytes. */
static int parse(const char *text, size_t piece, struct spy_smaps *ret)
{
	struct spy_smaps_parser parser = { 0 };
	size_t size = strlen(text), at, now;

	for (at = 0; at < size; at += now) {
		now = size - at < piece ? size - at : piece;
		if (spy_smaps_feed(&parser, text + at, now, NULL) < 0) {
			spy_smaps_parser_free(&parser);
			return -1;
		}
	}
	return spy_smaps_finish(&parser, ret, NULL);
}

static void test_parse(void **state)
{
	struct spy_smaps smaps;
	size_t piece;

	for (piece = 1; piece < sizeof(two); piece += 7) {
		assert_int_equal(parse(two, piece, &smaps), 0);
		assert_int_equal(smaps.count, 2);
		assert_false(smaps.torn);
		assert_string_equal(smaps.items[0].mapping.path, "/usr/bin/a b\nc");
		assert_true(smaps.items[0].mapping.flags & SPY_MAP_DELETED);
		assert_int_equal(smaps.items[0].sizes.rss, 4096);
		assert_int_equal(smaps.items[0].sizes.pss, 2048);
		assert_int_equal(smaps.items[0].sizes.private_bytes, 3072);
		assert_int_equal(smaps.items[0].sizes.dirty, 2048);
		assert_int_equal(smaps.items[0].sizes.swap, 3072);
		assert_int_equal(smaps.items[1].sizes.private_bytes, 2 << 20);
		assert_ptr_equal(spy_smaps_find(&smaps, 0x7f00001fffff), &smaps.items[1]);
		assert_null(spy_smaps_find(&smaps, 0x7f0000200000));
		assert_null(spy_smaps_find(&smaps, 0x401000));
		spy_smaps_free(&smaps);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"Rss: 4 kB\n",
		"00400000-00401000 r-xp 00000000 08:01 42 /a\nRss: x kB\n",
		"00400000-00401000 r-xp 00000000 08:01 42 /a\nRss: 99999999999999999999 kB\n",
		"00400000-00401000 r-xp 00000000 08:01 42 /a\nRss: 4\n",
		"00400000-00400000 r-xp 00000000 08:01 42 /a\n",
		"00500000-00600000 rw-p 00000000 00:00 0\n00400000-00401000 rw-p 00000000 00:00 0\n",
		"nonsense\n",
	};
	struct spy_smaps smaps;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parse(bad[i], 1000, &smaps) == 0)
			fail_msg("taken: %s", bad[i]);
}

/* Mappings change between two reads of the text. */
static void test_changed(void **state)
{
	static const char merged[] = "00400000-00500000 rw-p 00000000 00:00 0\nRss: 4 kB\n"
				     "00500000-00600000 rw-p 00000000 00:00 0\nRss: 8 kB\n"
				     "00400000-00700000 rw-p 00000000 00:00 0\nRss: 16 kB\n";
	struct spy_smaps smaps;

	assert_int_equal(parse(merged, 10, &smaps), 0);
	assert_false(smaps.torn);
	assert_int_equal(smaps.count, 1);
	assert_int_equal(smaps.items[0].sizes.rss, 16384);
	spy_smaps_free(&smaps);
	assert_int_equal(parse("00400000-00600000 rw-p 00000000 00:00 0\n"
			       "00500000-00700000 rw-p 00000000 00:00 0\n",
			       10, &smaps),
			 0);
	assert_true(smaps.torn && smaps.items[1].mapping.start == 0x600000);
	spy_smaps_free(&smaps);
}

static void test_long_line(void **state)
{
	struct spy_smaps_parser parser = { 0 };
	char piece[4096];
	int result = 0, i;

	memset(piece, 'x', sizeof(piece));
	for (i = 0; i < 6 && result == 0; i++)
		result = spy_smaps_feed(&parser, piece, sizeof(piece), NULL);
	assert_int_equal(result, -PYSPYC_ECORRUPT);
	spy_smaps_parser_free(&parser);
}

static void test_many(void **state)
{
	struct spy_smaps_parser parser = { 0 };
	struct spy_smaps smaps;
	char line[128];
	unsigned i;

	for (i = 0; i < 100000; i++) {
		int size = snprintf(line, sizeof(line), "%x-%x r--p 0 00:00 0 /f%u\nRss: 4 kB\n",
				    4096 * (2 * i + 1), 4096 * (2 * i + 2), i);

		assert_int_equal(spy_smaps_feed(&parser, line, (size_t)size, NULL), 0);
	}
	assert_int_equal(spy_smaps_finish(&parser, &smaps, NULL), 0);
	assert_int_equal(smaps.count, 100000);
	assert_string_equal(smaps.items[99999].mapping.path, "/f99999");
	spy_smaps_free(&smaps);
}

static void test_stack_pointer(void **state)
{
	static const char sleeping[] = "202 0x1 0x80 0x0 0x0 0x0 0x0 0x7ffc00001000 0x7f00\n";
	uint64_t pointer = 0;

	assert_true(spy_stack_pointer_parse(sleeping, strlen(sleeping), &pointer));
	assert_true(pointer == 0x7ffc00001000);
	assert_true(spy_stack_pointer_parse("-1 0x7ff0 0x400", 15, &pointer));
	assert_true(pointer == 0x7ff0);
	assert_false(spy_stack_pointer_parse("running\n", 8, &pointer));
	assert_false(spy_stack_pointer_parse("202 0x1 0x2 0x3", 15, &pointer));
	assert_false(spy_stack_pointer_parse("", 0, &pointer));
	assert_false(spy_stack_pointer_parse("-1 0x0 0x0", 10, &pointer));
}

static void test_blocks(void **state)
{
	const uint64_t old[2] = { 0, 0x200000 | 2 }, new[2] = { 0, 0x1ffff0 | 2 };
	const uint64_t bad[][2] = { { 1, 0x200002 },
				    { 0, 0x200003 },
				    { 0, 0x200102 },
				    { 0, 2 },
				    { 0, UINT64_MAX & ~(uint64_t)5 } };
	uint64_t end;
	size_t i;

	assert_true(spy_glibc_block(old, 0x10000, 0x210000, &end) && end == 0x210000);
	assert_true(spy_glibc_block(new, 0x10000, 0x210000, &end) && end == 0x210000);
	assert_false(spy_glibc_block(old, 0x10000, 0x20f000, &end));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(spy_glibc_block(bad[i], 0x10000, UINT64_MAX - 1, &end));
}

/* A table of 16 entries at 0x1000, of which number 1 is an arena at 0x100000. */
static void test_arenas(void **state)
{
	uint64_t table[16][6] = { { 0 } }, last[6] = { 1, 1, 1, 1, 1, 1 };
	uint32_t pool[9] = { 0 };
	struct spy_segment segments[] = { { 0x1000, table, sizeof(table) },
					  { 0x1000 + sizeof(table), last, sizeof(last) },
					  { 0x100000, pool, sizeof(pool) } };
	struct spy_arenas arenas = { 0 };
	struct spy_memory *memory;
	int i;

	for (i = 0; i < 15; i++)
		table[i][4] = 0x1000 + 48;
	table[1][0] = 0x100000;
	table[1][1] = 0x104000;
	table[1][2] = (uint64_t)64 << 32 | 63; /* nfreepools, ntotalpools */
	table[1][4] = table[1][5] = 0;
	pool[8] = 1;
	assert_int_equal(spy_memory_open_image(segments, 3, &memory, NULL), 0);
	assert_int_equal(spy_arenas_read(memory, 0x1000, &arenas), 1);
	assert_true(arenas.items[0].address == 0x100000 && arenas.items[0].size == 256 << 10);
	spy_arenas_free(&arenas);
	pool[8] = 2; /* belongs to another entry */
	assert_int_equal(spy_arenas_read(memory, 0x1000, &arenas), 0);
	assert_int_equal(spy_arenas_read(memory, 0x1004, &arenas), 0);
	assert_int_equal(spy_arenas_read(memory, UINT64_MAX - 7, &arenas), 0);
	assert_int_equal(spy_arenas_read(memory, 0, &arenas), 0);
	spy_arenas_free(&arenas);
	spy_memory_close(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_bad),
		cmocka_unit_test(test_changed), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_many),	cmocka_unit_test(test_stack_pointer),
		cmocka_unit_test(test_blocks),	cmocka_unit_test(test_arenas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
