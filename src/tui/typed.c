#include "tui/typed.h"

#include <string.h>

#include "tui/screen.h"
#include "tui/text.h"

#define CTRL_U ('U' & 0x1f)

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static bool add(char *text, size_t size, int key)
{
	char bytes[4];
	size_t used = strlen(text), length = tui_text_encode((wchar_t)key, bytes);

	if (used + length >= size)
		return false;
	memcpy(text + used, bytes, length);
	text[used + length] = '\0';
	return true;
}

bool tui_typed_key(char *text, size_t size, int key)
{
	size_t used = strlen(text);

	if (key == TUI_KEY_BACKSPACE && used) {
		while (--used && is_continuation(text[used]))
			;
		text[used] = '\0';
		return true;
	}
	if (key == CTRL_U && used) {
		text[0] = '\0';
		return true;
	}
	/* Keys that are no characters lie beyond Unicode; 0x80 to 0x9f are control characters. */
	return key >= ' ' && key < TUI_KEY_UP && key != TUI_KEY_BACKSPACE &&
	       !(key >= 0x80 && key < 0xa0) && add(text, size, key);
}

int tui_typed_draw(int y, int x, int width, const char *label, const char *text, bool wrong)
{
	int end = x + width;

	tui_put(y, x, width, TUI_TEXT, true, "");
	x += tui_put(y, x, width, TUI_KEY, false, label);
	while (*text && tui_columns(text) >= end - x)
		for (text++; is_continuation(*text); text++)
			;
	x += tui_put(y, x, end - x, wrong ? TUI_BAD : TUI_STRONG, false, text);
	x += tui_put(y, x, end - x, TUI_CURSOR, false, " ");
	return x;
}
