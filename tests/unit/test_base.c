/* base/: buffers, maps, interned strings, UTF-8, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/map.h"
#include "base/utf8.h"

static void test_buffer_grows_and_ends_in_nul(void **state)
{
	struct spy_buffer buffer = { 0 };
	int i;

	assert_string_equal(spy_buffer_text(&buffer), "");
	for (i = 0; i < 1000; i++)
		spy_buffer_printf(&buffer, "%d,", i);
	assert_memory_equal(buffer.data, "0,1,2,", 6);
	assert_int_equal(strlen(buffer.data), buffer.size);
	spy_buffer_clear(&buffer);
	assert_string_equal(spy_buffer_text(&buffer), "");
	spy_buffer_free(&buffer);
}

static void test_buffer_refuses_what_cannot_be(void **state)
{
	struct spy_buffer buffer = { 0 };

	spy_buffer_puts(&buffer, "x");
	assert_false(spy_buffer_reserve(&buffer, SIZE_MAX - 4));
	assert_true(buffer.failed);
	spy_buffer_puts(&buffer, "y");
	assert_null(spy_buffer_steal(&buffer));
}

/* Against a plain array: insertions, removals and look-ups in a fixed pseudo-random order. */
static void test_map_is_a_map(void **state)
{
	static uint64_t truth[512];
	static bool present[512];
	struct spy_map map = { 0 };
	uint64_t random = 1;
	size_t count = 0;
	int step;

	for (step = 0; step < 100000; step++) {
		uint64_t key, *slot;
		bool inserted;

		random = spy_mix(random + 0x9e3779b97f4a7c15u);
		key = random % 512;
		slot = spy_map_find(&map, key << 12);
		assert_int_equal(slot != NULL, present[key]);
		if (slot)
			assert_int_equal(*slot, truth[key]);
		if (random >> 60 < 6) {
			assert_int_equal(spy_map_remove(&map, key << 12), present[key]);
			count -= present[key];
			present[key] = false;
		} else {
			slot = spy_map_insert(&map, key << 12, &inserted);
			assert_non_null(slot);
			assert_int_equal(inserted, !present[key]);
			count += inserted;
			present[key] = true;
			truth[key] = *slot = random;
		}
		assert_int_equal(map.count, count);
	}
	spy_map_free(&map);
}

static void test_strings_are_interned(void **state)
{
	struct spy_strings strings = { 0 };
	char text[32];
	uint32_t i;

	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "string %u", i);
		assert_int_equal(spy_strings_intern(&strings, text), i);
	}
	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "string %u", i);
		assert_int_equal(spy_strings_intern(&strings, text), i);
		assert_string_equal(strings.texts[i], text);
	}
	assert_int_equal(strings.count, 5000);
	spy_strings_free(&strings);
}

static void check_utf8(const char *bytes, size_t size, const char *expected)
{
	struct spy_buffer buffer = { 0 };

	spy_utf8_append(&buffer, bytes, size);
	assert_string_equal(spy_buffer_text(&buffer), expected);
	spy_buffer_free(&buffer);
}

static void test_utf8_is_made_valid(void **state)
{
	check_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xa9", 10, "aä€💩");
	check_utf8("\x80\xff", 2, "\\x80\\xff");
	check_utf8("a\0b", 3, "a\\x00b");
	check_utf8("\xc0\xaf", 2, "\\xc0\\xaf");		 /* overlong */
	check_utf8("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");	 /* a surrogate */
	check_utf8("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
	check_utf8("\xe2\x82", 2, "\\xe2\\x82");		 /* cut off */
}

static void test_errors_say_what(void **state)
{
	struct pyspyc_error err = { 0 };

	assert_int_equal(spy_fault(&err, 0x1234, "address 0x%x", 0x1234u), -PYSPYC_EFAULT);
	assert_int_equal(err.address, 0x1234);
	assert_int_equal(spy_error_prefix(&err, "process %d", 7), -PYSPYC_EFAULT);
	assert_string_equal(err.message, "process 7: address 0x1234");
	assert_int_equal(spy_fail(NULL, PYSPYC_EIO, "nobody listens"), -PYSPYC_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffer_grows_and_ends_in_nul),
		cmocka_unit_test(test_buffer_refuses_what_cannot_be),
		cmocka_unit_test(test_map_is_a_map),
		cmocka_unit_test(test_strings_are_interned),
		cmocka_unit_test(test_utf8_is_made_valid),
		cmocka_unit_test(test_errors_say_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
