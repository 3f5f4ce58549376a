/*
 * Where tracemalloc keeps its state: in _PyRuntime from 3.12; static variables before, found by
 * their symbols or, in a program without them, by what their tables look like.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/find.h"
#include "cpython/tracemalloc.h"

/* _PyRuntime of a micro version that moved the state is searched up to here, in bytes. */
#define RUNTIME_LIMIT (1u << 20)
/* A program's data segments are searched up to here, in bytes, and with so many reads. */
#define SCAN_LIMIT (UINT64_C(64) << 20)
#define READS_LIMIT (1u << 17)
/* There are three or four tables. */
#define TABLES_LIMIT 8
/* Totals lie within so many bytes of the pointers to the tables: all are in one object file. */
#define TOTALS_REACH 256
/* No process has so many bytes. */
#define BYTES_LIMIT (UINT64_C(1) << 56)

/* --- from 3.12 --- */

/* Whether a struct _PyTraceMalloc_Config may have these bytes; *tracing gets what it says. */
static bool sane_config(const struct spy_layout *layout, const uint8_t *config, bool *tracing)
{
	int initialized = spy_int_at(config, layout->tracemalloc_initialized);
	int traces = spy_int_at(config, layout->tracemalloc_tracing);
	int frames = spy_int_at(config, layout->tracemalloc_max_nframe);

	*tracing = traces == 1;
	/* NOT_INITIALIZED, INITIALIZED, FINALIZED; UINT16_MAX frames at most. */
	return initialized >= 0 && initialized <= 2 && (traces == 0 || traces == 1) &&
	       (initialized == 1 || !traces) && frames >= 1 && frames <= UINT16_MAX;
}

static bool is_table(const struct spy_heap *heap, uint64_t address)
{
	struct spy_hashtable table;

	return address && spy_hashtable_open(heap, address, &table, NULL) == 0;
}

/* Whether size bytes of a runtime can be the state. */
static bool sane_state(const struct spy_heap *heap, const uint8_t *state, size_t size,
		       bool *tracing)
{
	const struct spy_layout *layout = heap->layout;

	if (size < layout->tracemalloc_size ||
	    !sane_config(layout, state + layout->tracemalloc_config, tracing))
		return false;
	return !*tracing || (is_table(heap, spy_word_at(state, layout->tracemalloc_traces)) &&
			     is_table(heap, spy_word_at(state, layout->tracemalloc_tracebacks)) &&
			     is_table(heap, spy_word_at(state, layout->tracemalloc_filenames)));
}

static void fill_in(const struct spy_layout *layout, uint64_t state, struct spy_tracemalloc *ret)
{
	ret->config = state + layout->tracemalloc_config;
	ret->traced = state + layout->tracemalloc_traced;
	ret->peak = state + layout->tracemalloc_peak;
	ret->filenames = state + layout->tracemalloc_filenames;
	ret->tracebacks = state + layout->tracemalloc_tracebacks;
	ret->traces = state + layout->tracemalloc_traces;
	ret->domains = state + layout->tracemalloc_domains;
	if (layout->tracemalloc_lock != SPY_NO_FIELD)
		ret->lock = state + layout->tracemalloc_lock;
	if (layout->tracemalloc_mutex != SPY_NO_FIELD)
		ret->mutex = state + layout->tracemalloc_mutex;
}

static int find_in_runtime(const struct spy_heap *heap, uint64_t runtime,
			   struct spy_tracemalloc *ret, struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	size_t size = layout->runtime_size, at = layout->runtime_tracemalloc;
	spy_autofree uint8_t *bytes = NULL;
	bool tracing;
	int result;

	if (size > RUNTIME_LIMIT || at >= size)
		return spy_fail(err, PYSPYC_ECORRUPT, "the runtime's size makes no sense");
	bytes = malloc(size);
	if (!bytes)
		return spy_nomem(err);
	result = spy_memory_read(heap->memory, runtime, bytes, size, err);
	if (result < 0)
		return result;
	if (sane_state(heap, bytes + at, size - at, &tracing)) {
		fill_in(layout, runtime + at, ret);
		return 0;
	}
	/* A micro version may have put something before it: one that traces is unmistakable. */
	for (at = 0; at + layout->tracemalloc_size <= size; at += sizeof(uint64_t)) {
		if (sane_config(layout, bytes + at + layout->tracemalloc_config, &tracing) &&
		    tracing && sane_state(heap, bytes + at, size - at, &tracing)) {
			fill_in(layout, runtime + at, ret);
			return 0;
		}
	}
	return 0;
}

/* --- to 3.11 --- */

static uint64_t find_symbol(struct spy_candidate *candidate, const char *name)
{
	uint64_t address = spy_candidate_symbol(candidate, SPY_DEPTH_MEMORY, name);

	return address ? address : spy_candidate_static(candidate, name);
}

struct scan {
	const struct spy_heap *heap;
	const struct spy_process *process;
	const struct spy_image *image;
	unsigned reads;
	size_t count;
	struct {
		uint64_t variable;
		struct spy_hashtable table;
	} found[TABLES_LIMIT];
};

static bool is_code(const struct scan *scan, uint64_t address)
{
	const struct spy_mapping *mapping = spy_maps_find(&scan->process->maps, address);

	return mapping && mapping->flags & SPY_MAP_EXEC;
}

/* Whether the table's functions are code. */
static bool has_functions(const struct scan *scan, const struct spy_hashtable *table)
{
	return is_code(scan, table->hash_func) && is_code(scan, table->compare_func) &&
	       is_code(scan, table->alloc[0]) && is_code(scan, table->alloc[1]) &&
	       (!table->key_destroy || is_code(scan, table->key_destroy)) &&
	       (!table->value_destroy || is_code(scan, table->value_destroy));
}

static void look_at(struct scan *scan, uint64_t variable, uint64_t word)
{
	struct spy_hashtable table;
	size_t i;

	for (i = 0; i < scan->count; i++)
		if (scan->found[i].table.address == word)
			return;
	scan->reads++;
	if (spy_hashtable_open(scan->heap, word, &table, NULL) < 0 || !has_functions(scan, &table))
		return;
	scan->found[scan->count].variable = variable;
	scan->found[scan->count++].table = table;
}

static bool visit_words(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct scan *scan = context;
	size_t at;

	for (at = -address % 8; size >= 8 && at <= size - 8; at += 8) {
		uint64_t word = spy_word_at(bytes, at);

		if (scan->count == TABLES_LIMIT || scan->reads > READS_LIMIT)
			return false;
		/* Tables are allocated: pointers into the image need no look. */
		if ((word >= scan->image->start && word < scan->image->end) ||
		    !spy_writable_pointer(scan->process, word))
			continue;
		look_at(scan, address + at, word);
	}
	return true;
}

/* Whether the keys or the values of a table are freed by this function. */
static bool frees_by(const struct spy_hashtable *table, uint64_t function)
{
	return function && (table->key_destroy == function || table->value_destroy == function);
}

/*
 * Whether the table at index is the one of traces. To 3.8, by its data: a size and a traceback.
 * From 3.9, by its functions: it compares keys as the table of domains does, and frees its values
 * as that of tracebacks frees what it has (keys or values; tracemalloc_init, tracemalloc.c).
 */
static bool is_of_traces(const struct scan *scan, size_t index)
{
	const struct spy_hashtable *table = &scan->found[index].table;
	bool domains = false, tracebacks = false;
	size_t i;

	if (scan->heap->layout->hashtable_data_size != SPY_NO_FIELD)
		return table->data_size == 2 * sizeof(uint64_t);
	for (i = 0; i < scan->count; i++) {
		const struct spy_hashtable *other = &scan->found[i].table;
		bool compares = other->compare_func == table->compare_func;

		if (i == index)
			continue;
		domains = domains || (compares && other->value_destroy != table->value_destroy);
		tracebacks = tracebacks || (!compares && frees_by(other, table->value_destroy));
	}
	return domains && tracebacks;
}

static void scan_tables(const struct spy_heap *heap, const struct spy_process *process,
			struct spy_candidate *candidate, struct spy_tracemalloc *ret)
{
	struct scan scan = { .heap = heap, .process = process, .image = &candidate->image };
	uint64_t compare = 0;
	size_t i;

	spy_image_visit(&candidate->image, SPY_LOADS_WRITABLE, SCAN_LIMIT, visit_words, &scan,
			NULL);
	for (i = 0; i < scan.count && !ret->traces; i++) {
		if (is_of_traces(&scan, i)) {
			ret->traces = scan.found[i].variable;
			compare = scan.found[i].table.compare_func;
		}
	}
	for (i = 0; i < scan.count && ret->traces; i++) {
		uint64_t variable = scan.found[i].variable;

		if (variable == ret->traces)
			continue;
		if (scan.found[i].table.compare_func == compare && !scan.found[i].table.data_size)
			ret->domains = ret->domains ? ret->domains : variable;
		else if (!ret->tracebacks) /* which of the two is which matters to no one */
			ret->tracebacks = variable;
		else if (!ret->filenames)
			ret->filenames = variable;
	}
}

void spy_tracemalloc_find_totals(const struct spy_heap *heap, struct spy_tracemalloc *variables,
				 uint64_t sum)
{
	uint64_t words[2 * TOTALS_REACH / sizeof(uint64_t)],
		start = variables->traces - TOTALS_REACH;
	size_t count = sizeof(words) / sizeof(*words), i;

	if (variables->traced || variables->traces < TOTALS_REACH || !sum ||
	    spy_memory_read(heap->memory, start, words, sizeof(words), NULL) < 0)
		return;
	for (i = 1; i + 1 < count; i++) {
		uint64_t before = words[i - 1], after = words[i + 1];
		bool fits_before = before >= sum && before < BYTES_LIMIT;
		bool fits_after = after >= sum && after < BYTES_LIMIT;

		/* The peak is its neighbour, and no less. */
		if (words[i] != sum || (!fits_before && !fits_after))
			continue;
		if (fits_before && fits_after)
			fits_before = before <= after;
		variables->traced = start + i * sizeof(uint64_t);
		variables->peak = fits_before ? variables->traced - sizeof(uint64_t)
					      : variables->traced + sizeof(uint64_t);
		return;
	}
}

static void find_statics(const struct spy_heap *heap, const struct spy_process *process,
			 struct spy_candidate *candidate, struct spy_tracemalloc *ret)
{
	bool tracing = true;
	uint8_t config[16];

	ret->config = find_symbol(candidate, "_Py_tracemalloc_config"); /* from 3.8 */
	if (!ret->config)
		ret->config = find_symbol(candidate, "tracemalloc_config");
	ret->traces = find_symbol(candidate, "tracemalloc_traces");
	if (ret->traces) {
		ret->traced = find_symbol(candidate, "tracemalloc_traced_memory");
		ret->peak = find_symbol(candidate, "tracemalloc_peak_traced_memory");
		ret->filenames = find_symbol(candidate, "tracemalloc_filenames");
		ret->tracebacks = find_symbol(candidate, "tracemalloc_tracebacks");
		ret->domains = find_symbol(candidate, "tracemalloc_domains");
		ret->lock = find_symbol(candidate, "tables_lock");
		return;
	}
	if (ret->config &&
	    spy_memory_read(heap->memory, ret->config, config, sizeof(config), NULL) == 0)
		sane_config(heap->layout, config, &tracing);
	if (tracing)
		scan_tables(heap, process, candidate, ret);
}

static int find_in_image(const struct spy_heap *heap, const struct spy_process *process,
			 const struct spy_python *python, struct spy_tracemalloc *ret,
			 struct pyspyc_error *err)
{
	int others, result = 0;
	size_t i;

	for (others = 0; others <= 1 && result == 0; others++) {
		spy_cleanup(spy_candidates_free) struct spy_candidates candidates = { 0 };

		result = spy_candidates_list(process, others, &candidates, err);
		for (i = 0; i < candidates.count && result == 0; i++) {
			struct spy_candidate *candidate = &candidates.items[i];

			if (!python->binary ||
			    strcmp(candidate->mapping->path, python->binary) != 0)
				continue;
			find_statics(heap, process, candidate, ret);
			return 0;
		}
	}
	return result;
}

int spy_tracemalloc_find(const struct spy_process *process, const struct spy_python *python,
			 struct spy_tracemalloc *ret, struct pyspyc_error *err)
{
	const struct spy_heap heap = { process->memory, &python->layout, python->version };
	struct spy_tracemalloc_state state;
	int result;

	*ret = (struct spy_tracemalloc){ 0 };
	if (python->layout.tracemalloc_tracing == SPY_NO_FIELD)
		return 0;
	if (python->layout.runtime_tracemalloc != SPY_NO_FIELD)
		return find_in_runtime(&heap, python->runtime, ret, err);
	result = find_in_image(&heap, process, python, ret, err);
	if (result < 0)
		return result;
	result = spy_tracemalloc_state_read(&heap, ret, &state, err);
	if (result == 0 && state.tracing && !state.traces.address)
		return spy_fail(
			err, PYSPYC_ECORRUPT,
			"tracemalloc runs in process %d, whose %s has no symbols, and its tables are "
			"not to be found",
			(int)process->pid, spy_basename(python->binary));
	return result;
}
