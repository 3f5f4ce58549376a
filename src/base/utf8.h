/* Making any bytes valid UTF-8. */
#ifndef SPY_BASE_UTF8_H
#define SPY_BASE_UTF8_H

#include "base/buffer.h"

/*
 * Length in bytes (1-4) of the well-formed UTF-8 character (RFC 3629) at text, of which size
 * bytes may be looked at; 0 when it is none.
 */
size_t spy_utf8_length(const char *text, size_t size);

/* Appends bytes, with what is no UTF-8 as \xXX and NUL as \x00. */
void spy_utf8_append(struct spy_buffer *buffer, const char *bytes, size_t size);

#endif
