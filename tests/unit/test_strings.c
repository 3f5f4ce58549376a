/* Strings, numbers and lists, as each version keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arena.h"
#include "base/cleanup.h"

static void check_string(struct arena *arena, uint64_t object, const char *text)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };

	spy_buffer_puts(&buffer, "before ");
	assert_int_equal(spy_string_read(&arena->heap, object, &buffer, NULL), 0);
	assert_string_equal(spy_buffer_text(&buffer) + strlen("before "), text);
}

/* What fails leaves the buffer as it was. */
static void check_no_string(struct arena *arena, uint64_t object, int result)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };
	struct pyspyc_error err = { 0 };

	spy_buffer_puts(&buffer, "before");
	assert_int_equal(spy_string_read(&arena->heap, object, &buffer, &err), -result);
	assert_int_equal(err.code, result);
	assert_true(strlen(err.message) > 0);
	assert_int_equal(buffer.size, strlen("before"));
	assert_string_equal(spy_buffer_text(&buffer), "before");
}

static const uint16_t halves[] = { 'a', 0, 0xe9, 0x2603, 0xdc80, 0xd83d, 0xde00 };
static const uint32_t wholes[] = { 'a', 0, 0xe9, 0x2603, 0xdc80, 0x1f600, 0x10ffff };

/* Compact or not: an instance of a subclass has its characters behind a pointer. */
static void read_forms(struct arena *arena, unsigned compact)
{
	unsigned ascii = ARENA_ASCII;

	check_string(arena, arena_str(arena, 1 | compact | ascii, "", 0), "");
	check_string(arena, arena_str(arena, 1 | compact | ascii, "name\0\t", 6), "name\\x00\t");
	check_string(arena, arena_str(arena, 1 | compact, "caf\xe9 \x80", 6), "café \xc2\x80");
	check_string(arena, arena_str(arena, 2 | compact, halves, 7),
		     "a\\x00é☃\\udc80\\ud83d\\ude00");
	check_string(arena, arena_str(arena, 4 | compact, wholes, 7), "a\\x00é☃\\udc80😀\U0010ffff");
}

static void strings(struct arena *arena)
{
	if (arena->heap.version.major < 3)
		return;
	read_forms(arena, ARENA_COMPACT);
	read_forms(arena, 0);
}

static void test_strings(void **state)
{
	arena_every_version(strings);
}

/* Up to 3.11 a str can have wide characters only: wstr and wstr_length. */
static void test_not_ready(void **state)
{
	struct arena arena;
	uint64_t object;

	arena_open(&arena, "3.11.7");
	object = arena_str(&arena, 4, wholes, 7);
	arena_state(&arena, object, 0);
	arena_word(&arena, object + arena.layout.unicode_length, 0);
	arena_word(&arena, object + 48, arena_take(&arena, 4)); /* not data.any */
	memcpy(arena_at(&arena, object + 40),
	       arena_at(&arena, object + arena.layout.unicode_compact_data), 8);
	arena_word(&arena, object + 64, 7);
	check_string(&arena, object, "a\\x00é☃\\udc80😀\U0010ffff");
	arena_close(&arena);
	arena_open(&arena, "3.12.1");
	object = arena_str(&arena, 4, wholes, 7);
	arena_state(&arena, object, 0);
	check_no_string(&arena, object, PYSPYC_ECORRUPT);
	arena_close(&arena);
}

static void test_python2(void **state)
{
	const uint16_t pairs[] = { 'x', 0xd83d, 0xde00, 0xd83d, 'y', 0x2603, 0xde00 };
	const uint32_t many[] = { 'a', '\n', 'b', '\n', 'c', '\n', 'd', '\n' };
	const uint16_t narrow[] = { 'a', '\n', 'b', '\n', 'c', '\n', 'd', '\n' };
	struct arena arena;

	arena_open(&arena, "2.7.18");
	check_string(&arena, arena_bytes(&arena, "plain", 5), "plain");
	check_string(&arena, arena_bytes(&arena, "caf\xc3\xa9", 5), "café");
	check_string(&arena, arena_bytes(&arena, "\xff\0\xc3", 3), "\\xff\\x00\\xc3");
	check_string(&arena, arena_unicode27(&arena, 4, wholes, 7), "a\\x00é☃\\udc80😀\U0010ffff");
	check_string(&arena, arena_unicode27(&arena, 2, pairs, 7), "x😀\\ud83dy☃\\ude00");
	check_string(&arena, arena_unicode27(&arena, 4, many, 8), "a\nb\nc\nd\n");
	check_string(&arena, arena_unicode27(&arena, 2, narrow, 8), "a\nb\nc\nd\n");
	check_string(&arena, arena_unicode27(&arena, 2, u"é", 1), "é");
	check_string(&arena, arena_unicode27(&arena, 4, U"é", 1), "é");
	check_string(&arena, arena_unicode27(&arena, 4, U"😀😀", 2), "😀😀");
	check_string(&arena, arena_unicode27(&arena, 2, u"", 0), "");
	arena_close(&arena);
}

static void long_string(struct arena *arena)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };
	size_t size = SPY_STRING_LIMIT + 5;
	spy_autofree char *text = malloc(size);
	uint64_t object;

	memset(text, 'y', size);
	object = arena->heap.version.major < 3
			 ? arena_bytes(arena, text, size)
			 : arena_str(arena, 1 | ARENA_COMPACT | ARENA_ASCII, text, size);
	assert_int_equal(spy_string_read(&arena->heap, object, &buffer, NULL), 0);
	assert_int_equal(buffer.size, SPY_STRING_LIMIT + strlen("…"));
	assert_string_equal(buffer.data + SPY_STRING_LIMIT, "…");
}

static void test_long_string(void **state)
{
	arena_every_version(long_string);
}

static void hostile_strings(struct arena *arena)
{
	bool old = arena->heap.version.major < 3;
	uint32_t length = old ? arena->layout.var_size : arena->layout.unicode_length;
	uint64_t object = arena_name(arena, "name");
	unsigned kind;

	check_no_string(arena, 0, PYSPYC_ECORRUPT);
	check_no_string(arena, ARENA_ELSEWHERE, PYSPYC_EFAULT);
	check_no_string(arena, arena_take(arena, 64), PYSPYC_ECORRUPT);
	check_no_string(arena, arena_object(arena, 64, ARENA_LIST), PYSPYC_ECORRUPT);
	if (!old)
		check_no_string(arena, arena_bytes(arena, "x", 1), PYSPYC_ECORRUPT);
	arena_word(arena, object + length, UINT64_MAX);
	check_no_string(arena, object, PYSPYC_ECORRUPT);
	arena_word(arena, object + arena->layout.object_type, ARENA_ELSEWHERE);
	check_no_string(arena, object, PYSPYC_EFAULT);
	for (kind = 0; kind < 8 && !old; kind++) {
		object = arena_str(arena, 1 | ARENA_COMPACT | ARENA_ASCII, "name", 4);
		arena_state(arena, object, kind | ARENA_COMPACT | ARENA_ASCII);
		if (kind != 1)
			check_no_string(arena, object, PYSPYC_ECORRUPT);
	}
	if (!old) {
		const uint32_t beyond[] = { 'a', 0x110000 };

		check_no_string(arena, arena_str(arena, 4 | ARENA_COMPACT, beyond, 2),
				PYSPYC_ECORRUPT);
		object = arena_str(arena, 2, halves, 7);
		arena_word(arena, object + arena->layout.unicode_compact_data, ARENA_ELSEWHERE);
		check_no_string(arena, object, PYSPYC_EFAULT);
		arena_word(arena, object + arena->layout.unicode_compact_data, 0);
		check_no_string(arena, object, PYSPYC_ECORRUPT);
	}
}

static void test_hostile_strings(void **state)
{
	arena_every_version(hostile_strings);
}

/* An object may end where the readable memory does. */
static void at_the_end(struct arena *arena)
{
	uint64_t object = arena_name(arena, "name");
	size_t size = 128;
	uint64_t last = ARENA_BASE + ARENA_SIZE - size;

	memcpy(arena_at(arena, last), arena_at(arena, object), size);
	check_string(arena, last, "name");
}

static void test_at_the_end(void **state)
{
	arena_every_version(at_the_end);
}

static void bytes(struct arena *arena)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };
	uint64_t object = arena_bytes(arena, "a\0\xff", 3);

	assert_int_equal(spy_bytes_read(&arena->heap, object, 3, &buffer, NULL), 0);
	assert_int_equal(buffer.size, 3);
	assert_memory_equal(buffer.data, "a\0\xff", 3);
	assert_int_equal(spy_bytes_read(&arena->heap, object, 2, &buffer, NULL), -PYSPYC_ECORRUPT);
	arena_word(arena, object + arena->layout.var_size, UINT64_MAX);
	assert_int_equal(spy_bytes_read(&arena->heap, object, SIZE_MAX / 2, &buffer, NULL),
			 -PYSPYC_ECORRUPT);
	arena_word(arena, object + arena->layout.var_size, ARENA_SIZE * 2);
	assert_int_equal(spy_bytes_read(&arena->heap, object, ARENA_SIZE * 4, &buffer, NULL),
			 -PYSPYC_EFAULT);
	assert_int_equal(buffer.size, 3);
}

static void test_bytes(void **state)
{
	arena_every_version(bytes);
}

static void numbers(struct arena *arena)
{
	const uint64_t values[] = { 0, 1, 0x3fffffff, 0x40000000, INT64_MAX, UINT64_MAX };
	uint64_t whole, object;
	int64_t value;
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		object = arena_long(arena, values[i], false);
		assert_int_equal(spy_ulong_read(&arena->heap, object, &whole, NULL), 0);
		assert_true(whole == values[i]);
		assert_int_equal(spy_long_read(&arena->heap, object, &value, NULL),
				 values[i] > INT64_MAX ? -PYSPYC_ECORRUPT : 0);
		object = arena_long(arena, values[i], true);
		if (!values[i])
			continue;
		assert_int_equal(spy_ulong_read(&arena->heap, object, &whole, NULL),
				 -PYSPYC_ECORRUPT);
		if (values[i] <= INT64_MAX) {
			assert_int_equal(spy_long_read(&arena->heap, object, &value, NULL), 0);
			assert_true(value == -(int64_t)values[i]);
		}
	}
	object = arena_long(arena, UINT64_C(1) << 63, true);
	assert_int_equal(spy_long_read(&arena->heap, object, &value, NULL), 0);
	assert_true(value == INT64_MIN);
	/* 2**90: four digits. */
	arena_word(arena, object + arena->layout.long_digits - 8,
		   arena_is(arena, 0x030c, 0xffff) ? 4 << 3 : 4);
	assert_int_equal(spy_ulong_read(&arena->heap, object, &whole, NULL), -PYSPYC_ECORRUPT);
	/* Three digits, but more than 2**64. */
	object = arena_long(arena, UINT64_MAX, false);
	arena_byte(arena, object + arena->layout.long_digits + 8, 0x1f);
	assert_int_equal(spy_ulong_read(&arena->heap, object, &whole, NULL), -PYSPYC_ECORRUPT);
	/* A digit is 30 bits wide. */
	object = arena_long(arena, 5, false);
	arena_byte(arena, object + arena->layout.long_digits + 3, 0x40);
	assert_int_equal(spy_ulong_read(&arena->heap, object, &whole, NULL), -PYSPYC_ECORRUPT);
	object = arena_name(arena, "5");
	assert_int_equal(spy_long_read(&arena->heap, object, &value, NULL), -PYSPYC_ECORRUPT);
	if (arena->heap.version.major < 3) {
		object = arena_object(arena, 24, ARENA_INT);
		arena_word(arena, object + 16, (uint64_t)-5);
		assert_int_equal(spy_long_read(&arena->heap, object, &value, NULL), 0);
		assert_int_equal(value, -5);
	}
}

static void test_numbers(void **state)
{
	arena_every_version(numbers);
}

static void lists(struct arena *arena)
{
	const uint64_t items[] = { 16, 32, 48 };
	uint64_t list = arena_list(arena, items, 3), *found, tuple;
	size_t count;

	assert_int_equal(spy_list_read(&arena->heap, list, &found, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_memory_equal(found, items, sizeof(items));
	free(found);
	tuple = arena_object(arena, arena->layout.tuple_items + 24, ARENA_TUPLE);
	arena_word(arena, tuple + arena->layout.var_size, 3);
	memcpy(arena_at(arena, tuple + arena->layout.tuple_items), items, sizeof(items));
	assert_int_equal(spy_list_read(&arena->heap, tuple, &found, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_memory_equal(found, items, sizeof(items));
	free(found);
	arena_word(arena, list + arena->layout.var_size, UINT64_MAX);
	assert_int_equal(spy_list_read(&arena->heap, list, &found, &count, NULL), -PYSPYC_ECORRUPT);
	arena_word(arena, list + arena->layout.var_size, INT64_MAX);
	assert_int_equal(spy_list_read(&arena->heap, list, &found, &count, NULL), -PYSPYC_EFAULT);
	assert_null(found);
	assert_int_equal(spy_list_read(&arena->heap, arena_name(arena, "x"), &found, &count, NULL),
			 -PYSPYC_ECORRUPT);
}

static void test_lists(void **state)
{
	arena_every_version(lists);
}

static void type_names(struct arena *arena)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };
	uint64_t name = arena_take(arena, 600), object = arena_object(arena, 64, 0), type;

	memcpy(&type, arena_at(arena, object + arena->layout.object_type), sizeof(type));
	arena_word(arena, type + arena->layout.type_name, name);
	memcpy(arena_at(arena, name), "some.Type\xff", 11);
	assert_int_equal(spy_type_name(&arena->heap, object, &buffer, NULL), 0);
	assert_string_equal(buffer.data, "some.Type\\xff");
	spy_buffer_clear(&buffer);
	memset(arena_at(arena, name), 'n', 600);
	assert_int_equal(spy_type_name(&arena->heap, object, &buffer, NULL), 0);
	assert_int_equal(buffer.size, 256);
	arena_word(arena, type + arena->layout.type_name, 0);
	assert_int_equal(spy_type_name(&arena->heap, object, &buffer, NULL), -PYSPYC_EFAULT);
}

static void test_type_names(void **state)
{
	arena_every_version(type_names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),		cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_python2),		cmocka_unit_test(test_long_string),
		cmocka_unit_test(test_hostile_strings), cmocka_unit_test(test_at_the_end),
		cmocka_unit_test(test_bytes),		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_lists),		cmocka_unit_test(test_type_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
