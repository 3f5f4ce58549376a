/* tui/screen.c and what draws through it, on a pseudo-terminal. */
#include <curses.h>
#include <math.h>
#include <signal.h>

#include "pseudo_terminal.h"
#include "tui/list.h"
#include "tui/text.h"

static int setup_ascii(void **state)
{
	struct pyspyc_error err;

	return setup_terminal("vt100", "C") || open_screen(&err);
}

/* --- what is on the screen --- */

/* A line as UTF-8, without the blanks at its end. */
static const char *line(int y)
{
	static char text[4096];
	size_t size = 0;
	struct tui_area screen = tui_screen_size();

	for (int x = 0; x < screen.width; x++) {
		cchar_t cell;
		wchar_t characters[CCHARW_MAX + 1] = { 0 };
		attr_t attributes;
		short pair;

		assert_int_equal(mvin_wch(y, x, &cell), OK);
		getcchar(&cell, characters, &attributes, &pair, NULL);
		for (const wchar_t *at = characters; *at; at++)
			size += tui_text_encode(*at, text + size);
		if (characters[0] && wcwidth(characters[0]) == 2)
			x++;
	}
	while (size && text[size - 1] == ' ')
		size--;
	text[size] = '\0';
	return text;
}

static short pair_at(int y, int x)
{
	cchar_t cell;
	wchar_t characters[CCHARW_MAX + 1];
	attr_t attributes;
	short pair;

	assert_int_equal(mvin_wch(y, x, &cell), OK);
	getcchar(&cell, characters, &attributes, &pair, NULL);
	return pair;
}

/* Whether there is a sequence that sets a colour: 39 and 49 are the terminal's own. */
static bool sets_colours(const char *output)
{
	for (const char *at = strstr(output, "\x1b["); at; at = strstr(at + 1, "\x1b[")) {
		const char *end = at + 2 + strspn(at + 2, "0123456789;:");

		if (*end != 'm')
			continue;
		for (const char *number = at + 2; number < end; number++) {
			long value = strtol(number, (char **)&number, 10);

			if (value >= 30 && value != 39 && value != 49)
				return true;
		}
	}
	return false;
}

static void test_puts(void **state)
{
	assert_int_equal(tui_put(0, 2, 10, TUI_TEXT, false, "abc"), 3);
	assert_string_equal(line(0), "  abc");
	assert_int_equal(tui_put(0, 2, 10, TUI_TEXT, true, "de"), 10);
	assert_string_equal(line(0), "  de");
	assert_int_equal(tui_put(1, 0, 40, TUI_TEXT, false, "\x1b[2J\xff\u51fd"), 11);
	assert_string_equal(line(1), "^[[2J\\xff\u51fd");
	assert_int_equal(tui_put(2, 35, 40, TUI_TEXT, false, "0123456"), 5);
	assert_string_equal(line(2) + 35, "0123\u2026");
	assert_int_equal(tui_putf(3, 0, 40, TUI_TEXT, false, "%d %s", 12, "x"), 4);
	assert_string_equal(line(3), "12 x");
	assert_int_equal(tui_columns("\u51fdx\n"), 5);
	/* The last cell of all, and what lies outside. */
	assert_int_equal(tui_put(9, 39, 1, TUI_TEXT, false, "z"), 1);
	assert_int_equal(line(9)[39], 'z');
	assert_int_equal(tui_put(10, 0, 5, TUI_TEXT, false, "z"), 0);
	assert_int_equal(tui_put(-1, 0, 5, TUI_TEXT, false, "z"), 0);
	assert_int_equal(tui_put(0, 40, 5, TUI_TEXT, false, "z"), 0);
	assert_int_equal(tui_put(0, -9, 5, TUI_TEXT, false, "z"), 0);
	assert_int_equal(tui_put(0, 0, -1, TUI_TEXT, true, "z"), 0);
	tui_paint(50, 50, 50, TUI_MATCH);
	tui_clear((struct tui_area){ -5, -5, 1000, 1000 });
	for (int y = 0; y < 10; y++)
		assert_string_equal(line(y), "");
}

static void test_nothing_is_sent_that_is_not_shown(void **state)
{
	drain();
	tui_put(0, 0, 40, TUI_TEXT, false,
		"\x1b]0;title\x07\u202e\xc2\x9b\x05"
		"end");
	tui_flush();
	drain();
	assert_non_null(strstr(terminal.output, "^[]0;title^G\\u202e\\u009b^Eend"));
	assert_null(strstr(terminal.output, "\x1b]"));
	assert_null(strchr(terminal.output, '\x05'));
}

static void test_paints(void **state)
{
	short plain;

	tui_put(2, 0, 40, TUI_HOT, true, "hot");
	tui_flush();
	drain();
	assert_true(sets_colours(terminal.output));
	tui_put(0, 0, 40, TUI_TEXT, true, "some text");
	plain = pair_at(0, 0);
	tui_paint(0, 5, 4, TUI_MATCH);
	assert_string_equal(line(0), "some text");
	assert_int_equal(pair_at(0, 4), plain);
	assert_int_not_equal(pair_at(0, 5), plain);
	assert_int_not_equal(pair_at(0, 8), plain);
	assert_int_equal(pair_at(0, 9), plain);
}

static void test_without_colours(void **state)
{
	struct pyspyc_error err;

	tui_screen_close();
	setenv("NO_COLOR", "1", 1);
	assert_int_equal(open_screen(&err), 0);
	drain();
	for (int role = 0; role < TUI_ROLES; role++)
		tui_put(role % 10, role / 10 * 10, 10, (enum tui_role)role, true, "x");
	assert_true(mvinch(TUI_CURSOR, 0) & A_REVERSE);
	tui_flush();
	drain();
	assert_non_null(strstr(terminal.output, "x"));
	assert_false(sets_colours(terminal.output));
}

static void test_draws_bars(void **state)
{
	static const double values[] = { 9, 0, 0.001, 0.5, 1, NAN, 2 };

	tui_sparkline(0, 2, 6, TUI_PLOT, values, 7, 1);
	assert_string_equal(line(0), "   \u2581\u2584\u2588 \u2588");
	tui_sparkline(1, 0, 9, TUI_PLOT, values, 7, 1);
	assert_string_equal(line(1), "  \u2588 \u2581\u2584\u2588 \u2588");
	tui_bar(2, 0, 10, TUI_PLOT, 0.53);
	assert_string_equal(line(2), "\u2588\u2588\u2588\u2588\u2588\u258e");
	tui_bar(3, 0, 4, TUI_PLOT, 7);
	assert_string_equal(line(3), "\u2588\u2588\u2588\u2588");
	tui_bar(4, 0, 4, TUI_PLOT, NAN);
	assert_string_equal(line(4), "");
	tui_sparkline(5, 0, 5, TUI_PLOT, NULL, 0, 1);
	tui_bar(6, 0, 0, TUI_PLOT, 1);
}

static void draw_plot(int height, int width)
{
	static const double times[] = { 0, 1, 2, 3 }, rising[] = { 0, 1, 2, 3 };
	static const double gap[] = { 3, NAN, NAN, 3 };
	static const double *const values[] = { rising, gap };
	static const enum tui_role roles[] = { TUI_PLOT, TUI_PLOT_2 };

	tui_plot((struct tui_area){ 1, 1, height, width }, times, 4, values, roles, 2, 3);
}

static void test_draws_plots(void **state)
{
	draw_plot(2, 4);
	assert_string_equal(line(1), " \u2801 \u2860\u280a");
	assert_string_equal(line(2), " \u2860\u280a");
	draw_plot(1, 1);
	draw_plot(0, 5);
	draw_plot(500, 500);
}

static void test_ascii(void **state)
{
	static const double values[] = { 0, 0.25, 0.5, 0.75, 1 };

	assert_false(tui_screen_utf8());
	tui_put(0, 0, 6, TUI_TEXT, true, "caf\u00e9 au lait");
	assert_string_equal(line(0), "caf? ~");
	tui_sparkline(1, 0, 5, TUI_PLOT, values, 5, 1);
	assert_string_equal(line(1), " .:|#");
	tui_bar(2, 0, 10, TUI_PLOT, 0.46);
	assert_string_equal(line(2), "#####");
	tui_clear(tui_screen_size());
	draw_plot(4, 4);
	assert_string_equal(line(1), " +  *");
	assert_string_equal(line(2), "   *");
	assert_string_equal(line(4), " *");
	tui_flush();
	drain();
	for (size_t i = 0; i < terminal.size; i++)
		assert_true((unsigned char)terminal.output[i] < 0x80);
}

/* --- lists --- */

static void name_cell(const void *context, size_t row, struct tui_cell *cell)
{
	const char *const *names = context;

	snprintf(cell->text, sizeof(cell->text), "%s", names[row]);
}

static void number_cell(const void *context, size_t row, struct tui_cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%zu", row * 7);
	cell->role = TUI_HOT;
}

static int by_number(const void *context, size_t a, size_t b)
{
	return a < b ? 1 : -1;
}

static const struct tui_column list_columns[] = {
	{ "No", -4, 0, '1', number_cell, by_number },
	{ "Name", 0, 0, 0, name_cell, NULL },
	{ NULL, 0, 0, 0, NULL, NULL },
};

static const char *names[] = {
	"zero \u51fd\u6570\u51fd\u6570 zero",
	"one",
	"a name that is far too long for such a narrow list",
	"three",
};

static void test_draws_lists(void **state)
{
	struct tui_list list = { .context = names, .count = 4, .text = name_cell };
	struct tui_area area = { 1, 2, 6, 20 };

	tui_put(6, 0, 40, TUI_TEXT, true, "what was here before .......");
	tui_list_init(&list, list_columns, 0);
	tui_list_update(&list);
	tui_list_search(&list, "ZERO");
	tui_list_draw(&list, area);
	assert_string_equal(line(0), "");
	assert_string_equal(line(1), "   \u25beNo Name");
	assert_string_equal(line(2), "    21 three");
	assert_string_equal(line(3), "    14 a name that is\u2026");
	assert_string_equal(line(4), "     7 one");
	assert_string_equal(line(5), "     0 zero \u51fd\u6570\u51fd\u6570 \u2026");
	assert_string_equal(line(6), "wh                    ......");
	/* The cursor went to what was searched for; of the second place a part is seen. */
	assert_int_equal(list.cursor, 3);
	assert_int_equal(pair_at(5, 7), TUI_MATCH + 1);
	assert_int_equal(pair_at(5, 10), TUI_MATCH + 1);
	assert_int_equal(pair_at(5, 11), TUI_CURSOR + 1);
	assert_int_equal(pair_at(5, 20), TUI_CURSOR + 1);
	assert_int_equal(pair_at(5, 21), TUI_MATCH + 1);
	assert_int_equal(pair_at(5, 2), TUI_CURSOR + 1);
	assert_int_equal(pair_at(2, 4), TUI_HOT + 1);
	assert_int_equal(pair_at(1, 5), TUI_SORTED + 1);
	assert_int_equal(pair_at(1, 21), TUI_HEADING + 1);
	/* To the right, as far as there is something. */
	assert_true(tui_list_key(&list, TUI_KEY_RIGHT, NULL));
	tui_list_draw(&list, area);
	assert_string_equal(line(5), "     0  \u51fd\u6570 zero");
	assert_int_equal(pair_at(5, 12), TUI_CURSOR + 1);
	assert_int_equal(pair_at(5, 13), TUI_MATCH + 1);
	/* Of what begins further to the left, the part that is seen. */
	tui_list_search(&list, "zero \u51fd\u6570\u51fd");
	tui_list_draw(&list, area);
	assert_int_equal(pair_at(5, 5), TUI_CURSOR + 1);
	assert_int_equal(pair_at(5, 7), TUI_MATCH + 1);
	assert_int_equal(pair_at(5, 10), TUI_CURSOR + 1);
	for (int i = 0; i < 4; i++)
		assert_true(tui_list_key(&list, 'l', NULL));
	assert_false(tui_list_key(&list, 'l', NULL));
	tui_list_draw(&list, area);
	assert_string_equal(line(3), "    14 h a narrow list");
	for (int i = 0; i < 5; i++)
		assert_true(tui_list_key(&list, TUI_KEY_LEFT, NULL));
	assert_false(tui_list_key(&list, TUI_KEY_LEFT, NULL));
	tui_list_free(&list);
}

static void test_lists_of_any_size(void **state)
{
	struct tui_list list = { .context = names, .count = 4, .text = name_cell };

	tui_list_init(&list, list_columns, 0);
	tui_list_update(&list);
	for (int height = 0; height < 12; height++)
		for (int width = 0; width < 45; width++)
			tui_list_draw(&list,
				      (struct tui_area){ 9 - height, 39 - width, height, width });
	tui_list_free(&list);
}

/* --- giving it back --- */

static void test_emergency(void **state)
{
	struct termios after;

	tui_flush();
	drain();
	tui_screen_emergency();
	drain();
	assert_non_null(strstr(terminal.output, "\x1b[?1049l"));
	assert_non_null(strstr(terminal.output, "\x1b[?1000l"));
	assert_null(strstr(terminal.output, "$<"));
	tcgetattr(terminal.slave, &after);
	assert_int_equal(after.c_lflag, terminal.before.c_lflag);
	tui_screen_emergency();
	drain();
	assert_int_equal(terminal.size, 0);
}

static void test_opens_again(void **state)
{
	struct pyspyc_error err;

	for (int i = 0; i < 3; i++) {
		tui_screen_close();
		tui_screen_close();
		drain();
		assert_non_null(strstr(terminal.output, i ? "\x1b[?1049l" : ""));
		assert_int_equal(tui_screen_size().width, 0);
		assert_int_equal(tui_put(0, 0, 5, TUI_TEXT, true, "x"), 0);
		assert_int_equal(tui_key_read(NULL), TUI_KEY_NONE);
		assert_int_equal(tui_key_fd(), -1);
		tui_flush();
		tui_screen_suspend();
		tui_screen_redraw();
		assert_int_equal(open_screen(&err), 0);
		assert_int_equal(tui_screen_size().width, 40);
		tui_put(0, 0, 5, TUI_TEXT, true, "x");
		tui_flush();
		assert_string_equal(line(0), "x");
	}
}

static void test_handlers_are_left_alone(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction action;

		sigaction(signals[i], NULL, &action);
		assert_ptr_equal(action.sa_handler, SIG_DFL);
	}
}

static void test_terminals_that_will_not_do(void **state)
{
	struct pyspyc_error err;

	tui_screen_close();
	setenv("TERM", "no-such-terminal", 1);
	assert_int_equal(open_screen(&err), -PYSPYC_EIO);
	assert_non_null(strstr(err.message, "no-such-terminal"));
	assert_int_equal(open_screen(NULL), -PYSPYC_EIO);
	setenv("TERM", "dumb", 1);
	assert_int_equal(open_screen(&err), -PYSPYC_EIO);
	assert_non_null(strstr(err.message, "dumb"));
	unsetenv("TERM");
	assert_int_equal(open_screen(&err), -PYSPYC_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_puts),
		TEST(test_nothing_is_sent_that_is_not_shown),
		TEST(test_paints),
		TEST(test_without_colours),
		TEST(test_draws_bars),
		TEST(test_draws_plots),
		cmocka_unit_test_setup_teardown(test_ascii, setup_ascii, teardown),
		TEST(test_draws_lists),
		TEST(test_lists_of_any_size),
		TEST(test_emergency),
		TEST(test_opens_again),
		TEST(test_handlers_are_left_alone),
		TEST(test_terminals_that_will_not_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
