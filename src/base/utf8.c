#include "base/utf8.h"

#include <stdint.h>

size_t spy_utf8_length(const char *text, size_t size)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	size_t length, i;
	uint32_t value;

	if (!size)
		return 0;
	if (byte[0] < 0x80)
		return 1;
	length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	if (byte[0] < 0xc2 || byte[0] > 0xf4 || size < length)
		return 0;
	value = byte[0] & (0xffu >> (length + 1));
	for (i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte[i] & 0x3fu);
	}
	if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return length;
}

void spy_utf8_append(struct spy_buffer *buffer, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t length = *bytes ? spy_utf8_length(bytes, size) : 0;

		if (length)
			spy_buffer_append(buffer, bytes, length);
		else
			spy_buffer_printf(buffer, "\\x%02x", (unsigned char)*bytes);
		length = length ? length : 1;
		bytes += length;
		size -= length;
	}
}
