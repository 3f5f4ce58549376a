#include "cpython/mimalloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/map.h"
#include "elf/image.h"
#include "target/pagemap.h"

#define SEGMENT_SIZE (UINT64_C(32) << 20)
#define SLICE_SIZE (UINT64_C(64) << 10)
/* What is reserved at once (mi_option_arena_reserve), and how many times that may be done. */
#define RESERVED_SIZE (UINT64_C(1) << 30)
#define RESERVED_LIMIT 132u
/* The words of a segment's head that are looked at; the cookie is the 28th in 3.13 to 3.15. */
#define HEAD_WORDS 48u
/* The runtime's data segments are searched up to here, in bytes. */
#define SEARCH_LIMIT (UINT64_C(64) << 20)

struct head {
	uint64_t address;
	uint64_t end; /* of its mapping */
	uint64_t words[HEAD_WORDS];
};

struct search {
	struct head *heads;
	size_t count, capacity;
	struct spy_map cookies; /* that a head would be made with */
	uint64_t cookie;	/* 0: not found yet */
};

/* Random numbers are no addresses and no small numbers; one in 65,536 is taken for such. */
static bool is_random(uint64_t value)
{
	return value >> 48 && value >> 48 != 0xffff;
}

static bool take_head(struct search *search, const struct head *head)
{
	size_t i;

	if (search->count == search->capacity) {
		size_t capacity = search->capacity ? search->capacity * 2 : 16;
		struct head *heads = realloc(search->heads, capacity * sizeof(*heads));

		if (!heads)
			return false;
		search->heads = heads;
		search->capacity = capacity;
	}
	search->heads[search->count++] = *head;
	for (i = 0; i < HEAD_WORDS; i++)
		if (is_random(head->words[i] ^ head->address) &&
		    !spy_map_insert(&search->cookies, head->words[i] ^ head->address, NULL))
			return false;
	return true;
}

static bool is_resident(int pagemap, uint64_t address)
{
	struct spy_pages pages;

	return pagemap < 0 ||
	       !spy_pagemap_count(pagemap, address, address + spy_page_size(), &pages) ||
	       pages.present;
}

/* Everything that might be the head of a segment. False when memory ran out. */
static bool take_heads(struct search *search, const struct spy_process *process, int pagemap)
{
	const unsigned wanted = SPY_MAP_READ | SPY_MAP_WRITE;
	size_t i, looked_at = 0;

	for (i = 0; i < process->maps.count; i++) {
		const struct spy_mapping *mapping = &process->maps.items[i];
		struct head head = { .end = mapping->end };

		if (*mapping->path || (mapping->flags & (wanted | SPY_MAP_SHARED)) != wanted ||
		    mapping->start > UINT64_MAX - SEGMENT_SIZE)
			continue;
		head.address = (mapping->start + SEGMENT_SIZE - 1) & ~(SEGMENT_SIZE - 1);
		for (; head.address < mapping->end && ++looked_at <= SPY_MIMALLOC_LIMIT;
		     head.address += SEGMENT_SIZE)
			if (is_resident(pagemap, head.address) &&
			    spy_memory_read(process->memory, head.address, head.words,
					    sizeof(head.words), NULL) == 0 &&
			    !take_head(search, &head))
				return false;
	}
	return true;
}

static bool visit_words(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct search *search = context;
	size_t at = (size_t)(-address % sizeof(uint64_t));

	for (; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
		uint64_t word = spy_word_at(bytes, at);

		if (is_random(word) && spy_map_find(&search->cookies, word)) {
			search->cookie = word;
			return false;
		}
	}
	return true;
}

static int append(struct spy_mimalloc *ranges, uint64_t start, uint64_t end)
{
	struct spy_mimalloc_range *last = ranges->count ? &ranges->items[ranges->count - 1] : NULL;

	if (last && start < last->end)
		start = last->end;
	if (start >= end)
		return 0;
	if (last && start == last->end) {
		last->end = end;
		return 0;
	}
	if (ranges->count == ranges->capacity) {
		size_t capacity = ranges->capacity ? ranges->capacity * 2 : 16;
		struct spy_mimalloc_range *items = realloc(ranges->items,
							   capacity * sizeof(*items));

		if (!items)
			return -PYSPYC_ENOMEM;
		ranges->items = items;
		ranges->capacity = capacity;
	}
	ranges->items[ranges->count++] = (struct spy_mimalloc_range){ start, end };
	return 0;
}

/*
 * The segment itself (segment_slices follows the cookie), and when it is a block of a reserved
 * gibibyte (mi_memid_t: block_index, and id from 1 on) all of that behind it.
 */
static int take_segment(struct spy_mimalloc *ranges, const struct head *head, size_t cookie)
{
	uint64_t slices = cookie + 1 < HEAD_WORDS ? head->words[cookie + 1] : 0;
	uint64_t block = head->words[0], id = (uint32_t)head->words[1];
	uint64_t size = SEGMENT_SIZE, left = head->end - head->address;

	if (slices && slices <= left / SLICE_SIZE)
		size = slices * SLICE_SIZE;
	if (id && id <= RESERVED_LIMIT && block < RESERVED_SIZE / SEGMENT_SIZE &&
	    size < RESERVED_SIZE - block * SEGMENT_SIZE)
		size = RESERVED_SIZE - block * SEGMENT_SIZE;
	return append(ranges, head->address, head->address + (size < left ? size : left));
}

static int take_segments(struct spy_mimalloc *ranges, const struct search *search)
{
	size_t i, word;

	for (i = 0; i < search->count; i++) {
		const struct head *head = &search->heads[i];

		for (word = 0; word < HEAD_WORDS; word++)
			if ((head->words[word] ^ head->address) == search->cookie)
				break;
		if (word < HEAD_WORDS && take_segment(ranges, head, word) < 0)
			return -PYSPYC_ENOMEM;
	}
	return 0;
}

int spy_mimalloc_find(const struct spy_process *process, const struct spy_python *python,
		      int pagemap, struct spy_mimalloc *ret, struct pyspyc_error *err)
{
	uint64_t base = spy_python_base(process, python);
	struct search search = { 0 };
	struct spy_image image;
	int result = 0;

	*ret = (struct spy_mimalloc){ 0 };
	if (!base || spy_image_open(process->memory, base, &image, NULL) < 0)
		return 0;
	if (!take_heads(&search, process, pagemap))
		result = spy_nomem(err);
	if (result == 0 && search.count)
		result = spy_image_visit(&image, SPY_LOADS_WRITABLE, SEARCH_LIMIT, visit_words,
					 &search, err);
	if (result == 0 && search.cookie && take_segments(ret, &search) < 0)
		result = spy_nomem(err);
	if (result < 0)
		spy_mimalloc_free(ret);
	spy_map_free(&search.cookies);
	free(search.heads);
	return result;
}

void spy_mimalloc_free(struct spy_mimalloc *mimalloc)
{
	free(mimalloc->items);
	*mimalloc = (struct spy_mimalloc){ 0 };
}
