/* tui/keys.c: what is typed, clicked and resized, on a pseudo-terminal. */
#include <curses.h>
#include <poll.h>

#include "pseudo_terminal.h"

#define DEADLINE_MS 5000

static void type(const char *bytes)
{
	size_t size = strlen(bytes);

	assert_int_equal(write(terminal.master, bytes, size), (ssize_t)size);
}

static int read_key(struct tui_mouse *mouse)
{
	int key = tui_key_read(mouse);

	for (int i = 0; !key && i < DEADLINE_MS / 10; i++) {
		struct pollfd poll_fd = { .fd = tui_key_fd(), .events = POLLIN };

		poll(&poll_fd, 1, 10);
		key = tui_key_read(mouse);
	}
	return key;
}

static void test_keys(void **state)
{
	static const struct {
		const char *bytes;
		int key;
	} keys[] = {
		{ "a", 'a' },
		{ "\r", TUI_KEY_ENTER },
		{ "\n", TUI_KEY_ENTER },
		{ "\t", TUI_KEY_TAB },
		{ "\x7f", TUI_KEY_BACKSPACE },
		{ "\b", TUI_KEY_BACKSPACE },
		{ "\x1b", TUI_KEY_ESCAPE },
		{ "\u00e9", 0xe9 },
		{ "\u51fd", 0x51fd },
		{ "\U0001f40d", 0x1f40d },
		{ "\x1bOA", TUI_KEY_UP },
		{ "\x1b[A", TUI_KEY_UP },
		{ "\x1b[B", TUI_KEY_DOWN },
		{ "\x1bOD", TUI_KEY_LEFT },
		{ "\x1b[C", TUI_KEY_RIGHT },
		{ "\x1b[5~", TUI_KEY_PAGE_UP },
		{ "\x1b[6~", TUI_KEY_PAGE_DOWN },
		{ "\x1b[1~", TUI_KEY_HOME },
		{ "\x1bOH", TUI_KEY_HOME },
		{ "\x1b[4~", TUI_KEY_END },
		{ "\x1b[F", TUI_KEY_END },
		{ "\x1b[3~", TUI_KEY_DELETE },
		{ "\x1b[Z", TUI_KEY_BACKTAB },
		{ "\x1bOP", TUI_KEY_F1 },
		{ "\x1b[15~", TUI_KEY_F1 + 4 },
		{ "\x1b[24~", TUI_KEY_F1 + 11 },
		/* What is no key of ours, and then one. */
		{ "\x1b[1;5Ax", 'x' },
		{ "\x1b[200~y", 'y' },
		{ "\xff\xc3z", 'z' },
		{ "\xe5\x87q", 'q' },
		{ "\x1a", 'Z' & 0x1f },
	};

	/* Characters of the user's are keys; those that end or stop the program are signals. */
	struct termios modes;

	tcgetattr(terminal.slave, &modes);
	assert_true(modes.c_lflag & ISIG);
	modes.c_lflag &= ~(tcflag_t)ISIG;
	tcsetattr(terminal.slave, TCSANOW, &modes);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		type(keys[i].bytes);
		assert_int_equal(read_key(NULL), keys[i].key);
		assert_int_equal(tui_key_read(NULL), TUI_KEY_NONE);
	}
}

static void test_mouse(void **state)
{
	struct tui_mouse mouse;

	type("\x1b[<0;5;3M\x1b[<0;5;3m\x1b[<0;5;3M\x1b[<0;5;3m\x1b[<65;1;1M\x1b[<64;2;2M");
	assert_int_equal(read_key(&mouse), TUI_KEY_MOUSE);
	assert_int_equal(mouse.y, 2);
	assert_int_equal(mouse.x, 4);
	assert_true(mouse.click && !mouse.twice && !mouse.wheel);
	assert_int_equal(read_key(&mouse), TUI_KEY_MOUSE);
	assert_true(mouse.click && mouse.twice);
	assert_int_equal(read_key(&mouse), TUI_KEY_MOUSE);
	assert_true(!mouse.click && mouse.wheel == 1);
	assert_int_equal(read_key(&mouse), TUI_KEY_MOUSE);
	assert_int_equal(mouse.wheel, -1);
	assert_int_equal(tui_key_read(&mouse), TUI_KEY_NONE);
}

static void test_resizes(void **state)
{
	tui_put(5, 5, 10, TUI_TEXT, false, "gone soon");
	assert_int_equal(tui_key_read(NULL), TUI_KEY_NONE);
	resize(100, 300);
	assert_int_equal(tui_key_read(NULL), TUI_KEY_RESIZE);
	assert_int_equal(tui_key_read(NULL), TUI_KEY_NONE);
	assert_int_equal(tui_screen_size().height, 100);
	assert_int_equal(tui_screen_size().width, 300);
	assert_int_equal(mvinch(5, 5) & A_CHARTEXT, ' ');
	assert_int_equal(tui_put(99, 0, 1000, TUI_TEXT, true, "x"), 300);
	tui_flush();
	drain();
	resize(1, 1);
	assert_int_equal(tui_key_read(NULL), TUI_KEY_RESIZE);
	assert_int_equal(tui_screen_size().width, 1);
	tui_put(0, 0, 10, TUI_TEXT, true, "xyz");
	tui_flush();
	resize(0, 0); /* the terminal does not know */
	assert_int_equal(tui_key_read(NULL), TUI_KEY_NONE);
	resize(10, 40);
	assert_int_equal(tui_key_read(NULL), TUI_KEY_RESIZE);
}

static void test_hangup(void **state)
{
	int key = TUI_KEY_NONE;

	close(terminal.master);
	for (int i = 0; i < 100 && key != TUI_KEY_HANGUP; i++)
		key = tui_key_read(NULL);
	assert_int_equal(key, TUI_KEY_HANGUP);
	tui_put(0, 0, 10, TUI_TEXT, true, "nobody");
	tui_flush();
	tui_screen_close();
	close(terminal.slave);
	assert_int_equal(open_terminal(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_mouse),
		TEST(test_resizes),
		TEST(test_hangup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
