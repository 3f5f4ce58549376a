/* Signals while the screen is open. */
#ifndef TUI_SIGNALS_H
#define TUI_SIGNALS_H

#include <stdbool.h>

/*
 * From now on SIGINT, SIGTERM, SIGHUP and SIGTSTP are noted (those that were ignored stay so); a
 * second one of the first three, and signals of a crash, give the terminal back before they do
 * what they did before.
 */
void tui_signals_begin(void);
void tui_signals_end(void);

/* The signal that asked for an end, or 0. */
int tui_signals_ended(void);

/* Whether SIGTSTP, or SIGCONT, came since the last call. */
bool tui_signals_stop(void);
bool tui_signals_continued(void);

#endif
