/* Code objects, as each version keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arena.h"
#include "cpython/code.h"

static void put_int(struct arena *arena, uint64_t address, int32_t value)
{
	memcpy(arena_at(arena, address), &value, sizeof(value));
}

/* A function `name` at line 12 of a/file.py; in a class from 3.11. */
static uint64_t make_code(struct arena *arena)
{
	const struct spy_layout *layout = &arena->layout;
	uint64_t code = arena_object(arena, layout->code_size + 16, 0);

	arena_word(arena, code + layout->code_filename, arena_name(arena, "a/file.py"));
	arena_word(arena, code + layout->code_name, arena_name(arena, "name"));
	put_int(arena, code + layout->code_firstlineno, 12);
	arena_word(arena, code + layout->code_linetable, arena_bytes(arena, "\x80\0\xff", 3));
	if (arena_is(arena, 0x030b, 0xffff)) {
		arena_word(arena, code + layout->code_qualname, arena_name(arena, "Class.name"));
		put_int(arena, code + layout->code_firsttraceable, 3);
	}
	return code;
}

static void whole_code(struct arena *arena)
{
	bool modern = arena_is(arena, 0x030b, 0xffff);
	uint64_t address = make_code(arena);
	struct spy_code code;

	assert_int_equal(spy_code_read(&arena->heap, address, &code, NULL), 0);
	assert_string_equal(code.filename, "a/file.py");
	assert_string_equal(code.name, "name");
	assert_int_equal(code.first_line, 12);
	assert_int_equal(code.lines_size, 3);
	assert_memory_equal(code.lines, "\x80\0\xff", 3);
	if (modern)
		assert_string_equal(code.qualname, "Class.name");
	else
		assert_null(code.qualname);
	assert_int_equal(code.first_traceable, modern ? 3 : 0);
	assert_true(code.bytecode == (modern ? address + arena->layout.code_size : 0));
	spy_code_free(&code);
	assert_null(code.filename);
}

static void test_code(void **state)
{
	arena_every_version(whole_code);
}

static void check_broken(struct arena *arena, uint64_t address, int result)
{
	struct pyspyc_error err = { 0 };
	struct spy_code code;

	assert_int_equal(spy_code_read(&arena->heap, address, &code, &err), -result);
	assert_int_equal(err.code, result);
	assert_null(code.filename);
	assert_null(code.lines);
}

/* Each pointer in turn leads nowhere, or to something else. */
static void broken_code(struct arena *arena)
{
	const struct spy_layout *layout = &arena->layout;
	const uint32_t fields[] = { layout->code_filename, layout->code_name,
				    layout->code_linetable, layout->code_qualname };
	uint64_t address;
	size_t i;

	check_broken(arena, 0, PYSPYC_ECORRUPT);
	check_broken(arena, ARENA_ELSEWHERE, PYSPYC_EFAULT);
	check_broken(arena, arena_name(arena, "code"), PYSPYC_ECORRUPT);
	for (i = 0; i < (arena_is(arena, 0x030b, 0xffff) ? 4 : 3); i++) {
		address = make_code(arena);
		arena_word(arena, address + fields[i], 0);
		check_broken(arena, address, PYSPYC_ECORRUPT);
		arena_word(arena, address + fields[i], arena_object(arena, 64, ARENA_LIST));
		check_broken(arena, address, PYSPYC_ECORRUPT);
		arena_word(arena, address + fields[i], ARENA_ELSEWHERE);
		check_broken(arena, address, PYSPYC_EFAULT);
	}
}

static void test_broken_code(void **state)
{
	arena_every_version(broken_code);
}

static void long_table(struct arena *arena)
{
	uint64_t address = make_code(arena), table = arena_bytes(arena, "", 0);

	arena_word(arena, table + arena->layout.var_size, SPY_LINE_TABLE_LIMIT + 1);
	arena_word(arena, address + arena->layout.code_linetable, table);
	check_broken(arena, address, PYSPYC_ECORRUPT);
}

static void test_long_table(void **state)
{
	arena_every_version(long_table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_broken_code),
		cmocka_unit_test(test_long_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
