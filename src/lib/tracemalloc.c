/* All traces of a process at one moment. */
#include "lib/tracemalloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/attach.h"
#include "lib/tracemalloc_read.h"

/* The names are read when the traces have been; a process that forgets them meanwhile is read anew. */
#define TRIES 4

struct taking {
	struct spy_sampler *sampler;
	const struct spy_heap *heap;
	struct spy_tracemalloc variables;
	struct spy_tracemalloc_owner *owner;
	struct pyspyc_error *err;
};

/*
 * Whether the tracebacks that were read are still there: they are freed all at once, by stop() and
 * clear_traces(), and till then there are only ever more of them.
 */
static bool remembered(const struct taking *taking)
{
	const struct spy_hashtable *before = &taking->owner->raw.state.tracebacks;
	struct spy_tracemalloc_state state;

	return spy_tracemalloc_state_read(taking->heap, &taking->variables, &state, NULL) == 0 &&
	       state.tracing && state.tracebacks.address == before->address &&
	       state.tracebacks.entries >= before->entries;
}

/* Traces with their tracebacks. */
static int read_traces(struct taking *taking, enum pyspyc_blocking blocking)
{
	struct spy_traces *raw = &taking->owner->raw;
	struct spy_traces_taking reading = { .process = taking->sampler->process,
					     .heap = taking->heap,
					     .variables = &taking->variables,
					     .blocking = blocking };
	int result = 0, i;

	for (i = 0; i < TRIES; i++) {
		spy_traces_free(raw);
		result = spy_traces_take(&reading, raw, taking->err);
		taking->owner->traces.held_ns = reading.held_ns;
		if (result < 0 || !raw->state.tracing)
			return result;
		result = spy_traces_resolve(taking->heap,
					    spy_clock_now() + SPY_TRACES_READ_LIMIT_NS, raw,
					    taking->err);
		if (result < 0 || remembered(taking))
			return result;
	}
	raw->consistent = false;
	return result;
}

/* The names of the files to show. */
static int shorten(struct taking *taking, bool full)
{
	struct spy_tracemalloc_owner *owner = taking->owner;
	uint32_t i;

	owner->shown = calloc(owner->raw.files.count + 1, sizeof(*owner->shown));
	if (!owner->shown)
		return spy_nomem(taking->err);
	for (i = 0; i < owner->raw.files.count; i++) {
		const char *path = owner->raw.files.texts[i];

		owner->shown[i] = strdup(full ? path : spy_sampler_shorten(taking->sampler, path));
		if (!owner->shown[i])
			return spy_nomem(taking->err);
	}
	return 0;
}

/* Totals and limits that no variable was found for. */
static void estimate(struct taking *taking)
{
	struct spy_traces *raw = &taking->owner->raw;
	struct spy_tracemalloc_state *state = &raw->state;
	uint32_t i;

	if (!taking->variables.traced) {
		spy_tracemalloc_find_totals(taking->heap, &taking->variables, raw->sum);
		state->traced = state->peak = raw->sum;
		if (taking->variables.peak)
			spy_memory_read_word(taking->heap->memory, taking->variables.peak,
					     &state->peak, NULL);
	}
	for (i = 0; i < raw->traceback_count && !taking->variables.config; i++)
		if (raw->tracebacks[i].count > state->max_nframe)
			state->max_nframe = raw->tracebacks[i].count;
}

static int take(struct taking *taking, const struct pyspyc_tracemalloc_options *options)
{
	struct spy_tracemalloc_owner *owner = taking->owner;
	struct pyspyc_tracemalloc *traces = &owner->traces;
	struct spy_traces *raw = &owner->raw;
	int result = spy_tracemalloc_find(taking->sampler->process, &taking->sampler->python,
					  &taking->variables, taking->err);

	if (result == 0)
		result = read_traces(taking, options->blocking);
	if (result < 0 || !raw->state.tracing)
		return result;
	result = shorten(taking, options->full_filenames);
	estimate(taking);
	traces->tracing = true;
	traces->traced = raw->state.traced;
	traces->peak = raw->state.peak;
	traces->overhead = raw->overhead;
	traces->traces = raw->count;
	traces->sum = raw->sum;
	traces->frame_limit = raw->state.max_nframe;
	traces->lost = raw->lost;
	traces->consistent = raw->consistent && !raw->lost;
	return result;
}

static int check_version(const struct spy_sampler *sampler, struct pyspyc_error *err)
{
	char name[32];

	if (sampler->python.layout.tracemalloc_tracing != SPY_NO_FIELD)
		return 0;
	return spy_fail(err, PYSPYC_EVERSION,
			"process %d runs CPython %s: tracemalloc is read from 3.6 on",
			(int)sampler->process->pid,
			spy_version_format(&sampler->python.version, name, sizeof(name)));
}

PYSPYC_EXPORT int pyspyc_tracemalloc_take(pid_t pid,
					  const struct pyspyc_tracemalloc_options *options,
					  struct pyspyc_tracemalloc **ret, struct pyspyc_error *err)
{
	spy_cleanup(spy_sampler_cleanup) struct spy_sampler *sampler = NULL;
	static const struct pyspyc_tracemalloc_options defaults;
	struct spy_tracemalloc_owner *owner;
	struct taking taking = { .err = err };
	int result;

	options = options ? options : &defaults;
	result = spy_attach_wait(pid, options->blocking, options->wait, NULL, NULL, &sampler, err);
	if (result == 0)
		result = check_version(sampler, err);
	if (result < 0)
		return result;
	owner = calloc(1, sizeof(*owner));
	if (!owner)
		return spy_nomem(err);
	taking.sampler = sampler;
	taking.heap = &sampler->reader.heap;
	taking.owner = owner;
	owner->command = strdup(sampler->process->command);
	owner->traces.pid = sampler->process->pid;
	owner->traces.command = owner->command ? owner->command : "";
	owner->traces.version = spy_version_format(&sampler->python.version, owner->version,
						   sizeof(owner->version));
	owner->totals = sampler->python.layout.tracemalloc_tb_total != SPY_NO_FIELD;
	result = take(&taking, options);
	if (result < 0) {
		pyspyc_tracemalloc_free(&owner->traces);
		return result;
	}
	*ret = &owner->traces;
	return 0;
}

PYSPYC_EXPORT void pyspyc_tracemalloc_free(struct pyspyc_tracemalloc *traces)
{
	struct spy_tracemalloc_owner *owner = (struct spy_tracemalloc_owner *)traces;
	uint32_t i;

	if (!owner)
		return;
	for (i = 0; owner->shown && i < owner->raw.files.count; i++)
		free(owner->shown[i]);
	free(owner->shown);
	free(owner->command);
	spy_traces_free(&owner->raw);
	free(owner);
}
