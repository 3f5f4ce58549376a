/* pyspyc: what the tracemalloc module has noted in a process in which it runs. */
#ifndef PYSPYC_TRACEMALLOC_H
#define PYSPYC_TRACEMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "pyspyc/error.h"
#include "pyspyc/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are valid UTF-8 without NUL but may hold control characters. */

/* All traces of one process at one moment. */
struct pyspyc_tracemalloc {
	pid_t pid;
	const char *command;
	const char *version; /* of Python: "3.12.1", "3.13.0t" */
	bool tracing;	     /* false: tracemalloc does not run, and nothing below is known */
	uint64_t traced;     /* bytes, as tracemalloc.get_traced_memory() tells them */
	uint64_t peak;
	uint64_t overhead;    /* bytes, as tracemalloc.get_tracemalloc_memory() counts them */
	uint64_t traces;      /* blocks of memory */
	uint64_t sum;	      /* bytes of these */
	uint32_t frame_limit; /* frames that a traceback has at most */
	bool consistent;      /* all traces are of this moment: as many, and as many bytes */
	uint64_t lost;	      /* where they are not: pieces that could not be read */
	uint64_t held_ns;     /* threads that ran were stopped for so long, 0: they were not */
};

struct pyspyc_tracemalloc_options {
	/*
	 * AUTO stops the threads that run when the traces changed while they were read: a moment
	 * for a copy, half a second at the most. ALWAYS stops them in any case.
	 */
	enum pyspyc_blocking blocking;
	bool full_filenames;
	double wait; /* seconds to wait for an interpreter that is starting, 0 for none */
};

/*
 * Reads the traces of pid, or of its first descendant that runs Python. options may be NULL.
 * Not being traced is no error; -PYSPYC_EVERSION for Pythons before 3.6, which have other
 * tables. The caller frees *ret.
 */
int pyspyc_tracemalloc_take(pid_t pid, const struct pyspyc_tracemalloc_options *options,
			    struct pyspyc_tracemalloc **ret, struct pyspyc_error *err);

void pyspyc_tracemalloc_free(struct pyspyc_tracemalloc *traces);

/* --- statistics --- */

enum pyspyc_traces_by {
	PYSPYC_TRACES_BY_LINE, /* the innermost frame's */
	PYSPYC_TRACES_BY_FILE,
	PYSPYC_TRACES_BY_TRACEBACK,
};

struct pyspyc_traced_frame {
	const char *file;  /* shortened as package/module.py, or whole (full_filenames) */
	const char *path;  /* as it is */
	unsigned int line; /* 0 by file */
};

/* The traces that have one line, file or traceback in common. */
struct pyspyc_traces_row {
	uint64_t size; /* bytes */
	uint64_t count;
	int64_t size_diff; /* against the moment before, 0 when there is none */
	int64_t count_diff;
	size_t frame_count;
	const struct pyspyc_traced_frame *frames; /* innermost first */
};

struct pyspyc_traces_table {
	size_t count;
	const struct pyspyc_traces_row
		*rows; /* the largest first; of two moments, the largest change */
};

/*
 * Adds up traces, and compares them with those of a moment before when that is not NULL, as
 * tracemalloc.Snapshot.statistics and compare_to do. The table's strings are those of traces and
 * before. The caller frees *ret.
 */
int pyspyc_tracemalloc_table(const struct pyspyc_tracemalloc *traces,
			     const struct pyspyc_tracemalloc *before, enum pyspyc_traces_by by,
			     struct pyspyc_traces_table **ret, struct pyspyc_error *err);

void pyspyc_traces_table_free(struct pyspyc_traces_table *table);

/*
 * Writes a file that tracemalloc.Snapshot.load opens in Pythons of the process' version: in all
 * others as well that have the same kind of traces, 3.6 to 3.8 and from 3.9 on.
 */
int pyspyc_tracemalloc_write(const struct pyspyc_tracemalloc *traces, FILE *file,
			     struct pyspyc_error *err);

#ifdef __cplusplus
}
#endif

#endif
