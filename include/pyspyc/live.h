/*
 * pyspyc: a recording as it goes on. For a recorder made with options.live; everything here
 * is called from its tick or after its run, never at the same time as it samples.
 */
#ifndef PYSPYC_LIVE_H
#define PYSPYC_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pyspyc/error.h"
#include "pyspyc/profile.h"
#include "pyspyc/recorder.h"
#include "pyspyc/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Shares: 1 is the whole time of one thread (of one CPU, for cpu). "Now" is the window between
 * the last two calls of pyspyc_live_update, "since the start" since the recording began or
 * pyspyc_live_reset. Strings are valid UTF-8 without NUL, may hold control characters, belong
 * to the recorder and live as long as it does, unless it says otherwise.
 */

/* --- gauges: the processes and threads themselves --- */

enum pyspyc_doing {
	PYSPYC_DOING_IDLE,     /* waits for something else than the GIL */
	PYSPYC_DOING_GIL_WAIT,
	PYSPYC_DOING_ACTIVE,   /* on a CPU or waiting for one */
	PYSPYC_DOING_GIL,      /* holds the GIL: active, but for C code that sleeps with it */
	PYSPYC_DOING_ENDED,
};

struct pyspyc_live_thread {
	pid_t pid, tid;
	const char *name;     /* threading's, else the OS's; valid until the next update */
	enum pyspyc_doing doing;
	char os_state;	      /* R, S, D, T, … of proc(5), '?' when not known */
	double cpu;	      /* now, as the OS counts; -1 when not known */
	double active, gil, gil_wait;	      /* shares now */
	double active_s, gil_s, gil_wait_s;   /* seconds since the start */
	struct pyspyc_frame_info frame;	      /* innermost at its last moment; name NULL: none */
};

struct pyspyc_live_process {
	pid_t pid, parent;
	const char *command;  /* valid until the next update */
	const char *version;  /* "3.12.1"; "" when not known; valid until the next update */
	int64_t started_at;   /* seconds since the epoch, 0 when not known */
	bool sampling;	      /* its interpreter is being looked at */
	bool ended;
	double cpu;	      /* now, all of its threads; -1 when not known */
	size_t threads;
	uint64_t rss, pss, uss, swap; /* bytes; pss and uss some seconds old where they take long,
				       * 0 when they cannot be had (or above 10 GB, take too long) */
	uint64_t peak_rss;	      /* VmHWM */
};

/* Sums over all processes at one update. */
struct pyspyc_live_point {
	uint64_t at_ns; /* since the recording began */
	double cpu, gil, gc;
	uint64_t rss, pss, uss, swap;
};

/* Who waited for the GIL while whom had it: indexes into threads. */
struct pyspyc_live_wait {
	size_t waiter, holder;
	double now;	/* share of the waiter's time */
	double seconds; /* since the start */
};

struct pyspyc_live {
	uint64_t at_ns;	    /* of this update, since the recording began */
	uint64_t window_ns; /* that ended with it; 0 before a first moment has been sampled */
	double rate;	    /* moments a second now */
	uint64_t missed;    /* moments in the window */
	uint64_t errors;    /* stacks in the window that were not to be read */
	uint64_t late_ns;   /* how late a moment came, on the average of the window */
	double cpu, gil, gc; /* shares now, over all processes */
	size_t active, idle, gil_wait; /* threads at the last moment; active: with the GIL or not */
	double rss_per_minute; /* bytes, by a line through the last minute; 0 in the first 10 s */
	const struct pyspyc_live_process *processes; /* given ones first; ended ones stay a while */
	size_t process_count;
	const struct pyspyc_live_thread *threads; /* by process, oldest first */
	size_t thread_count;
	const struct pyspyc_live_point *points;	/* oldest first; old ones are thinned */
	size_t point_count;
	const struct pyspyc_live_wait *waits; /* largest now first */
	size_t wait_count;
};

/*
 * Closes the window and begins a new one: *ret, valid until the next call, tells of the one
 * that ended now.
 */
int pyspyc_live_update(struct pyspyc_recorder *recorder, const struct pyspyc_live **ret,
		       struct pyspyc_error *err);

/* All figures since the start count from now on anew. The tree's branches stay known. */
void pyspyc_live_reset(struct pyspyc_recorder *recorder);

/* --- tables: where the time goes --- */

enum pyspyc_scope {
	PYSPYC_SCOPE_ACTIVE, /* threads on a CPU or waiting for one */
	PYSPYC_SCOPE_ALL,
	PYSPYC_SCOPE_GIL,    /* threads that hold the GIL */
};

struct pyspyc_query {
	enum pyspyc_scope scope;
	/*
	 * Frames of the standard library and of site-packages count as their callers, and as
	 * <library> where no own code is among these.
	 */
	bool own_only;
	bool by_thread;	 /* told apart by thread (and so by process); in trees a row for each */
	bool by_process; /* told apart by process; in trees a row for each, threads below it */
	pid_t pid;	 /* only this process; 0 for all */
	pid_t tid;	 /* only this thread; 0 for all */
	bool growth; /* profiles: with the bytes by which RSS grew and shrank, for formats that show both */
};

enum pyspyc_row_kind {
	PYSPYC_ROW_CODE,    /* a function, or a line of it */
	PYSPYC_ROW_PROCESS, /* name is its command, pid set; only in trees */
	PYSPYC_ROW_THREAD,  /* name is its name, pid and tid set; only in trees */
	PYSPYC_ROW_MARKER,  /* <GC>, <truncated>, <other>; <library>: see own_only */
};

enum pyspyc_origin {
	PYSPYC_ORIGIN_OWN,
	PYSPYC_ORIGIN_STDLIB,
	PYSPYC_ORIGIN_THIRD_PARTY,
	PYSPYC_ORIGIN_NONE,
};

/* Where in the program. */
struct pyspyc_place {
	enum pyspyc_row_kind kind;
	enum pyspyc_origin origin;
	const char *name; /* function */
	const char *file; /* as shown */
	const char *path; /* co_filename */
	int line;	  /* the function's first one in tables of functions */
	pid_t pid, tid;	  /* where rows are told apart by them, else 0 */
	const char *whose; /* in tables: the name of that thread or the command of that process,
			    * else NULL */
};

/* How much. Of recursive functions, each moment counts once for total. */
struct pyspyc_amounts {
	double own_now, total_now; /* shares */
	double own_s, total_s;	   /* seconds since the start */
	uint64_t grown, grown_total;	   /* bytes by which RSS grew since the start while it ran */
	uint64_t released, released_total; /* and shrank */
};

struct pyspyc_row {
	struct pyspyc_place place;
	struct pyspyc_amounts amounts;
};

enum pyspyc_table_kind {
	PYSPYC_TABLE_FUNCTIONS,
	PYSPYC_TABLE_LINES,
};

/* In no order; without those that have nothing but zeros. */
struct pyspyc_table {
	struct pyspyc_row *rows;
	size_t count;
	struct pyspyc_amounts all; /* own_*: everything in the query's scope; total_*: the same */
};

/* The caller frees ret with pyspyc_table_free. */
int pyspyc_live_table(struct pyspyc_recorder *recorder, enum pyspyc_table_kind kind,
		      const struct pyspyc_query *query, struct pyspyc_table *ret,
		      struct pyspyc_error *err);

void pyspyc_table_free(struct pyspyc_table *table);

/* A call by one caller. */
struct pyspyc_branch {
	struct pyspyc_place place; /* line: of the function's first, lines of one function are one */
	struct pyspyc_amounts amounts;
	uint64_t id;	 /* the same in later trees of the same kind */
	uint32_t parent; /* index; UINT32_MAX at the top */
	uint32_t depth;	 /* 0 at the top */
	uint32_t size;	 /* of it and all below it, which follow it */
};

struct pyspyc_tree {
	struct pyspyc_branch *branches; /* a parent before its children, children by total */
	size_t count;
	struct pyspyc_amounts all;
};

/* since_start: children ordered by total_s, else by total_now. Freed with pyspyc_tree_free. */
int pyspyc_live_tree(struct pyspyc_recorder *recorder, const struct pyspyc_query *query,
		     bool since_start, struct pyspyc_tree *ret, struct pyspyc_error *err);

void pyspyc_tree_free(struct pyspyc_tree *tree);

/*
 * A thread's stack at the last moment, innermost first, in *ret, an array of *count which the
 * caller frees. -PYSPYC_EAGAIN when there is none.
 */
int pyspyc_live_stack(struct pyspyc_recorder *recorder, pid_t pid, pid_t tid,
		      struct pyspyc_frame_info **ret, size_t *count, struct pyspyc_error *err);

/*
 * What the query takes in, since the start, as a profile of its own to write in any format that
 * needs no timeline. The caller frees *ret with pyspyc_profile_free.
 */
int pyspyc_live_profile(struct pyspyc_recorder *recorder, const struct pyspyc_query *query,
			struct pyspyc_profile **ret, struct pyspyc_error *err);

#ifdef __cplusplus
}
#endif

#endif
