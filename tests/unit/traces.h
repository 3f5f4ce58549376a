/* tracemalloc's tables in an arena, as each version from 3.6 lays them out. */
#ifndef SPY_TESTS_TRACES_H
#define SPY_TESTS_TRACES_H

#include "arena.h"
#include "cpython/tracemalloc.h"

#define TRACES_BUCKETS 16
#define TRACES_MADE 30
#define TRACES_LIMIT 3 /* frames of a traceback */

struct traces_world {
	struct arena *arena;
	struct spy_tracemalloc variables;
	uint64_t traces, tracebacks, filenames, domains; /* tables; domains is 0 to 3.8 */
	uint64_t traceback[2];				 /* one of a frame, one of three */
	uint64_t first_entry;				 /* of some list of traces */
	uint64_t sum;					 /* of all sizes */
	size_t count;
};

static inline bool traces_inline(const struct arena *arena)
{
	return arena->layout.hashtable_entry_value == SPY_NO_FIELD;
}

static inline uint64_t traces_table(struct arena *arena, unsigned key_size, unsigned data_size)
{
	const struct spy_layout *layout = &arena->layout;
	uint64_t table = arena_take(arena, layout->hashtable_size);

	arena_word(arena, table + layout->hashtable_bucket_count, TRACES_BUCKETS);
	arena_word(arena, table + layout->hashtable_buckets, arena_take(arena, TRACES_BUCKETS * 8));
	if (traces_inline(arena)) {
		arena_word(arena, table + layout->hashtable_key_size, key_size);
		arena_word(arena, table + layout->hashtable_data_size, data_size);
	}
	return table;
}

static inline uint64_t traces_word(struct arena *arena, uint64_t address)
{
	uint64_t word;

	memcpy(&word, arena_at(arena, address), sizeof(word));
	return word;
}

/* Puts an entry in front of its bucket's list; words are data, or (one of them) the value. */
static inline uint64_t traces_insert(struct arena *arena, uint64_t table, uint64_t key,
				     uint32_t domain, unsigned key_size, const uint64_t *words,
				     unsigned count)
{
	const struct spy_layout *layout = &arena->layout;
	uint64_t entry = arena_take(arena, layout->hashtable_entry_size + 64), hash = key >> 4;
	uint64_t bucket = traces_word(arena, table + layout->hashtable_buckets) +
			  hash % TRACES_BUCKETS * 8;
	uint64_t entries = table + layout->hashtable_entries;

	arena_word(arena, entry + layout->hashtable_entry_next, traces_word(arena, bucket));
	arena_word(arena, entry + layout->hashtable_entry_hash, hash);
	arena_word(arena, bucket, entry);
	arena_word(arena, entries, traces_word(arena, entries) + 1);
	if (!traces_inline(arena)) {
		arena_word(arena, entry + layout->hashtable_entry_key, key);
		arena_word(arena, entry + layout->hashtable_entry_value, count ? words[0] : 0);
		return entry;
	}
	arena_word(arena, entry + layout->hashtable_entry_size, key);
	memcpy(arena_at(arena, entry + layout->hashtable_entry_size + 8), &domain, sizeof(domain));
	if (count)
		memcpy(arena_at(arena, entry + layout->hashtable_entry_size + key_size), words,
		       count * sizeof(*words));
	return entry;
}

/* Any text as a file's name in a frame. */
static inline uint64_t traces_name(struct arena *arena, const char *text)
{
	uint64_t address;

	if (arena->layout.tracemalloc_frame_text == SPY_NO_FIELD)
		return arena_name(arena, text);
	address = arena_take(arena, strlen(text) + 1);
	memcpy(arena_at(arena, address), text, strlen(text) + 1);
	return address;
}

static inline void traces_set_frames(struct arena *arena, uint64_t traceback, unsigned count)
{
	const struct spy_layout *layout = &arena->layout;
	uint16_t half = (uint16_t)count, total = (uint16_t)(count + 1);

	memcpy(arena_at(arena, traceback + layout->tracemalloc_tb_nframe), &count, 4);
	if (layout->tracemalloc_tb_total == SPY_NO_FIELD)
		return;
	memcpy(arena_at(arena, traceback + layout->tracemalloc_tb_nframe), &half, 2);
	memcpy(arena_at(arena, traceback + layout->tracemalloc_tb_total), &total, 2);
}

/* A traceback of count frames: lines 10, 20, … of one file. */
static inline uint64_t traces_traceback(struct arena *arena, uint64_t name, unsigned count)
{
	const struct spy_layout *layout = &arena->layout;
	uint32_t name_at = layout->tracemalloc_frame_text == SPY_NO_FIELD
				   ? layout->tracemalloc_frame_object
				   : layout->tracemalloc_frame_text;
	uint64_t traceback = arena_take(arena, 16 + count * layout->tracemalloc_frame_size);

	traces_set_frames(arena, traceback, count);
	for (unsigned i = 0; i < count; i++) {
		uint64_t frame = traceback + layout->tracemalloc_tb_frames +
				 i * layout->tracemalloc_frame_size;
		uint32_t line = 10 * (i + 1);

		arena_word(arena, frame + name_at, name);
		memcpy(arena_at(arena, frame + layout->tracemalloc_frame_line), &line, 4);
	}
	return traceback;
}

static inline void traces_add(struct traces_world *world, uint64_t table, uint64_t key,
			      uint32_t domain, uint64_t size, uint64_t traceback)
{
	struct arena *arena = world->arena;
	const struct spy_layout *layout = &arena->layout;
	uint64_t words[2] = { size, traceback }, trace;

	if (!traces_inline(arena)) {
		trace = arena_take(arena, 16);
		arena_word(arena, trace + layout->tracemalloc_trace_size, size);
		arena_word(arena, trace + layout->tracemalloc_trace_tb, traceback);
		words[0] = trace;
	}
	world->first_entry = traces_insert(arena, table, key, domain, 12, words,
					   traces_inline(arena) ? 2 : 1);
	world->sum += size;
	world->count++;
}

/* The words that point to the tables, the totals and the configuration. */
static inline void traces_variables(struct traces_world *world)
{
	struct arena *arena = world->arena;
	uint64_t words = arena_take(arena, 1024) + 512, config = arena_take(arena, 16);
	uint32_t ints[] = { 1, 1, TRACES_LIMIT };

	memcpy(arena_at(arena, config), ints, sizeof(ints));
	world->variables = (struct spy_tracemalloc){
		.config = config,
		.domains = words,
		.traces = words + 8,
		.tracebacks = words + 16,
		.filenames = words + 32,
		.peak = words + 40,
		.traced = words + 48,
	};
	arena_word(arena, world->variables.domains, world->domains);
	arena_word(arena, world->variables.traces, world->traces);
	arena_word(arena, world->variables.tracebacks, world->tracebacks);
	arena_word(arena, world->variables.filenames, world->filenames);
	arena_word(arena, world->variables.peak, world->sum + 100);
	arena_word(arena, world->variables.traced, world->sum);
}

/* TRACES_MADE traces of 1, 2, … bytes, the last of them of domain 5. */
static inline void traces_build(struct traces_world *world, struct arena *arena)
{
	uint64_t name = traces_name(arena, "/a\033b.py"), other;

	*world = (struct traces_world){ .arena = arena };
	world->traces = traces_table(arena, 12, 16);
	world->tracebacks = traces_table(arena, 8, 0);
	world->filenames = traces_table(arena, 8, 0);
	world->traceback[0] = traces_traceback(arena, name, 1);
	world->traceback[1] = traces_traceback(arena, name, TRACES_LIMIT);
	traces_insert(arena, world->filenames, name, 0, 8, NULL, 0);
	traces_insert(arena, world->tracebacks, world->traceback[0], 0, 8, NULL, 0);
	traces_insert(arena, world->tracebacks, world->traceback[1], 0, 8, NULL, 0);
	for (unsigned i = 0; i + 1 < TRACES_MADE; i++)
		traces_add(world, world->traces, 0x1000 + 16 * (uint64_t)i * i, 0, i + 1,
			   world->traceback[i % 2]);
	if (traces_inline(arena)) {
		traces_add(world, world->traces, 0x77770, 5, TRACES_MADE, world->traceback[1]);
	} else {
		world->domains = traces_table(arena, 8, 8);
		other = traces_table(arena, 8, 8);
		traces_insert(arena, world->domains, 5, 0, 8, &other, 1);
		traces_add(world, other, 0x77770, 0, TRACES_MADE, world->traceback[1]);
	}
	traces_variables(world);
}

#endif
