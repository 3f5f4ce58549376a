/* The state of a process' garbage collectors now. */
#include "pyspyc/gc.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/gc_state.h"

/* The public struct and what it points to, all of it owned here. */
struct owned_gc {
	struct pyspyc_gc gc; /* first: the caller holds its address */
	struct pyspyc_gc_interpreter *interpreters;
	char *command, *executable, *version;
};

static void fill_interpreter(const struct spy_heap *heap, const struct spy_gc_interpreter *from,
			     const struct spy_gc_state *state, struct pyspyc_gc_interpreter *ret)
{
	*ret = (struct pyspyc_gc_interpreter){
		.id = from->id,
		.enabled = state->enabled,
		.collecting = state->collecting,
		.debug = state->debug,
		.frozen = spy_gc_frozen(heap, &from->place, state),
		.garbage = spy_gc_garbage(heap, state),
		.long_lived_total = state->long_lived_total,
		.long_lived_pending = state->long_lived_pending,
	};
	for (int i = 0; i < PYSPYC_GC_GENERATIONS; i++)
		ret->generations[i] = (struct pyspyc_gc_generation){
			.count = state->counts[i],
			.threshold = state->thresholds[i],
			.collections = state->totals[i].collections,
			.collected = state->totals[i].collected,
			.uncollectable = state->totals[i].uncollectable,
		};
}

static int read_interpreters(struct spy_gc_process *process, struct owned_gc *owned,
			     struct pyspyc_error *err)
{
	owned->interpreters = calloc(process->count ? process->count : 1,
				     sizeof(*owned->interpreters));
	if (!owned->interpreters)
		return spy_nomem(err);
	for (size_t i = 0; i < process->count; i++) {
		struct spy_gc_state state;
		int result = spy_gc_read(spy_gc_heap(process), &process->interpreters[i].place,
					 &state, err);

		if (result < 0)
			return result;
		fill_interpreter(spy_gc_heap(process), &process->interpreters[i], &state,
				 &owned->interpreters[i]);
	}
	owned->gc.interpreters = owned->interpreters;
	owned->gc.interpreter_count = process->count;
	return 0;
}

static int fill_process(const struct spy_sampler *sampler, struct owned_gc *owned,
			struct pyspyc_error *err)
{
	const struct spy_process *process = sampler->process;
	char version[32];
	struct spy_stat stat;

	owned->command = strdup(process->command);
	owned->executable = strdup(process->exe[0] ? process->exe : sampler->python.binary);
	owned->version = strdup(
		spy_version_format(&sampler->python.version, version, sizeof(version)));
	if (!owned->command || !owned->executable || !owned->version)
		return spy_nomem(err);
	owned->gc.pid = process->pid;
	owned->gc.command = owned->command;
	owned->gc.executable = owned->executable;
	owned->gc.version = owned->version;
	if (spy_stat_read(process->pid, 0, &stat, NULL) == 0)
		owned->gc.parent = stat.ppid;
	return 0;
}

PYSPYC_EXPORT int pyspyc_gc_read(pid_t pid, double wait, struct pyspyc_gc **ret,
				 struct pyspyc_error *err)
{
	spy_cleanup(spy_gc_close) struct spy_gc_process process = { 0 };
	struct owned_gc *owned;
	int result = spy_gc_open(pid, wait, &process, err);

	if (result < 0)
		return result;
	owned = calloc(1, sizeof(*owned));
	if (!owned)
		return spy_nomem(err);
	result = read_interpreters(&process, owned, err);
	if (result == 0)
		result = fill_process(process.sampler, owned, err);
	if (result < 0) {
		pyspyc_gc_free(&owned->gc);
		return result;
	}
	*ret = &owned->gc;
	return 0;
}

PYSPYC_EXPORT void pyspyc_gc_free(struct pyspyc_gc *gc)
{
	struct owned_gc *owned = (struct owned_gc *)gc;

	if (!owned)
		return;
	free(owned->interpreters);
	free(owned->command);
	free(owned->executable);
	free(owned->version);
	free(owned);
}
