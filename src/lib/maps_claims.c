/* Parts of private memory that are told by what is in them: variables of programs, CPython's. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cpython/arenas.h"
#include "cpython/mimalloc.h"
#include "elf/image.h"
#include "lib/maps_parts.h"
#include "target/pagemap.h"

void spy_look_note(struct spy_maps_look *look, const char *format, ...)
{
	char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	if (text) {
		spy_buffer_puts(&look->notes, text);
		spy_buffer_putc(&look->notes, '\0');
		look->note_count++;
	}
	look->failed = look->failed || !text || look->notes.failed;
	free(text);
}

void spy_look_claim(struct spy_maps_look *look, uint64_t start, uint64_t end,
		    enum pyspyc_map_kind kind, uint32_t name, pid_t tid)
{
	struct spy_claims *claims = &look->claims;

	if (start >= end)
		return;
	if (!spy_look_reserve((void **)&claims->items, claims->count, &claims->capacity,
			      sizeof(*claims->items))) {
		look->failed = true;
		return;
	}
	claims->items[claims->count++] = (struct spy_claim){ start, end, kind, name, tid, false };
}

static int by_start(const void *left, const void *right)
{
	const struct spy_claim *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

void spy_look_sort_claims(struct spy_maps_look *look)
{
	struct spy_claims *claims = &look->claims;
	size_t i, count = 0;
	uint64_t end = 0;

	if (claims->count)
		qsort(claims->items, claims->count, sizeof(*claims->items), by_start);
	for (i = 0; i < claims->count; i++) {
		struct spy_claim claim = claims->items[i];

		if (claim.start < end)
			claim.start = end;
		if (claim.start >= claim.end)
			continue;
		claims->items[count++] = claim;
		end = claim.end;
	}
	claims->count = count;
}

/* --- .bss: private memory right behind a program's or library's last mapping --- */

/* The end of the image that smaps->items[last] belongs to; 0 when it cannot be read. */
static uint64_t image_end(const struct spy_maps_look *look, size_t last)
{
	const struct spy_smap *items = look->smaps.items;
	struct spy_image image;
	size_t i;

	for (i = last + 1; i-- > 0;) {
		const struct spy_mapping *mapping = &items[i].mapping;

		if (mapping->offset == 0 && strcmp(mapping->path, items[last].mapping.path) == 0)
			return spy_image_open(look->process->memory, mapping->start, &image,
					      NULL) == 0
				       ? image.end
				       : 0;
		if (last - i > SPY_IMAGE_LOADS)
			break;
	}
	return 0;
}

static void claim_bss(struct spy_maps_look *look)
{
	uint64_t page = spy_page_size();
	size_t i;

	for (i = 0; i + 1 < look->smaps.count; i++) {
		const struct spy_mapping *mapping = &look->smaps.items[i].mapping;
		const struct spy_mapping *next = &look->smaps.items[i + 1].mapping;
		bool is_program = spy_look_is_program(look, mapping);
		uint64_t end;

		if (next->start != mapping->end || !spy_look_is_plain(next) || *next->path ||
		    (!is_program && !spy_look_is_library(look, mapping)))
			continue;
		end = image_end(look, i);
		if (end <= next->start || end > UINT64_MAX - page)
			continue;
		end = (end + page - 1) / page * page;
		spy_look_claim(look, next->start, end < next->end ? end : next->end,
			       is_program ? PYSPYC_MAP_DATA : PYSPYC_MAP_LIBRARIES,
			       spy_look_name(look, spy_look_path(look, mapping)), 0);
		if (!look->failed)
			look->claims.items[look->claims.count - 1].deleted = mapping->flags &
									     SPY_MAP_DELETED;
	}
}

/* --- CPython's --- */

static int claim_arenas(struct spy_maps_look *look, struct pyspyc_error *err)
{
	uint32_t name = spy_look_name(look, "arenas of small objects");
	struct spy_arenas arenas = { 0 };
	size_t i;
	int result = spy_arenas_find(look->process, &look->python, &look->states, &arenas, err);

	for (i = 0; i < arenas.count; i++)
		spy_look_claim(look, arenas.items[i].address,
			       arenas.items[i].address + arenas.items[i].size, PYSPYC_MAP_ARENAS,
			       name, 0);
	spy_arenas_free(&arenas);
	return result;
}

static int claim_mimalloc(struct spy_maps_look *look, struct pyspyc_error *err)
{
	uint32_t name = spy_look_name(look, "mimalloc");
	struct spy_mimalloc mimalloc = { 0 };
	size_t i;
	int result = spy_mimalloc_find(look->process, &look->python, look->pagemap, &mimalloc, err);

	for (i = 0; i < mimalloc.count; i++)
		spy_look_claim(look, mimalloc.items[i].start, mimalloc.items[i].end,
			       PYSPYC_MAP_MIMALLOC, name, 0);
	spy_mimalloc_free(&mimalloc);
	return result;
}

int spy_look_claims(struct spy_maps_look *look, struct pyspyc_error *err)
{
	size_t before;
	int result = 0;

	claim_bss(look);
	if (!look->is_python)
		return 0;
	before = look->claims.count;
	if (!look->python.version.free_threaded)
		result = claim_arenas(look, err);
	if (result == 0 && (look->python.version.major > 3 || look->python.version.minor >= 13))
		result = claim_mimalloc(look, err);
	if (result == 0 && look->claims.count == before)
		spy_look_note(look,
			      "no memory of Python's own allocators was found: it uses malloc "
			      "(PYTHONMALLOC), or theirs is among other private memory");
	return result;
}
