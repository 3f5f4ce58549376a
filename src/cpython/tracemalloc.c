/* The traces: state, tables, and what their entries lead to. */
#include "cpython/tracemalloc.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/gather.h"
#include "cpython/head.h"

/* Domains, one for each extension that traces what it allocates; more are left out. */
#define DOMAINS_LIMIT 4096
/* _Py_LOCKED, in Include/internal/pycore_lock.h (from 3.13). */
#define MUTEX_LOCKED 1

static int read_table(const struct spy_heap *heap, uint64_t variable, struct spy_hashtable *ret,
		      struct pyspyc_error *err)
{
	uint64_t address;
	int result;

	*ret = (struct spy_hashtable){ 0 };
	if (!variable)
		return 0;
	result = spy_memory_read_word(heap->memory, variable, &address, err);
	if (result < 0 || !address)
		return result;
	return spy_hashtable_open(heap, address, ret, err);
}

static int read_config(const struct spy_heap *heap, uint64_t config,
		       struct spy_tracemalloc_state *ret, struct pyspyc_error *err)
{
	int32_t tracing, frames;
	int result = spy_memory_read_int(heap->memory, config + heap->layout->tracemalloc_tracing,
					 &tracing, err);

	if (result == 0)
		result = spy_memory_read_int(heap->memory,
					     config + heap->layout->tracemalloc_max_nframe, &frames,
					     err);
	if (result < 0)
		return result;
	if (tracing < 0 || tracing > 1 || frames < 0)
		return spy_corrupt(err, "tracemalloc's state", config);
	ret->tracing = tracing == 1;
	ret->max_nframe = (uint32_t)frames;
	return 0;
}

int spy_tracemalloc_state_read(const struct spy_heap *heap, const struct spy_tracemalloc *variables,
			       struct spy_tracemalloc_state *ret, struct pyspyc_error *err)
{
	int result = 0;

	*ret = (struct spy_tracemalloc_state){ 0 };
	if (variables->config)
		result = read_config(heap, variables->config, ret, err);
	if (result < 0 || (variables->config && !ret->tracing))
		return result;
	if (variables->traced)
		result = spy_memory_read_word(heap->memory, variables->traced, &ret->traced, err);
	if (result == 0 && variables->peak)
		result = spy_memory_read_word(heap->memory, variables->peak, &ret->peak, err);
	if (result == 0)
		result = read_table(heap, variables->filenames, &ret->filenames, err);
	if (result == 0)
		result = read_table(heap, variables->tracebacks, &ret->tracebacks, err);
	if (result == 0)
		result = read_table(heap, variables->traces, &ret->traces, err);
	if (result == 0)
		result = read_table(heap, variables->domains, &ret->domains, err);
	if (!variables->config) /* what stop() leaves behind is empty */
		ret->tracing = ret->traces.entries > 0;
	return result;
}

bool spy_tracemalloc_locked(const struct spy_heap *heap, const struct spy_tracemalloc *variables)
{
	uint64_t semaphore;
	int32_t value = 1;
	uint8_t mutex = 0;

	if (variables->mutex)
		return spy_memory_read(heap->memory, variables->mutex, &mutex, 1, NULL) == 0 &&
		       mutex & MUTEX_LOCKED;
	return variables->lock &&
	       spy_memory_read_word(heap->memory, variables->lock, &semaphore, NULL) == 0 &&
	       semaphore && spy_memory_read_int(heap->memory, semaphore, &value, NULL) == 0 &&
	       value == 0;
}

/* --- traces --- */

struct reading {
	const struct spy_heap *heap;
	uint64_t deadline;
	struct spy_traces *traces;
	struct spy_map seen; /* a traceback's address to its number */
	struct spy_heads *heads;
	bool new_only;
	struct pyspyc_error *err;
};

static int number_of(struct reading *reading, uint64_t address, uint32_t *ret)
{
	struct spy_traces *traces = reading->traces;
	bool inserted;
	uint64_t *number = spy_map_insert(&reading->seen, address, &inserted);

	if (!number)
		return spy_nomem(reading->err);
	if (inserted) {
		if (traces->traceback_count == traces->traceback_capacity) {
			uint32_t larger = traces->traceback_capacity
						  ? traces->traceback_capacity * 2
						  : 256;
			void *grown = reallocarray(traces->tracebacks, larger,
						   sizeof(*traces->tracebacks));

			if (!grown || larger < traces->traceback_capacity)
				return spy_nomem(reading->err);
			traces->tracebacks = grown;
			traces->traceback_capacity = larger;
		}
		traces->tracebacks[traces->traceback_count] =
			(struct spy_traceback){ .address = address };
		*number = traces->traceback_count++;
	}
	*ret = (uint32_t)*number;
	return 0;
}

static int add_trace(struct reading *reading, uint64_t size, uint64_t traceback, uint32_t domain)
{
	struct spy_traces *traces = reading->traces;
	struct spy_trace *trace = &traces->items[traces->count];
	int result = number_of(reading, traceback, &trace->traceback);

	if (result < 0)
		return result;
	trace->size = size;
	trace->domain = domain;
	traces->sum += size;
	traces->count++;
	return 0;
}

static bool reserve(struct spy_traces *traces, size_t more)
{
	void *grown = reallocarray(traces->items, traces->count + more + 1, sizeof(*traces->items));

	if (!grown)
		return false;
	traces->items = grown;
	return true;
}

/* From 3.9 on an entry's value points to a trace_t. */
static int follow_values(struct reading *reading, const struct spy_hashed_list *list,
			 uint32_t domain)
{
	const struct spy_layout *layout = reading->heap->layout;
	size_t size = (layout->tracemalloc_trace_tb > layout->tracemalloc_trace_size
			       ? layout->tracemalloc_trace_tb
			       : layout->tracemalloc_trace_size) +
		      sizeof(uint64_t);
	spy_autofree struct spy_piece *pieces = calloc(list->count + 1, sizeof(*pieces));
	spy_autofree uint8_t *bytes = calloc(list->count + 1, size);
	size_t i;
	int result;

	if (!pieces || !bytes)
		return spy_nomem(reading->err);
	for (i = 0; i < list->count; i++)
		pieces[i] = (struct spy_piece){ .address = list->items[i].words[0],
						.to = bytes + i * size,
						.size = (uint32_t)size };
	result = spy_gather(reading->heap->memory, pieces, list->count, reading->deadline,
			    reading->err);
	for (i = 0; i < list->count && result == 0; i++) {
		const uint8_t *trace = pieces[i].to;

		if (!trace) {
			reading->traces->lost++;
			continue;
		}
		result = add_trace(reading, spy_word_at(trace, layout->tracemalloc_trace_size),
				   spy_word_at(trace, layout->tracemalloc_trace_tb), domain);
	}
	return result;
}

/* To 3.8 the trace_t is in the entry, and the domain may be in the key. */
static int take_inline(struct reading *reading, const struct spy_hashed_list *list)
{
	bool size_first = reading->heap->layout->tracemalloc_trace_size == 0;
	size_t i;
	int result = 0;

	for (i = 0; i < list->count && result == 0; i++) {
		const struct spy_hashed *item = &list->items[i];

		result = add_trace(reading, item->words[!size_first], item->words[size_first],
				   item->domain);
	}
	return result;
}

static int read_entries(struct reading *reading, const struct spy_hashtable *table,
			struct spy_hashed_list *ret)
{
	int result = reading->new_only
			     ? spy_hashtable_read_new(reading->heap, table, reading->deadline,
						      reading->heads, ret, reading->err)
			     : spy_hashtable_read(reading->heap, table, reading->deadline,
						  reading->heads, ret, reading->err);

	reading->traces->lost += ret->lost;
	return result;
}

static int read_traces(struct reading *reading, const struct spy_hashtable *table, uint32_t domain)
{
	spy_cleanup(spy_hashed_list_free) struct spy_hashed_list list = { 0 };
	int result = read_entries(reading, table, &list);

	if (result < 0)
		return result;
	if (!reserve(reading->traces, list.count))
		return spy_nomem(reading->err);
	if (reading->heap->layout->hashtable_entry_value == SPY_NO_FIELD)
		return take_inline(reading, &list);
	return follow_values(reading, &list, domain);
}

/* From 3.9 on each domain but the first has a table of its own. */
static int read_domains(struct reading *reading, uint64_t *entries)
{
	const struct spy_hashtable *domains = &reading->traces->state.domains;
	spy_cleanup(spy_hashed_list_free) struct spy_hashed_list list = { 0 };
	/* All of them: a table that is not new has traces that are. */
	int result = spy_hashtable_read(reading->heap, domains, reading->deadline, NULL, &list,
					reading->err);
	size_t i;

	reading->traces->lost += list.lost;
	for (i = 0; i < list.count && result == 0; i++) {
		struct spy_hashtable table;

		if (i == DOMAINS_LIMIT) {
			reading->traces->lost += list.count - i;
			break;
		}
		result = spy_hashtable_open(reading->heap, list.items[i].words[0], &table,
					    reading->err);
		if (result == -PYSPYC_EFAULT || result == -PYSPYC_ECORRUPT) {
			reading->traces->lost++;
			result = 0;
			continue;
		}
		if (result < 0)
			break;
		*entries += table.entries;
		reading->traces->overhead += spy_hashtable_bytes(reading->heap, &table);
		result = read_traces(reading, &table, (uint32_t)list.items[i].key);
	}
	return result;
}

/* What _PyTraceMalloc_GetMemory adds up; the table of domains itself is not among it. */
static void add_overhead(const struct spy_heap *heap, struct spy_traces *traces)
{
	const struct spy_hashtable *tables[] = { &traces->state.filenames,
						 &traces->state.tracebacks, &traces->state.traces };
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (tables[i]->address)
			traces->overhead += spy_hashtable_bytes(heap, tables[i]);
}

bool spy_tracemalloc_state_same(const struct spy_tracemalloc_state *one,
				const struct spy_tracemalloc_state *other)
{
	return one->tracing == other->tracing && one->traced == other->traced &&
	       spy_hashtable_same(&one->traces, &other->traces) &&
	       spy_hashtable_same(&one->domains, &other->domains);
}

/* State and traces; *entries tells how many there ought to be. */
static int read_all(struct reading *reading, const struct spy_tracemalloc *variables,
		    uint64_t *entries)
{
	struct spy_traces *traces = reading->traces;
	int result = spy_tracemalloc_state_read(reading->heap, variables, &traces->state,
						reading->err);

	*entries = 0;
	if (result < 0 || !traces->state.tracing)
		return result;
	add_overhead(reading->heap, traces);
	if (traces->state.traces.address) {
		*entries = traces->state.traces.entries;
		result = read_traces(reading, &traces->state.traces, 0);
	}
	if (result == 0 && traces->state.domains.address)
		result = read_domains(reading, entries);
	spy_map_free(&reading->seen);
	return result;
}

int spy_traces_read(const struct spy_heap *heap, const struct spy_tracemalloc *variables,
		    uint64_t deadline, struct spy_heads *heads, struct spy_traces *ret,
		    struct pyspyc_error *err)
{
	struct reading reading = {
		.heap = heap, .deadline = deadline, .traces = ret, .heads = heads, .err = err
	};
	struct spy_tracemalloc_state after;
	uint64_t entries;
	int result = read_all(&reading, variables, &entries);

	if (result < 0 || !ret->state.tracing)
		return result;
	result = spy_tracemalloc_state_read(heap, variables, &after, err);
	ret->consistent = result == 0 && !ret->lost && entries == ret->count &&
			  spy_tracemalloc_state_same(&ret->state, &after) &&
			  (!variables->traced || ret->sum == ret->state.traced);
	return result;
}

int spy_traces_read_new(const struct spy_heap *heap, const struct spy_tracemalloc *variables,
			uint64_t deadline, struct spy_heads *heads, struct pyspyc_error *err)
{
	struct spy_traces traces = { 0 };
	struct reading reading = { .heap = heap,
				   .deadline = deadline,
				   .traces = &traces,
				   .heads = heads,
				   .new_only = true,
				   .err = err };
	uint64_t entries;
	int result = read_all(&reading, variables, &entries);

	spy_traces_free(&traces);
	return result;
}

void spy_traces_free(struct spy_traces *traces)
{
	free(traces->items);
	free(traces->tracebacks);
	free(traces->frames);
	spy_strings_free(&traces->files);
	*traces = (struct spy_traces){ 0 };
}
