/* Amounts of memory, for people. */
#ifndef SPY_SINK_BYTES_H
#define SPY_SINK_BYTES_H

#include <stdint.h>

#include "base/buffer.h"

/* Appends "12.3 MiB": three figures or more. */
void spy_put_bytes(struct spy_buffer *buffer, uint64_t bytes);

#endif
