/* A line that the user types, such as a filter. */
#ifndef TUI_TYPED_H
#define TUI_TYPED_H

#include <stdbool.h>
#include <stddef.h>

/* A key while text (size bytes with its NUL) is being typed; true when that changed it. */
bool tui_typed_key(char *text, size_t size, int key);

/*
 * Draws label, text (its end, when not all of it fits) and a cursor into a row; wrong: what has
 * been typed is not yet what it should be. Returns the column behind them.
 */
int tui_typed_draw(int y, int x, int width, const char *label, const char *text, bool wrong);

#endif
