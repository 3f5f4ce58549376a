/* Making hostile text harmless: to look at, inside XML, inside JSON, inside a folded line. */
#ifndef SPY_SINK_ESCAPE_H
#define SPY_SINK_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* What spy_utf8_next gives for a byte that begins no character: this plus the byte. */
#define SPY_UTF8_BAD 0x80000000u

/*
 * The code point at *text, which is moved behind it; 0 at the end. Surrogates, overlong forms
 * and code points over U+10FFFF count as bad bytes, one at a time.
 */
uint32_t spy_utf8_next(const char **text);

/*
 * Appends text as it can be shown to a person: control characters as \n, \t and \x1b,
 * invalid bytes as \xff, and what would hide, break or reorder text (bidirectional controls,
 * line separators, zero-width spaces, tags, non-characters) as \u202e or \U000e0041. A result
 * of more than `most` characters is cut in its middle, where an ellipsis then stands
 * (most >= 3; SIZE_MAX for the whole text). The result is valid UTF-8 without controls.
 */
void spy_escape_visible(struct spy_buffer *buffer, const char *text, size_t most);

/* Columns that visible text takes in a monospaced font: 2 for a wide character, 0 for a mark. */
size_t spy_text_columns(const char *text);

/* Appends text up to `columns` columns; if it is wider, one less and an ellipsis. */
void spy_text_fit(struct spy_buffer *buffer, const char *text, size_t columns);

/*
 * Appends text for XML's or HTML's character data or a quoted attribute: & < > " ' become
 * references, characters that XML forbids become U+FFFD.
 */
void spy_escape_xml(struct spy_buffer *buffer, const char *text);

/*
 * Appends text as a JSON string with its quotes, in which no character has a meaning to an
 * XML, HTML or JavaScript parser: controls and & < > ' " and U+2028/2029 are \u escapes;
 * bytes that are no UTF-8 become U+FFFD.
 */
void spy_escape_json(struct spy_buffer *buffer, const char *text);

/*
 * Appends text for a line of folded stacks: as spy_escape_visible leaves controls and line
 * separators, and `;` becomes `:`. Other text stays as it is.
 */
void spy_escape_folded(struct spy_buffer *buffer, const char *text);

#endif
