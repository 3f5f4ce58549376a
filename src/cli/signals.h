/* Signals that end or flush a recording. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/*
 * From now on the first SIGINT, SIGTERM or SIGHUP is only noted and the second ends the
 * program at once, as that signal does by default; SIGUSR1 is noted. Those that were
 * ignored at start-up stay so. None of them restarts system calls.
 */
void cli_signals_catch(void);

/* The signal that asked for an end, or 0. */
int cli_signals_ended(void);

/* As if signal had come; 0 is none. */
void cli_signals_note(int signal);

/* Whether SIGUSR1 came since the last call. */
bool cli_signals_flush(void);

/*
 * Something to be undone when a second signal ends the program: removes the file called name
 * in the directory open as fd. NULL when there is nothing any more. name is copied.
 */
void cli_signals_undo(int fd, const char *name);

/* Whether a progress line stands on the terminal, to be cleared by a second signal. */
void cli_signals_progress(bool shown);

#endif
