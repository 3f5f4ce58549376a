/*
 * tracemalloc's tables in hostile memory: built for the version that the first byte chooses, then
 * each four bytes overwrite one place. What is read is no more than promised, and valid.
 */
#include <stdio.h>

#include "hostile_arena.h"

#include "../unit/traces.h"
#include "base/utf8.h"
#include "lib/tracemalloc.h"
#include "target/memory_copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct hostile_arena hostile;
	struct traces_world traces;
	size_t used;
};

static struct world *world_of(unsigned index)
{
	static struct world worlds[ARENA_VERSIONS];
	struct world *world = &worlds[1 + index % (ARENA_VERSIONS - 1)]; /* from 3.6 */

	if (world->hostile.pristine)
		return world;
	arena_open(&world->hostile.arena, arena_versions[world - worlds]);
	traces_build(&world->traces, &world->hostile.arena);
	world->used = world->hostile.arena.used;
	hostile_built(&world->hostile);
	return world;
}

static uint64_t value_of(const struct world *world, unsigned kind, unsigned number)
{
	switch (kind % 5) {
	case HOSTILE_NUMBERS:
		return ARENA_BASE + number * world->used / 256 / 8 * 8;
	case HOSTILE_NUMBERS + 1:
		return world->traces.first_entry;
	default:
		return hostile_number(kind % 5, number);
	}
}

/* Two bytes say where (most of the arena is empty), one how wide and what kind, one which. */
static void overwrite(struct world *world, const uint8_t *patch)
{
	size_t where = ((size_t)patch[0] | (size_t)patch[1] << 8) % world->used;

	if (patch[2] & 0x80)
		where = where / 8 * 8;
	hostile_write(&world->hostile, patch, where, value_of(world, patch[2] >> 2, patch[3]));
}

static void check(const struct spy_traces *traces)
{
	for (size_t i = 0; i < traces->count; i++)
		if (traces->items[i].traceback >= traces->traceback_count)
			abort();
	for (uint32_t i = 0; i < traces->traceback_count; i++) {
		const struct spy_traceback *traceback = &traces->tracebacks[i];

		if (!traceback->count || traceback->first + traceback->count > traces->frame_count)
			abort();
		for (unsigned k = 0; k < traceback->count; k++)
			if (traces->frames[traceback->first + k].file >= traces->files.count)
				abort();
	}
	for (uint32_t i = 0; i < traces->files.count; i++) {
		const char *text = traces->files.texts[i];
		size_t length;

		for (size_t left = strlen(text); left; left -= length, text += length) {
			length = spy_utf8_length(text, left);
			if (!length)
				abort();
		}
	}
}

static void use(struct spy_tracemalloc_owner *owner)
{
	struct pyspyc_traces_table *table;
	FILE *file = fopen("/dev/null", "w");

	owner->shown = owner->raw.files.texts;
	for (int by = PYSPYC_TRACES_BY_LINE; by <= PYSPYC_TRACES_BY_TRACEBACK; by++) {
		if (pyspyc_tracemalloc_table(&owner->traces, &owner->traces,
					     (enum pyspyc_traces_by)by, &table, NULL) == 0)
			pyspyc_traces_table_free(table);
	}
	owner->totals = true;
	if (file) {
		pyspyc_tracemalloc_write(&owner->traces, file, NULL);
		fclose(file);
	}
}

/* The same by way of a copy, of which a part changes between noting and taking. */
static void read_copy(struct world *world, const uint8_t *data, size_t size)
{
	struct spy_heap heap = world->hostile.arena.heap;
	struct spy_tracemalloc variables = world->traces.variables;
	struct spy_traces traces = { 0 };
	struct spy_heads heads = { 0 };
	struct spy_copy copy;

	spy_copy_open(&copy, heap.memory);
	heap.memory = &copy.memory;
	hostile_restore(&world->hostile);
	spy_traces_read(&heap, &variables, 0, &heads, &traces, NULL);
	spy_traces_free(&traces);
	if (spy_copy_prepare(&copy, NULL) < 0)
		abort();
	for (size_t i = 1; i + 4 <= size; i += 4)
		overwrite(world, data + i);
	if (spy_copy_take(&copy, UINT64_MAX, NULL) < 0)
		abort();
	copy.copying = SPY_COPY_EXTENDS;
	spy_traces_read_new(&heap, &variables, 0, &heads, NULL);
	copy.copying = SPY_COPY_KEEPS;
	spy_traces_read(&heap, &variables, 0, &heads, &traces, NULL);
	for (size_t i = 0; i < traces.count; i++)
		if (traces.items[i].traceback >= traces.traceback_count)
			abort();
	spy_tracemalloc_locked(&heap, &variables);
	spy_traces_free(&traces);
	spy_heads_free(&heads);
	spy_copy_close(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *world = world_of(size ? data[0] : 0);
	const struct spy_heap *heap = &world->hostile.arena.heap;
	struct spy_tracemalloc_owner owner = { 0 };
	struct spy_tracemalloc variables = world->traces.variables;

	hostile_restore(&world->hostile);
	for (size_t i = 1; i + 4 <= size; i += 4)
		overwrite(world, data + i);
	if (spy_traces_read(heap, &variables, 0, NULL, &owner.raw, NULL) == 0 &&
	    spy_traces_resolve(heap, 0, &owner.raw, NULL) == 0) {
		check(&owner.raw);
		use(&owner);
	}
	variables.traced = variables.peak = 0;
	spy_tracemalloc_find_totals(heap, &variables, owner.raw.sum);
	spy_traces_free(&owner.raw);
	read_copy(world, data, size);
	return 0;
}
