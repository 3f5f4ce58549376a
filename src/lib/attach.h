/* Finding the Python process behind a pid, now or a little later. */
#ifndef SPY_LIB_ATTACH_H
#define SPY_LIB_ATTACH_H

#include <stdbool.h>

#include "sample/sampler.h"

/*
 * Opens pid, or, when it is a wrapper (sh, env, sudo, …) rather than Python, the first
 * descendant that is. Errors as of spy_sampler_open, those of pid itself.
 */
int spy_attach(pid_t pid, enum pyspyc_blocking blocking, struct spy_sampler **ret,
	       struct pyspyc_error *err);

/* True for errors that may pass while the process lives: nothing of Python there yet. */
bool spy_attach_may_pass(int result);

/*
 * As spy_attach, again and again for `seconds` while the interpreter is still starting or
 * no Python is there yet; twenty times as long for a program that starts others (sh, sudo). interrupted, when not NULL, ends the waiting by returning true:
 * -PYSPYC_EAGAIN then.
 */
int spy_attach_wait(pid_t pid, enum pyspyc_blocking blocking, double seconds,
		    bool (*interrupted)(void *context), void *context, struct spy_sampler **ret,
		    struct pyspyc_error *err);

#endif
