#include "target/pause.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "target/process.h"

#define STOP_DEADLINE_NS (100u * SPY_NSEC_PER_MSEC)
#define SPINS_BEFORE_SLEEP 200

/*
 * Waits for the stop without ever taking an exit status away: the thread may be our own
 * child, whose status is its owner's to collect.
 */
static int wait_for_stop(pid_t tid, uint64_t patience, siginfo_t *info, struct pyspyc_error *err)
{
	uint64_t deadline = spy_clock_now() + patience;
	unsigned spins = 0;

	for (;;) {
		info->si_pid = 0;
		if (waitid(P_PID, (id_t)tid, info,
			   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
			return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited", (int)tid);
		if (info->si_pid == tid)
			break;
		if (spy_clock_now() > deadline)
			return spy_fail(err, PYSPYC_EAGAIN, "thread %d did not stop in time",
					(int)tid);
		if (++spins < SPINS_BEFORE_SLEEP)
			sched_yield();
		else
			usleep(100);
	}
	if (info->si_code != CLD_TRAPPED && info->si_code != CLD_STOPPED)
		return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited", (int)tid);
	waitid(P_PID, (id_t)tid, info, WSTOPPED | WNOHANG | __WALL);
	return 0;
}

/* An uninterruptible sleeper (also a parent in vfork) would not stop: do not even try. */
static bool cannot_stop(pid_t tid)
{
	struct spy_stat stat;

	return spy_stat_read(tid, tid, &stat, NULL) == 0 && stat.state == 'D';
}

static int seize(pid_t tid, struct spy_pause *pause, struct pyspyc_error *err)
{
	*pause = (struct spy_pause){ .tid = tid };
	if (cannot_stop(tid))
		return spy_fail(err, PYSPYC_EAGAIN, "thread %d sleeps uninterruptibly", (int)tid);
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return spy_fail_errno(err, errno == ESRCH ? PYSPYC_ENOPROC : PYSPYC_EPERM, errno,
				      "cannot stop thread %d", (int)tid);
	pause->attached = true;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0) {
		pause->attached = false;
		return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited", (int)tid);
	}
	return 0;
}

int spy_pause_begin(pid_t tid, struct spy_pause *pause, struct pyspyc_error *err)
{
	siginfo_t info;
	int result = pause->attached ? 0 : seize(tid, pause, err);

	if (result < 0)
		return result;
	result = wait_for_stop(tid, STOP_DEADLINE_NS, &info, err);
	if (result == -PYSPYC_ENOPROC)
		pause->attached = false;
	if (result < 0)
		return result;
	/* A stop for a signal on its way: status is the signal; an event has bits above it. */
	if ((info.si_status >> 8) == 0)
		pause->signal = info.si_status;
	return 0;
}

void spy_pause_end(struct spy_pause *pause)
{
	ptrace(PTRACE_DETACH, pause->tid, NULL, (void *)(intptr_t)pause->signal);
	pause->attached = false;
}

bool spy_pause_settle(struct spy_pause *pause)
{
	siginfo_t info;
	int result;

	if (!pause->attached)
		return true;
	result = wait_for_stop(pause->tid, 0, &info, NULL);
	if (result == -PYSPYC_EAGAIN)
		return false;
	if (result == 0) {
		pause->signal = (info.si_status >> 8) == 0 ? info.si_status : 0;
		spy_pause_end(pause);
	}
	pause->attached = false;
	return true;
}
