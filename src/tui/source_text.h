/* A source file's bytes as lines to show. Pure functions. */
#ifndef TUI_SOURCE_TEXT_H
#define TUI_SOURCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line that are kept. */
#define TUI_SOURCE_LINE 1000

/* Zero-initialise. */
struct tui_source_text {
	char *text;    /* all lines, each with a NUL at its end */
	size_t *lines; /* where each begins in text */
	size_t count;
};

enum tui_source_kind {
	TUI_SOURCE_TEXT,
	TUI_SOURCE_BINARY, /* it has a NUL: no Python source has; no lines then */
	TUI_SOURCE_MEMORY, /* there was no memory for it; no lines then */
};

/*
 * Lines as Python counts them, ended by LF, CR LF or CR, with tabs as blanks up to the next
 * eighth column, without a byte order mark.
 */
enum tui_source_kind tui_source_text_parse(struct tui_source_text *text, const char *bytes,
					   size_t size);

void tui_source_text_free(struct tui_source_text *text);

/* A line, numbered from 0. */
static inline const char *tui_source_text_line(const struct tui_source_text *text, size_t line)
{
	return text->text + text->lines[line];
}

/*
 * Whether a function called name may well begin at line (from 1): the line has its name, or a
 * decorator, and its name follows. True for names such as <lambda> or <module>, of which nothing
 * is known. Code objects count lines from the first decorator (co_firstlineno, CPython's
 * Python/compile.c).
 */
bool tui_source_text_has(const struct tui_source_text *text, const char *name, int line);

#endif
