#include "target/glibc.h"

#include "target/pagemap.h"

/* The end of struct _heap_info, where an arena's first heap has the arena's own state. */
#define INFO_LEAST 32u
#define INFO_MOST 64u
#define IS_MMAPPED 2u
#define FLAGS 7u
/* From 2.43 the size is without the chunk's head (CHUNK_HDR_SZ). */
#define HEAD_SIZE 16u

struct heap_info {
	uint64_t arena;
	uint64_t previous;
	uint64_t size;
	uint64_t accessible; /* mprotect_size */
};

static bool is_arena(uint64_t address)
{
	uint64_t offset = address % SPY_GLIBC_HEAP_SIZE;

	return offset >= INFO_LEAST && offset <= INFO_MOST;
}

bool spy_glibc_heap(struct spy_memory *memory, const struct spy_smaps *smaps,
		    const struct spy_smap *smap, uint64_t address, uint64_t *end)
{
	uint64_t page = spy_page_size(), owner;
	struct heap_info info;

	if (address % SPY_GLIBC_HEAP_SIZE ||
	    spy_memory_read(memory, address, &info, sizeof(info), NULL) < 0)
		return false;
	if (!is_arena(info.arena) || info.previous % SPY_GLIBC_HEAP_SIZE || !info.size ||
	    info.size % page || info.accessible % page || info.size > info.accessible ||
	    info.accessible > SPY_GLIBC_HEAP_SIZE ||
	    info.accessible > smap->mapping.end - address)
		return false;
	owner = info.arena - info.arena % SPY_GLIBC_HEAP_SIZE;
	if (owner == address ? info.previous != 0
			     : !info.previous || !spy_smaps_find(smaps, info.previous) ||
				       !spy_smaps_find(smaps, owner))
		return false;
	*end = address + info.accessible;
	return true;
}

bool spy_glibc_block(const uint64_t words[2], uint64_t address, uint64_t limit, uint64_t *end)
{
	uint64_t size = words[1] & ~(uint64_t)FLAGS;

	if (size % spy_page_size() == spy_page_size() - HEAD_SIZE)
		size += HEAD_SIZE;
	if (words[0] || (words[1] & FLAGS) != IS_MMAPPED || !size || size % spy_page_size() ||
	    address > limit || size > limit - address)
		return false;
	*end = address + size;
	return true;
}
