/* cgroup, mountinfo and limits of control groups from any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "target/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct spy_cgroup_mount mount;
	char path[SPY_CGROUP_PATH];
	uint64_t limit;
	int unified;

	spy_cgroup_limit_parse(text, size, &limit);
	for (unified = 0; unified <= 1; unified++) {
		if (!spy_cgroup_parse(text, size, unified, path))
			strcpy(path, "/docker/ab");
		else if (path[0] != '/')
			__builtin_trap();
		spy_cgroup_mount_parse(text, size, unified, path, &mount);
	}
	return 0;
}
