#include "sink/escape.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

uint32_t spy_utf8_next(const char **text)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)*text;
	unsigned int size, i;
	uint32_t code;

	if (!*byte)
		return 0;
	(*text)++;
	if (*byte < 0x80)
		return *byte;
	if (*byte >= 0xf0 && *byte < 0xf8) {
		size = 3;
		code = *byte & 0x07u;
	} else if (*byte >= 0xe0 && *byte < 0xf0) {
		size = 2;
		code = *byte & 0x0fu;
	} else if (*byte >= 0xc0 && *byte < 0xe0) {
		size = 1;
		code = *byte & 0x1fu;
	} else {
		return SPY_UTF8_BAD + *byte;
	}
	for (i = 1; i <= size; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return SPY_UTF8_BAD + *byte;
		code = code << 6 | (byte[i] & 0x3fu);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return SPY_UTF8_BAD + *byte;
	*text += size;
	return code;
}

/* Ranges of code points, both ends included. */
struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

#define IN(ranges, code) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static bool is_separator(uint32_t code)
{
	return code == 0x2028 || code == 0x2029;
}

/*
 * Characters that show nothing or turn the direction of others. The joiners U+200C and
 * U+200D stay, since identifiers of some scripts and emoji are made with them.
 */
static bool is_deceptive(uint32_t code)
{
	static const struct range ranges[] = {
		{ 0x00ad, 0x00ad }, { 0x034f, 0x034f },	  { 0x061c, 0x061c }, { 0x115f, 0x1160 },
		{ 0x180e, 0x180e }, { 0x200b, 0x200b },	  { 0x200e, 0x200f }, { 0x202a, 0x202e },
		{ 0x2060, 0x206f }, { 0x3164, 0x3164 },	  { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb }, { 0xe0000, 0xe00ff },
	};

	return IN(ranges, code) || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

/* Appends an escape for code when it is a control, a separator or a bad byte. */
static bool put_unprintable(struct spy_buffer *buffer, uint32_t code)
{
	if (code == '\n')
		spy_buffer_puts(buffer, "\\n");
	else if (code == '\t')
		spy_buffer_puts(buffer, "\\t");
	else if (code == '\r')
		spy_buffer_puts(buffer, "\\r");
	else if (code >= SPY_UTF8_BAD)
		spy_buffer_printf(buffer, "\\x%02x", code - SPY_UTF8_BAD);
	else if (is_control(code))
		spy_buffer_printf(buffer, "\\x%02x", code);
	else if (is_separator(code))
		spy_buffer_printf(buffer, "\\u%04x", code);
	else
		return false;
	return true;
}

static void put_visible(struct spy_buffer *buffer, const char *from, const char *to, uint32_t code)
{
	if (put_unprintable(buffer, code))
		return;
	if (is_deceptive(code))
		spy_buffer_printf(buffer, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
	else
		spy_buffer_append(buffer, from, (size_t)(to - from));
}

static size_t count_characters(const char *text)
{
	size_t count = 0;

	while (spy_utf8_next(&text))
		count++;
	return count;
}

void spy_escape_visible(struct spy_buffer *buffer, const char *text, size_t most)
{
	spy_autobuffer struct spy_buffer whole = { 0 };
	const char *at = text, *next = text;
	size_t count, head, i;
	uint32_t code;

	while ((code = spy_utf8_next(&next))) {
		put_visible(&whole, at, next, code);
		at = next;
	}
	if (whole.failed) {
		buffer->failed = true;
		return;
	}
	if (most == SIZE_MAX || whole.size <= most ||
	    (count = count_characters(spy_buffer_text(&whole))) <= most) {
		spy_buffer_puts(buffer, spy_buffer_text(&whole));
		return;
	}
	head = most / 2;
	at = spy_buffer_text(&whole);
	for (i = 0; i < head; i++)
		spy_utf8_next(&at);
	spy_buffer_append(buffer, whole.data, (size_t)(at - whole.data));
	spy_buffer_puts(buffer, "…");
	for (; i < count - (most - head - 1); i++)
		spy_utf8_next(&at);
	spy_buffer_puts(buffer, at);
}

/* 0 for combining marks and joiners, 2 for East Asian wide characters and emoji, else 1. */
static unsigned int columns_of(uint32_t code)
{
	static const struct range marks[] = {
		{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },   { 0x064b, 0x065f },
		{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200c, 0x200d },   { 0x20d0, 0x20ff },
		{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
	};
	static const struct range wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e },	  { 0x3041, 0xa4cf },	{ 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },	  { 0xfe30, 0xfe6f },	{ 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f000, 0x1faff }, { 0x20000, 0x3fffd },
	};

	if (code < 0x300)
		return 1;
	return IN(marks, code) ? 0 : IN(wide, code) ? 2 : 1;
}

size_t spy_text_columns(const char *text)
{
	size_t columns = 0;
	uint32_t code;

	while ((code = spy_utf8_next(&text)))
		columns += columns_of(code);
	return columns;
}

void spy_text_fit(struct spy_buffer *buffer, const char *text, size_t columns)
{
	const char *at = text, *cut = text;
	size_t used = 0;
	uint32_t code;

	while (used <= columns && (code = spy_utf8_next(&at))) {
		used += columns_of(code);
		if (used + 1 <= columns)
			cut = at;
	}
	if (used <= columns) {
		spy_buffer_puts(buffer, text);
		return;
	}
	spy_buffer_append(buffer, text, (size_t)(cut - text));
	if (columns)
		spy_buffer_puts(buffer, "…");
}

void spy_escape_xml(struct spy_buffer *buffer, const char *text)
{
	const char *at = text;
	uint32_t code;

	while ((code = spy_utf8_next(&text))) {
		if (code == '&')
			spy_buffer_puts(buffer, "&amp;");
		else if (code == '<')
			spy_buffer_puts(buffer, "&lt;");
		else if (code == '>')
			spy_buffer_puts(buffer, "&gt;");
		else if (code == '"')
			spy_buffer_puts(buffer, "&quot;");
		else if (code == '\'')
			spy_buffer_puts(buffer, "&#39;");
		else if (code == '\t' || code == '\n' || code == '\r')
			spy_buffer_printf(buffer, "&#%u;", code);
		else if (code < 0x20 || code >= SPY_UTF8_BAD || code == 0xfffe || code == 0xffff)
			spy_buffer_puts(buffer, "\xef\xbf\xbd");
		else
			spy_buffer_append(buffer, at, (size_t)(text - at));
		at = text;
	}
}

void spy_escape_json(struct spy_buffer *buffer, const char *text)
{
	const char *at = text;
	uint32_t code;

	spy_buffer_putc(buffer, '"');
	while ((code = spy_utf8_next(&text))) {
		if (code == '\\')
			spy_buffer_puts(buffer, "\\\\");
		else if (is_control(code) || is_separator(code) || code == '&' || code == '<' ||
			 code == '>' || code == '\'' || code == '"' || code == 0xfffe ||
			 code == 0xffff)
			spy_buffer_printf(buffer, "\\u%04x", code);
		else if (code >= SPY_UTF8_BAD)
			spy_buffer_puts(buffer, "\\ufffd");
		else
			spy_buffer_append(buffer, at, (size_t)(text - at));
		at = text;
	}
	spy_buffer_putc(buffer, '"');
}

void spy_escape_folded(struct spy_buffer *buffer, const char *text)
{
	const char *at = text;
	uint32_t code;

	while ((code = spy_utf8_next(&text))) {
		if (code == ';')
			spy_buffer_putc(buffer, ':');
		else if (!put_unprintable(buffer, code))
			spy_buffer_append(buffer, at, (size_t)(text - at));
		at = text;
	}
}
