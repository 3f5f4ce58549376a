/*
 * Facts of single versions, as CPython's headers and gdb on the interpreters give them;
 * tests/live/test_layouts.py compares whole rows with the interpreters at hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cpython/layout.h"
#include "cpython/layout_table.h"

static struct spy_version version_of(const char *text)
{
	struct spy_version version = { 0 };
	size_t size = strlen(text);
	bool debug = text[size - 1] == 'd', threaded;

	size -= debug;
	threaded = text[size - 1] == 't';
	size -= threaded;
	assert_true(spy_version_parse(text, size, &version));
	version.debug = debug;
	version.free_threaded = threaded;
	return version;
}

static struct spy_layout find_on(const char *text, enum spy_arch arch)
{
	struct spy_version version = version_of(text);
	struct pyspyc_error err = { 0 };
	struct spy_layout layout;

	if (spy_layout_find(&version, arch, &layout, &err) != 0)
		fail_msg("%s: %s", text, err.message);
	return layout;
}

static struct spy_layout find(const char *text)
{
	return find_on(text, SPY_ARCH_X86_64);
}

/* Versions with a row each, in micro versions that the rows must serve. */
static const char *const releases[] = {
	"2.7.0",  "2.7.18",  "3.6.0",  "3.6.15",  "3.7.0",  "3.7.17",	 "3.8.0",     "3.8.20",
	"3.9.0",  "3.9.25",  "3.10.0", "3.10.19", "3.11.0", "3.11.7",	 "3.12.0",    "3.12.1",
	"3.13.0", "3.13.15", "3.14.0", "3.14.8",  "3.15.0", "3.15.0rc1", "3.13.0rc3",
};

static void test_every_release(void **state)
{
	for (int arch = SPY_ARCH_X86_64; arch <= SPY_ARCH_AARCH64; arch++) {
		for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++) {
			struct spy_layout layout = find_on(releases[i], (enum spy_arch)arch);

			assert_true(spy_layout_sane(&layout));
			assert_int_equal(layout.object_size, 16);
			assert_int_equal(layout.object_type, 8);
			assert_int_equal(layout.var_size, 16);
			assert_int_equal(layout.type_name, 24);
			assert_int_equal(layout.type_basicsize, 32);
			assert_int_equal(layout.type_flags, 168);
			assert_int_equal(layout.list_items, 24);
		}
	}
}

static void test_every_row(void **state)
{
	for (size_t i = 0; i < spy_layout_table_size; i++) {
		const struct spy_layout_row *row = &spy_layout_table[i];
		bool modern = row->major == 3 && row->minor >= 11;

		if (!spy_layout_sane(&row->layout))
			fail_msg("row %zu, %d.%d: not sane", i, row->major, row->minor);
		assert_int_equal(row->layout.frames == SPY_FRAME_OBJECTS, !modern);
		assert_int_equal(row->layout.lines == SPY_LINES_LOCATIONS, modern);
		assert_int_equal(row->layout.tstate_frame != SPY_NO_FIELD, !modern);
		assert_int_equal(row->layout.tstate_native_thread_id != SPY_NO_FIELD, modern);
		assert_int_equal(row->layout.code_qualname != SPY_NO_FIELD, modern);
		assert_int_equal(row->layout.frame_lasti != SPY_NO_FIELD, !modern);
		assert_int_equal(row->layout.frame_gen != SPY_NO_FIELD, !modern && row->major == 3);
		assert_int_equal(row->layout.gil_enabled != SPY_NO_FIELD, row->free_threaded);
		assert_int_equal(row->layout.interp_ceval_gil != SPY_NO_FIELD,
				 row->major == 3 && row->minor >= 12);
		assert_int_equal(row->layout.runtime_size != SPY_NO_FIELD,
				 row->major == 3 && row->minor >= 7);
		/* Both architectures have every build. */
		assert_true(row->arch == SPY_ARCH_X86_64 || row->arch == SPY_ARCH_AARCH64);
	}
}

static void test_objects_on_the_heap(void **state)
{
	struct spy_layout layout = find("2.7.18");

	assert_int_equal(layout.lines, SPY_LINES_LNOTAB_UNSIGNED);
	assert_int_equal(layout.runtime_size, SPY_NO_FIELD);
	assert_int_equal(layout.interp_next, 0);
	assert_int_equal(layout.interp_threads_head, 8);
	assert_int_equal(layout.tstate_next, 0);
	assert_int_equal(layout.tstate_interp, 8);
	assert_int_equal(layout.tstate_frame, 16);
	assert_int_equal(layout.tstate_thread_id, 144);
	assert_int_equal(layout.frame_lasti, 120);
	assert_int_equal(layout.code_firstlineno, 96);
	assert_int_equal(layout.bytes_data, 36);
	assert_int_equal(layout.unicode_length, 16);
	assert_int_equal(layout.unicode_str, 24);
	assert_int_equal(layout.unicode_state, SPY_NO_FIELD);
	assert_int_equal(layout.dict_mask, 32);
	assert_int_equal(layout.dict_keys, 40);
	assert_int_equal(layout.keys_size, SPY_NO_FIELD);

	layout = find("3.6.15");
	assert_int_equal(layout.lines, SPY_LINES_LNOTAB);
	assert_int_equal(layout.tstate_next, 8);
	assert_int_equal(layout.tstate_frame, 24);
	assert_int_equal(layout.tstate_thread_id, 152);
	assert_int_equal(layout.frame_lasti, 120);
	assert_int_equal(layout.code_firstlineno, 36);
	assert_int_equal(layout.bytes_data, 32);
	assert_int_equal(layout.unicode_ascii_data, 48);
	assert_int_equal(layout.unicode_compact_data, 72);
	assert_int_equal(layout.dict_keys, 32);
	assert_int_equal(layout.keys_size, 8);
	assert_int_equal(layout.keys_nentries, 32);
	assert_int_equal(layout.keys_indices, 40);

	layout = find("3.10.13");
	assert_int_equal(layout.lines, SPY_LINES_310);
	assert_int_equal(layout.frame_lasti, 96);
	assert_int_equal(layout.tstate_thread_id, 176);
	assert_int_equal(layout.runtime_interpreters_head, 32);
	assert_int_equal(layout.interp_id, 24);
}

/* The GIL's mutex and condition lie before tstate_current, and are larger on aarch64. */
static void test_runtime(void **state)
{
	static const struct {
		const char *version;
		uint32_t head, locked, current, current_aarch64;
	} facts[] = {
		{ "3.7.16", 24, 1280, 1480, 1496 }, { "3.8.18", 32, 1168, 1368, 1384 },
		{ "3.9.18", 32, 368, 568, 584 },    { "3.10.13", 32, 368, 568, 584 },
		{ "3.11.7", 40, 376, 576, 592 },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct spy_layout layout = find(facts[i].version);

		assert_int_equal(layout.runtime_interpreters_head, facts[i].head);
		assert_int_equal(layout.runtime_gil_locked, facts[i].locked);
		assert_int_equal(layout.runtime_tstate_current, facts[i].current);
		layout = find_on(facts[i].version, SPY_ARCH_AARCH64);
		assert_int_equal(layout.runtime_interpreters_head, facts[i].head);
		assert_int_equal(layout.runtime_gil_locked, facts[i].locked);
		assert_int_equal(layout.runtime_tstate_current, facts[i].current_aarch64);
	}
}

/* Some micro versions have rows of their own. */
static void test_micro_versions(void **state)
{
	static const char *const early[] = { "3.7.0", "3.7.3" };
	static const char *const late[] = { "3.7.4", "3.7.17" };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(find(early[i]).runtime_tstate_current, 1392);
		assert_int_equal(find(early[i]).runtime_gil_locked, 1192);
		assert_int_equal(find_on(early[i], SPY_ARCH_AARCH64).runtime_tstate_current, 1408);
		assert_int_equal(find(early[i]).interp_modules, 40);
		assert_int_equal(find(late[i]).runtime_tstate_current, 1480);
		assert_int_equal(find_on(late[i], SPY_ARCH_AARCH64).runtime_tstate_current, 1496);
	}
}

/* Where tracemalloc's state is moved in the midst of 3.13 and 3.14; 3.14's collector changed. */
static void test_micro_versions_with_offsets(void **state)
{
	static const struct {
		const char *version;
		uint32_t traces, visited_space;
	} facts[] = {
		{ "3.13.0", 10080, SPY_NO_FIELD },
		{ "3.13.11", 10080, SPY_NO_FIELD },
		{ "3.13.12", 10104, SPY_NO_FIELD },
		{ "3.13.15", 10104, SPY_NO_FIELD },
		{ "3.13.11td", 26080, SPY_NO_FIELD },
		{ "3.13.12td", 26104, SPY_NO_FIELD },
		{ "3.14.0", 10272, 232 },
		{ "3.14.2", 10272, 232 },
		{ "3.14.3", 10296, 232 },
		{ "3.14.4t", 10296, 232 },
		{ "3.14.2d", 26264, 232 },
		{ "3.14.5", 10296, SPY_NO_FIELD },
		{ "3.14.8", 10296, SPY_NO_FIELD },
	};

	for (int arch = SPY_ARCH_X86_64; arch <= SPY_ARCH_AARCH64; arch++) {
		for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
			struct spy_layout layout = find_on(facts[i].version, (enum spy_arch)arch);

			assert_int_equal(layout.runtime_tracemalloc, facts[i].traces);
			assert_int_equal(layout.gc_visited_space, facts[i].visited_space);
		}
	}
}

static void test_interpreter_frames(void **state)
{
	struct spy_layout layout = find("3.11.7");

	assert_int_equal(layout.frames, SPY_FRAME_CFRAME);
	assert_int_equal(layout.tstate_cframe, 56);
	assert_int_equal(layout.cframe_current_frame, 8);
	assert_int_equal(layout.tstate_native_thread_id, 160);
	assert_int_equal(layout.tstate_datastack_chunk, 296);
	assert_int_equal(layout.tstate_datastack_top, 304);
	assert_int_equal(layout.frame_code, 32);
	assert_int_equal(layout.frame_back, 48);
	assert_int_equal(layout.frame_instr_ptr, 56);
	assert_int_equal(layout.frame_owner, 69);
	assert_int_equal(layout.frame_localsplus, 72);
	assert_int_equal(layout.code_code, 184);
	assert_int_equal(layout.object_managed_dict, 24);
	assert_int_equal(layout.object_managed_values, 32);

	layout = find("3.12.1");
	assert_int_equal(layout.frames, SPY_FRAME_CFRAME);
	assert_int_equal(layout.tstate_cframe, 56);
	assert_int_equal(layout.cframe_current_frame, 0);
	assert_int_equal(layout.interp_ceval_gil, 384);
	assert_int_equal(layout.gil_last_holder, 8);
	assert_int_equal(layout.gil_locked, 16);
	assert_int_equal(layout.frame_code, 0);
	assert_int_equal(layout.frame_back, 8);
	assert_int_equal(layout.frame_owner, 70);
	assert_int_equal(layout.code_code, 192);
	assert_int_equal(layout.unicode_ascii_data, 40);
	assert_int_equal(layout.tstate_status, 24);

	layout = find("3.13.0");
	assert_int_equal(layout.frames, SPY_FRAME_CURRENT);
	assert_int_equal(layout.tstate_current_frame, 72);
	assert_int_equal(layout.tstate_state, 40);
	assert_int_equal(layout.code_code, 200);
	assert_int_equal(layout.dictvalues_values, 8);

	layout = find("3.14.8");
	assert_int_equal(layout.frame_owner, 74);
	assert_int_equal(layout.frame_localsplus, 80);
	assert_int_equal(layout.tuple_items, 32);
	assert_int_equal(layout.tstate_base_frame, SPY_NO_FIELD);

	layout = find("3.15.0");
	assert_int_equal(layout.tstate_base_frame, 80);
	assert_int_equal(layout.tstate_thread_id, 176);
}

static void test_builds(void **state)
{
	/* To 3.7 Py_DEBUG brings Py_TRACE_REFS: two words more in every object. */
	assert_int_equal(find("2.7.18d").object_size, 32);
	assert_int_equal(find("3.6.15d").code_firstlineno, 52);
	assert_int_equal(find("3.7.16d").object_type, 24);
	assert_int_equal(find("3.7.16d").keys_size, 8);
	assert_int_equal(find("3.8.18d").object_size, 16);
	assert_int_equal(find("3.11.2d").object_size, 16);
	/* A free-threaded object's head is two words longer, too. */
	assert_int_equal(find("3.13.0t").object_size, 32);
	assert_int_equal(find("3.13.0t").object_type, 24);
	assert_int_equal(find("3.13.0t").gil_enabled, 0);
	assert_int_equal(find("3.13.0t").gil_locked, 24);
	assert_int_equal(find("3.13.0t").object_managed_dict, 8);
	assert_int_equal(find("3.13.0t").code_tlbc, SPY_NO_FIELD);
	assert_int_equal(find("3.14.0t").code_tlbc, 224);
	assert_int_equal(find("3.14.0t").frame_tlbc_index, 72);
	assert_int_equal(find("3.15.0td").code_tlbc, 224);
}

static void assert_refused(const char *text, const char *part)
{
	struct spy_version version = version_of(text);
	struct pyspyc_error err = { 0 };
	struct spy_layout layout;

	assert_int_equal(spy_layout_find(&version, SPY_ARCH_X86_64, &layout, &err),
			 -PYSPYC_EVERSION);
	assert_int_equal(err.code, PYSPYC_EVERSION);
	if (!strstr(err.message, part) || !strstr(err.message, text))
		fail_msg("%s: no \"%s\" in \"%s\"", text, part, err.message);
	/* Nobody need ask why. */
	assert_int_equal(spy_layout_find(&version, SPY_ARCH_X86_64, &layout, NULL),
			 -PYSPYC_EVERSION);
}

static void test_refused(void **state)
{
	static const char *const unknown[] = { "3.16.0", "3.16.0a1", "3.5.10", "3.0.1", "3.4.0",
					       "2.6.9",	 "4.0.0",    "1.5.2",  "0.0.0" };
	static const char *const early[] = { "3.15.0a7", "3.15.0b1", "3.14.0b4", "3.12.0a1" };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_refused(unknown[i], "which reads 2.7, 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, "
					   "3.12, 3.13, 3.14, 3.15");
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		assert_refused(early[i], "pre-release");
	assert_refused("3.12.1t", "free-threaded");
}

static void test_sane(void **state)
{
	struct spy_layout good = find("3.13.0"), bad;

	assert_true(spy_layout_sane(&good));
#define BROKEN(field, value)                         \
	do {                                         \
		bad = good;                          \
		bad.field = (value);                 \
		assert_false(spy_layout_sane(&bad)); \
	} while (0)
	BROKEN(tstate_size, 0);
	BROKEN(tstate_size, 1 << 20);
	BROKEN(interp_size, SPY_NO_FIELD);
	BROKEN(runtime_size, 0);
	BROKEN(code_size, 0);
	BROKEN(object_size, 0);
	BROKEN(tstate_next, good.tstate_size - 7);
	BROKEN(interp_next, good.interp_size);
	BROKEN(code_name, good.code_size);
	BROKEN(keys_indices, 1 << 20);
	BROKEN(frame_code, SPY_NO_FIELD - 1);
#undef BROKEN
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_release),
		cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_objects_on_the_heap),
		cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_micro_versions),
		cmocka_unit_test(test_micro_versions_with_offsets),
		cmocka_unit_test(test_interpreter_frames),
		cmocka_unit_test(test_builds),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
