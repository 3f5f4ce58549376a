#include "target/pause.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "target/process.h"

#define STOP_DEADLINE_NS (100u * SPY_NSEC_PER_MSEC)
#define FINISH_DEADLINE_NS (UINT64_C(10) * SPY_NSEC_PER_SEC)
/*
 * A thread that runs stops within microseconds. sched_yield() is no way to wait for it: on a busy
 * machine another program has the CPU then, for milliseconds, while the thread stands still.
 */
#define SPIN_NS (50u * SPY_NSEC_PER_USEC)
/* One that has to get a CPU first is looked at now and then: it stands still a quarter longer. */
#define NAP_PART 4
#define NAP_MOST_NS (500u * SPY_NSEC_PER_USEC)

/* True for the leader of a process that we started: its exit status is its owner's to take. */
static bool is_our_child(const struct spy_pause *pause)
{
	struct spy_stat stat;

	return pause->pid == pause->tid &&
	       spy_stat_read(pause->pid, 0, &stat, NULL) == 0 && stat.ppid == getpid();
}

/*
 * A thread that ended while it was seized reports to us before anyone else hears of it: its
 * parent's wait, and an exec of its process, stand still until we have taken the report.
 */
static void reap(struct spy_pause *pause)
{
	siginfo_t info = { 0 };

	pause->dying = true;
	if (is_our_child(pause))
		pause->attached = false;
	else if (waitid(P_PID, (id_t)pause->tid, &info, WEXITED | WNOHANG | __WALL) < 0 ||
		 info.si_pid == pause->tid)
		pause->attached = false;
}

static void nap(uint64_t ns)
{
	struct timespec time = { 0, (long)(ns < NAP_MOST_NS ? ns : NAP_MOST_NS) };

	nanosleep(&time, NULL);
}

/* Waits for the stop, without taking an exit status away. */
static int wait_for_stop(struct spy_pause *pause, uint64_t patience, siginfo_t *info,
			 struct pyspyc_error *err)
{
	uint64_t start = spy_clock_now(), now;

	for (;;) {
		info->si_pid = 0;
		if (waitid(P_PID, (id_t)pause->tid, info,
			   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) {
			pause->attached = false;
			return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited",
					(int)pause->tid);
		}
		if (info->si_pid == pause->tid)
			break;
		now = spy_clock_now();
		if (now - start > patience)
			return spy_fail(err, PYSPYC_EAGAIN, "thread %d did not stop in time",
					(int)pause->tid);
		if (now - start > SPIN_NS)
			nap((now - start) / NAP_PART);
	}
	if (info->si_code != CLD_TRAPPED && info->si_code != CLD_STOPPED) {
		reap(pause);
		return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited", (int)pause->tid);
	}
	waitid(P_PID, (id_t)pause->tid, info, WSTOPPED | WNOHANG | __WALL);
	/* A stop for a signal on its way: status is the signal; an event has bits above it. */
	pause->signal = (info->si_status >> 8) == 0 ? info->si_status : 0;
	return 0;
}

/*
 * What must not be seized: a thread of another process by now, and an uninterruptible sleeper
 * (also a parent in vfork), which would not stop.
 */
static int check_thread(pid_t pid, pid_t tid, struct pyspyc_error *err)
{
	struct spy_stat stat;

	if (spy_stat_read(pid, tid, &stat, NULL) < 0)
		return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited", (int)tid);
	if (stat.state == 'D')
		return spy_fail(err, PYSPYC_EAGAIN, "thread %d sleeps uninterruptibly", (int)tid);
	return 0;
}

static int seize(pid_t pid, pid_t tid, struct spy_pause *pause, struct pyspyc_error *err)
{
	int result = check_thread(pid, tid, err);

	*pause = (struct spy_pause){ .pid = pid, .tid = tid };
	if (result < 0)
		return result;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return spy_fail_errno(err, errno == ESRCH ? PYSPYC_ENOPROC : PYSPYC_EPERM, errno,
				      "cannot stop thread %d", (int)tid);
	pause->attached = true;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0) {
		reap(pause);
		return spy_fail(err, PYSPYC_ENOPROC, "thread %d has exited", (int)tid);
	}
	return 0;
}

int spy_pause_begin(pid_t pid, pid_t tid, struct spy_pause *pause, struct pyspyc_error *err)
{
	siginfo_t info;
	int result;

	if (pause->attached && (pause->dying || pause->tid != tid) && !spy_pause_settle(pause))
		return spy_fail(err, PYSPYC_EAGAIN, "thread %d is still to be let go",
				(int)pause->tid);
	result = pause->attached ? 0 : seize(pid, tid, pause, err);
	return result < 0 ? result : wait_for_stop(pause, STOP_DEADLINE_NS, &info, err);
}

void spy_pause_end(struct spy_pause *pause)
{
	if (ptrace(PTRACE_DETACH, pause->tid, NULL, (void *)(intptr_t)pause->signal) < 0)
		reap(pause); /* killed in its stop */
	else
		pause->attached = false;
}

bool spy_pause_settle(struct spy_pause *pause)
{
	siginfo_t info;

	if (pause->attached && pause->dying)
		reap(pause);
	else if (pause->attached && wait_for_stop(pause, 0, &info, NULL) == 0)
		spy_pause_end(pause);
	return !pause->attached;
}

void spy_pause_finish(struct spy_pause *pause)
{
	uint64_t deadline = spy_clock_now() + FINISH_DEADLINE_NS;

	while (!spy_pause_settle(pause) && spy_clock_now() < deadline)
		usleep(1000);
}
