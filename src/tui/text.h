/*
 * Any bytes as columns of a terminal: what cannot be shown, or would do something, is replaced by
 * what can. Pure functions; width is as wcwidth(3) has it, so utf8 wants a UTF-8 LC_CTYPE.
 */
#ifndef TUI_TEXT_H
#define TUI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* A character and the combining ones upon it; further ones are left out. */
#define TUI_GLYPH_MARKS 3

struct tui_glyph {
	wchar_t text[1 + TUI_GLYPH_MARKS + 1]; /* ends with 0 */
	int width;			       /* 1 or 2 columns */
};

/*
 * Fills glyphs (room for width of them) with text as tui_put shows it, in at most width columns,
 * and returns how many. What is longer ends with … (~ without utf8). *columns gets the columns
 * used.
 */
size_t tui_text_glyphs(const char *text, int width, bool utf8, struct tui_glyph *glyphs,
		       int *columns);

/* The columns of the characters that begin in the first size bytes of text, without a limit. */
int tui_text_columns(const char *text, size_t size, bool utf8);

/*
 * Where text goes on after its first columns. A character that lies across that place is left out;
 * *blanks is what it takes beyond.
 */
const char *tui_text_skip(const char *text, int columns, bool utf8, int *blanks);

/* Writes a character as UTF-8 (up to 4 bytes, no NUL) and returns its bytes. */
size_t tui_text_encode(wchar_t character, char *bytes);

#endif
