/* What the files that know of curses share: screen.c, colours.c, put.c and keys.c. */
#ifndef TUI_SCREEN_PARTS_H
#define TUI_SCREEN_PARTS_H

#include <curses.h>

#include "tui/screen.h"

/* Between open and close, and not while suspended. */
bool tui_screen_shown(void);

/*
 * Follows the terminal's size; true when it has changed since the last time. All that was drawn
 * is gone then.
 */
bool tui_screen_resized(void);

/* The window that keys are read from; it draws nothing. NULL when there is no screen. */
WINDOW *tui_screen_input(void);

/* Sets up the roles for as many colours as the terminal has. After newterm. */
void tui_colours_open(void);
void tui_colours_look(enum tui_role role, attr_t *attributes, int *pair);

void tui_keys_open(void);

#endif
