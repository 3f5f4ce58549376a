/* What the OS says of a thread: on a CPU or waiting for one, or asleep. */
#ifndef SPY_SAMPLE_OSTATE_H
#define SPY_SAMPLE_OSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line of /proc/PID/task/TID/syscall: nine numbers at most. */
#define SPY_SYSCALL_LINE 192

/*
 * One thread's file in /proc, kept open between readings where descriptors allow it. It is
 * `syscall`, which says "running" or where the thread sleeps, for a third of what `stat`
 * costs (0.35 and 0.95 µs); what it does not say is read in `stat` when its line is another
 * than last time.
 */
struct spy_ostate {
	pid_t pid, tid;
	int fd;	      /* -1: opened for each reading */
	bool by_stat; /* `syscall` is not to be had, or slow: fd is that of `stat` */
	char last;    /* what was told last; 0 before */
	size_t line_size;
	char line[SPY_SYSCALL_LINE]; /* with which it was told; size 0 for none */
	char call[SPY_SYSCALL_LINE]; /* what `syscall` said last, NUL-terminated; "" of one that ran */
};

void spy_ostate_open(struct spy_ostate *ostate, pid_t pid, pid_t tid);
void spy_ostate_close(struct spy_ostate *ostate);

/*
 * The thread's state as in proc(5): R, S, D, T, Z; X when it has gone; '?' when not told. A
 * thread that a tracer holds (t) is in the state in which it was seen last; t when it was
 * not seen before. While a thread sleeps in the same place, changes among S, D and T may go
 * unnoticed.
 */
char spy_ostate_read(struct spy_ostate *ostate);

/*
 * The same for whom it is enough to know R and X from the rest: all others are S. Costs a
 * third when the thread sleeps in another place each time.
 */
char spy_ostate_glance(struct spy_ostate *ostate);

/*
 * Where the thread sleeps: the line of `syscall` that it was last read or glanced at with, and
 * where that is not looked at (by_stat), a new one. Valid until the next call; "" when it ran.
 */
const char *spy_ostate_call(struct spy_ostate *ostate);

/*
 * How many threads a process has, by the links of its task folder (proc_task_getattr,
 * fs/proc/base.c), which is kept open in *fd, -1 at first. 0 when not told.
 */
unsigned spy_ostate_threads(pid_t pid, int *fd);

/*
 * Whether a thread has run since it was asked last: the third number of its schedstat
 * (Documentation/scheduler/sched-stats.rst) counts how often it has got a CPU.
 */
struct spy_runs {
	pid_t pid, tid;
	int fd;	   /* -1: opened for each reading */
	bool told; /* line is there */
	unsigned char streak; /* how often in a row, about, it had run since the look before */
	unsigned char left;   /* looks without asking that are still to come */
	bool stale;	      /* line is not of the look before */
	size_t line_size;
	char line[64];
};

void spy_runs_open(struct spy_runs *runs, pid_t pid, pid_t tid);
void spy_runs_close(struct spy_runs *runs);

/*
 * False when the thread, had it been asleep when this was asked last, has slept since. True
 * when it may have run, and where the kernel does not tell.
 */
bool spy_runs_again(struct spy_runs *runs);

/* How often the thread has got a CPU so far; false where the kernel does not tell. */
bool spy_runs_turns(const struct spy_runs *runs, uint64_t *turns);

/*
 * Whether to ask at this look, for callers who do well enough with "it may have run": a thread
 * that had run each time is asked less and less often, at two looks of ten to seventeen in the end,
 * and each time as soon as it has slept from one of these to the other.
 */
bool spy_runs_due(struct spy_runs *runs);

/* The letter in the text of a stat file; '?' when there is none. */
char spy_ostate_parse(const char *text, size_t size);

/*
 * True for a Linux of this release (uname -r) in which reading `syscall` may wait for a clock
 * tick: from 6.12, whose scheduler leaves some sleeping threads in its queue, to 6.15,
 * wait_task_inactive (kernel/sched/core.c) takes these for running.
 */
bool spy_ostate_slow_kernel(const char *release);

#endif
