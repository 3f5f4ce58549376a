/* Interpreters and thread states of a target. */
#ifndef SPY_CPYTHON_THREADS_H
#define SPY_CPYTHON_THREADS_H

#include "cpython/objects.h"
#include "cpython/python.h"

/* More than these are an error: a chain that does not end. */
#define SPY_INTERPRETERS_LIMIT 1024
#define SPY_THREADS_LIMIT 65536

struct spy_thread_state {
	uint64_t address;
	uint64_t interpreter;	 /* address */
	uint32_t interpreter_index; /* in spy_thread_states.interpreters */
	int64_t interpreter_id;	 /* 0 is the main one */
	uint64_t ident;		 /* pthread_t */
	uint64_t native_id;	 /* from 3.11, in the target's PID namespace; else 0 */
	bool gil;		 /* holds its interpreter's GIL */
	bool collecting;	 /* runs its interpreter's garbage collector now */
};

/* An interpreter as the last full walk met it. */
struct spy_interpreter {
	uint64_t address;
	uint64_t gil;	 /* address of its struct _gil_runtime_state, from 3.12; else 0 */
	uint64_t newest; /* the thread state that its list begins with */
	uint64_t collecting; /* address of an int, not 0 while its collector runs; 0: not known */
	int64_t id;
};

struct spy_thread_states {
	struct spy_thread_state *items; /* main interpreter first, oldest thread first */
	size_t count, capacity;
	bool gil_disabled; /* free-threaded and running without a GIL: gil means attached */
	struct spy_interpreter *interpreters; /* in the order of CPython's list: newest first */
	size_t interpreter_count, interpreter_capacity;
	struct spy_range *ranges; /* what spy_threads_again reads, kept for the next time */
	uint8_t *bytes;
	size_t range_capacity;
	/* Set by the caller: what spy_threads_again is to read as well, behind all else. */
	const struct spy_range *also;
	size_t also_count;
	bool also_read; /* the last spy_threads_read has done so */
};

/*
 * Reads every interpreter's thread states, who holds the GIL and who collects garbage. ret,
 * zero-initialised or from an earlier call, is filled anew: in one read when the list is what
 * it was then (spy_threads_again). -PYSPYC_EAGAIN when the list went on changing,
 * -PYSPYC_ENOTREADY when there is no interpreter (any more).
 */
int spy_threads_read(const struct spy_heap *heap, const struct spy_python *python,
		     struct spy_thread_states *ret, struct pyspyc_error *err);

/*
 * Brings a list read earlier up to date (who holds the GIL, who collects) if it is still the
 * same, in one read; false when it has changed in any way and has to be walked anew, or something
 * of `also` cannot be read.
 */
bool spy_threads_again(const struct spy_heap *heap, const struct spy_python *python,
		       struct spy_thread_states *threads);

/*
 * Sets `collecting` of the thread in which the collector of interpreters[index] runs: the one
 * that holds the GIL, and where there is no GIL the only one that is attached (the collector
 * suspends all others while it looks for garbage; while it calls finalizers it does not,
 * and nobody is said to collect).
 */
void spy_threads_collecting(struct spy_thread_states *threads, size_t index);

/*
 * The part of a thread state that the list needs: from *start, *size bytes, at most
 * SPY_THREAD_WINDOW_LIMIT.
 */
void spy_thread_window(const struct spy_layout *layout, uint32_t *start, uint32_t *size);

#define SPY_THREAD_WINDOW_LIMIT 2048

/* Decodes such a part. */
struct spy_thread_fields {
	uint64_t next, interpreter, ident, native_id;
	bool attached; /* to its interpreter: free-threaded builds */
};

void spy_thread_decode(const struct spy_layout *layout, const uint8_t *window,
		       struct spy_thread_fields *ret);

void spy_threads_free(struct spy_thread_states *threads);

/*
 * The OS thread id that belongs to a thread state, as the target's PID namespace numbers
 * it: native_id, or up to 3.10 the tid inside the C library's thread descriptor at ident.
 * A candidate counts only when accept says that such a thread exists. 0 when not found.
 */
pid_t spy_thread_tid(struct spy_memory *memory, const struct spy_thread_state *thread,
		     bool (*accept)(void *context, pid_t tid), void *context);

#endif
