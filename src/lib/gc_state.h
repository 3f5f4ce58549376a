/* A process whose collectors are looked at. */
#ifndef SPY_LIB_GC_STATE_H
#define SPY_LIB_GC_STATE_H

#include "cpython/gc.h"
#include "sample/sampler.h"

struct spy_gc_interpreter {
	uint64_t address;
	int64_t id;
	struct spy_gc_place place;
};

struct spy_gc_process {
	struct spy_sampler *sampler;
	struct spy_gc_interpreter *interpreters; /* the main one first */
	size_t count;
};

/* Opens a process as spy_attach_wait does and lists its interpreters. */
int spy_gc_open(pid_t pid, double wait, struct spy_gc_process *ret, struct pyspyc_error *err);

/*
 * Lists the interpreters anew, those that have a collector's state of their own: all of them from
 * 3.9 on, before that the main one. Errors as of spy_threads_read and spy_gc_find.
 */
int spy_gc_list(struct spy_gc_process *process, struct pyspyc_error *err);

/* The nth of those in CPython's list as it was read last; NULL: there are no more. */
const struct spy_interpreter *spy_gc_listed(const struct spy_gc_process *process, size_t n);

void spy_gc_close(struct spy_gc_process *process);

static inline const struct spy_heap *spy_gc_heap(const struct spy_gc_process *process)
{
	return &process->sampler->reader.heap;
}

#endif
