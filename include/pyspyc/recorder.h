/* pyspyc: sampling processes into a profile. */
#ifndef PYSPYC_RECORDER_H
#define PYSPYC_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pyspyc/error.h"
#include "pyspyc/profile.h"
#include "pyspyc/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which threads a sample takes in. */
enum pyspyc_mode {
	PYSPYC_MODE_ACTIVE, /* the default: those on a CPU or waiting for one */
	PYSPYC_MODE_WALL,   /* all of them */
	PYSPYC_MODE_CPU,    /* as ACTIVE */
	PYSPYC_MODE_GIL,    /* the one that holds the GIL */
};

#define PYSPYC_RATE_MAX 1000000.0

struct pyspyc_recorder_options {
	double rate; /* samples a second, 0 < rate <= PYSPYC_RATE_MAX; 0 for 100 */
	enum pyspyc_mode mode;
	enum pyspyc_blocking blocking;
	enum pyspyc_names names;
	bool subprocesses;   /* children too, each process a root */
	bool by_function;    /* a function's first line instead of the current one */
	bool no_lines;	     /* no line numbers at all */
	bool full_filenames;
	bool thread_roots;   /* each thread a root (below its process) */
	bool no_gc;	     /* no frame <GC> where the garbage collector runs */
	bool timeline;	     /* keep the order of samples, for formats that need it */
	bool live;	     /* keep what pyspyc/live.h tells; takes in all threads (mode is not heeded),
			      * and processes and threads are roots */
	bool memory;	     /* keep what pyspyc/memory.h tells; with live */
	const char *const *threads; /* names or tids of the threads to take, NULL-terminated, or NULL */
	const char *include; /* extended regular expression: only stacks with a frame that matches */
	const char *exclude; /* leave out stacks with a frame that matches */
	double max_slowdown; /* percent of a thread's time that stops may take, 0 for 10; see below */
	double duration;     /* seconds to sample for, 0 for until tick stops it */
	double wait;	     /* seconds to wait for an interpreter to appear, 0 for none */
};

/*
 * When stops have taken more than max_slowdown percent of the last 20 ms, nothing is sampled for
 * some ms; what is missed is counted. Not heeded with PYSPYC_BLOCKING_ALWAYS.
 */
#define PYSPYC_MAX_SLOWDOWN 10.0

/* What has happened so far. Counts are of stacks (one thread at one moment). */
struct pyspyc_recorder_stats {
	uint64_t elapsed_ns;	/* since the recording began */
	uint64_t passes;	/* moments at which all threads were looked at */
	uint64_t missed;	/* moments that were skipped because sampling ran late */
	uint64_t samples;	/* stacks in the profile */
	uint64_t retried;	/* readings that disagreed and were made again */
	uint64_t stopped;	/* stacks read with the thread stopped for it */
	uint64_t stopped_ns;	/* for how long in sum */
	uint64_t dropped;	/* stacks given up because readings went on to disagree */
	uint64_t unreadable;	/* stacks that could not be read at all */
	uint64_t truncated;	/* stacks cut at the root end */
	uint64_t partial;	/* stacks without their innermost frames, which were gone too soon */
	uint64_t waiting;	/* stacks left out: a thread that was stopped had no CPU again yet */
	uint64_t folded;	/* samples whose stack passes `<other>`: detail gave way to memory */
	uint64_t cpu_ns;	/* CPU time of this process since the recording began */
	double rate_reached;	/* moments a second, while there was a process to sample */
	size_t processes;	/* being sampled now */
	size_t threads;		/* seen at the last moment */
};

struct pyspyc_recorder;

/* A recorder, or an error for options that make no sense. options is copied. */
int pyspyc_recorder_new(const struct pyspyc_recorder_options *options,
			struct pyspyc_recorder **ret, struct pyspyc_error *err);

void pyspyc_recorder_free(struct pyspyc_recorder *recorder);

/*
 * Adds a process. If its interpreter is not up yet (or a wrapper such as sh or sudo has yet
 * to start it), waits for it as long as options.wait says, unless `launched`, where the
 * waiting happens in pyspyc_recorder_run. interrupted, when not NULL, is asked now and then
 * and ends the waiting when it returns true.
 */
int pyspyc_recorder_add(struct pyspyc_recorder *recorder, pid_t pid, bool launched,
			bool (*interrupted)(void *context), void *context,
			struct pyspyc_error *err);

/*
 * The process that a recording of pid, which was added, is of: itself, or the first Python below it.
 * Known until pyspyc_recorder_run; pid where nothing else is known.
 */
pid_t pyspyc_recorder_sampled(const struct pyspyc_recorder *recorder, pid_t pid);

enum pyspyc_next {
	PYSPYC_CONTINUE,
	PYSPYC_STOP,
};

/*
 * Called at least every 100 ms while recording, and as soon as a signal handler has run.
 */
typedef enum pyspyc_next pyspyc_tick(void *context, const struct pyspyc_recorder_stats *stats);

/*
 * Samples until tick says stop, options.duration is over or every process has ended.
 * Returns 0 then;
 * -PYSPYC_ENOTPYTHON and the like when a launched process turned out to be none or ended
 * before a first frame.
 */
int pyspyc_recorder_run(struct pyspyc_recorder *recorder, pyspyc_tick *tick, void *context,
			struct pyspyc_error *err);

/* --- while it runs, from tick --- */

/* tick is also called as soon as fd (a terminal, say) can be read; -1 for none. */
void pyspyc_recorder_wake_on(struct pyspyc_recorder *recorder, int fd);

/* Samples at another rate from now on; -PYSPYC_EINVAL when there is no such rate. */
int pyspyc_recorder_set_rate(struct pyspyc_recorder *recorder, double rate,
			     struct pyspyc_error *err);

/* Paused, nothing is read and no time counts; tick goes on being called. */
void pyspyc_recorder_set_paused(struct pyspyc_recorder *recorder, bool paused);

const struct pyspyc_recorder_stats *pyspyc_recorder_stats(struct pyspyc_recorder *recorder);

/* The profile so far, owned by the recorder and valid until it goes on or is freed. */
const struct pyspyc_profile *pyspyc_recorder_profile(struct pyspyc_recorder *recorder);

#ifdef __cplusplus
}
#endif

#endif
