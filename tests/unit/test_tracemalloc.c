/* tracemalloc's tables of each version, whole and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "cpython/gather.h"
#include "lib/tracemalloc.h"
#include "target/memory_copy.h"
#include "traces.h"

static void every_version(void (*test)(struct traces_world *world))
{
	struct traces_world world;
	struct arena arena;

	for (size_t i = 0; i < ARENA_VERSIONS; i++) {
		arena_open(&arena, arena_versions[i]);
		if (arena_is(&arena, 0x0306, 0xffff)) {
			print_message("%s ", arena_versions[i]);
			traces_build(&world, &arena);
			test(&world);
		}
		arena_close(&arena);
	}
	print_message("\n");
}

static int read_all(struct traces_world *world, struct spy_traces *traces)
{
	const struct spy_heap *heap = &world->arena->heap;
	int result;

	*traces = (struct spy_traces){ 0 };
	result = spy_traces_read(heap, &world->variables, 0, NULL, traces, NULL);
	return result < 0 ? result : spy_traces_resolve(heap, 0, traces, NULL);
}

static void check_whole(struct traces_world *world)
{
	struct spy_traces traces;
	bool totals = world->arena->layout.tracemalloc_tb_total != SPY_NO_FIELD;
	unsigned domains = 0;

	assert_int_equal(read_all(world, &traces), 0);
	assert_true(traces.consistent && traces.lost == 0);
	assert_int_equal(traces.count, TRACES_MADE);
	assert_int_equal(traces.sum, world->sum);
	assert_int_equal(traces.state.peak, world->sum + 100);
	assert_int_equal(traces.state.max_nframe, TRACES_LIMIT);
	assert_int_equal(traces.traceback_count, 2);
	assert_int_equal(traces.files.count, 1);
	assert_string_equal(traces.files.texts[0], "/a\033b.py");
	for (size_t i = 0; i < traces.count; i++) {
		const struct spy_trace *trace = &traces.items[i];
		const struct spy_traceback *traceback = &traces.tracebacks[trace->traceback];
		bool last = trace->size == TRACES_MADE;

		assert_int_equal(trace->domain, last ? 5 : 0);
		domains += trace->domain != 0;
		assert_int_equal(traceback->count, last || trace->size % 2 == 0 ? 3 : 1);
		assert_int_equal(traceback->total, traceback->count + totals);
		for (unsigned k = 0; k < traceback->count; k++)
			assert_int_equal(traces.frames[traceback->first + k].line, 10 * (k + 1));
	}
	assert_int_equal(domains, 1);
	spy_traces_free(&traces);
}

static void test_whole(void **state)
{
	every_version(check_whole);
}

/* Reads what has been broken: no more than there was, and not said to be right. */
static void check_broken(struct traces_world *world, size_t least)
{
	struct spy_traces traces;

	assert_int_equal(read_all(world, &traces), 0);
	assert_false(traces.consistent && traces.lost == 0);
	assert_true(traces.count >= least && traces.count <= TRACES_MADE);
	for (uint32_t i = 0; i < traces.traceback_count; i++) {
		assert_true(traces.tracebacks[i].count > 0);
		assert_true(traces.tracebacks[i].first + traces.tracebacks[i].count <=
			    traces.frame_count);
	}
	spy_traces_free(&traces);
}

static void check_broken_lists(struct traces_world *world)
{
	struct arena *arena = world->arena;
	const struct spy_layout *layout = &arena->layout;
	uint64_t next = world->first_entry + layout->hashtable_entry_next;
	uint64_t hash = world->first_entry + layout->hashtable_entry_hash;
	uint64_t saved = traces_word(arena, hash);
	uint64_t entries = world->traces + layout->hashtable_entries;

	arena_word(arena, next, world->first_entry); /* a circle */
	check_broken(world, 1);
	arena_word(arena, next, ARENA_ELSEWHERE);
	check_broken(world, TRACES_MADE - 1);
	arena_word(arena, next, UINT64_MAX - 7);
	check_broken(world, TRACES_MADE - 1);
	arena_word(arena, next, 0);
	arena_word(arena, hash, saved + 1); /* freed, and something else by now */
	check_broken(world, TRACES_MADE - 1);
	arena_word(arena, hash, saved);
	arena_word(arena, entries, traces_word(arena, entries) - 3);
	check_broken(world, TRACES_MADE - 3);
	arena_word(arena, entries, traces_word(arena, entries) + 4);
	check_broken(world, TRACES_MADE);
}

static void test_broken_lists(void **state)
{
	every_version(check_broken_lists);
}

static void check_broken_totals(struct traces_world *world)
{
	struct arena *arena = world->arena;

	arena_word(arena, world->variables.traced, world->sum + 1);
	check_broken(world, TRACES_MADE);
}

static void test_broken_totals(void **state)
{
	every_version(check_broken_totals);
}

static void check_broken_tracebacks(struct traces_world *world)
{
	struct arena *arena = world->arena;
	const struct spy_layout *layout = &arena->layout;
	uint64_t frame = world->traceback[0] + layout->tracemalloc_tb_frames;

	traces_set_frames(arena, world->traceback[1], 60000);
	check_broken(world, TRACES_MADE);
	traces_set_frames(arena, world->traceback[1], 0);
	check_broken(world, TRACES_MADE);
	traces_set_frames(arena, world->traceback[1], TRACES_LIMIT);
	arena_word(arena, frame, ARENA_ELSEWHERE); /* the name */
	check_broken(world, TRACES_MADE);
}

static void test_broken_tracebacks(void **state)
{
	every_version(check_broken_tracebacks);
}

static void check_corrupt(struct traces_world *world)
{
	struct arena *arena = world->arena;
	const struct spy_layout *layout = &arena->layout;
	uint64_t count = world->traces + layout->hashtable_bucket_count;
	uint64_t entries = world->traces + layout->hashtable_entries;
	static const uint64_t counts[] = { 0, 1, 15, 17, UINT64_C(1) << 40, UINT64_MAX };
	struct spy_traces traces;

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		arena_word(arena, count, counts[i]);
		assert_int_equal(read_all(world, &traces), -PYSPYC_ECORRUPT);
		spy_traces_free(&traces);
	}
	arena_word(arena, count, TRACES_BUCKETS);
	arena_word(arena, entries, UINT64_C(1) << 60);
	assert_int_equal(read_all(world, &traces), -PYSPYC_ECORRUPT);
	spy_traces_free(&traces);
	arena_byte(arena, world->variables.config + layout->tracemalloc_tracing, 7);
	assert_int_equal(read_all(world, &traces), -PYSPYC_ECORRUPT);
	spy_traces_free(&traces);
	arena_byte(arena, world->variables.config + layout->tracemalloc_tracing, 0);
	assert_int_equal(read_all(world, &traces), 0);
	assert_false(traces.state.tracing);
	spy_traces_free(&traces);
}

static void test_corrupt(void **state)
{
	every_version(check_corrupt);
}

/* Without symbols: totals by their neighbourhood, tracing by the table. */
static void check_totals(struct traces_world *world)
{
	struct spy_tracemalloc variables = world->variables;
	struct spy_tracemalloc_state state;
	const struct spy_heap *heap = &world->arena->heap;

	variables.traced = variables.peak = variables.config = 0;
	assert_int_equal(spy_tracemalloc_state_read(heap, &variables, &state, NULL), 0);
	assert_true(state.tracing);
	spy_tracemalloc_find_totals(heap, &variables, world->sum + 7);
	assert_true(variables.traced == 0 && variables.peak == 0);
	spy_tracemalloc_find_totals(heap, &variables, world->sum);
	assert_true(variables.traced == world->variables.traced);
	assert_true(variables.peak == world->variables.peak);
}

static void test_totals(void **state)
{
	every_version(check_totals);
}

/* From 3.12 on: in the runtime, where the row says, or where a micro version has moved it to. */
static void check_runtime(struct traces_world *world)
{
	struct arena *arena = world->arena;
	const struct spy_layout *layout = &arena->layout;
	struct spy_process process = { .memory = arena->heap.memory };
	struct spy_python python = { .layout = *layout, .version = arena->heap.version };
	uint32_t ints[] = { 1, 1, TRACES_LIMIT };
	struct spy_tracemalloc found;
	const int moves[] = { 0, -24, 24, 4096 };

	if (layout->runtime_tracemalloc == SPY_NO_FIELD)
		return;
	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		uint64_t at = layout->runtime_tracemalloc + (uint64_t)moves[i], state;

		python.layout.runtime_size = (uint32_t)at + layout->tracemalloc_size + 64;
		python.runtime = arena_take(arena, python.layout.runtime_size);
		state = python.runtime + at;
		assert_int_equal(spy_tracemalloc_find(&process, &python, &found, NULL), 0);
		assert_int_equal(found.config, 0); /* nothing traces yet */
		memcpy(arena_at(arena, state + layout->tracemalloc_config), ints, sizeof(ints));
		assert_int_equal(spy_tracemalloc_find(&process, &python, &found, NULL), 0);
		assert_int_equal(found.config, 0); /* what only looks like it has no tables */
		arena_word(arena, state + layout->tracemalloc_traces, world->traces);
		arena_word(arena, state + layout->tracemalloc_tracebacks, world->tracebacks);
		arena_word(arena, state + layout->tracemalloc_filenames, world->filenames);
		assert_int_equal(spy_tracemalloc_find(&process, &python, &found, NULL), 0);
		assert_int_equal(found.config, state + layout->tracemalloc_config);
		assert_int_equal(found.traces - found.config,
				 layout->tracemalloc_traces - layout->tracemalloc_config);
	}
}

static void test_runtime(void **state)
{
	every_version(check_runtime);
}

/* --- a copy --- */

/* A copy has what came since the reading before, when that was told what the buckets led to. */
static void check_copy(struct traces_world *world)
{
	struct spy_heap heap = world->arena->heap;
	struct spy_heads heads = { 0 };
	struct spy_traces traces = { 0 };
	struct spy_copy copy;
	uint64_t traced = world->variables.traced;

	spy_copy_open(&copy, heap.memory);
	heap.memory = &copy.memory;
	assert_int_equal(spy_traces_read(&heap, &world->variables, 0, &heads, &traces, NULL), 0);
	assert_true(traces.consistent);
	spy_traces_free(&traces);
	assert_int_equal(spy_copy_prepare(&copy, NULL), 0);
	/* One that lies where nothing was, in front of its list. */
	arena_take(world->arena, 3 * 4096);
	traces_add(world, world->traces, 0x1000, 0, 77, world->traceback[1]);
	arena_word(world->arena, traced, world->sum);
	assert_int_equal(spy_copy_take(&copy, UINT64_MAX, NULL), 0);
	copy.copying = SPY_COPY_EXTENDS;
	assert_int_equal(spy_traces_read_new(&heap, &world->variables, 0, &heads, NULL), 0);
	/* All that goes on meanwhile does not touch the copy. */
	traces_add(world, world->traces, 0x2000, 0, 5, world->traceback[1]);
	arena_word(world->arena, traced, 0);
	copy.copying = SPY_COPY_KEEPS;
	assert_int_equal(spy_traces_read(&heap, &world->variables, 0, &heads, &traces, NULL), 0);
	assert_true(traces.consistent && traces.lost == 0);
	assert_int_equal(traces.count, TRACES_MADE + 1);
	assert_int_equal(traces.sum, world->sum - 5);
	spy_traces_free(&traces);
	spy_heads_free(&heads);
	spy_copy_close(&copy);
}

static void test_copy(void **state)
{
	every_version(check_copy);
}

static void check_lock(struct traces_world *world)
{
	struct arena *arena = world->arena;
	struct spy_tracemalloc variables = { 0 };
	uint64_t lock = arena_take(arena, 32), semaphore = arena_take(arena, 32);

	assert_false(spy_tracemalloc_locked(&arena->heap, &variables));
	variables.lock = lock;
	assert_false(spy_tracemalloc_locked(&arena->heap, &variables)); /* none yet */
	arena_word(arena, lock, semaphore);
	assert_true(spy_tracemalloc_locked(&arena->heap, &variables));
	arena_word(arena, semaphore, 1);
	assert_false(spy_tracemalloc_locked(&arena->heap, &variables));
	arena_word(arena, lock, ARENA_ELSEWHERE);
	assert_false(spy_tracemalloc_locked(&arena->heap, &variables));
	variables.mutex = semaphore;
	assert_true(spy_tracemalloc_locked(&arena->heap, &variables));
	arena_word(arena, semaphore, 2); /* _Py_HAS_PARKED */
	assert_false(spy_tracemalloc_locked(&arena->heap, &variables));
}

static void test_lock(void **state)
{
	every_version(check_lock);
}

/* --- pieces --- */

#define BASE UINT64_C(0x100000)
#define SPAN (8u << 20)

static void test_gather(void **state)
{
	static uint8_t memory[SPAN], bytes[3000][8];
	static struct spy_piece pieces[3000];
	/* A hole of a page in the middle of what one run would be. */
	struct spy_segment segments[] = { { BASE, memory, SPAN / 2 },
					  { BASE + SPAN / 2 + 64, memory + SPAN / 2 + 64,
					    SPAN / 2 - 64 } };
	struct spy_memory *image;

	for (size_t i = 0; i < SPAN; i++)
		memory[i] = (uint8_t)(i * 31 + i / 251);
	assert_int_equal(spy_memory_open_image(segments, 2, &image, NULL), 0);
	for (unsigned round = 0; round < 4; round++) {
		uint64_t stride = (uint64_t[]){ 8, 700, 5, SPAN / 3000 }[round];

		for (unsigned i = 0; i < 3000; i++) {
			uint64_t at = (i * 1237u % 3000) * stride +
				      (round == 3 ? 0 : SPAN / 2 - 1500 * stride);

			pieces[i] = (struct spy_piece){ BASE + at, bytes[i], 8, i };
		}
		assert_int_equal(spy_gather(image, pieces, 3000, 0, NULL), 0);
		for (unsigned i = 0; i < 3000; i++) {
			uint64_t at = pieces[i].address - BASE;
			bool there = at + 8 <= SPAN / 2 || at >= SPAN / 2 + 64;

			assert_true(!i || pieces[i - 1].address <= pieces[i].address);
			assert_int_equal(pieces[i].to != NULL, there && at + 8 <= SPAN);
			if (pieces[i].to)
				assert_memory_equal(bytes[pieces[i].index], memory + at, 8);
		}
	}
	for (unsigned i = 0; i < 8; i++)
		pieces[i] = (struct spy_piece){ UINT64_MAX - i * 4, bytes[i], 8, i };
	assert_int_equal(spy_gather(image, pieces, 8, 0, NULL), 0);
	assert_null(pieces[0].to);
	spy_memory_close(image);
}

/* --- the table and the file --- */

static struct spy_tracemalloc_owner *owner_of(struct traces_world *world)
{
	struct spy_tracemalloc_owner *owner = calloc(1, sizeof(*owner));

	assert_non_null(owner);
	assert_int_equal(read_all(world, &owner->raw), 0);
	owner->shown = calloc(owner->raw.files.count + 1, sizeof(*owner->shown));
	assert_non_null(owner->shown);
	for (uint32_t i = 0; i < owner->raw.files.count; i++)
		owner->shown[i] = strdup("shown");
	owner->traces.frame_limit = TRACES_LIMIT;
	owner->totals = world->arena->layout.tracemalloc_tb_total != SPY_NO_FIELD;
	return owner;
}

static void check_table(struct traces_world *world)
{
	struct spy_tracemalloc_owner *before = owner_of(world), *now;
	struct pyspyc_traces_table *table;

	assert_int_equal(pyspyc_tracemalloc_table(&before->traces, NULL, PYSPYC_TRACES_BY_LINE,
						  &table, NULL),
			 0);
	assert_int_equal(table->count, 1); /* both tracebacks begin in the same line */
	assert_int_equal(table->rows[0].size, world->sum);
	assert_int_equal(table->rows[0].frames[0].line, 10);
	pyspyc_traces_table_free(table);
	traces_add(world, world->traces, 0x99990, 0, UINT64_C(1) << 63, world->traceback[0]);
	now = owner_of(world);
	assert_int_equal(pyspyc_tracemalloc_table(&now->traces, &before->traces,
						  PYSPYC_TRACES_BY_TRACEBACK, &table, NULL),
			 0);
	assert_int_equal(table->count, 2);
	assert_int_equal(table->rows[0].count_diff, 1);
	assert_true(table->rows[0].size_diff == INT64_MIN);
	assert_int_equal(table->rows[0].frame_count, 1);
	assert_int_equal(table->rows[1].size_diff, 0);
	assert_int_equal(table->rows[1].frame_count, TRACES_LIMIT);
	pyspyc_traces_table_free(table);
	pyspyc_tracemalloc_free(&before->traces);
	pyspyc_tracemalloc_free(&now->traces);
}

static void test_table(void **state)
{
	every_version(check_table);
}

static void check_file(struct traces_world *world)
{
	struct spy_tracemalloc_owner *owner = owner_of(world);
	struct pyspyc_error err = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(pyspyc_tracemalloc_write(&owner->traces, file, &err), 0);
	fclose(file);
	assert_true(size > 100 && text[size - 1] == '.');
	assert_memory_equal(text,
			    "\x80\x02"
			    "ctracemalloc\nSnapshot\n](",
			    26);
	free(text);
	file = fopen("/dev/full", "w");
	assert_non_null(file);
	assert_int_equal(pyspyc_tracemalloc_write(&owner->traces, file, &err), -PYSPYC_EIO);
	fclose(file);
	pyspyc_tracemalloc_free(&owner->traces);
}

static void test_file(void **state)
{
	every_version(check_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	      cmocka_unit_test(test_broken_lists),
		cmocka_unit_test(test_broken_totals), cmocka_unit_test(test_broken_tracebacks),
		cmocka_unit_test(test_corrupt),	      cmocka_unit_test(test_totals),
		cmocka_unit_test(test_runtime),	      cmocka_unit_test(test_gather),
		cmocka_unit_test(test_table),	      cmocka_unit_test(test_file),
		cmocka_unit_test(test_copy),	      cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
