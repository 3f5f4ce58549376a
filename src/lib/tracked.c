#include "lib/tracked.h"

#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/attach.h"
#include "lib/gauges.h"

/* A program that has just been started is looked at often, so that no frame is missed. */
#define FRESH_NS (500u * SPY_NSEC_PER_MSEC)
#define FRESH_EVERY_NS (2u * SPY_NSEC_PER_MSEC)
/* Whether it has ended or called exec is seen cheaply, but there may be many of them. */
#define LOOK_EVERY_NS (20u * SPY_NSEC_PER_MSEC)
#define STALE_EVERY_NS (200u * SPY_NSEC_PER_MSEC)
#define IGNORED_EVERY_NS (1000u * SPY_NSEC_PER_MSEC)

void spy_counters_add(struct spy_counters *sum, const struct spy_counters *more)
{
	sum->retried += more->retried;
	sum->stopped += more->stopped;
	sum->stopped_ns += more->stopped_ns;
	sum->dropped += more->dropped;
	sum->unreadable += more->unreadable;
	sum->truncated += more->truncated;
	sum->partial += more->partial;
	sum->waiting += more->waiting;
}

static uint64_t hash_exe(pid_t pid)
{
	char path[64], exe[4096];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	size = readlink(path, exe, sizeof(exe));
	return size > 0 ? spy_hash(exe, (size_t)size, 0) : 0;
}

static bool gone(struct spy_tracked *tracked)
{
	struct spy_stat stat;

	if (!tracked->start_time && spy_stat_read(tracked->pid, 0, &stat, NULL) == 0)
		tracked->start_time = stat.start_time;
	return !spy_pid_alive(tracked->pid, tracked->start_time);
}

void spy_tracked_init(struct spy_tracked *tracked, pid_t pid, bool given, bool tree)
{
	*tracked = (struct spy_tracked){ .pid = pid, .given = given, .tree = tree };
	tracked->since_ns = spy_clock_now();
	tracked->exe = hash_exe(pid);
	if (gone(tracked))
		tracked->state = SPY_TRACKED_GONE;
}

void spy_tracked_deinit(struct spy_tracked *tracked, struct spy_counters *counters)
{
	if (tracked->sampler)
		spy_tracked_lose(tracked, counters);
	spy_process_book_deinit(&tracked->book);
}

void spy_tracked_take(struct spy_tracked *tracked, struct spy_sampler *sampler)
{
	tracked->sampler = sampler;
	sampler->reader.outer = true;
	tracked->sampled = true;
	tracked->state = SPY_TRACKED_SAMPLING;
}

void spy_tracked_lose(struct spy_tracked *tracked, struct spy_counters *counters)
{
	spy_counters_add(counters, &tracked->sampler->reader.counters);
	tracked->foreign = !tracked->sampler->process->same_root;
	if (tracked->gauge)
		tracked->gauge->sampler = NULL;
	spy_sampler_close(tracked->sampler);
	tracked->sampler = NULL;
	/* Thread and code numbers begin anew with the next sampler. */
	spy_process_book_deinit(&tracked->book);
	tracked->book = (struct spy_process_book){ 0 };
	tracked->state = gone(tracked) ? SPY_TRACKED_GONE : SPY_TRACKED_WAITING;
	if (tracked->gauge && tracked->state == SPY_TRACKED_GONE)
		spy_rss_close(&tracked->gauge->rss); /* the next update may be long in coming */
	tracked->since_ns = spy_clock_now();
	tracked->next_look_ns = tracked->next_try_ns = 0;
	tracked->failures = 0;
	tracked->exe = hash_exe(tracked->pid);
}

static void see_exec(struct spy_tracked *tracked, uint64_t now_ns)
{
	uint64_t exe = hash_exe(tracked->pid);

	if (exe == tracked->exe)
		return;
	tracked->exe = exe;
	tracked->since_ns = now_ns;
	tracked->next_try_ns = 0;
	tracked->state = SPY_TRACKED_WAITING;
}

/* since_ns may be a little later than the loop's idea of now. */
static bool fresh(const struct spy_tracked *tracked, uint64_t now_ns)
{
	return now_ns < tracked->since_ns + FRESH_NS;
}

/* True while a thread of pid waits as one does whose vfork has not come back yet. */
static bool any_waits_in_kernel(pid_t pid)
{
	const struct spy_process process = { .pid = pid };
	struct spy_tasks tasks = { 0 };
	struct spy_stat stat;
	bool found = false;
	size_t i;

	if (spy_process_tasks(&process, &tasks, NULL) < 0)
		return false;
	for (i = 0; i < tasks.count && !found; i++)
		found = spy_stat_read(pid, tasks.items[i].tid, &stat, NULL) == 0 &&
			stat.state == 'D';
	spy_tasks_free(&tasks);
	return found;
}

/*
 * A child between vfork and exec has its parent's memory: all that is seen there is the
 * parent's. Where kcmp(2) is not permitted, a parent that waits for it gives it away.
 */
static bool borrows_memory(const struct spy_tracked *tracked)
{
	struct spy_stat stat;
	long different;

	if (spy_stat_read(tracked->pid, 0, &stat, NULL) < 0 || stat.ppid <= 0)
		return false;
	different = syscall(SYS_kcmp, tracked->pid, stat.ppid, KCMP_VM, 0, 0);
	if (different >= 0)
		return different == 0;
	return hash_exe(stat.ppid) == tracked->exe && any_waits_in_kernel(stat.ppid);
}

void spy_tracked_try(struct spy_tracked *tracked, enum pyspyc_blocking blocking, uint64_t now_ns)
{
	struct spy_sampler *sampler;
	int result;

	if (tracked->state == SPY_TRACKED_GONE || tracked->state == SPY_TRACKED_SAMPLING ||
	    now_ns < tracked->next_look_ns)
		return;
	if (gone(tracked)) {
		tracked->state = SPY_TRACKED_GONE;
		return;
	}
	see_exec(tracked, now_ns);
	tracked->next_look_ns = now_ns + (tracked->given || fresh(tracked, now_ns)
						  ? FRESH_EVERY_NS : LOOK_EVERY_NS);
	if (now_ns < tracked->next_try_ns)
		return;
	if (!tracked->given && borrows_memory(tracked)) {
		tracked->since_ns = now_ns; /* its program is still to begin */
		return;
	}
	result = tracked->tree ? spy_sampler_open(tracked->pid, blocking, &sampler, &tracked->error)
			       : spy_attach(tracked->pid, blocking, &sampler, &tracked->error);
	if (result == 0) {
		spy_tracked_take(tracked, sampler);
		return;
	}
	tracked->state = spy_attach_may_pass(result) ? SPY_TRACKED_WAITING : SPY_TRACKED_IGNORED;
	if (tracked->state == SPY_TRACKED_IGNORED)
		tracked->next_try_ns = now_ns + IGNORED_EVERY_NS;
	else
		tracked->next_try_ns = now_ns + (fresh(tracked, now_ns) ? FRESH_EVERY_NS
									: STALE_EVERY_NS);
}
