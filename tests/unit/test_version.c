#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpython/version.h"

static void assert_version(struct spy_version version, int major, int minor, int micro, char level,
			   int serial)
{
	assert_int_equal(version.major, major);
	assert_int_equal(version.minor, minor);
	assert_int_equal(version.micro, micro);
	assert_int_equal(version.level, level);
	assert_int_equal(version.serial, serial);
	assert_false(version.debug);
	assert_false(version.free_threaded);
}

static void test_from_hex(void **state)
{
	assert_version(spy_version_from_hex(0x030c01f0), 3, 12, 1, 'f', 0);
	assert_version(spy_version_from_hex(0x030f00a7), 3, 15, 0, 'a', 7);
	assert_version(spy_version_from_hex(0x030e00b4), 3, 14, 0, 'b', 4);
	assert_version(spy_version_from_hex(0x030d00c3), 3, 13, 0, 'c', 3);
	assert_version(spy_version_from_hex(0x02071200 | 0xf0), 2, 7, 18, 'f', 0);
	assert_version(spy_version_from_hex(0xffffffff), 255, 255, 255, 'f', 15);
	assert_version(spy_version_from_hex(0), 0, 0, 0, '?', 0);
}

static struct spy_version parse(const char *text)
{
	struct spy_version version;

	assert_true(spy_version_parse(text, strlen(text), &version));
	return version;
}

static void test_parse(void **state)
{
	assert_version(parse("3.12.1"), 3, 12, 1, 'f', 0);
	assert_version(parse("2.7.18+"), 2, 7, 18, 'f', 0);
	assert_version(parse("3.15.0rc2"), 3, 15, 0, 'c', 2);
	assert_version(parse("3.15.0c2"), 3, 15, 0, 'c', 2);
	assert_version(parse("3.15.0a7+"), 3, 15, 0, 'a', 7);
	assert_version(parse("3.14.0b4"), 3, 14, 0, 'b', 4);
	assert_version(parse("255.255.255"), 255, 255, 255, 'f', 0);
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",	     "3",	 "3.",	    "3.12",	"3.12.",    "3.12.x",
		"3..1",	     ".3.1.1",	 "3.12.1 ", " 3.12.1",	"3.12.1.2", "3.12.1-1",
		"3.256.0",   "3.1000.0", "3.012.1", "3.12.1r",	"3.12.1rc", "3.12.1rcx",
		"3.12.1b99", "3.12.1++", "-3.12.1", "3.12.1f0", "٣.12.1",   "3.12.01",
	};
	struct spy_version version = { .major = 99 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (spy_version_parse(bad[i], strlen(bad[i]), &version))
			fail_msg("\"%s\" was taken for a version", bad[i]);
	/* Left alone. */
	assert_int_equal(version.major, 99);
	/* The text need not end where its size does. */
	assert_true(spy_version_parse("3.12.12", 6, &version));
	assert_int_equal(version.micro, 1);
	assert_false(spy_version_parse("3.12.1", 5, &version));
}

static void test_format(void **state)
{
	static const char *const texts[] = { "3.13.0", "3.15.0rc2", "3.14.0b4", "3.14.0a1",
					     "2.7.18" };
	struct spy_version version;
	char buffer[32];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		version = parse(texts[i]);
		assert_string_equal(spy_version_format(&version, buffer, sizeof(buffer)), texts[i]);
	}
	version = parse("3.13.1");
	version.debug = true;
	assert_string_equal(spy_version_format(&version, buffer, sizeof(buffer)), "3.13.1d");
	version.free_threaded = true;
	assert_string_equal(spy_version_format(&version, buffer, sizeof(buffer)), "3.13.1td");
	/* A buffer that is too small cuts. */
	assert_string_equal(spy_version_format(&version, buffer, 4), "3.1");
	version = spy_version_from_hex(0x030d0000);
	assert_string_equal(spy_version_format(&version, buffer, sizeof(buffer)), "3.13.0?0");
}

static void test_minor(void **state)
{
	struct spy_version version = parse("3.13.1");

	assert_int_equal(spy_version_minor(&version), 0x030d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_hex),      cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses), cmocka_unit_test(test_format),
		cmocka_unit_test(test_minor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
