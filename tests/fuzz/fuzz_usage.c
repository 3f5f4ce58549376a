/* statm, schedstat, smaps_rollup and status of /proc/PID from any bytes. */
#include <stddef.h>
#include <stdint.h>

#include "target/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct spy_rollup rollup;
	struct spy_status status;
	uint64_t number;

	spy_statm_parse(text, size, &number);
	spy_schedstat_parse(text, size, &number);
	spy_schedstat_turns(text, size, &number);
	spy_rollup_parse(text, size, &rollup);
	spy_status_parse(text, size, &status);
	return 0;
}
