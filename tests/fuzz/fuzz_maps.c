/* /proc/PID/maps and stat lines from any bytes. */
#include <stddef.h>
#include <stdint.h>

#include "target/maps.h"
#include "target/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spy_maps maps;
	struct spy_stat stat;

	if (spy_maps_parse((const char *)data, size, &maps, NULL) == 0) {
		spy_maps_find(&maps, 0x7f0000000000);
		spy_maps_free(&maps);
	}
	spy_stat_parse((const char *)data, size, &stat, NULL);
	return 0;
}
