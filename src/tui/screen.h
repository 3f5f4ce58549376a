/*
 * The terminal: colours by role, text by columns. Of curses know only the files that include
 * screen_parts.h; all others draw through this.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyspyc/error.h"

/* What a piece of text is; screen.c says how each looks with so many colours, or none. */
enum tui_role {
	TUI_TEXT,
	TUI_DIM,
	TUI_STRONG,
	TUI_TITLE,   /* the header's labels */
	TUI_HEADING, /* of a table's columns */
	TUI_SORTED,  /* the heading by which it is sorted */
	TUI_CURSOR,  /* the row under the cursor, all of it */
	TUI_TAB,     /* a view's name */
	TUI_TAB_ON,  /* of the one that is shown */
	TUI_KEY,     /* in the bottom line */
	TUI_HINT,    /* what a key does */
	TUI_HOT,     /* 25 % and more */
	TUI_WARM,    /* 5 % and more */
	TUI_COOL,    /* less */
	TUI_GOOD,
	TUI_BAD,
	TUI_MATCH, /* what was searched for */
	TUI_OWN,   /* names by origin */
	TUI_STDLIB,
	TUI_THIRD,
	TUI_PLOT,
	TUI_PLOT_2,
	TUI_PLOT_3,
	TUI_ROLES,
};

struct tui_area {
	int y, x, height, width;
};

/* Takes over the terminal. -PYSPYC_EIO when there is none, or TERM is not known. */
int tui_screen_open(struct pyspyc_error *err);

/* Gives it back as it was. May be called twice. */
void tui_screen_close(void);

/*
 * Gives it back, stops the process group as Ctrl-Z does, and takes it again once that goes on. All
 * has to be drawn anew. Where it goes on in the background, and only to end, the terminal stays the
 * other's: nothing is drawn or read any more.
 */
void tui_screen_suspend(void);

/* Sets its modes again, and draws all anew at the next flush: for Ctrl-L and SIGCONT. */
void tui_screen_redraw(void);

/*
 * Gives it back in a handler of a signal that ends the process: writes and sets modes, nothing
 * else. Without a screen, and the second time, it does nothing.
 */
void tui_screen_emergency(void);

struct tui_area tui_screen_size(void);

/* Whether characters beyond ASCII can be shown. */
bool tui_screen_utf8(void);

void tui_clear(struct tui_area area);

/*
 * Puts text (UTF-8) at row y, column x, of at most width columns: what is longer is cut, with …
 * (or ~) as its last column; what is shorter is padded with blanks when pad. Control characters
 * are shown as ^X, \xNN or \uNNNN, bytes that are no UTF-8 as \xNN, characters that the terminal
 * cannot show as ?. Wide and combining characters take the columns they take. Returns the columns
 * used. Outside of the screen nothing is drawn.
 */
int tui_put(int y, int x, int width, enum tui_role role, bool pad, const char *text);
int tui_putf(int y, int x, int width, enum tui_role role, bool pad, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* The columns that tui_put would use for text without a limit. */
int tui_columns(const char *text);

/* Gives the cells of a row another role, their text kept. */
void tui_paint(int y, int x, int width, enum tui_role role);

/*
 * One row of bars, one column each, from values (newest last, at most width of them are shown,
 * at the right end), each 0 to most: eighths of a block, or . : | # where there is no UTF-8.
 */
void tui_sparkline(int y, int x, int width, enum tui_role role, const double *values, size_t count,
		   double most);

/* A horizontal bar of share (0 to 1) of width columns. */
void tui_bar(int y, int x, int width, enum tui_role role, double share);

/*
 * Several series over the same times as a plot of lines (braille dots with UTF-8, else one
 * character per series, of *+ox=): values[s][i], at times[i], rising. NAN leaves a gap.
 */
void tui_plot(struct tui_area area, const double *times, size_t count, const double *const *values,
	      const enum tui_role *roles, size_t series, double most);

/* Shows what has been drawn since. */
void tui_flush(void);

/* --- keys --- */

/* Characters are themselves; others as here. */
enum tui_key {
	TUI_KEY_NONE = 0,
	TUI_KEY_ENTER = '\n',
	TUI_KEY_ESCAPE = 27,
	TUI_KEY_TAB = '\t',
	TUI_KEY_BACKSPACE = 127,
	TUI_KEY_UP = 0x110000, /* beyond Unicode */
	TUI_KEY_DOWN,
	TUI_KEY_LEFT,
	TUI_KEY_RIGHT,
	TUI_KEY_PAGE_UP,
	TUI_KEY_PAGE_DOWN,
	TUI_KEY_HOME,
	TUI_KEY_END,
	TUI_KEY_DELETE,
	TUI_KEY_BACKTAB,
	TUI_KEY_MOUSE,	/* a click or the wheel: see tui_mouse */
	TUI_KEY_RESIZE, /* the screen is empty now, and has another size */
	TUI_KEY_HANGUP, /* the terminal is gone */
	TUI_KEY_F1,	/* F1 to F12 follow each other */
};

struct tui_mouse {
	int y, x;
	bool click, twice; /* the left button */
	int wheel;	   /* -1 up, 1 down */
};

/* The next key that has been pressed, without waiting: TUI_KEY_NONE when there is none. */
int tui_key_read(struct tui_mouse *mouse);

/* The file descriptor that keys come from. */
int tui_key_fd(void);

#endif
