/* smaps and syscall of /proc/PID from any bytes, in pieces; a table of arenas in any memory. */
#include <stddef.h>
#include <stdint.h>

#include "cpython/arenas.h"
#include "target/smaps.h"
#include "target/stacks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const char *text, size_t size, size_t piece)
{
	struct spy_smaps_parser parser = { 0 };
	struct spy_smaps smaps;
	size_t at, now;

	for (at = 0; at < size; at += now) {
		now = size - at < piece ? size - at : piece;
		if (spy_smaps_feed(&parser, text + at, now, NULL) < 0) {
			spy_smaps_parser_free(&parser);
			return;
		}
	}
	if (spy_smaps_finish(&parser, &smaps, NULL) == 0) {
		spy_smaps_find(&smaps, 0x7f0000000000);
		spy_smaps_free(&smaps);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct spy_segment segment = { 0x10000, data, size };
	struct spy_arenas arenas = { 0 };
	struct spy_memory *memory;
	uint64_t pointer;

	parse((const char *)data, size, size);
	parse((const char *)data, size, 7);
	spy_stack_pointer_parse((const char *)data, size, &pointer);
	if (size && spy_memory_open_image(&segment, 1, &memory, NULL) == 0) {
		spy_arenas_read(memory, 0x10000, &arenas);
		spy_arenas_free(&arenas);
		spy_memory_close(memory);
	}
	return 0;
}
