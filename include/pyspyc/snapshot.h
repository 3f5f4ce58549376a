/* pyspyc: what every thread of a process is doing now. */
#ifndef PYSPYC_SNAPSHOT_H
#define PYSPYC_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pyspyc/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are valid UTF-8 without NUL but may hold control characters. */

struct pyspyc_frame_info {
	const char *name;      /* qualified from 3.11 (see names), else plain; "<GC>", with file "", for the collector */
	const char *file;      /* shortened as package/module.py, or whole (full_filenames) */
	const char *path;      /* co_filename as it is */
	int line;	       /* 0 when there is none */
	int first_line;	       /* of the function */
};

struct pyspyc_thread_info {
	pid_t tid;	       /* as this process sees it, 0 when not known */
	uint64_t ident;	       /* threading's ident (pthread_t) */
	const char *name;      /* threading's name, else NULL */
	const char *os_name;   /* the OS's name (comm), "" when not known */
	int64_t interpreter;   /* 0 is the main one */
	bool active;	       /* on a CPU or waiting for one */
	bool gil;	       /* holds the GIL */
	bool gil_wait;	       /* waits for the GIL */
	char os_state;	       /* R, S, D, T, … of proc(5), '?' when not known */
	bool truncated;	       /* frames at the root end were left out */
	const char *error;     /* why the stack could not be read, else NULL */
	size_t frame_count;
	const struct pyspyc_frame_info *frames; /* innermost first */
};

struct pyspyc_snapshot {
	pid_t pid;
	pid_t parent;
	const char *command;
	const char *executable; /* the binary that holds the interpreter, as the target sees it */
	const char *version;	/* "3.12.1", "3.13.0t" */
	bool consistent;	/* every stack was verified or read with its thread stopped */
	size_t thread_count;
	const struct pyspyc_thread_info *threads; /* main interpreter and thread first */
};

enum pyspyc_names {
	PYSPYC_NAMES_QUALIFIED, /* Class.method where CPython knows it (3.11+) */
	PYSPYC_NAMES_PLAIN,
};

/* How far a reading may go to be right. */
enum pyspyc_blocking {
	PYSPYC_BLOCKING_AUTO,   /* stops a thread only when unstopped reads disagreed */
	PYSPYC_BLOCKING_ALWAYS, /* stops each thread for each reading */
	PYSPYC_BLOCKING_NEVER,	/* never stops; what cannot be verified is left out */
};

struct pyspyc_snapshot_options {
	enum pyspyc_names names;
	enum pyspyc_blocking blocking;
	bool full_filenames;
	bool no_gc;  /* no frame <GC> where the garbage collector runs */
	double wait; /* seconds to wait for an interpreter that is starting, 0 for none */
};

/*
 * Takes a snapshot of one process. options may be NULL for the defaults (all zero). The
 * caller frees *ret with pyspyc_snapshot_free.
 */
int pyspyc_snapshot_take(pid_t pid, const struct pyspyc_snapshot_options *options,
			 struct pyspyc_snapshot **ret, struct pyspyc_error *err);

void pyspyc_snapshot_free(struct pyspyc_snapshot *snapshot);

#ifdef __cplusplus
}
#endif

#endif
