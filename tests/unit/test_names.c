/* Threads' names, sys.path and short file names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arena.h"
#include "cpython/names.h"

static uint64_t one_entry(struct arena *arena, const char *key, uint64_t value)
{
	uint64_t name = arena_name(arena, key);

	return arena_dict(arena, &name, &value, 1);
}

/* A Thread with this attribute for its name. */
static uint64_t make_thread(struct arena *arena, uint64_t name)
{
	const char *key = arena->heap.version.major < 3 ? "_Thread__name" : "_name";

	return arena_instance(arena, one_entry(arena, key, name));
}

static uint64_t make_interpreter(struct arena *arena, uint64_t modules, uint64_t sysdict)
{
	uint64_t interpreter = arena_take(arena, 16384);

	arena_word(arena, interpreter + arena->layout.interp_modules, modules);
	arena_word(arena, interpreter + arena->layout.interp_sysdict, sysdict);
	return interpreter;
}

static uint64_t with_threads(struct arena *arena, const uint64_t *idents, const uint64_t *threads,
			     size_t count)
{
	uint64_t active = arena_dict(arena, idents, threads, count);
	uint64_t module = arena_instance(arena, one_entry(arena, "_active", active));

	return make_interpreter(arena, one_entry(arena, "threading", module), 0);
}

/* Entries that cannot be read are left out, and the others are there. */
static void thread_names(struct arena *arena)
{
	struct spy_thread_names names;
	uint64_t idents[8], threads[8];
	size_t i;

	for (i = 0; i < 8; i++) {
		idents[i] = arena_long(arena, UINT64_C(0x7f1234567000) + i, false);
		threads[i] = make_thread(arena, arena_name(arena, "worker"));
	}
	threads[0] = make_thread(arena, arena_name(arena, "MainThread"));
	threads[1] = make_thread(arena, arena_long(arena, 5, false));
	threads[2] = arena_instance(arena, one_entry(arena, "other", threads[0]));
	threads[3] = ARENA_ELSEWHERE;
	threads[4] = arena_object(arena, 64, 0);
	idents[5] = arena_name(arena, "ident");
	idents[6] = ARENA_ELSEWHERE;
	assert_int_equal(spy_thread_names_read(&arena->heap,
					       with_threads(arena, idents, threads, 8), &names,
					       NULL),
			 0);
	assert_int_equal(names.count, 2);
	assert_true(names.items[0].ident == UINT64_C(0x7f1234567000));
	assert_string_equal(names.items[0].name, "MainThread");
	assert_true(names.items[1].ident == UINT64_C(0x7f1234567007));
	assert_string_equal(names.items[1].name, "worker");
	spy_thread_names_free(&names);
	assert_int_equal(names.count, 0);
}

static void test_thread_names(void **state)
{
	arena_every_version(thread_names);
}

static void check_no_names(struct arena *arena, uint64_t interpreter, int result)
{
	struct spy_thread_names names;

	assert_int_equal(spy_thread_names_read(&arena->heap, interpreter, &names, NULL), -result);
	assert_int_equal(names.count, 0);
	spy_thread_names_free(&names);
}

static void no_thread_names(struct arena *arena)
{
	uint64_t module = arena_instance(arena, one_entry(arena, "_active", ARENA_ELSEWHERE));

	check_no_names(arena, make_interpreter(arena, 0, 0), 0);
	check_no_names(arena, make_interpreter(arena, one_entry(arena, "sys", 16), 0), 0);
	check_no_names(arena,
		       make_interpreter(arena,
					one_entry(arena, "threading", arena_instance(arena, 0)), 0),
		       0);
	check_no_names(arena, ARENA_ELSEWHERE, PYSPYC_EFAULT);
	check_no_names(arena, make_interpreter(arena, one_entry(arena, "threading", module), 0),
		       PYSPYC_EFAULT);
	check_no_names(arena, make_interpreter(arena, arena_name(arena, "modules"), 0),
		       PYSPYC_ECORRUPT);
}

static void test_no_thread_names(void **state)
{
	arena_every_version(no_thread_names);
}

static void sys_path(struct arena *arena)
{
	const char *const texts[] = { "/usr/lib/python3",	"",	 "relative", "/",
				      "/longest/of/them/all//", "/short" };
	uint64_t items[8], interpreter;
	struct spy_paths paths;
	size_t i;

	for (i = 0; i < 6; i++)
		items[i] = arena_name(arena, texts[i]);
	items[6] = ARENA_ELSEWHERE;
	items[7] = arena_long(arena, 5, false);
	interpreter = make_interpreter(arena, 0,
				       one_entry(arena, "path", arena_list(arena, items, 8)));
	assert_int_equal(spy_sys_path_read(&arena->heap, interpreter, &paths, NULL), 0);
	assert_int_equal(paths.count, 3);
	assert_string_equal(paths.items[0], "/longest/of/them/all");
	assert_string_equal(paths.items[1], "/usr/lib/python3");
	assert_string_equal(paths.items[2], "/short");
	spy_paths_free(&paths);

	interpreter = make_interpreter(arena, 0, 0);
	assert_int_equal(spy_sys_path_read(&arena->heap, interpreter, &paths, NULL), 0);
	assert_int_equal(paths.count, 0);
	interpreter = make_interpreter(arena, 0, one_entry(arena, "path", ARENA_ELSEWHERE));
	assert_int_equal(spy_sys_path_read(&arena->heap, interpreter, &paths, NULL),
			 -PYSPYC_EFAULT);
	assert_int_equal(paths.count, 0);
}

static void test_sys_path(void **state)
{
	arena_every_version(sys_path);
}

static void test_shorten(void **state)
{
	static const char *const cases[][2] = {
		{ "/app/package/module.py", "package/module.py" },
		{ "/app/plugins/module.py", "module.py" },
		{ "/app//module.py", "module.py" },
		{ "/application/module.py", "/application/module.py" },
		{ "/app", "/app" },
		{ "/app/", "/app/" },
		{ "/usr/lib/python3.11/threading.py", "threading.py" },
		{ "/usr/lib/python3.13t/json/decoder.py", "json/decoder.py" },
		{ "/usr/lib/python3/dist-packages/six.py", "six.py" },
		{ "/v/lib/python3.9/site-packages/django/urls.py", "django/urls.py" },
		{ "/v/site-packages/lib/python2.7/x/y.py", "x/y.py" },
		{ "/opt/python3/x.py", "/opt/python3/x.py" },
		{ "/opt/python3.x/x.py", "/opt/python3.x/x.py" },
		{ "/opt/python3.11-fork/x.py", "/opt/python3.11-fork/x.py" },
		{ "/opt/python3.11tt/x.py", "/opt/python3.11tt/x.py" },
		{ "/opt/my-site-packages/x.py", "/opt/my-site-packages/x.py" },
		{ "/opt/site-packages/", "/opt/site-packages/" },
		{ "relative/site-packages/x.py", "relative/site-packages/x.py" },
		{ "<string>", "<string>" },
		{ "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>" },
		{ "", "" },
		{ "/", "/" },
	};
	char *items[] = { "/app/plugins", "/app" };
	const struct spy_paths paths = { .items = items, .count = 2 };
	const struct spy_paths none = { 0 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(spy_shorten_filename(&paths, cases[i][0]), cases[i][1]);
	assert_string_equal(spy_shorten_filename(&none, "/app/x.py"), "/app/x.py");
	assert_string_equal(spy_shorten_filename(&none, "/l/python3.8/x.py"), "x.py");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread_names),
		cmocka_unit_test(test_no_thread_names),
		cmocka_unit_test(test_sys_path),
		cmocka_unit_test(test_shorten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
