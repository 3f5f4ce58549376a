#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/screen_parts.h"
#include "tui/text.h"

/* Columns that one call draws at most; wider screens are rare. */
#define MOST_COLUMNS 1024

/* Cuts a row of cells to the screen; false when none of it is on it. */
static bool clip(int y, int *x, int *width)
{
	if (!tui_screen_shown() || y < 0 || y >= LINES || *x >= COLS || *width <= 0)
		return false;
	if (*x < 0) {
		if (*width <= -*x)
			return false;
		*width += *x;
		*x = 0;
	}
	if (*width > COLS - *x)
		*width = COLS - *x;
	if (*width > MOST_COLUMNS)
		*width = MOST_COLUMNS;
	return true;
}

static void set_blank(cchar_t *cell, enum tui_role role)
{
	attr_t attributes;
	int pair;

	tui_colours_look(role, &attributes, &pair);
	setcchar(cell, L" ", attributes, 0, &pair);
}

static void put_blanks(int y, int x, int width, enum tui_role role)
{
	cchar_t blank;

	set_blank(&blank, role);
	mvhline_set(y, x, &blank, width);
}

void tui_clear(struct tui_area area)
{
	for (int row = 0; row < area.height && area.y + row < LINES; row++) {
		int x = area.x, width = area.width;

		if (clip(area.y + row, &x, &width))
			put_blanks(area.y + row, x, width, TUI_TEXT);
	}
}

int tui_put(int y, int x, int width, enum tui_role role, bool pad, const char *text)
{
	struct tui_glyph glyphs[MOST_COLUMNS];
	cchar_t cells[MOST_COLUMNS + 1];
	attr_t attributes;
	int pair, columns;
	size_t count;

	if (!clip(y, &x, &width))
		return 0;
	count = tui_text_glyphs(text ? text : "", width, tui_screen_utf8(), glyphs, &columns);
	tui_colours_look(role, &attributes, &pair);
	for (size_t i = 0; i < count; i++)
		setcchar(&cells[i], glyphs[i].text, attributes, 0, &pair);
	if (count)
		mvadd_wchnstr(y, x, cells, (int)count);
	if (pad && columns < width) {
		put_blanks(y, x + columns, width - columns, role);
		columns = width;
	}
	return columns;
}

int tui_putf(int y, int x, int width, enum tui_role role, bool pad, const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return tui_put(y, x, width, role, pad, text);
}

int tui_columns(const char *text)
{
	return tui_text_columns(text, SIZE_MAX, tui_screen_utf8());
}

void tui_paint(int y, int x, int width, enum tui_role role)
{
	attr_t attributes;
	int pair;

	if (!clip(y, &x, &width))
		return;
	tui_colours_look(role, &attributes, &pair);
	mvchgat(y, x, width, attributes, (short)pair, NULL);
}
