/* Stopping all threads of a target that run, for as long as one reading takes. */
#ifndef SPY_TARGET_HOLD_H
#define SPY_TARGET_HOLD_H

#include <stddef.h>
#include <stdint.h>

#include "target/pause.h"
#include "target/process.h"

/* Zero-initialise. */
struct spy_hold {
	struct spy_held {
		struct spy_pause pause;
		bool stopped;
	} * threads;
	size_t count;
	uint64_t since_ns; /* when the first was stopped (spy_clock_now), 0: none was */
};

/*
 * Stops the threads that run; those that sleep stay as they are, for some system calls would end
 * early, and may wake: what is read meanwhile must be checked by what it says itself. Whatever
 * becomes of the caller, the kernel lets them go. -PYSPYC_EPERM when they may not be stopped (a
 * debugger has them), -PYSPYC_ENOPROC when the process has gone; nothing is held after an error.
 */
int spy_hold_begin(const struct spy_process *process, struct spy_hold *hold,
		   struct pyspyc_error *err);

/* Lets all go on; returns for how long they stood, in nanoseconds. */
uint64_t spy_hold_end(struct spy_hold *hold);

#endif
