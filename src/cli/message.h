/* What the program says: errors and notes on standard error, and text made safe to print. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit statuses. A launched program's own status takes the place of CLI_OK. */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_ALARMED = 3, /* an alarm has ended it */
};

/* One line "pyspyc: …" on standard error, made safe to print. Returns CLI_FAILED. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The same for wrong arguments, with a hint at `pyspyc COMMAND --help` (the program's own when
 * command is NULL). Returns CLI_USAGE.
 */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line "pyspyc: …" on standard error that is no error. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Prints text with everything that would act on a terminal or forge a line (control
 * characters, line separators, marks that change the writing direction) as \n, \x1b or
 * \u202e, and bytes that are not UTF-8 as \xff.
 */
void cli_put_safe(FILE *file, const char *text);

/*
 * Standard output by way of memory, so that the reason why it could not be written is known
 * whatever the size.
 */
struct cli_out {
	FILE *file; /* to print to; NULL when memory ran out */
	char *text;
	size_t size;
	int errnum; /* of the first write that failed */
};

void cli_out_open(struct cli_out *out);

/* Writes what was printed so far; nothing any more once that failed. */
void cli_out_flush(struct cli_out *out);

/*
 * Writes the rest. Returns status, or says why not all could be written and returns CLI_FAILED:
 * without a word where nobody reads any more (`… | head`).
 */
int cli_out_close(struct cli_out *out, int status);

/* Whether file is a terminal on which colours are wanted (NO_COLOR, TERM). */
bool cli_wants_colour(FILE *file);

/* The terminal's width in columns; fallback where file is none. */
int cli_width(FILE *file, int fallback);

#endif
