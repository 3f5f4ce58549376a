/* struct _Py_DebugOffsets as real interpreters publish it (tests/data/debug_offsets), and spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpython/layout.h"

struct recorded {
	union {
		uint64_t words[SPY_DEBUG_OFFSETS_LIMIT / 8];
		char bytes[SPY_DEBUG_OFFSETS_LIMIT];
	};
	size_t size;
	enum spy_arch arch;
	bool debug;
};

static const char *const names[] = {
	"3.13.0-x86_64",  "3.13.15t-x86_64", "3.13.15d-x86_64", "3.14.8-x86_64", "3.14.8d-x86_64",
	"3.14.8t-x86_64", "3.14.8-aarch64",  "3.14.8t-aarch64", "3.15.0-x86_64", "3.15.0d-x86_64",
	"3.15.0t-x86_64", "3.15.0-aarch64",  "3.15.0t-aarch64",
};
#define COUNT (sizeof(names) / sizeof(names[0]))

static struct recorded load(const char *name)
{
	struct recorded recorded = { 0 };
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), TESTS_DIR "/data/debug_offsets/%s", name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("%s is missing", path);
	recorded.size = fread(recorded.bytes, 1, sizeof(recorded.bytes), file);
	fclose(file);
	recorded.arch = strstr(name, "aarch64") ? SPY_ARCH_AARCH64 : SPY_ARCH_X86_64;
	recorded.debug = strstr(name, "d-") != NULL;
	return recorded;
}

/* Parses a copy of exactly the right size, so that the sanitizer sees a read past its end. */
static int parse(const struct recorded *recorded, struct spy_version *version,
		 struct spy_layout *layout, struct pyspyc_error *err)
{
	char *copy = malloc(recorded->size ? recorded->size : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, recorded->bytes, recorded->size);
	*version = (struct spy_version){ .debug = recorded->debug };
	*err = (struct pyspyc_error){ 0 };
	result = spy_debug_offsets_parse(copy, recorded->size, recorded->arch, version, layout,
					 err);
	free(copy);
	return result;
}

static void assert_same_field(const char *name, const char *field, uint32_t got, uint32_t row)
{
	if (got != row)
		fail_msg("%s: %s is %u, in the table %u", name, field, got, row);
}

/* What a build publishes is what the table says of it, struct sizes that grow apart. */
static void test_agree_with_table(void **state)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct recorded recorded = load(names[i]);
		struct spy_layout layout, row;
		struct spy_version version;
		struct pyspyc_error err;
		char name[32];

		if (parse(&recorded, &version, &layout, &err) != 0)
			fail_msg("%s: %s", names[i], err.message);
		spy_version_format(&version, name, sizeof(name));
		assert_memory_equal(name, names[i], strlen(name));
		assert_int_equal(names[i][strlen(name)], '-');
		assert_int_equal(spy_layout_find(&version, recorded.arch, &row, NULL), 0);
		assert_true(layout.runtime_size >= row.runtime_size);
		assert_true(layout.interp_size >= row.interp_size);
		assert_true(layout.tstate_size >= row.tstate_size);
		row.runtime_size = layout.runtime_size;
		row.interp_size = layout.interp_size;
		row.tstate_size = layout.tstate_size;
		assert_int_equal(layout.frames, row.frames);
		assert_int_equal(layout.lines, row.lines);
#define SAME(field) assert_same_field(names[i], #field, layout.field, row.field);
		SPY_LAYOUT_FIELDS(SAME)
#undef SAME
	}
}

static struct spy_layout parsed(const char *name)
{
	struct recorded recorded = load(name);
	struct spy_version version;
	struct spy_layout layout;
	struct pyspyc_error err;

	assert_int_equal(parse(&recorded, &version, &layout, &err), 0);
	return layout;
}

static void test_facts(void **state)
{
	struct spy_layout layout = parsed("3.13.0-x86_64");

	assert_int_equal(layout.runtime_interpreters_head, 632);
	assert_int_equal(layout.interp_next, 7264);
	assert_int_equal(layout.interp_threads_head, 7344);
	assert_int_equal(layout.tstate_current_frame, 72);
	assert_int_equal(layout.tstate_base_frame, SPY_NO_FIELD);
	assert_int_equal(layout.gil_locked, 16);
	assert_int_equal(layout.gil_last_holder, 8);
	assert_int_equal(layout.gil_enabled, SPY_NO_FIELD);
	assert_int_equal(layout.frame_tlbc_index, SPY_NO_FIELD);
	assert_int_equal(layout.interp_gc_collecting, 7600);
	assert_int_equal(layout.tstate_gil_requested, SPY_NO_FIELD);

	layout = parsed("3.13.15t-x86_64");
	assert_int_equal(layout.object_size, 32);
	assert_int_equal(layout.gil_enabled, 0);
	assert_int_equal(layout.gil_locked, 24);
	assert_int_equal(layout.code_tlbc, SPY_NO_FIELD);

	layout = parsed("3.14.8-x86_64");
	assert_int_equal(layout.runtime_interpreters_head, 808);
	assert_int_equal(layout.interp_code_generation, 7992);
	assert_int_equal(layout.tuple_items, 32);
	assert_int_equal(layout.code_tlbc, SPY_NO_FIELD);
	assert_int_equal(parsed("3.14.8-aarch64").interp_code_generation, 8008);

	layout = parsed("3.14.8t-x86_64");
	assert_int_equal(layout.code_tlbc, 224);
	assert_int_equal(layout.frame_tlbc_index, 72);

	layout = parsed("3.15.0-x86_64");
	assert_int_equal(layout.tstate_base_frame, 80);
	assert_int_equal(layout.heap_type_cached_keys, 888);
	assert_int_equal(layout.runtime_interpreters_head, 936);
	assert_int_equal(layout.interp_gc_collecting, 7512);
	assert_int_equal(layout.tstate_gil_requested, 40);
}

/* Which words of a struct are what: 3.14's. */
enum {
	COOKIE,
	VERSION,
	FREE_THREADED,
	RUNTIME_SIZE,
	RUNTIME_FINALIZING,
	RUNTIME_HEAD,
	INTERP_SIZE,
	INTERP_ID,
	INTERP_NEXT,
	INTERP_THREADS_HEAD,
	INTERP_GIL = 16,
	INTERP_GIL_ENABLED,
	INTERP_GIL_LOCKED,
	TSTATE_SIZE = 22,
	TSTATE_NEXT = 24,
	TSTATE_DATASTACK = 29,
	FRAME_LOCALSPLUS = 35,
	CODE_NAME = 41,
	CODE_FIRSTLINENO = 44,
	CODE_ADAPTIVE = 48,
	OBJECT_SIZE = 50,
	OBJECT_TYPE,
	TYPE_NAME = 53,
	TUPLE_SIZE = 56,
	TUPLE_ITEM,
	TUPLE_OB_SIZE,
};

static void assert_refused(const struct recorded *recorded, enum pyspyc_code code, const char *part)
{
	struct spy_version version;
	struct spy_layout layout;
	struct pyspyc_error err;

	if (parse(recorded, &version, &layout, &err) != -(int)code || err.code != code)
		fail_msg("expected \"%s\", got %d: %s", part, err.code, err.message);
	if (!strstr(err.message, part))
		fail_msg("no \"%s\" in \"%s\"", part, err.message);
}

static void test_contradictions(void **state)
{
	const struct recorded good = load("3.14.8-x86_64");
	const uint64_t *words = good.words;
	const struct {
		int word;
		uint64_t value;
		const char *part;
	} cases[] = {
		{ COOKIE, 0, "cookie" },
		{ VERSION, 0x1030e08f0, "version is 0x1030e08f0" },
		{ FREE_THREADED, 2, "free_threaded is 2" },
		{ RUNTIME_SIZE, 0, "runtime_state.size is 0, no size" },
		{ RUNTIME_SIZE, UINT64_MAX, "runtime_state.size" },
		{ RUNTIME_SIZE, words[RUNTIME_SIZE] + 1, "runtime_state.size" },
		{ RUNTIME_SIZE, 64, "runtime_state.finalizing is 784, outside its struct" },
		{ RUNTIME_HEAD, 0, "lies in the offsets themselves" },
		{ RUNTIME_HEAD, words[RUNTIME_FINALIZING], "where another member lies" },
		{ INTERP_NEXT, words[INTERP_SIZE], "interpreter_state.next" },
		{ INTERP_NEXT, words[INTERP_SIZE] - 4, "outside its struct" },
		{ INTERP_NEXT, words[INTERP_NEXT] + 4, "not aligned" },
		{ INTERP_NEXT, UINT64_MAX - 7, "outside its struct" },
		{ INTERP_THREADS_HEAD, words[INTERP_ID], "interpreter_state.threads_head" },
		{ INTERP_GIL, words[INTERP_GIL_LOCKED] + 8, "not in gil_runtime_state" },
		{ TUPLE_OB_SIZE, 32, "tuple_object.ob_size is 32, where another member lies" },
		{ INTERP_GIL_LOCKED, words[INTERP_GIL] + 8192, "gil_runtime_state_locked" },
		{ TSTATE_SIZE, 0, "thread_state.size is 0" },
		{ TSTATE_SIZE, 1 << 20, "thread_state.size" },
		{ TSTATE_SIZE, 240, "thread_state.size is less than a thread state takes" },
		{ TSTATE_NEXT, 1, "thread_state.next is 1, not aligned" },
		{ TSTATE_DATASTACK, 100000, "thread_state.datastack_chunk is 100000, outside" },
		{ FRAME_LOCALSPLUS, 4096, "interpreter_frame.localsplus" },
		{ CODE_NAME, 0, "lies inside PyObject" },
		{ TYPE_NAME, 0, "type_object.tp_name or code_object.name lies inside PyObject" },
		{ CODE_FIRSTLINENO, 70, "code_object.firstlineno is 70, not aligned" },
		{ CODE_ADAPTIVE, words[CODE_NAME], "code_object.co_code_adaptive" },
		{ OBJECT_SIZE, 8, "pyobject.ob_type is 8, outside its struct" },
		{ OBJECT_TYPE, 16, "pyobject.ob_type is 16" },
		{ TUPLE_OB_SIZE, 8, "list_object.ob_size is 16, elsewhere in other objects" },
		{ TUPLE_ITEM, 0, "lies inside PyVarObject" },
		{ TUPLE_SIZE, 16, "tuple_object.ob_item" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct recorded bad = good;

		bad.words[cases[i].word] = cases[i].value;
		assert_refused(&bad, PYSPYC_ECORRUPT, cases[i].part);
	}
}

static void test_cut_off(void **state)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct recorded recorded = load(names[i]);

		while (recorded.size-- > 0)
			assert_refused(&recorded, PYSPYC_ECORRUPT, "cut off after");
	}
}

static void test_versions(void **state)
{
	struct recorded recorded = load("3.14.8-x86_64");

	recorded.words[VERSION] = 0x031000f0;
	assert_refused(&recorded, PYSPYC_EVERSION, "CPython 3.16.0 is not known");
	recorded.words[VERSION] = 0x030e00b3;
	assert_refused(&recorded, PYSPYC_EVERSION, "CPython 3.14.0b3 is a pre-release");
	recorded.words[VERSION] = 0x030c00f0;
	assert_refused(&recorded, PYSPYC_ECORRUPT, "CPython 3.12.0 has none");
	recorded.words[VERSION] = 0x030f00f0;
	assert_refused(&recorded, PYSPYC_ECORRUPT, "3.15.0");
	recorded.words[VERSION] = 0;
	assert_refused(&recorded, PYSPYC_EVERSION, "0.0.0");
	recorded = load("3.14.8t-x86_64");
	recorded.words[INTERP_GIL_ENABLED] = 4098;
	assert_refused(&recorded, PYSPYC_ECORRUPT, "gil_runtime_state_enabled is 4098");
}

/*
 * A build whose objects have a longer head (Py_TRACE_REFS) than the row's: the fields that
 * it does not publish move along with those that it does.
 */
static void test_moved(void **state)
{
	struct recorded recorded = load("3.14.8-x86_64");
	struct spy_layout row = parsed("3.14.8-x86_64"), layout;
	struct spy_version version;
	struct pyspyc_error err;

	for (int word = OBJECT_SIZE; word <= TUPLE_OB_SIZE; word++)
		recorded.words[word] += 16;
	for (int word = 38; word < CODE_ADAPTIVE + 1; word++)
		recorded.words[word] += 16;
	recorded.words[TSTATE_DATASTACK] += 8;
	/* list_object.ob_size and bytes_object.ob_size are the tuple's. */
	for (int word = CODE_ADAPTIVE; word < (int)(recorded.size / 8); word++)
		if (word > TUPLE_OB_SIZE && word < 82)
			recorded.words[word] += 16;
	if (parse(&recorded, &version, &layout, &err) != 0)
		fail_msg("%s", err.message);
	assert_int_equal(layout.object_size, 32);
	assert_int_equal(layout.type_basicsize, row.type_basicsize + 16);
	assert_int_equal(layout.heap_type_cached_keys, row.heap_type_cached_keys + 16);
	assert_int_equal(layout.code_firsttraceable, row.code_firsttraceable + 16);
	assert_int_equal(layout.unicode_compact_data, row.unicode_compact_data + 16);
	assert_int_equal(layout.tstate_datastack_top, row.tstate_datastack_top + 8);
	assert_int_equal(layout.tstate_state, row.tstate_state);
	assert_int_equal(layout.keys_indices, row.keys_indices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree_with_table), cmocka_unit_test(test_facts),
		cmocka_unit_test(test_contradictions),	 cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_versions),	 cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
