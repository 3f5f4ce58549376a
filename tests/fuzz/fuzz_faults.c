/* The kernel's ring of page faults with any bytes, cut anywhere. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "target/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spy_fault_news news;
	uint64_t ends[2];

	spy_faults_parse(data, size, &news);
	if (news.faults > size / 16)
		__builtin_trap();
	if (size < sizeof(ends))
		return 0;
	memcpy(ends, data, sizeof(ends));
	data += sizeof(ends);
	size -= sizeof(ends);
	spy_faults_unwrap(data, size, ends[0], ends[1], &news);
	spy_faults_unwrap(data, size, ends[0], ends[0] + size, &news);
	if (size)
		spy_faults_unwrap(data, size, ends[0], ends[0] + ends[1] % (size + 1), &news);
	if (news.faults > size / 16)
		__builtin_trap();
	return 0;
}
