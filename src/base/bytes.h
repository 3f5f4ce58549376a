/* Numbers among bytes, wherever they lie; in our order of bytes, which is the target's as well. */
#ifndef SPY_BASE_BYTES_H
#define SPY_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t spy_word_at(const void *bytes, size_t offset)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)bytes + offset, sizeof(word));
	return word;
}

static inline int32_t spy_int_at(const void *bytes, size_t offset)
{
	int32_t value;

	memcpy(&value, (const uint8_t *)bytes + offset, sizeof(value));
	return value;
}

#endif
