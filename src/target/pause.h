/* Stopping one thread of a target for as long as one look takes. */
#ifndef SPY_TARGET_PAUSE_H
#define SPY_TARGET_PAUSE_H

#include <stdbool.h>
#include <sys/types.h>

#include "pyspyc/error.h"

/* One thread's stop. Zero-initialise; it must stay in place while `attached`. */
struct spy_pause {
	pid_t pid; /* the thread's process */
	pid_t tid;
	bool attached; /* seized by us, or its end is still ours to be told of */
	bool dying;    /* it ended while it was seized */
	int signal;    /* one that was on its way to the thread, delivered when it goes on */
};

/*
 * Stops thread tid of process pid (PTRACE_SEIZE and PTRACE_INTERRUPT, ptrace(2)). Whatever
 * becomes of the caller, the kernel lets the thread go when it exits. Errors: -PYSPYC_EPERM
 * when another tracer has it or ptrace is not permitted; -PYSPYC_ENOPROC when it is gone, or
 * no thread of pid; -PYSPYC_EAGAIN when it sleeps uninterruptibly and so cannot stop. After
 * an error `attached` may be set: the stop, or the thread's end, is then still to come, and
 * the caller goes on calling spy_pause_begin or spy_pause_settle with the same struct until
 * it is not.
 */
int spy_pause_begin(pid_t pid, pid_t tid, struct spy_pause *pause, struct pyspyc_error *err);

/* Lets the thread go on. To be called from the thread of ours that stopped it. */
void spy_pause_end(struct spy_pause *pause);

/* Lets a thread go whose stop came late; true when nothing is left to do. */
bool spy_pause_settle(struct spy_pause *pause);

/* As spy_pause_settle, but waits for it, ten seconds at the most. */
void spy_pause_finish(struct spy_pause *pause);

#endif
