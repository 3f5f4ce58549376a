#include "lib/gc_state.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "lib/attach.h"

/* So often the list of interpreters is read when it changes meanwhile. */
#define TRIES 5

const struct spy_interpreter *spy_gc_listed(const struct spy_gc_process *process, size_t n)
{
	const struct spy_thread_states *states = &process->sampler->states;
	bool all = spy_gc_heap(process)->layout->interp_gc_collecting != SPY_NO_FIELD;

	if (n >= states->interpreter_count || (n && !all))
		return NULL;
	/* CPython's list has the main one at its end. */
	return &states->interpreters[states->interpreter_count - 1 - n];
}

int spy_gc_list(struct spy_gc_process *process, struct pyspyc_error *err)
{
	const struct spy_heap *heap = spy_gc_heap(process);
	const struct spy_python *python = &process->sampler->python;
	struct spy_thread_states *states = &process->sampler->states;
	const struct spy_interpreter *from;
	struct spy_gc_interpreter *list;
	int result = spy_threads_read(heap, python, states, err);

	if (result < 0)
		return result;
	list = realloc(process->interpreters, (states->interpreter_count + 1) * sizeof(*list));
	if (!list)
		return spy_nomem(err);
	process->interpreters = list;
	process->count = 0;
	while ((from = spy_gc_listed(process, process->count))) {
		struct spy_gc_interpreter *it = &list[process->count];

		*it = (struct spy_gc_interpreter){ .address = from->address, .id = from->id };
		result = spy_gc_find(heap, python, from->address, &it->place, err);
		if (result < 0)
			return result;
		process->count++;
	}
	return 0;
}

int spy_gc_open(pid_t pid, double wait, struct spy_gc_process *ret, struct pyspyc_error *err)
{
	int result;

	*ret = (struct spy_gc_process){ 0 };
	result = spy_attach_wait(pid, PYSPYC_BLOCKING_NEVER, wait, NULL, NULL, &ret->sampler, err);
	if (result < 0)
		return result;
	result = spy_gc_list(ret, err);
	for (int tries = 1; result == -PYSPYC_EAGAIN && tries < TRIES; tries++)
		result = spy_gc_list(ret, err);
	if (result < 0) {
		spy_error_prefix(err, "process %d", (int)ret->sampler->process->pid);
		spy_gc_close(ret);
	}
	return result;
}

void spy_gc_close(struct spy_gc_process *process)
{
	spy_sampler_close(process->sampler);
	free(process->interpreters);
	*process = (struct spy_gc_process){ 0 };
}
