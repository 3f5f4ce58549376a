/* Interpreters and thread states of a target. */
#ifndef SPY_CPYTHON_THREADS_H
#define SPY_CPYTHON_THREADS_H

#include "cpython/objects.h"
#include "cpython/python.h"

/* More than these are an error: a chain that does not end. */
#define SPY_INTERPRETERS_LIMIT 4096
#define SPY_THREADS_LIMIT 65536

struct spy_thread_state {
	uint64_t address;
	uint64_t interpreter;	 /* address */
	int64_t interpreter_id;	 /* 0 is the main one */
	uint64_t ident;		 /* pthread_t */
	uint64_t native_id;	 /* from 3.11, in the target's PID namespace; else 0 */
	bool gil;		 /* holds its interpreter's GIL */
};

struct spy_thread_states {
	struct spy_thread_state *items; /* main interpreter first, oldest thread first */
	size_t count, capacity;
	bool gil_disabled; /* free-threaded and running without a GIL: gil means attached */
};

/*
 * Reads every interpreter's thread states and who holds the GIL. ret, zero-initialised or
 * from an earlier call, is filled anew. -PYSPYC_EAGAIN when the list went on changing,
 * -PYSPYC_ENOTREADY when there is no interpreter (any more).
 */
int spy_threads_read(const struct spy_heap *heap, const struct spy_python *python,
		     struct spy_thread_states *ret, struct pyspyc_error *err);

void spy_threads_free(struct spy_thread_states *threads);

/*
 * The OS thread id that belongs to a thread state, as the target's PID namespace numbers
 * it: native_id, or up to 3.10 the tid inside the C library's thread descriptor at ident.
 * A candidate counts only when accept says that such a thread exists. 0 when not found.
 */
pid_t spy_thread_tid(struct spy_memory *memory, const struct spy_thread_state *thread,
		     bool (*accept)(void *context, pid_t tid), void *context);

#endif
