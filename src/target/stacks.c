#include "target/stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/pagemap.h"
#include "target/process.h"

#define MOST_BYTES ((size_t)1 << 20)
#define TEXT_LIMIT 4096
/* No stack is larger. */
#define STACK_LIMIT (UINT64_C(1) << 40)

/* "0 0x7 0x8 0x0 0x0 0x0 0x0 0x7ffc40 0x7f5d10", "-1 0x7ffc40 0x7f5d10" or "running". */
bool spy_stack_pointer_parse(const char *text, size_t size, uint64_t *ret)
{
	char line[512], *at = line, *end;
	uint64_t numbers[9];
	size_t count = 0;

	if (size >= sizeof(line))
		return false;
	memcpy(line, text, size);
	line[size] = '\0';
	strtol(at, &end, 10);
	if (end == at)
		return false;
	for (at = end; count < 9 && at[0] == ' ' && at[1] == '0' && at[2] == 'x'; at = end) {
		numbers[count++] = strtoull(at + 1, &end, 16);
		if (end == at + 1)
			return false;
	}
	if ((count != 8 && count != 2) || !numbers[count - 2])
		return false;
	*ret = numbers[count - 2];
	return true;
}

bool spy_stack_pointer_read(pid_t pid, pid_t tid, uint64_t *ret)
{
	spy_autofree char *text = NULL;
	char path[64];
	size_t size;

	snprintf(path, sizeof(path), "%d/task/%d/syscall", (int)pid, (int)tid);
	return spy_proc_read(path, TEXT_LIMIT, &text, &size, NULL) == 0 &&
	       spy_stack_pointer_parse(text, size, ret);
}

static bool is_stack_mapping(const struct spy_mapping *mapping)
{
	const unsigned wanted = SPY_MAP_READ | SPY_MAP_WRITE;

	return !*mapping->path && (mapping->flags & (wanted | SPY_MAP_SHARED)) == wanted;
}

/* Where the guard pages right below a mapping begin; its own start when there are none. */
static uint64_t guard_start(const struct spy_smaps *smaps, const struct spy_smap *smap)
{
	const struct spy_mapping *below =
		smap > smaps->items ? &smap[-1].mapping : NULL;

	return below && below->end == smap->mapping.start && !*below->path &&
			       !(below->flags & (SPY_MAP_READ | SPY_MAP_WRITE | SPY_MAP_EXEC))
		       ? below->start
		       : smap->mapping.start;
}

bool spy_stack_find(struct spy_memory *memory, const struct spy_smaps *smaps, uint64_t address,
		    size_t size, struct spy_stack_bounds *ret)
{
	const struct spy_smap *smap = spy_smaps_find(smaps, address);
	spy_autofree uint64_t *words = NULL;
	uint64_t lowest, page = spy_page_size();
	size_t i;

	address &= ~(uint64_t)7;
	if (!smap || !is_stack_mapping(&smap->mapping))
		return false;
	if (size > MOST_BYTES)
		size = MOST_BYTES;
	if (size > smap->mapping.end - address)
		size = (size_t)(smap->mapping.end - address);
	lowest = guard_start(smaps, smap);
	words = malloc(size);
	if (!words || spy_memory_read(memory, address, words, size, NULL) < 0)
		return false;
	for (i = 0; i + 1 < size / sizeof(*words); i++) {
		uint64_t start = words[i], length = words[i + 1];

		if (start % page || length % page || !length || length > STACK_LIMIT ||
		    start < lowest || start > address || start + length > smap->mapping.end ||
		    start + length < address + (i + 2) * sizeof(*words))
			continue;
		/* Guard pages, or the mapping's very beginning: else it is a part of something. */
		if (start > smap->mapping.start)
			continue;
		ret->start = smap->mapping.start;
		ret->end = start + length;
		return true;
	}
	return false;
}
