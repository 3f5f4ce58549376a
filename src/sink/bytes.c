#include "sink/bytes.h"

#include <inttypes.h>
#include <stddef.h>

void spy_put_bytes(struct spy_buffer *buffer, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		spy_buffer_printf(buffer, "%" PRIu64 " B", bytes);
		return;
	}
	for (; amount >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	spy_buffer_printf(buffer, amount < 99.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}
