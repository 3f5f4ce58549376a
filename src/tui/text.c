#include "tui/text.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What one character of the input becomes: itself, a mark upon the last one, or ASCII. */
struct piece {
	size_t bytes; /* of the input */
	wchar_t character;
	int width;	/* of the character; 0: a mark */
	char ascii[12]; /* not empty: in its place */
};

/*
 * Characters that have no picture of their own but change how others are shown: separators of
 * lines, marks and overrides of the direction of writing, joiners, selectors of variants, tags,
 * annotations (Unicode 15: general categories Zl, Zp and Cf, and the variation selectors).
 */
static bool is_invisible(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x0600, 0x0605 },
		{ 0x061c, 0x061c },   { 0x06dd, 0x06dd },   { 0x070f, 0x070f },
		{ 0x0890, 0x0891 },   { 0x08e2, 0x08e2 },   { 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200f },
		{ 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb },   { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
		{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe0fff },
	};
	size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code > ranges[middle].last)
			low = middle + 1;
		else if (code < ranges[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

/* Length of the well-formed UTF-8 character (RFC 3629) at text, which a NUL ends; 0: none. */
static size_t decode(const unsigned char *text, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	*code = text[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3fu);
	}
	if (*code < smallest[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return length;
}

/* The piece at text, which is not at its end. */
static void next_piece(const char *text, bool utf8, struct piece *piece)
{
	const unsigned char *byte = (const unsigned char *)text;
	uint32_t code;

	piece->bytes = 1;
	piece->width = 1;
	piece->ascii[0] = '\0';
	piece->character = (wchar_t)byte[0];
	if (byte[0] >= 0x20 && byte[0] < 0x7f)
		return;
	if (byte[0] < 0x80) {
		snprintf(piece->ascii, sizeof(piece->ascii), "^%c", byte[0] ^ 0x40);
		return;
	}
	piece->bytes = decode(byte, &code);
	if (!piece->bytes) {
		piece->bytes = 1;
		snprintf(piece->ascii, sizeof(piece->ascii), "\\x%02x", byte[0]);
		return;
	}
	piece->character = (wchar_t)code;
	if (code >= 0xa0 && !is_invisible(code)) {
		piece->width = utf8 ? wcwidth(piece->character) : -1;
		if (piece->width >= 0 && piece->width <= 2)
			return;
		if (!utf8) {
			snprintf(piece->ascii, sizeof(piece->ascii), "?");
			return;
		}
	}
	snprintf(piece->ascii, sizeof(piece->ascii), code > 0xffff ? "\\U%08x" : "\\u%04x", code);
}

static void add_mark(struct tui_glyph *glyph, wchar_t mark)
{
	size_t length = wcslen(glyph->text);

	if (length > TUI_GLYPH_MARKS)
		return;
	glyph->text[length] = mark;
	glyph->text[length + 1] = 0;
}

static struct tui_glyph *add_glyph(struct tui_glyph *glyph, wchar_t character, int width)
{
	glyph->text[0] = character;
	glyph->text[1] = 0;
	glyph->width = width;
	return glyph + 1;
}

/* Adds a piece; NULL when it does not fit. Marks without a character get a dotted circle. */
static struct tui_glyph *add_piece(struct tui_glyph *at, const struct piece *piece, bool first,
				   int width, int *columns)
{
	const char *ascii = piece->ascii;
	int wanted = piece->width;

	if (!*ascii && !wanted && !first) {
		add_mark(at - 1, piece->character);
		return at;
	}
	if (!*ascii) {
		wanted = wanted ? wanted : 1;
		if (wanted > width - *columns)
			return NULL;
		at = add_glyph(at, piece->width ? piece->character : L'\u25cc', wanted);
		if (!piece->width)
			add_mark(at - 1, piece->character);
		*columns += wanted;
		return at;
	}
	/* Cut in its midst as well. */
	for (; *ascii && *columns < width; ascii++, ++*columns)
		at = add_glyph(at, (wchar_t)*ascii, 1);
	return *ascii ? NULL : at;
}

size_t tui_text_glyphs(const char *text, int width, bool utf8, struct tui_glyph *glyphs,
		       int *columns)
{
	struct tui_glyph *at = glyphs;
	struct piece piece;

	*columns = 0;
	if (width <= 0)
		return 0;
	while (*text) {
		struct tui_glyph *next;

		next_piece(text, utf8, &piece);
		next = add_piece(at, &piece, at == glyphs, width, columns);
		if (!next)
			break;
		at = next;
		text += piece.bytes;
	}
	if (!*text)
		return (size_t)(at - glyphs);
	/* What of the last piece was added is counted in columns, each of its glyphs being one. */
	int kept = 0;

	for (const struct tui_glyph *glyph = glyphs; glyph < at; glyph++)
		kept += glyph->width;
	at += *columns - kept;
	while (*columns > width - 1)
		*columns -= (--at)->width;
	at = add_glyph(at, utf8 ? L'\u2026' : L'~', 1);
	++*columns;
	return (size_t)(at - glyphs);
}

/* Columns that a piece takes after others have taken so many. */
static int piece_columns(const struct piece *piece, int before)
{
	if (piece->ascii[0])
		return (int)strlen(piece->ascii);
	return piece->width || before ? piece->width : 1;
}

int tui_text_columns(const char *text, size_t size, bool utf8)
{
	int columns = 0;
	struct piece piece;

	for (size_t at = 0; at < size && text[at] && columns < INT_MAX / 2; at += piece.bytes) {
		next_piece(text + at, utf8, &piece);
		columns += piece_columns(&piece, columns);
	}
	return columns;
}

const char *tui_text_skip(const char *text, int columns, bool utf8, int *blanks)
{
	int skipped = 0;
	struct piece piece;

	*blanks = 0;
	while (*text) {
		next_piece(text, utf8, &piece);
		int wanted = piece_columns(&piece, skipped);

		/* Marks go with the character before them. */
		if (skipped >= columns && (wanted || !skipped))
			break;
		skipped += wanted;
		text += piece.bytes;
	}
	if (columns > 0 && skipped > columns)
		*blanks = skipped - columns;
	return text;
}

size_t tui_text_encode(wchar_t character, char *bytes)
{
	uint32_t code = (uint32_t)character;

	if (code < 0x80) {
		bytes[0] = (char)code;
		return 1;
	}
	size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; code >>= 6)
		bytes[i] = (char)(0x80 | (code & 0x3f));
	bytes[0] = (char)(0xf00u >> length | code);
	return length;
}
