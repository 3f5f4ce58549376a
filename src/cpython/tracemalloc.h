/*
 * What the tracemalloc module has noted: Modules/_tracemalloc.c (to 3.12), Python/tracemalloc.c
 * (from 3.13). Its state is static variables to 3.11 and part of _PyRuntime from 3.12.
 */
#ifndef SPY_CPYTHON_TRACEMALLOC_H
#define SPY_CPYTHON_TRACEMALLOC_H

#include "base/map.h"
#include "cpython/hashtable.h"
#include "cpython/python.h"

/* Addresses of its variables; 0 for those that could not be found. */
struct spy_tracemalloc {
	uint64_t config; /* struct _PyTraceMalloc_Config */
	uint64_t traced; /* bytes traced now, size_t */
	uint64_t peak;
	uint64_t filenames; /* pointers to a _Py_hashtable_t each; this and the next may be NULL */
	uint64_t tracebacks;
	uint64_t traces;  /* of domain 0 and, to 3.8, of all */
	uint64_t domains; /* from 3.9 */
	uint64_t lock;	  /* of the tables: points to a sem_t (PyThread_type_lock); to 3.13 */
	uint64_t mutex;	  /* the same, a PyMutex; from 3.14 */
};

/*
 * Finds the variables. All are 0 when the CPython is older than 3.6, or when nothing that traces is
 * where this version has it, nor near. -PYSPYC_ECORRUPT when what is there makes no sense.
 */
int spy_tracemalloc_find(const struct spy_process *process, const struct spy_python *python,
			 struct spy_tracemalloc *ret, struct pyspyc_error *err);

/*
 * Where no symbol led to the totals: they lie near the tables, and one of them is sum, the size of
 * all traces of a moment. Leaves them 0 when it is not there.
 */
void spy_tracemalloc_find_totals(const struct spy_heap *heap, struct spy_tracemalloc *variables,
				 uint64_t sum);

/* What the variables say. */
struct spy_tracemalloc_state {
	bool tracing;
	uint32_t max_nframe; /* 0 when not known */
	uint64_t traced;
	uint64_t peak;
	/* Tables that there are; those that there are not have address 0. */
	struct spy_hashtable filenames;
	struct spy_hashtable tracebacks;
	struct spy_hashtable traces;
	struct spy_hashtable domains;
};

int spy_tracemalloc_state_read(const struct spy_heap *heap, const struct spy_tracemalloc *variables,
			       struct spy_tracemalloc_state *ret, struct pyspyc_error *err);

/* Whether nothing was allocated or freed between two readings of the state, as far as it tells. */
bool spy_tracemalloc_state_same(const struct spy_tracemalloc_state *one,
				const struct spy_tracemalloc_state *other);

/*
 * Whether a thread is changing the tables (tables_lock). False where the lock is not known. Of a
 * semaphore the value comes first (sem_t of glibc and musl), which is 0 while it is held.
 */
bool spy_tracemalloc_locked(const struct spy_heap *heap, const struct spy_tracemalloc *variables);

struct spy_traced_frame {
	uint32_t file; /* number of its name in spy_traces.files */
	uint32_t line;
};

/* Frames of a traceback, the innermost first. */
struct spy_traceback {
	size_t first; /* in spy_traces.frames */
	uint16_t count;
	uint16_t total; /* how many it had before it was cut to the limit; from 3.9 */
	uint64_t address;
};

struct spy_trace {
	uint64_t size; /* bytes */
	uint32_t traceback;
	uint32_t domain;
};

/* All traces of one moment. Zero-initialise. */
struct spy_traces {
	struct spy_tracemalloc_state state;
	struct spy_trace *items;
	size_t count;
	struct spy_traceback *tracebacks;
	uint32_t traceback_count;
	uint32_t traceback_capacity;
	struct spy_traced_frame *frames;
	size_t frame_count;
	struct spy_strings files; /* valid UTF-8, may hold control characters */
	uint64_t sum;		  /* of the sizes */
	uint64_t overhead;	  /* bytes, as tracemalloc.get_tracemalloc_memory() counts them */
	size_t lost;	 /* pieces that changed while they were read, and tracebacks not readable */
	bool consistent; /* as many traces as there were, with as many bytes as there were */
};

/*
 * First step, which may ask for the target to stand still: state and traces, with tracebacks by
 * address. consistent tells whether they are of one moment. heads, which may be NULL, keeps what
 * the next needs. Errors as of spy_gather.
 */
int spy_traces_read(const struct spy_heap *heap, const struct spy_tracemalloc *variables,
		    uint64_t deadline, struct spy_heads *heads, struct spy_traces *ret,
		    struct pyspyc_error *err);

/*
 * Reads, and forgets, what is new since heads were kept: for a memory that copies what is read
 * (target/memory_copy.h).
 */
int spy_traces_read_new(const struct spy_heap *heap, const struct spy_tracemalloc *variables,
			uint64_t deadline, struct spy_heads *heads, struct pyspyc_error *err);

/* Second step: tracebacks and names of files, which stay as they are while there are traces. */
int spy_traces_resolve(const struct spy_heap *heap, uint64_t deadline, struct spy_traces *traces,
		       struct pyspyc_error *err);

void spy_traces_free(struct spy_traces *traces);

#endif
