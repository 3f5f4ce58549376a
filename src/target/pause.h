/* Stopping one thread of a target for as long as one look takes. */
#ifndef SPY_TARGET_PAUSE_H
#define SPY_TARGET_PAUSE_H

#include <sys/types.h>

#include "pyspyc/error.h"

/*
 * Stops thread tid with PTRACE_SEIZE and PTRACE_INTERRUPT. Whatever becomes of the caller,
 * the kernel lets the thread go when it exits. -PYSPYC_EPERM when another tracer has it or
 * ptrace is not permitted, -PYSPYC_ENOPROC when it is gone, -PYSPYC_EAGAIN when it did not
 * stop within 100 ms (uninterruptible sleep). On success spy_pause_end must follow from the
 * same thread of ours.
 */
struct spy_pause {
	pid_t tid;
	int signal; /* one that was on its way to the thread, delivered when it goes on */
};

int spy_pause_begin(pid_t tid, struct spy_pause *ret, struct pyspyc_error *err);
void spy_pause_end(const struct spy_pause *pause);

#endif
