/* How long the collector's lists are: of frozen objects, and gc.garbage. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cpython/frames.h"
#include "cpython/gc.h"
#include "cpython/head.h"

/* Neighbours on a list were often made one after the other: pages are kept for a while. */
#define PAGE_SIZE 4096u
#define PAGES 64
#define HEAD_FLAGS UINT64_C(7)
/* A list may be walked so long and no longer; it may run in a circle. */
#define WALK_NS (UINT64_C(5) * SPY_NSEC_PER_SEC)
#define LOOK_AT_CLOCK 4096

struct pages {
	struct spy_memory *memory;
	uint64_t addresses[PAGES]; /* 0 for none */
	uint8_t bytes[PAGES][PAGE_SIZE];
};

static bool read_next(struct pages *pages, uint64_t head, uint64_t *ret)
{
	uint64_t page = head & ~(uint64_t)(PAGE_SIZE - 1);
	size_t slot = page / PAGE_SIZE % PAGES;

	if (pages->addresses[slot] != page) {
		pages->addresses[slot] = 0;
		if (spy_memory_read(pages->memory, page, pages->bytes[slot], PAGE_SIZE, NULL) < 0)
			return false;
		pages->addresses[slot] = page;
	}
	memcpy(ret, pages->bytes[slot] + (head - page), sizeof(*ret));
	*ret &= ~HEAD_FLAGS;
	return true;
}

static int64_t walk(struct pages *pages, uint64_t head, uint64_t next)
{
	uint64_t end = spy_clock_now() + WALK_NS;
	int64_t length = 0;

	while (next != head) {
		/* Heads lie on multiples of 8, so their first word is within its page. */
		if (!spy_address_plausible(next) || next % 8 || !read_next(pages, next, &next))
			return SPY_GC_NONE;
		if (++length % LOOK_AT_CLOCK == 0 && spy_clock_now() > end)
			return SPY_GC_NONE;
	}
	return length;
}

int64_t spy_gc_frozen(const struct spy_heap *heap, const struct spy_gc_place *place,
		      const struct spy_gc_state *state)
{
	spy_autofree struct pages *pages = NULL;
	uint64_t next;

	if (state->freeze_active == 0)
		return 0;
	if (!place->permanent || heap->version.free_threaded ||
	    spy_memory_read_word(heap->memory, place->permanent, &next, NULL) < 0)
		return SPY_GC_NONE;
	pages = calloc(1, sizeof(*pages));
	if (!pages)
		return SPY_GC_NONE;
	pages->memory = heap->memory;
	return walk(pages, place->permanent, next & ~HEAD_FLAGS);
}

int64_t spy_gc_garbage(const struct spy_heap *heap, const struct spy_gc_state *state)
{
	struct spy_head head;
	uint64_t size;

	if (!state->garbage)
		return 0;
	if (spy_object_read(heap, state->garbage, SPY_TYPE_LIST, "list", &head, NULL, NULL) < 0)
		return SPY_GC_NONE;
	size = spy_head_word(&head, heap->layout->var_size);
	return size > INT64_MAX ? SPY_GC_NONE : (int64_t)size;
}
