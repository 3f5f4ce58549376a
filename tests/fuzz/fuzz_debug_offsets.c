/* struct _Py_DebugOffsets from hostile bytes, as every build and architecture. */
#include <stdlib.h>

#include "cpython/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int build = 0; build < 4; build++) {
		struct spy_version version = { .debug = build & 1 };
		struct pyspyc_error err = { 0 };
		struct spy_layout layout;
		enum spy_arch arch = build & 2 ? SPY_ARCH_AARCH64 : SPY_ARCH_X86_64;
		int result = spy_debug_offsets_parse(data, size, arch, &version, &layout, &err);

		/* What is let through is sane; what is not says why. */
		if (result == 0 && !spy_layout_sane(&layout))
			abort();
		if (result < 0 && (err.code != (enum pyspyc_code) - result || !err.message[0]))
			abort();
	}
	return 0;
}
