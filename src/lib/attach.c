#include "lib/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "pyspyc/process.h"

#define FIRST_WAIT_NS (1u * SPY_NSEC_PER_MSEC)
/* How many times as long a program is waited for that is there to start others. */
#define WRAPPER_PATIENCE 20
#define LONGEST_WAIT_NS (50u * SPY_NSEC_PER_MSEC)

/* Programs whose trade it is to start others: their Python may take its time. */
static const char *const wrappers[] = {
	"sh", "bash", "dash", "zsh", "fish", "ksh", "busybox", "env", "sudo", "su", "runuser",
	"setpriv", "uv", "uvx", "pipx", "poetry", "pdm", "hatch", "nohup", "nice", "ionice",
	"timeout", "time", "xargs", "make", "tini", "dumb-init", "docker-init", "catatonit",
	"supervisord", "strace", "gdb", "perf", "numactl", "taskset", "chroot", "unshare",
	"nsenter", "systemd-run", "script", "watch", "flock", "stdbuf", "setsid", "coreutils",
};

static bool is_wrapper(pid_t pid)
{
	char path[64], exe[4096];
	const char *name;
	ssize_t size;
	size_t i;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	size = readlink(path, exe, sizeof(exe) - 1);
	if (size <= 0)
		return false;
	exe[size] = '\0';
	name = strrchr(exe, '/');
	for (i = 0; name && i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		if (strcmp(name + 1, wrappers[i]) == 0)
			return true;
	return false;
}

bool spy_attach_may_pass(int result)
{
	switch (-result) {
	case PYSPYC_OK:
	case PYSPYC_ENOMEM:
	case PYSPYC_EINVAL:
	case PYSPYC_EPERM:
	case PYSPYC_EIMPL:
	case PYSPYC_EVERSION:
		return false;
	}
	/* Others come and go in mid-exec: no mappings yet, or half of them. */
	return true;
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
	uint64_t start = spy_clock_now(), wait = FIRST_WAIT_NS;

	for (;;) {
		int result = spy_attach(pid, blocking, ret, err);
		struct timespec pause = { 0, (long)wait };
		double waited = (double)(spy_clock_now() - start) / SPY_NSEC_PER_SEC;

		if (!spy_attach_may_pass(result) || result == -PYSPYC_ENOPROC ||
		    waited >= seconds * (is_wrapper(pid) ? WRAPPER_PATIENCE : 1))
			return result;
		if (interrupted && interrupted(context))
			return -PYSPYC_EAGAIN;
		nanosleep(&pause, NULL);
		wait = wait * 2 < LONGEST_WAIT_NS ? wait * 2 : LONGEST_WAIT_NS;
	}
}
