/* What glibc's malloc has mapped, in private memory that nobody else claims. */
#include <stdlib.h>

#include "lib/maps_parts.h"
#include "target/glibc.h"
#include "target/pagemap.h"

/* Places where a heap may begin, and pages where a block may, that are looked at at most. */
#define HEAPS_LIMIT 65536u
#define PAGES_LIMIT (1u << 18)
/* Pages looked at in one read. */
#define AT_ONCE 256u

void spy_look_heaps(struct spy_maps_look *look)
{
	uint32_t name = spy_look_name(look, "heaps of malloc's other arenas");
	unsigned looked_at = 0;
	size_t i;

	for (i = 0; i < look->smaps.count; i++) {
		const struct spy_smap *smap = &look->smaps.items[i];
		uint64_t at = smap->mapping.start, end;

		if (!spy_look_is_plain(&smap->mapping) || at > UINT64_MAX - SPY_GLIBC_HEAP_SIZE)
			continue;
		at = (at + SPY_GLIBC_HEAP_SIZE - 1) & ~(SPY_GLIBC_HEAP_SIZE - 1);
		for (; at < smap->mapping.end && looked_at < HEAPS_LIMIT;
		     at += SPY_GLIBC_HEAP_SIZE, looked_at++) {
			struct spy_pages pages;

			if (spy_pagemap_count(look->pagemap, at, at + spy_page_size(), &pages) &&
			    !pages.present)
				continue;
			if (spy_glibc_heap(look->process->memory, &look->smaps, smap, at, &end))
				spy_look_claim(look, at, end, PYSPYC_MAP_MALLOC, name, 0);
		}
	}
}

struct probe {
	struct spy_maps_look *look;
	uint32_t name;
	unsigned budget; /* pages that may still be looked at */
};

/*
 * The first block that begins in pages[0..count), or 0. A page that cannot be read ends the
 * looking at those behind it.
 */
static uint64_t first_block(struct probe *probe, const uint64_t *pages, size_t count,
			    uint64_t limit, uint64_t *end)
{
	struct spy_range ranges[AT_ONCE];
	uint64_t words[AT_ONCE][2];
	size_t i;

	for (i = 0; i < count; i++)
		ranges[i] = (struct spy_range){ pages[i], words[i], sizeof(words[i]) };
	if (spy_memory_readv(probe->look->process->memory, ranges, count, NULL) < 0)
		return 0;
	for (i = 0; i < count; i++)
		if (spy_glibc_block(words[i], pages[i], limit, end))
			return pages[i];
	return 0;
}

/*
 * Looks at the pages of a gap between claims, those in memory only: reading others would bring
 * pages of zeros in. Blocks mostly follow each other, so the first page is looked at alone.
 */
static void probe_gap(struct probe *probe, uint64_t at, uint64_t limit)
{
	uint64_t pages[AT_ONCE], next, end;
	size_t most = 1;

	while (at < limit && probe->budget) {
		size_t count = spy_pagemap_present(probe->look->pagemap, at, limit, pages, most,
						   &next);
		uint64_t block = count ? first_block(probe, pages, count, limit, &end) : 0;

		probe->budget -= count < probe->budget ? (unsigned)count : probe->budget;
		if (block) {
			spy_look_claim(probe->look, block, end, PYSPYC_MAP_MALLOC, probe->name, 0);
			at = end;
			most = 1;
		} else {
			if (next <= at)
				break;
			at = next;
			most = AT_ONCE;
		}
	}
}

void spy_look_blocks(struct spy_maps_look *look)
{
	struct probe probe = { look, spy_look_name(look, "large blocks of malloc's"), PAGES_LIMIT };
	size_t i, next = 0, known = look->claims.count;

	if (look->pagemap < 0)
		return;
	for (i = 0; i < look->smaps.count; i++) {
		const struct spy_mapping *mapping = &look->smaps.items[i].mapping;
		uint64_t at = mapping->start;

		while (next < known && look->claims.items[next].end <= at)
			next++;
		if (!spy_look_is_plain(mapping) || *mapping->path ||
		    !look->smaps.items[i].sizes.rss)
			continue;
		while (next < known && look->claims.items[next].start < mapping->end) {
			/* Claims are added behind the known ones, whose place may change. */
			const struct spy_claim claim = look->claims.items[next];

			if (claim.start > at)
				probe_gap(&probe, at, claim.start);
			at = claim.end;
			if (claim.end > mapping->end)
				break;
			next++;
		}
		if (at < mapping->end)
			probe_gap(&probe, at, mapping->end);
	}
	spy_look_sort_claims(look);
}
