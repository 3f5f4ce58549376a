#include "target/hold.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/* Rounds of looking for threads that run: those that were started or woken meanwhile. */
#define ROUNDS 8
/* More threads than these are not stopped. */
#define THREADS_LIMIT 4096

static bool holds(const struct spy_hold *hold, pid_t tid)
{
	for (size_t i = 0; i < hold->count; i++)
		if (hold->threads[i].pause.tid == tid)
			return true;
	return false;
}

static bool runs(pid_t pid, pid_t tid)
{
	struct spy_stat stat;

	return spy_stat_read(pid, tid, &stat, NULL) == 0 && stat.state == 'R';
}

/* Stops one thread; threads that end or cannot stop now are left out. */
static int stop(struct spy_hold *hold, pid_t pid, pid_t tid, struct pyspyc_error *err)
{
	struct spy_held *held = &hold->threads[hold->count];
	int result;

	*held = (struct spy_held){ 0 };
	if (!hold->since_ns)
		hold->since_ns = spy_clock_now();
	result = spy_pause_begin(pid, tid, &held->pause, err);
	held->stopped = result == 0;
	if (result == 0 || held->pause.attached)
		hold->count++;
	return result == -PYSPYC_EPERM ? result : 0;
}

/* One round; *more tells whether a thread ran that is not stopped yet. */
static int stop_running(const struct spy_process *process, struct spy_hold *hold, bool *more,
			struct pyspyc_error *err)
{
	spy_cleanup(spy_tasks_free) struct spy_tasks tasks = { 0 };
	int result = spy_process_tasks(process, &tasks, err);
	void *grown;
	size_t i;

	*more = false;
	if (result < 0)
		return result;
	grown = reallocarray(hold->threads, hold->count + tasks.count + 1, sizeof(*hold->threads));
	if (!grown)
		return spy_nomem(err);
	hold->threads = grown;
	for (i = 0; i < tasks.count && result == 0 && hold->count < THREADS_LIMIT; i++) {
		pid_t tid = tasks.items[i].tid;

		if (holds(hold, tid) || !runs(process->pid, tid))
			continue;
		*more = true;
		result = stop(hold, process->pid, tid, err);
	}
	return result;
}

int spy_hold_begin(const struct spy_process *process, struct spy_hold *hold,
		   struct pyspyc_error *err)
{
	bool more = true;
	int result = 0, round;

	for (round = 0; round < ROUNDS && more && result == 0; round++)
		result = stop_running(process, hold, &more, err);
	if (result < 0)
		spy_hold_end(hold);
	return result;
}

uint64_t spy_hold_end(struct spy_hold *hold)
{
	uint64_t held = 0;
	size_t i;

	for (i = 0; i < hold->count; i++)
		if (hold->threads[i].stopped)
			spy_pause_end(&hold->threads[i].pause);
	if (hold->since_ns)
		held = spy_clock_now() - hold->since_ns;
	/* Those whose stop, or whose end, is still to come. */
	for (i = 0; i < hold->count; i++)
		if (hold->threads[i].pause.attached)
			spy_pause_finish(&hold->threads[i].pause);
	free(hold->threads);
	*hold = (struct spy_hold){ 0 };
	return held;
}
