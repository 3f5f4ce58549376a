/* Screens on a pseudo-terminal of 10 lines and 40 columns. */
#ifndef TESTS_UNIT_PSEUDO_TERMINAL_H
#define TESTS_UNIT_PSEUDO_TERMINAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tui/screen.h"

/* A terminal, of which this is the other end. */
struct terminal {
	int master, slave;
	struct termios before;
	char output[65536]; /* what came since the last look */
	size_t size;
};

static struct terminal terminal;

static inline void resize(int height, int width)
{
	struct winsize size = { .ws_row = (unsigned short)height, .ws_col = (unsigned short)width };

	assert_int_equal(ioctl(terminal.master, TIOCSWINSZ, &size), 0);
}

/* tui_screen_open with the terminal as standard input and output. */
static inline int open_screen(struct pyspyc_error *err)
{
	int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO), result;

	fflush(NULL);
	dup2(terminal.slave, STDIN_FILENO);
	dup2(terminal.slave, STDOUT_FILENO);
	result = tui_screen_open(err);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	close(in);
	close(out);
	return result;
}

static inline void drain(void)
{
	ssize_t got;

	terminal.size = 0;
	while ((got = read(terminal.master, terminal.output + terminal.size,
			   sizeof(terminal.output) - 1 - terminal.size)) > 0)
		terminal.size += (size_t)got;
	terminal.output[terminal.size] = '\0';
}

static inline int open_terminal(void)
{
	terminal.master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (terminal.master < 0 || grantpt(terminal.master) || unlockpt(terminal.master))
		return -1;
	terminal.slave = open(ptsname(terminal.master), O_RDWR | O_NOCTTY);
	return terminal.slave < 0 ? -1 : tcgetattr(terminal.slave, &terminal.before);
}

static inline int setup_terminal(const char *name, const char *charset)
{
	setenv("TERM", name, 1);
	setenv("LC_ALL", charset, 1);
	unsetenv("NO_COLOR");
	if (open_terminal())
		return -1;
	resize(10, 40);
	return 0;
}

static inline int setup(void **state)
{
	struct pyspyc_error err;

	return setup_terminal("xterm-256color", "C.UTF-8") || open_screen(&err);
}

static inline int teardown(void **state)
{
	struct termios after;

	drain();
	tui_screen_close();
	tcgetattr(terminal.slave, &after);
	close(terminal.master);
	close(terminal.slave);
	/* Whatever a test did, the terminal is as it was. */
	return after.c_lflag != terminal.before.c_lflag ||
	       after.c_iflag != terminal.before.c_iflag || after.c_oflag != terminal.before.c_oflag;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
