#include "cpython/arenas.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

/* Entries of the table read at once: it has 16 at least (INITIAL_ARENA_OBJECTS). */
#define AT_ONCE 16u
/* Where pool_header.arenaindex is. */
#define POOL_INDEX 32u

/* struct arena_object. */
struct entry {
	uint64_t address; /* 0: stands for no arena now */
	uint64_t next_pool;
	uint32_t free_pools;
	uint32_t pools;
	uint64_t free_list;
	uint64_t next;
	uint64_t previous;
};
_Static_assert(sizeof(struct entry) == 48, "as CPython's on 64-bit machines");

/* ARENA_SIZE and POOL_SIZE: to 3.9, from 3.10, 3.15 with PYMALLOC_USE_HUGEPAGES. */
static const struct form {
	uint64_t arena, pool;
} forms[] = {
	{ 256 * KIB, 4 * KIB },
	{ MIB, 16 * KIB },
	{ 2 * MIB, 16 * KIB },
};

static uint64_t first_pool(const struct entry *entry, const struct form *form)
{
	return (entry->address + form->pool - 1) & ~(form->pool - 1);
}

/* An arena that does not begin with a pool has one less. */
static const struct form *form_of(const struct entry *entry)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *form = &forms[i];
		uint64_t pools = form->arena / form->pool - (entry->address % form->pool != 0);

		if (entry->pools == pools && entry->free_pools <= pools &&
		    entry->address % (4 * KIB) == 0 &&
		    entry->address < UINT64_MAX - 2 * form->arena &&
		    entry->next_pool % form->pool == 0 && entry->next_pool >= entry->address &&
		    entry->next_pool <= entry->address + form->arena)
			return form;
	}
	return NULL;
}

/* NULL, or another entry of the same table. */
static bool is_link(uint64_t link, uint64_t table)
{
	return !link || (link >= table && link - table < SPY_ARENAS_LIMIT * sizeof(struct entry) &&
			 (link - table) % sizeof(struct entry) == 0);
}

static bool append(struct spy_arenas *arenas, uint64_t address, uint64_t size)
{
	if (arenas->count == arenas->capacity) {
		size_t capacity = arenas->capacity ? arenas->capacity * 2 : 64;
		struct spy_arena *items = realloc(arenas->items, capacity * sizeof(*items));

		if (!items)
			return false;
		arenas->items = items;
		arenas->capacity = capacity;
	}
	arenas->items[arenas->count++] = (struct spy_arena){ address, size };
	return true;
}

/* A table on its way: entries that make sense in themselves so far. */
struct table {
	struct spy_memory *memory;
	uint64_t address;
	struct spy_arenas *arenas;
	unsigned ends; /* of the list of unused entries: there is one at most */
	int found;
};

/* Whether the first pool of an arena says that it belongs to entry number index. */
static bool pool_agrees(struct spy_memory *memory, const struct entry *entry,
			const struct form *form, uint32_t index)
{
	uint32_t number;

	/* An arena is made when a pool is wanted, so the first pool is in use or has been. */
	return entry->next_pool > first_pool(entry, form) &&
	       spy_memory_read(memory, first_pool(entry, form) + POOL_INDEX, &number,
			       sizeof(number), NULL) == 0 &&
	       number == index;
}

/* Whether the entry makes sense; one in use is taken. Negative when memory ran out. */
static int take_entry(struct table *table, const struct entry *entry, uint32_t index)
{
	const struct form *form;

	/* Links of a full arena are left as they were, also when the table has moved since. */
	if ((!entry->address || entry->free_pools) && !is_link(entry->next, table->address))
		return 0;
	if (!entry->address) {
		table->ends += !entry->next;
		return table->ends <= 1;
	}
	form = form_of(entry);
	if (!form || (entry->free_pools && !is_link(entry->previous, table->address)) ||
	    !pool_agrees(table->memory, entry, form, index))
		return 0;
	if (!append(table->arenas, entry->address, form->arena))
		return -PYSPYC_ENOMEM;
	table->found++;
	return 1;
}

int spy_arenas_read(struct spy_memory *memory, uint64_t address, struct spy_arenas *ret)
{
	struct table table = { memory, address, ret, 0, 0 };
	struct entry entries[AT_ONCE];
	uint32_t index, i;

	if (!address || address % sizeof(uint64_t) ||
	    address > UINT64_MAX - SPY_ARENAS_LIMIT * sizeof(struct entry))
		return 0;
	for (index = 0; index < SPY_ARENAS_LIMIT; index += AT_ONCE) {
		if (spy_memory_read(memory, address + index * sizeof(struct entry), entries,
				    sizeof(entries), NULL) < 0)
			break;
		for (i = 0; i < AT_ONCE; i++) {
			int result = take_entry(&table, &entries[i], index + i);

			if (result < 0)
				return result;
			if (result == 0)
				return table.found;
		}
	}
	return table.found;
}

void spy_arenas_free(struct spy_arenas *arenas)
{
	free(arenas->items);
	*arenas = (struct spy_arenas){ 0 };
}
