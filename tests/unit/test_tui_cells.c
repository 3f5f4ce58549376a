/* Cells that several views show alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/cells.h"

static void test_commands(void **state)
{
	static const char *const pairs[][2] = {
		{ "/usr/bin/python3 -u /srv/app.py --port 80", "app.py" },
		{ "python3 -m http.server 80", "http.server" },
		{ "python3 -Wd -W ignore -X dev a/b.py c", "b.py" },
		{ "/opt/python3.12 -c print(1)", "python3.12" },
		{ "python3.12", "python3.12" },
		{ "python3 -", "python3" },
		{ "python3 -m", "python3" },
		{ "/usr/sbin/uwsgi --ini x", "uwsgi" },
		{ "gunicorn: worker [app]", "gunicorn: worker [app]" },
		{ "", "" },
		{ " odd", "" },
		{ "/", "" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_int_equal(tui_command_short(pairs[i][0], text, sizeof(text)),
				 strlen(pairs[i][1]));
		assert_string_equal(text, pairs[i][1]);
	}
	/* Cut, never beyond. */
	assert_int_equal(tui_command_short("python3 a/long_name.py", text, 5), 4);
	assert_string_equal(text, "long");
}

static void test_places(void **state)
{
	struct pyspyc_place place = {
		.kind = PYSPYC_ROW_CODE, .name = "f", .file = "a.py", .path = "/a.py", .line = 7
	};
	char text[64];

	assert_int_equal(tui_place_full(&place, text, sizeof(text)), 10);
	assert_string_equal(text, "f (a.py:7)");
	tui_place_where(&place, text, sizeof(text));
	assert_string_equal(text, "a.py:7");
	place.line = 0;
	tui_place_where(&place, text, sizeof(text));
	assert_string_equal(text, "a.py");
	place.file = NULL;
	tui_place_full(&place, text, sizeof(text));
	assert_string_equal(text, "f");
	assert_int_equal(tui_place_full(&place, text, 1), 0);
	place = (struct pyspyc_place){ .kind = PYSPYC_ROW_PROCESS,
				       .name = "/usr/bin/python3 a.py",
				       .pid = 12 };
	tui_place_full(&place, text, sizeof(text));
	assert_string_equal(text, "process 12: python3 a.py");
	place = (struct pyspyc_place){ .kind = PYSPYC_ROW_THREAD, .name = "worker", .tid = 13 };
	tui_place_full(&place, text, sizeof(text));
	assert_string_equal(text, "thread worker (13)");
	place.name = NULL;
	tui_place_full(&place, text, sizeof(text));
	assert_string_equal(text, "thread  (13)");
}

static void test_identities(void **state)
{
	struct pyspyc_place a = { .name = "f", .path = "/a.py", .line = 7, .tid = 1 }, b = a;
	char same[] = "/a.py";

	b.path = same;
	assert_true(tui_place_identity(&a) == tui_place_identity(&b));
	b.line = 8;
	assert_true(tui_place_identity(&a) != tui_place_identity(&b));
	b = a;
	b.tid = 2;
	assert_true(tui_place_identity(&a) != tui_place_identity(&b));
	b = a;
	b.name = "g";
	assert_true(tui_place_identity(&a) != tui_place_identity(&b));
	b.name = b.path = NULL;
	assert_true(tui_place_identity(&a) != tui_place_identity(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
