/* Growable bytes, always followed by a NUL that is not counted. */
#ifndef SPY_BASE_BUFFER_H
#define SPY_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/*
 * Zero-initialise to start. An allocation that fails sets `failed` and makes every further
 * call a no-op, so that a chain of appends needs one check at its end.
 */
struct spy_buffer {
	char *data; /* NULL while empty */
	size_t size;
	size_t capacity;
	bool failed;
};

void spy_buffer_free(struct spy_buffer *buffer);

/* Sets the size to 0 and keeps the storage. */
void spy_buffer_clear(struct spy_buffer *buffer);

/* Makes room for size more bytes; false when memory ran out. */
bool spy_buffer_reserve(struct spy_buffer *buffer, size_t size);

void spy_buffer_append(struct spy_buffer *buffer, const void *bytes, size_t size);
void spy_buffer_puts(struct spy_buffer *buffer, const char *text);
void spy_buffer_putc(struct spy_buffer *buffer, char byte);
void spy_buffer_printf(struct spy_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The text so far; "" when empty. Valid until the next call. */
const char *spy_buffer_text(const struct spy_buffer *buffer);

/* Hands the bytes to the caller, who frees them; NULL when memory ran out. */
char *spy_buffer_steal(struct spy_buffer *buffer);

#define spy_autobuffer spy_cleanup(spy_buffer_free)

#endif
