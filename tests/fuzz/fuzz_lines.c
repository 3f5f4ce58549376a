/* Line tables: kind, first line, offset, then the table. */
#include <stdlib.h>
#include <string.h>

#include "cpython/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum spy_line_table kinds[] = {
		SPY_LINES_LNOTAB,
		SPY_LINES_LNOTAB_UNSIGNED,
		SPY_LINES_310,
		SPY_LINES_LOCATIONS,
	};
	enum spy_line_table kind;
	int32_t first;
	int64_t lasti;
	int offset;

	if (size < 1 + sizeof(first) + sizeof(lasti))
		return 0;
	kind = kinds[data[0] % (sizeof(kinds) / sizeof(*kinds))];
	memcpy(&first, data + 1, sizeof(first));
	memcpy(&lasti, data + 1 + sizeof(first), sizeof(lasti));
	data += 1 + sizeof(first) + sizeof(lasti);
	size -= 1 + sizeof(first) + sizeof(lasti);
	if (spy_line_of(kind, data, size, first, lasti) < 0)
		abort();
	for (offset = -2; offset < 256; offset += 2)
		if (spy_line_of(kind, data, size, first, offset) < 0)
			abort();
	return 0;
}
