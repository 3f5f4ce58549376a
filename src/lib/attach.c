#include "lib/attach.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "pyspyc/process.h"

#define FIRST_WAIT_NS (1u * SPY_NSEC_PER_MSEC)
#define LONGEST_WAIT_NS (50u * SPY_NSEC_PER_MSEC)

bool spy_attach_may_pass(int result)
{
	return result == -PYSPYC_ENOTPYTHON || result == -PYSPYC_ENOTREADY ||
	       result == -PYSPYC_EAGAIN || result == -PYSPYC_EFAULT;
}

int spy_attach(pid_t pid, enum pyspyc_blocking blocking, struct spy_sampler **ret,
	       struct pyspyc_error *err)
{
	spy_autofree pid_t *pids = NULL;
	size_t count, i;
	int result = spy_sampler_open(pid, blocking, ret, err);

	if (result != -PYSPYC_ENOTPYTHON || pyspyc_descendants(pid, &pids, &count, NULL) < 0)
		return result;
	for (i = 0; i < count; i++)
		if (spy_sampler_open(pids[i], blocking, ret, NULL) == 0)
			return 0;
	return result;
}

int spy_attach_wait(pid_t pid, enum pyspyc_blocking blocking, double seconds,
		    bool (*interrupted)(void *context), void *context, struct spy_sampler **ret,
		    struct pyspyc_error *err)
{
	uint64_t deadline = spy_clock_now() + (uint64_t)(seconds * SPY_NSEC_PER_SEC);
	uint64_t wait = FIRST_WAIT_NS;

	for (;;) {
		int result = spy_attach(pid, blocking, ret, err);
		struct timespec pause = { 0, (long)wait };

		if (!spy_attach_may_pass(result) || spy_clock_now() >= deadline)
			return result;
		if (interrupted && interrupted(context))
			return -PYSPYC_EAGAIN;
		nanosleep(&pause, NULL);
		wait = wait * 2 < LONGEST_WAIT_NS ? wait * 2 : LONGEST_WAIT_NS;
	}
}
