/* The garbage collector of a running Python process: its state, and its collections as they come. */
#ifndef PYSPYC_GC_H
#define PYSPYC_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pyspyc/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PYSPYC_GC_GENERATIONS 3

/* The bits of gc.get_debug(), the same in every version. */
#define PYSPYC_GC_DEBUG_STATS 1u
#define PYSPYC_GC_DEBUG_COLLECTABLE 2u
#define PYSPYC_GC_DEBUG_UNCOLLECTABLE 4u
#define PYSPYC_GC_DEBUG_INSTANCES 8u /* 2.7 only, as the next */
#define PYSPYC_GC_DEBUG_OBJECTS 16u
#define PYSPYC_GC_DEBUG_SAVEALL 32u

/* Numbers are -1 where the version or build does not keep them. */
struct pyspyc_gc_generation {
	int64_t count;	   /* gc.get_count() */
	int64_t threshold; /* gc.get_threshold() */
	int64_t collections, collected, uncollectable; /* gc.get_stats(); none in 2.7 */
};

struct pyspyc_gc_interpreter {
	int64_t id;	 /* 0 is the main one, which up to 3.8 stands for all: they share it */
	bool enabled;	 /* collects by itself: gc.isenabled() */
	bool collecting; /* a collection runs now */
	unsigned debug;	 /* gc.get_debug() */
	struct pyspyc_gc_generation generations[PYSPYC_GC_GENERATIONS];
	int64_t frozen;	 /* gc.get_freeze_count(): objects in the permanent generation */
	int64_t garbage; /* len(gc.garbage) */
	/* Objects that survived the last full collection, and those that wait for the next one. */
	int64_t long_lived_total, long_lived_pending;
};

/* The strings are valid UTF-8. All memory belongs to the struct. */
struct pyspyc_gc {
	pid_t pid;
	pid_t parent;
	const char *command;	/* the command line, arguments joined by spaces */
	const char *executable; /* as the target sees it */
	const char *version;	/* such as "3.12.1" */
	const struct pyspyc_gc_interpreter *interpreters; /* the main one first */
	size_t interpreter_count;
};

/*
 * Reads the state of the collectors of one process, waiting `wait` seconds for an interpreter
 * that is starting (0 for none). The caller frees *ret with pyspyc_gc_free. Of 2.7 and 3.6
 * without symbols -PYSPYC_EVERSION: the state is in static variables there.
 */
int pyspyc_gc_read(pid_t pid, double wait, struct pyspyc_gc **ret, struct pyspyc_error *err);

void pyspyc_gc_free(struct pyspyc_gc *gc);

/* A collection that has ended, or several of a generation that cannot be told apart. */
struct pyspyc_gc_collection {
	pid_t pid;
	int64_t interpreter;
	int generation;	 /* -1 when not known (2.7) */
	uint64_t count;	 /* how many it stands for; mostly 1 */
	uint64_t end_ns; /* CLOCK_MONOTONIC, of the last of them */
	/* How long they took, together: from duration_ns - error_ns to duration_ns + error_ns. */
	uint64_t duration_ns, error_ns;
	int64_t collected, uncollectable; /* of all of them; -1 when not known (2.7) */
};

/* What a watch has seen so far. */
struct pyspyc_gc_watch_stats {
	bool exact;	      /* the interpreter notes its times itself: from 3.15 */
	uint64_t collections; /* all, as its counters say */
	uint64_t unseen;      /* of them, those that are only known from counters */
	uint64_t looks;	      /* calls of pyspyc_gc_watch_poll */
	uint64_t elapsed_ns;  /* from the first of them to the last */
	uint64_t paused_ns;   /* of that, the time in which a collection ran */
};

struct pyspyc_gc_watch;

/*
 * Begins to watch the collections of one process from now on, of all of its interpreters;
 * waits as pyspyc_gc_read does. The caller frees *ret with pyspyc_gc_watch_free.
 */
int pyspyc_gc_watch_new(pid_t pid, double wait, struct pyspyc_gc_watch **ret,
			struct pyspyc_error *err);

void pyspyc_gc_watch_free(struct pyspyc_gc_watch *watch);

/* The process that is watched: behind a wrapper (sh, sudo) another than was asked for. */
pid_t pyspyc_gc_watch_pid(const struct pyspyc_gc_watch *watch);

/*
 * Looks once and calls `visit` for every collection that has ended since the last time, in the
 * order of their ends per interpreter. To be called often: how precise the times are, and up to
 * 3.14 whether collections can be told apart, depends on it. -PYSPYC_ENOPROC when the process
 * has ended or runs another program.
 */
int pyspyc_gc_watch_poll(struct pyspyc_gc_watch *watch,
			 void (*visit)(void *context, const struct pyspyc_gc_collection *collection),
			 void *context, struct pyspyc_error *err);

void pyspyc_gc_watch_stats(const struct pyspyc_gc_watch *watch,
			   struct pyspyc_gc_watch_stats *ret);

#ifdef __cplusplus
}
#endif

#endif
