/* Finding the table of obmalloc's arenas without its symbol, which is static and often stripped. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/map.h"
#include "cpython/arenas.h"
#include "cpython/find.h"
#include "elf/image.h"

/* The runtime's data segments are searched up to here, in bytes. */
#define SEARCH_LIMIT (UINT64_C(64) << 20)
/* Tables tried at most: about half a second's. */
#define TRIES_LIMIT (1u << 18)
/* A table that changes while it is read is read again so often. */
#define READINGS 3
/* Interpreters' structs searched at most. */
#define INTERPRETERS_LIMIT 64
/*
 * From 3.13 an interpreter points to its struct _obmalloc_state, in which the table's address
 * follows 64 words: the heads of the lists of pools (Include/internal/pycore_obmalloc.h,
 * OBMALLOC_USED_POOLS_SIZE).
 */
#define TABLE_IN_STATE 512u

#define MINOR(major, minor) ((unsigned)(major) << 8 | (minor))

struct search {
	const struct spy_process *process;
	const struct spy_image *image;
	bool states; /* words may point to a struct _obmalloc_state, too */
	struct spy_map tried;
	struct spy_arenas *arenas;
	bool failed; /* memory ran out */
};

/* Tables are in malloc's memory, so what points into the runtime itself does not count. */
static bool is_worth(struct search *search, uint64_t address)
{
	bool inserted = false;

	if ((address >= search->image->start && address < search->image->end) ||
	    !spy_writable_pointer(search->process, address) || search->tried.count >= TRIES_LIMIT)
		return false;
	if (!spy_map_insert(&search->tried, address, &inserted))
		search->failed = true;
	return inserted;
}

static void try_table(struct search *search, uint64_t address)
{
	size_t before = search->arenas->count, most = 0;
	unsigned reading;

	if (!is_worth(search, address))
		return;
	for (reading = 0; reading < READINGS; reading++) {
		struct spy_arenas arenas = { 0 };
		int found = spy_arenas_read(search->process->memory, address, &arenas);

		if (found > 0 && arenas.count > most) {
			struct spy_arenas *all = search->arenas;
			struct spy_arena *items = realloc(all->items,
							  (before + arenas.count) * sizeof(*items));

			if (items) {
				memcpy(items + before, arenas.items, arenas.count * sizeof(*items));
				all->items = items;
				all->count = all->capacity = before + arenas.count;
				most = arenas.count;
			}
			search->failed = search->failed || !items;
		}
		search->failed = search->failed || found < 0;
		spy_arenas_free(&arenas);
		if (found <= 0)
			return;
	}
}

static bool visit_words(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct search *search = context;
	size_t at = (size_t)(-address % sizeof(uint64_t));

	for (; at + sizeof(uint64_t) <= size && !search->failed; at += sizeof(uint64_t)) {
		uint64_t word = spy_word_at(bytes, at), table;

		try_table(search, word);
		if (search->states && spy_writable_pointer(search->process, word) &&
		    spy_memory_read_word(search->process->memory, word + TABLE_IN_STATE, &table,
					 NULL) == 0)
			try_table(search, table);
	}
	return !search->failed;
}

/* Interpreters with an allocator of their own (from 3.12) are themselves in malloc's memory. */
static void search_interpreters(struct search *search, const struct spy_python *python,
				const struct spy_thread_states *states)
{
	size_t size = python->layout.interp_size, i;
	spy_autofree uint8_t *bytes = malloc(size);

	search->states = spy_version_minor(&python->version) >= MINOR(3, 13);
	for (i = 0; bytes && i < states->interpreter_count && i < INTERPRETERS_LIMIT; i++) {
		uint64_t address = states->interpreters[i].address;

		if (states->interpreters[i].id != 0 &&
		    spy_memory_read(search->process->memory, address, bytes, size, NULL) == 0)
			visit_words(search, address, bytes, size);
	}
}

static int by_address(const void *left, const void *right)
{
	const struct spy_arena *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static void sort(struct spy_arenas *arenas)
{
	size_t i, count = 0;

	if (arenas->count)
		qsort(arenas->items, arenas->count, sizeof(*arenas->items), by_address);
	for (i = 0; i < arenas->count; i++) {
		const struct spy_arena *last = count ? &arenas->items[count - 1] : NULL;

		if (!last || arenas->items[i].address >= last->address + last->size)
			arenas->items[count++] = arenas->items[i];
	}
	arenas->count = count;
}

int spy_arenas_find(const struct spy_process *process, const struct spy_python *python,
		    const struct spy_thread_states *states, struct spy_arenas *ret,
		    struct pyspyc_error *err)
{
	struct spy_image image;
	struct search search = { .process = process, .image = &image, .arenas = ret };
	uint64_t base = spy_python_base(process, python);
	int result;

	*ret = (struct spy_arenas){ 0 };
	if (!base || spy_image_open(process->memory, base, &image, NULL) < 0)
		return 0;
	result = spy_image_visit(&image, SPY_LOADS_WRITABLE, SEARCH_LIMIT, visit_words, &search,
				 err);
	if (result == 0 && spy_version_minor(&python->version) >= MINOR(3, 12))
		search_interpreters(&search, python, states);
	spy_map_free(&search.tried);
	if (result == 0 && search.failed)
		result = spy_nomem(err);
	if (result < 0)
		spy_arenas_free(ret);
	else
		sort(ret);
	return result;
}
