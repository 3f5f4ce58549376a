/* What a user types into a filter, character by character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/screen.h"
#include "tui/typed.h"

static void test_characters(void **state)
{
	char text[16] = "";

	assert_true(tui_typed_key(text, sizeof(text), 'a'));
	assert_true(tui_typed_key(text, sizeof(text), ' '));
	assert_true(tui_typed_key(text, sizeof(text), 0xe9));
	assert_true(tui_typed_key(text, sizeof(text), 0x4e2d));
	assert_true(tui_typed_key(text, sizeof(text), 0x1f600));
	assert_string_equal(text, "a \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80");
	assert_true(tui_typed_key(text, sizeof(text), TUI_KEY_BACKSPACE));
	assert_true(tui_typed_key(text, sizeof(text), TUI_KEY_BACKSPACE));
	assert_string_equal(text, "a \xc3\xa9");
	assert_true(tui_typed_key(text, sizeof(text), 'U' & 0x1f));
	assert_string_equal(text, "");
}

static void test_others_change_nothing(void **state)
{
	static const int keys[] = { TUI_KEY_NONE, TUI_KEY_ENTER, TUI_KEY_ESCAPE,   TUI_KEY_TAB,
				    TUI_KEY_UP,	  TUI_KEY_MOUSE, TUI_KEY_RESIZE,   TUI_KEY_F1,
				    'L' & 0x1f,	  0x85,		 TUI_KEY_BACKSPACE };
	char text[16] = "";

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_false(tui_typed_key(text, sizeof(text), keys[i]));
	assert_string_equal(text, "");
}

/* No half character at the end. */
static void test_no_room(void **state)
{
	char text[4] = "";

	assert_true(tui_typed_key(text, sizeof(text), 'a'));
	assert_false(tui_typed_key(text, sizeof(text), 0x4e2d));
	assert_true(tui_typed_key(text, sizeof(text), 0xe9));
	assert_false(tui_typed_key(text, sizeof(text), 'b'));
	assert_string_equal(text, "a\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_others_change_nothing),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
