/* Whatever bytes a target's names are made of, what goes to the terminal is harmless and fits. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/match.h"
#include "tui/text.h"

#define MOST 80

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* Not C0, DEL or C1, no separator of lines, and nothing that turns the direction of writing. */
static int harmless(wchar_t code)
{
	return code >= 0x20 && (code < 0x7f || code >= 0xa0) && code <= 0x10ffff &&
	       !(code >= 0xd800 && code <= 0xdfff) && !(code >= 0x200b && code <= 0x200f) &&
	       !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) &&
	       code != 0x61c && code != 0xfeff;
}

static void check_glyphs(const char *text, int width, int utf8)
{
	/* An exact place on the heap, so that the sanitizer sees a write past its end. */
	struct tui_glyph *glyphs = malloc((size_t)width * sizeof(*glyphs) + 1);
	int columns, sum = 0, whole = tui_text_columns(text, SIZE_MAX, utf8);
	size_t count;

	require(glyphs != NULL);
	count = tui_text_glyphs(text, width, utf8, glyphs, &columns);
	require(count <= (size_t)width && columns <= width);
	require(whole > width || columns == whole);
	for (size_t i = 0; i < count; i++) {
		const wchar_t *at = glyphs[i].text;

		require(at[0] && wcsnlen(at, TUI_GLYPH_MARKS + 2) <= TUI_GLYPH_MARKS + 1);
		require(wcwidth(at[0]) == glyphs[i].width);
		for (size_t j = 0; at[j]; j++) {
			require(harmless(at[j]) && (utf8 || at[j] < 0x7f));
			require(!j || wcwidth(at[j]) == 0);
		}
		sum += glyphs[i].width;
	}
	require(sum == columns);
	free(glyphs);
}

static void check_skip(const char *text, int columns, int utf8)
{
	int blanks = -1;
	size_t size = strlen(text);
	const char *rest = tui_text_skip(text, columns, utf8, &blanks);

	require(rest >= text && rest <= text + size && blanks >= 0 && blanks < 10);
	if (*rest && columns)
		require(tui_text_columns(text, (size_t)(rest - text), utf8) == columns + blanks);
}

static void check_matches(const char *text)
{
	static const char *const patterns[] = { "a", "[^x]", "b*c", "(\xc3\xa9|\\.)+" };

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct tui_match match = { 0 };
		size_t begin = 0, end = 0;

		require(!tui_match_set(&match, patterns[i]));
		if (tui_match_find(&match, text, false, &begin, &end))
			require(begin <= end && end <= strlen(text));
		tui_match_free(&match);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	require(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	int width = size ? data[0] % (MOST + 1) : 0;

	require(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (int utf8 = 0; utf8 < 2; utf8++) {
		check_glyphs(text, width, utf8);
		check_glyphs(text, MOST, utf8);
		check_skip(text, width, utf8);
	}
	check_matches(text);
	free(text);
	return 0;
}
