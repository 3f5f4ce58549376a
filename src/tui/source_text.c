#include "tui/source_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TAB 8

/* One more line that begins where text ends now. */
static bool begin_line(struct tui_source_text *text, size_t *capacity, size_t at)
{
	if (text->count == *capacity) {
		size_t larger = *capacity ? 2 * *capacity : 256;
		size_t *lines = realloc(text->lines, larger * sizeof(*lines));

		if (!lines)
			return false;
		text->lines = lines;
		*capacity = larger;
	}
	text->lines[text->count++] = at;
	return true;
}

/* The end of the line that begins at from: the place of its CR or LF, or size. */
static size_t line_end(const char *bytes, size_t size, size_t from)
{
	while (from < size && bytes[from] != '\n' && bytes[from] != '\r')
		from++;
	return from;
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Writes a line with its NUL to target, TUI_SOURCE_LINE + TAB + 1 bytes; returns its size. */
static size_t expand(char *target, const char *bytes, size_t size)
{
	size_t length = 0, column = 0, i;

	for (i = 0; i < size && length < TUI_SOURCE_LINE; i++) {
		if (bytes[i] != '\t') {
			column += !is_continuation(bytes[i]);
			target[length++] = bytes[i];
			continue;
		}
		do
			target[length++] = ' ';
		while (++column % TAB);
	}
	/* A character is kept whole or not at all. */
	if (i < size && is_continuation(bytes[i])) {
		while (length && is_continuation(target[length - 1]))
			length--;
		length -= length > 0;
	}
	target[length++] = 0;
	return length;
}

enum tui_source_kind tui_source_text_parse(struct tui_source_text *text, const char *bytes,
					   size_t size)
{
	size_t lines = 0, room = 0, used = 0, from = 0;

	*text = (struct tui_source_text){ 0 };
	if (memchr(bytes, 0, size))
		return TUI_SOURCE_BINARY;
	if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		from = 3;
	while (from < size) {
		size_t end = line_end(bytes, size, from);

		if (room - used < TUI_SOURCE_LINE + TAB + 1) {
			char *larger;

			room = 2 * room + size + TUI_SOURCE_LINE + TAB + 1;
			larger = realloc(text->text, room);
			if (!larger)
				goto no_memory;
			text->text = larger;
		}
		if (!begin_line(text, &lines, used))
			goto no_memory;
		used += expand(text->text + used, bytes + from, end - from);
		from = end + 1;
		if (end + 1 < size && bytes[end] == '\r' && bytes[end + 1] == '\n')
			from++;
	}
	return TUI_SOURCE_TEXT;
no_memory:
	tui_source_text_free(text);
	return TUI_SOURCE_MEMORY;
}

void tui_source_text_free(struct tui_source_text *text)
{
	free(text->text);
	free(text->lines);
	*text = (struct tui_source_text){ 0 };
}

static bool is_word(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at++)
		if ((at == line || !is_word(at[-1])) && !is_word(at[length]))
			return true;
	return false;
}

/* Lines that decorators take at most. */
#define MOST_DECORATED 60

static bool is_decorator(const char *line)
{
	return line[strspn(line, " \f")] == '@';
}

bool tui_source_text_has(const struct tui_source_text *text, const char *name, int line)
{
	const char *dot = strrchr(name, '.');
	size_t first = line > 0 ? (size_t)line - 1 : 0, most = 1;

	if (dot)
		name = dot + 1;
	if (line <= 0 || !name[0] || strchr(name, '<'))
		return true;
	if (first < text->count && is_decorator(tui_source_text_line(text, first)))
		most = MOST_DECORATED;
	for (size_t i = first; i < text->count && i < first + most; i++)
		if (has_word(tui_source_text_line(text, i), name))
			return true;
	return false;
}
