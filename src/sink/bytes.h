/* Amounts of memory, for people. */
#ifndef SPY_SINK_BYTES_H
#define SPY_SINK_BYTES_H

#include <stdint.h>

#include "base/buffer.h"

/* Appends "12.3 MB": three figures or more; a kB is 1024 bytes, as in /proc, a MB 1024 of them. */
void spy_put_bytes(struct spy_buffer *buffer, uint64_t bytes);

#endif
