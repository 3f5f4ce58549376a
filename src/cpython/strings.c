#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cpython/head.h"

/* Longer type names are cut. */
#define TYPE_NAME_LIMIT 256

#define UNICODE_MAX 0x10ffff

/* A string's characters: where they are and how wide. */
struct text {
	uint64_t address;
	uint64_t length; /* in characters */
	unsigned width;	 /* in bytes: 1, 2 or 4 */
	bool pairs;	 /* width 2 is UTF-16 rather than UCS-2 */
};

static uint32_t char_at(const uint8_t *bytes, unsigned width, size_t index)
{
	uint16_t half;
	uint32_t whole;

	if (width == 1)
		return bytes[index];
	if (width == 2) {
		memcpy(&half, bytes + index * 2, sizeof(half));
		return half;
	}
	memcpy(&whole, bytes + index * 4, sizeof(whole));
	return whole;
}

static void append_char(struct spy_buffer *ret, uint32_t c)
{
	if (c == 0) {
		spy_buffer_puts(ret, "\\x00");
	} else if (c < 0x80) {
		spy_buffer_putc(ret, (char)c);
	} else if (c < 0x800) {
		spy_buffer_putc(ret, (char)(0xc0 | c >> 6));
		spy_buffer_putc(ret, (char)(0x80 | (c & 0x3f)));
	} else if (c >= 0xd800 && c <= 0xdfff) {
		spy_buffer_printf(ret, "\\u%04x", c);
	} else if (c < 0x10000) {
		spy_buffer_putc(ret, (char)(0xe0 | c >> 12));
		spy_buffer_putc(ret, (char)(0x80 | (c >> 6 & 0x3f)));
		spy_buffer_putc(ret, (char)(0x80 | (c & 0x3f)));
	} else {
		spy_buffer_putc(ret, (char)(0xf0 | c >> 18));
		spy_buffer_putc(ret, (char)(0x80 | (c >> 12 & 0x3f)));
		spy_buffer_putc(ret, (char)(0x80 | (c >> 6 & 0x3f)));
		spy_buffer_putc(ret, (char)(0x80 | (c & 0x3f)));
	}
}

/* Appends count characters; false when one of them is none of Unicode's. */
static bool append_chars(struct spy_buffer *ret, const uint8_t *bytes, const struct text *text,
			 size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		uint32_t c = char_at(bytes, text->width, i), low;

		if (text->pairs && c >= 0xd800 && c <= 0xdbff && i + 1 < count) {
			low = char_at(bytes, text->width, i + 1);
			if (low >= 0xdc00 && low <= 0xdfff) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			}
		}
		if (c > UNICODE_MAX)
			return false;
		append_char(ret, c);
	}
	return true;
}

/*
 * The bytes of a string: in the head when they are all there, else read into *storage, which
 * the caller frees. NULL with *result set when that failed.
 */
static const uint8_t *contents(const struct spy_heap *heap, const struct spy_head *head,
			       uint64_t address, size_t size, uint8_t **storage, int *result,
			       struct pyspyc_error *err)
{
	uint64_t offset = address - head->address;

	*result = 0;
	if (!size)
		return head->bytes;
	if (offset <= head->size && size <= head->size - offset)
		return head->bytes + offset;
	*storage = malloc(size);
	if (!*storage) {
		*result = spy_nomem(err);
		return NULL;
	}
	*result = spy_memory_read(heap->memory, address, *storage, size, err);
	return *result < 0 ? NULL : *storage;
}

static int append_text(const struct spy_heap *heap, const struct spy_head *head,
		       const struct text *text, struct spy_buffer *ret, struct pyspyc_error *err)
{
	size_t count = text->length > SPY_STRING_LIMIT ? SPY_STRING_LIMIT : (size_t)text->length;
	size_t before = ret->size;
	spy_autofree uint8_t *storage = NULL;
	const uint8_t *bytes;
	int result;

	bytes = contents(heap, head, text->address, count * text->width, &storage, &result, err);
	if (!bytes)
		return result;
	if (!append_chars(ret, bytes, text, count)) {
		ret->size = before;
		if (ret->data)
			ret->data[before] = '\0';
		return spy_corrupt(err, "str", head->address);
	}
	if (text->length > count)
		spy_buffer_puts(ret, "…");
	return ret->failed ? spy_nomem(err) : 0;
}

/* As many characters are looked at to tell how wide they are. */
#define PROBE 64

/*
 * True when the characters of a unicode object of 2.7 are four bytes wide, which is a choice
 * of the build that nothing near the object tells. Four bytes have a zero half for nearly
 * every character; two have none before the NUL that ends the string. Where a string has
 * NULs itself, what is no character tells.
 */
static bool is_wide(const struct spy_heap *heap, uint64_t address, uint64_t length)
{
	size_t count = length < PROBE ? (size_t)length : PROBE, i;
	uint16_t halves[PROBE], end;
	uint32_t wholes[PROBE];
	struct spy_range ranges[] = {
		{ address, halves, count * sizeof(*halves) },
		{ address + length * sizeof(end), &end, sizeof(end) },
	};

	if (spy_memory_readv(heap->memory, ranges, 2, NULL) < 0)
		return false;
	for (i = 0; i < count && halves[i]; i++)
		;
	if (i == count && !end)
		return false;
	if (spy_memory_read(heap->memory, address, wholes, count * sizeof(*wholes), NULL) < 0)
		return false;
	for (i = 0; i < count && wholes[i] <= UNICODE_MAX; i++)
		;
	return i == count;
}

/* PyUnicodeObject of 2.7 (Include/unicodeobject.h): length, a pointer to the characters. */
static int find_text_27(const struct spy_heap *heap, const struct spy_head *head, struct text *ret,
			struct pyspyc_error *err)
{
	ret->length = spy_head_word(head, heap->layout->unicode_length);
	ret->address = spy_head_word(head, heap->layout->unicode_str);
	if (ret->length > INT64_MAX / 4 || !ret->address)
		return spy_corrupt(err, "unicode", head->address);
	ret->width = is_wide(heap, ret->address, ret->length) ? 4 : 2;
	ret->pairs = ret->width == 2;
	return 0;
}

/*
 * The state bit-field of a str (Include/cpython/unicodeobject.h): interned, then kind (3
 * bits), compact, ascii. Interned takes 2 bits, and a byte in free-threaded builds from 3.14.
 */
static unsigned state_shift(const struct spy_version *version)
{
	return version->free_threaded && spy_version_minor(version) >= 0x030e ? 8 : 2;
}

/*
 * PEP 393's forms. The data of one that is not compact, such as an instance of a subclass,
 * is behind a pointer that follows the PyCompactUnicodeObject; one that is not ready (kind
 * 0, up to 3.11) has wchar_t's only: wstr ends PyASCIIObject, and wstr_length ends
 * PyCompactUnicodeObject.
 */
static int find_text(const struct spy_heap *heap, const struct spy_head *head, struct text *ret,
		     struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	uint32_t state = (uint32_t)spy_head_int(head, layout->unicode_state) >>
			 state_shift(&heap->version);
	bool compact = state & 8, ascii = state & 16;

	ret->length = spy_head_word(head, layout->unicode_length);
	ret->width = state & 7;
	ret->pairs = false;
	if (compact)
		ret->address = head->address +
			       (ascii ? layout->unicode_ascii_data : layout->unicode_compact_data);
	else
		ret->address = spy_head_word(head, layout->unicode_compact_data);
	if (ret->width == 0 && !compact && spy_version_minor(&heap->version) < 0x030c) {
		ret->width = sizeof(wchar_t);
		ret->address = spy_head_word(head, (size_t)layout->unicode_ascii_data - 8);
		ret->length = spy_head_word(head, (size_t)layout->unicode_compact_data - 8);
	}
	if ((ret->width != 1 && ret->width != 2 && ret->width != 4) || (ascii && ret->width != 1) ||
	    ret->length > INT64_MAX / 4 || !ret->address)
		return spy_corrupt(err, "str", head->address);
	return 0;
}

/* Bytes as text, of which at most SPY_STRING_LIMIT are shown. */
static int append_bytes(const struct spy_heap *heap, const struct spy_head *head,
			struct spy_buffer *ret, struct pyspyc_error *err)
{
	uint64_t length = spy_head_word(head, heap->layout->var_size);
	size_t count = length > SPY_STRING_LIMIT ? SPY_STRING_LIMIT : (size_t)length;
	spy_autofree uint8_t *storage = NULL;
	const uint8_t *bytes;
	int result;

	if (length > INT64_MAX)
		return spy_corrupt(err, "str", head->address);
	bytes = contents(heap, head, head->address + heap->layout->bytes_data, count, &storage,
			 &result, err);
	if (!bytes)
		return result;
	spy_utf8_append(ret, (const char *)bytes, count);
	if (length > count)
		spy_buffer_puts(ret, "…");
	return ret->failed ? spy_nomem(err) : 0;
}

int spy_string_read(const struct spy_heap *heap, uint64_t object, struct spy_buffer *ret,
		    struct pyspyc_error *err)
{
	bool old = heap->version.major < 3;
	uint64_t wanted = SPY_TYPE_UNICODE | (old ? SPY_TYPE_BYTES : 0), flags;
	struct spy_head head;
	struct text text = { 0 };
	int result;

	result = spy_object_read(heap, object, wanted, "str", &head, &flags, err);
	if (result < 0)
		return result;
	if (old && flags & SPY_TYPE_BYTES)
		return append_bytes(heap, &head, ret, err);
	result = old ? find_text_27(heap, &head, &text, err) : find_text(heap, &head, &text, err);
	return result < 0 ? result : append_text(heap, &head, &text, ret, err);
}

int spy_bytes_read(const struct spy_heap *heap, uint64_t object, size_t limit,
		   struct spy_buffer *ret, struct pyspyc_error *err)
{
	spy_autofree uint8_t *storage = NULL;
	const uint8_t *bytes;
	struct spy_head head;
	uint64_t length;
	int result;

	result = spy_object_read(heap, object, SPY_TYPE_BYTES, "bytes", &head, NULL, err);
	if (result < 0)
		return result;
	length = spy_head_word(&head, heap->layout->var_size);
	if (length > limit)
		return spy_fail(err, PYSPYC_ECORRUPT,
				"bytes at address 0x%llx of the target are too long (%llu)",
				(unsigned long long)object, (unsigned long long)length);
	bytes = contents(heap, &head, object + heap->layout->bytes_data, (size_t)length, &storage,
			 &result, err);
	if (!bytes)
		return result;
	spy_buffer_append(ret, bytes, (size_t)length);
	return ret->failed ? spy_nomem(err) : 0;
}

int spy_type_name(const struct spy_heap *heap, uint64_t object, struct spy_buffer *ret,
		  struct pyspyc_error *err)
{
	struct spy_head head;
	uint64_t name;
	size_t limit;
	int result;

	result = spy_object_read(heap, object, 0, "object", &head, NULL, err);
	if (result < 0)
		return result;
	result = spy_memory_read_word(heap->memory,
				      spy_head_word(&head, heap->layout->object_type) +
					      heap->layout->type_name,
				      &name, err);
	if (result < 0)
		return result;
	result = spy_head_read(heap, name, &head, err);
	if (result < 0)
		return result;
	limit = head.size < TYPE_NAME_LIMIT ? head.size : TYPE_NAME_LIMIT;
	spy_utf8_append(ret, (const char *)head.bytes, strnlen((const char *)head.bytes, limit));
	return ret->failed ? spy_nomem(err) : 0;
}
