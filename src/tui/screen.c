#include "tui/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tui/screen_parts.h"
#include "tui/signals.h"
/* After curses.h, which it needs; it defines lines and columns as macros. */
#include <term.h>

/*
 * There is one terminal, and handlers of signals and of exit() have to find it: this is the state
 * of the process, not of a caller.
 */
static struct {
	bool open;
	bool away; /* the terminal is the shell's: suspended */
	bool utf8;
	int in, out; /* descriptors */
	FILE *in_file, *out_file;
	SCREEN *screen;
	WINDOW *input;
	struct winsize size; /* as the terminal last told it */
} tui;

/* What giving the terminal back takes, for a handler of signals. */
static struct {
	volatile sig_atomic_t armed;
	int in, out;
	struct termios modes;
	char bytes[256];
	size_t size;
} emergency;

static int fail(struct pyspyc_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct pyspyc_error *err, const char *format, ...)
{
	va_list arguments;

	if (err) {
		err->code = PYSPYC_EIO;
		err->address = 0;
		va_start(arguments, format);
		vsnprintf(err->message, sizeof(err->message), format, arguments);
		va_end(arguments);
	}
	return -PYSPYC_EIO;
}

/* --- opening --- */

/*
 * The user's character set. Servers often lack the locale that ssh brings along; C.UTF-8 serves
 * for one whose name ends as it should.
 */
static void open_locale(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *name = NULL;

	if (!setlocale(LC_CTYPE, "")) {
		for (size_t i = 0; i < 3 && !(name && *name); i++)
			name = getenv(variables[i]);
		name = name ? strrchr(name, '.') : NULL;
		if (!name || (strcasecmp(name, ".UTF-8") != 0 && strcasecmp(name, ".utf8") != 0) ||
		    !setlocale(LC_CTYPE, "C.UTF-8"))
			setlocale(LC_CTYPE, "C");
	}
	tui.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The stream if it is a terminal, else the terminal that controls the process. */
static FILE *open_terminal(int stream, const char *mode, int *fd)
{
	FILE *file;

	*fd = isatty(stream) ? fcntl(stream, F_DUPFD_CLOEXEC, 3)
			     : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0)
		return NULL;
	file = fdopen(*fd, mode);
	if (!file)
		close(*fd);
	return file;
}

static void close_files(void)
{
	if (tui.in_file)
		fclose(tui.in_file);
	if (tui.out_file)
		fclose(tui.out_file);
	tui.in_file = tui.out_file = NULL;
}

/* Adds a string of terminfo, without its pauses ("$<5>"), to what an emergency writes. */
static void add_emergency(const char *text)
{
	if (!text || text == (char *)-1)
		return;
	while (*text) {
		const char *end = strncmp(text, "$<", 2) == 0 ? strchr(text, '>') : NULL;

		if (end)
			text = end + 1;
		else if (emergency.size < sizeof(emergency.bytes))
			emergency.bytes[emergency.size++] = *text++;
		else
			break;
	}
}

static void arm_emergency(void)
{
	emergency.size = 0;
	/* As curses turned it on: by kmous being known (ncurses 6.4, lib_mouse.c). */
	if (key_mouse)
		add_emergency("\033[?1006l\033[?1000l");
	add_emergency(exit_attribute_mode);
	add_emergency(orig_pair);
	add_emergency(keypad_local);
	add_emergency(exit_ca_mode);
	add_emergency(cursor_normal);
	/* Where nothing brings the old screen back, the prompt gets a line of its own. */
	if (!exit_ca_mode)
		add_emergency("\r\n");
	emergency.in = tui.in;
	emergency.out = tui.out;
	emergency.armed = 1;
}

/* What curses sets up for itself and others own: handlers of signals. */
static const int watched[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH };
#define WATCHED (sizeof(watched) / sizeof(watched[0]))

static SCREEN *new_screen(void)
{
	struct sigaction before[WATCHED];
	SCREEN *screen;
	int found;

	/* newterm would leak for a terminal that is not known. */
	if (setupterm(NULL, tui.out, &found) == ERR)
		return NULL;
	del_curterm(cur_term);
	for (size_t i = 0; i < WATCHED; i++)
		sigaction(watched[i], NULL, &before[i]);
	/* LINES and COLUMNS may have been exported for good; the terminal knows better. */
	use_env(FALSE);
	use_tioctl(TRUE);
	screen = newterm(NULL, tui.out_file, tui.in_file);
	for (size_t i = 0; i < WATCHED; i++)
		sigaction(watched[i], &before[i], NULL);
	return screen;
}

static void set_modes(void)
{
	struct termios modes;

	cbreak();
	noecho();
	nonl();
	/*
	 * Ctrl-S is a key: who waits for the terminal takes no samples. So is Ctrl-C: as a signal it
	 * would also end the program that was started; and Ctrl-Z: see tui_flush.
	 */
	if (!tcgetattr(tui.in, &modes)) {
		modes.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
		modes.c_cc[VINTR] = modes.c_cc[VSUSP] = _POSIX_VDISABLE;
		tcsetattr(tui.in, TCSADRAIN, &modes);
		def_prog_mode();
	}
	curs_set(0);
	leaveok(stdscr, TRUE);
	/* A window of its own, and a pad: to read keys from stdscr would draw it. */
	tui.input = newpad(1, 1);
	if (tui.input) {
		keypad(tui.input, TRUE);
		nodelay(tui.input, TRUE);
	}
}

int tui_screen_open(struct pyspyc_error *err)
{
	const char *name = getenv("TERM");

	if (tui.open)
		return 0;
	open_locale();
	tui.in_file = open_terminal(STDIN_FILENO, "r", &tui.in);
	tui.out_file = open_terminal(STDOUT_FILENO, "w", &tui.out);
	if (!tui.in_file || !tui.out_file || tcgetattr(tui.in, &emergency.modes)) {
		close_files();
		return fail(
			err,
			"there is no terminal to show the live view in; --batch prints it as text");
	}
	tui.screen = new_screen();
	if (!tui.screen) {
		close_files();
		return fail(err, "the terminal '%s' (TERM) is not known; set TERM, or use --batch",
			    name ? name : "");
	}
	tui.open = true;
	if (!cursor_address || !clear_screen) {
		tui_screen_close();
		return fail(err,
			    "the terminal '%s' (TERM) cannot move its cursor; --batch prints the "
			    "view as text",
			    name ? name : "");
	}
	tui.away = false;
	arm_emergency();
	set_modes();
	tui_colours_open();
	tui_keys_open();
	tui_screen_resized();
	if (!tui.input) {
		tui_screen_close();
		return fail(err, "out of memory for the screen");
	}
	return 0;
}

/* --- closing --- */

/* Whether the terminal is this job's now. Async-signal-safe. */
static bool in_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}

/*
 * Ends what curses does, for good or for a while. Where the terminal has no second screen, what
 * was shown last stays, and a prompt comes below it.
 */
static void leave(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct termios modes = emergency.modes;
	bool stays = !exit_ca_mode;

	/* In the background they are another job's. */
	if (!in_foreground(tui.in))
		tcgetattr(tui.in, &modes);
	/* Who sets them there is stopped by this, and could never end. */
	sigaction(SIGTTOU, &ignore, &before);
	endwin();
	tcsetattr(tui.in, TCSADRAIN, &modes);
	sigaction(SIGTTOU, &before, NULL);
	if (stays)
		(void)!write(tui.out, "\r\n", 2);
}

void tui_screen_close(void)
{
	if (!tui.open)
		return;
	tui.open = false;
	set_term(tui.screen);
	if (tui.input)
		delwin(tui.input);
	tui.input = NULL;
	if (!tui.away)
		leave();
	emergency.armed = 0;
	delscreen(tui.screen);
	tui.screen = NULL;
	close_files();
}

void tui_screen_emergency(void)
{
	const char *at = emergency.bytes;
	size_t left = emergency.size;
	int saved = errno, flags;

	if (!emergency.armed)
		return;
	emergency.armed = 0;
	/* A terminal that takes nothing must not keep the process from ending. */
	flags = fcntl(emergency.out, F_GETFL);
	if (flags >= 0)
		fcntl(emergency.out, F_SETFL, flags | O_NONBLOCK);
	while (left > 0) {
		ssize_t written = write(emergency.out, at, left);

		if (written <= 0)
			break;
		at += written;
		left -= (size_t)written;
	}
	/* Others have the same open terminal. */
	if (flags >= 0)
		fcntl(emergency.out, F_SETFL, flags);
	if (in_foreground(emergency.in))
		tcsetattr(emergency.in, TCSANOW, &emergency.modes);
	errno = saved;
}

/* Nothing stops a process group that nobody could continue: then this is often enough. */
#define MOST_STOPS 100

/*
 * The process group is stopped as the terminal would have done; this returns once it goes on. In
 * an orphaned one, which nobody could continue, the kernel stops nothing.
 */
static void stop_here(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, before;
	sigset_t set, mask;

	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaction(SIGTSTP, &action, &before);
	sigprocmask(SIG_UNBLOCK, &set, &mask);
	kill(0, SIGTSTP);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGTSTP, &before, NULL);
}

void tui_screen_suspend(void)
{
	if (!tui_screen_shown())
		return;
	leave();
	emergency.armed = 0;
	tui.away = true;
	stop_here();
	/* Continued in the background it has nothing to do, unless that was for it to end. */
	for (int i = 0; i < MOST_STOPS && !in_foreground(tui.in) && !tui_signals_ended(); i++)
		stop_here();
	if (!in_foreground(tui.in) && tui_signals_ended())
		return;
	tui.away = false;
	tcgetattr(tui.in, &emergency.modes);
	emergency.armed = 1;
	clearok(curscr, TRUE);
	refresh();
	tui_screen_resized();
}

void tui_screen_redraw(void)
{
	if (!tui_screen_shown())
		return;
	reset_prog_mode();
	clearok(curscr, TRUE);
}

/* --- what it is like --- */

bool tui_screen_shown(void)
{
	return tui.open && !tui.away;
}

/*
 * Curses ignores SIGTSTP while it draws (ncurses 6.4, tty/lib_tstp.c's _nc_signal_handler): one
 * that came then would be lost. It stays pending when it is blocked.
 */
void tui_flush(void)
{
	sigset_t set, mask;

	if (!tui_screen_shown())
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, &mask);
	refresh();
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

WINDOW *tui_screen_input(void)
{
	return tui_screen_shown() ? tui.input : NULL;
}

int tui_key_fd(void)
{
	return tui.open ? tui.in : -1;
}

bool tui_screen_utf8(void)
{
	return tui.utf8;
}

bool tui_screen_resized(void)
{
	struct winsize size;

	/* Pipes of serial lines say 0. */
	if (!tui_screen_shown() || ioctl(tui.out, TIOCGWINSZ, &size) || !size.ws_row ||
	    !size.ws_col)
		return false;
	if (size.ws_row == tui.size.ws_row && size.ws_col == tui.size.ws_col &&
	    size.ws_row == LINES && size.ws_col == COLS)
		return false;

	/* Once for each size, also when there is no memory for it. */
	bool known = size.ws_row == tui.size.ws_row && size.ws_col == tui.size.ws_col;

	tui.size = size;
	if (known || (size.ws_row == LINES && size.ws_col == COLS))
		return false;
	/* Not resizeterm, which makes a key of it as well. */
	resize_term(size.ws_row, size.ws_col);
	erase();
	clearok(curscr, TRUE);
	return true;
}

struct tui_area tui_screen_size(void)
{
	struct tui_area area = { 0 };

	if (tui.open) {
		area.height = LINES;
		area.width = COLS;
	}
	return area;
}
