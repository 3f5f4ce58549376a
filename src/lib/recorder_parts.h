/* What the parts of a recorder share. */
#ifndef SPY_LIB_RECORDER_PARTS_H
#define SPY_LIB_RECORDER_PARTS_H

#include "lib/gauges.h"
#include "lib/tracked.h"
#include "profile/history.h"
#include "sample/pace.h"

struct pyspyc_recorder {
	struct spy_booking booking;
	struct spy_tracked **tracked;
	size_t tracked_count, tracked_capacity;
	struct pyspyc_recorder_stats stats;
	struct spy_counters lost; /* counters of samplers that are no more */
	struct spy_pace pace;
	uint64_t started_ns, cpu_started_ns;
	uint64_t ended_ns; /* 0: it runs */
	uint64_t sampling_ns; /* for how long there was a process to sample */
	uint64_t children_ns;	/* when children were last looked for */
	uint64_t listed_ns;	/* when they were last listed for that */
	unsigned rounds;	/* how often they are still to be listed in any case */
	unsigned long last_pid; /* the newest pid of the machine then */
	uint64_t now_ns;	/* of the pass under way */
	uint64_t rest_ns; /* no look before, for the sake of threads that were stopped a lot */
	double stopped_ns; /* what stops took beyond what they may, as of stopped_at_ns */
	uint64_t stopped_at_ns;
	uint64_t look_ns; /* when to look next at what processes there are */
	struct spy_tracked *current;
	uint64_t next_ns;      /* the next moment */
	uint32_t covers;       /* samples of the profile that the pass under way stands for, */
	uint64_t covers_ns;    /* time, */
	bool looking;	       /* nothing: it is spy_recorder_look's */
	uint64_t left_over_ns; /* and what of it is less than a sample */
	bool paused;
	uint64_t paused_since_ns, paused_ns; /* since when, and for how long before that */
	bool wakes;	   /* on wake_fd */
	int wake_fd;
	uint64_t ready_ns; /* when to look at it next */
	struct spy_gauges *gauges; /* options.live, else NULL */
	struct spy_history *history; /* options.memory, else NULL */
	struct spy_growth *growth;   /* the same */
	struct spy_memory_sums *memory; /* the same: what memory.c keeps */
	uint64_t reset_ns;  /* stats.elapsed_ns when pyspyc_live_reset was called last */
	uint64_t window_ns; /* options.live: time that the moments of the last window stand for */
};

/* --- recorder_family.c: the processes that are followed --- */

/* One more process; NULL when memory ran out. */
struct spy_tracked *spy_recorder_track(struct pyspyc_recorder *recorder, pid_t pid, bool given);

/* With options.subprocesses: tracks children that have come up since. */
void spy_recorder_find_children(struct pyspyc_recorder *recorder, uint64_t now_ns);

/* Children that are gone for good need no place in the list. */
void spy_recorder_forget_gone(struct pyspyc_recorder *recorder);

/* --- recorder_pass.c: one moment --- */

/* Looks at every process that is being sampled. */
void spy_recorder_sample(struct pyspyc_recorder *recorder);

/*
 * Looks at the stacks of a process whose RSS is another than it was, rss, and books the
 * difference: no sample.
 */
void spy_recorder_look(struct pyspyc_recorder *recorder, struct spy_tracked *tracked, uint64_t rss,
		       uint64_t now_ns);

/* Nothing is left provisional: before a pause, and at the end. */
void spy_recorder_settle(struct pyspyc_recorder *recorder);

/* --- recorder_wait.c: the time between --- */

/* A moment that is as near as this is now. */
#define SPY_AT_ONCE_NS (1u * SPY_NSEC_PER_USEC)

/*
 * Sleeps until wake, if that is still to come; true when it is time for tick: a signal handler
 * ran, or the descriptor of pyspyc_recorder_wake_on can be read.
 */
bool spy_recorder_pause(struct pyspyc_recorder *recorder, uint64_t now, uint64_t wake);

/* --- recorder_stats.c --- */

void spy_recorder_update_stats(struct pyspyc_recorder *recorder);

/* Time since the recording began, without pauses. */
uint64_t spy_recorder_elapsed(const struct pyspyc_recorder *recorder, uint64_t now_ns);

/* --- recorder_control.c: what is changed while it runs --- */

/* -PYSPYC_EINVAL when there is no such rate. */
int spy_recorder_check_rate(double rate, struct pyspyc_error *err);

/* The pass under way stands for what the pace says. */
void spy_recorder_cover(struct pyspyc_recorder *recorder);

/* --- memory_points.c: options.memory --- */

/* What a process uses now, as its gauge has it, into the history. */
void spy_memory_point(struct pyspyc_recorder *recorder, struct spy_tracked *tracked,
		      uint64_t now_ns);

/* Processes that are not sampled, those that have ended, and what takes longer: before a tick. */
void spy_memory_tick(struct pyspyc_recorder *recorder, uint64_t now_ns);

/* --- memory.c --- */

/* -PYSPYC_EINVAL for a recorder that keeps no memory. */
int spy_memory_check(const struct pyspyc_recorder *recorder, struct pyspyc_error *err);

/* --- live.c and live_processes.c --- */

struct spy_gauges *spy_gauges_new(void);
void spy_gauges_free(struct spy_gauges *gauges);

/* The gauge of the process that is looked at for tracked; NULL: no memory. */
struct spy_process_gauge *spy_live_process(struct pyspyc_recorder *recorder,
					   struct spy_tracked *tracked);

/* Brings all processes and their threads up to date. */
void spy_live_processes(struct pyspyc_recorder *recorder, uint64_t now_ns);

/* The gauges' part of pyspyc_live_reset. */
void spy_live_reset_gauges(struct pyspyc_recorder *recorder);

#endif
