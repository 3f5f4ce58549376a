#include "sample/identity.h"

#include <string.h>

#include "base/clock.h"
#include "base/map.h"

/* Threads without a name are asked again, less and less often: some never get one. */
#define NAMES_FIRST_NS (100u * SPY_NSEC_PER_MSEC)
#define NAMES_LAST_NS (400u * SPY_NSEC_PER_MSEC)
#define TID_EVERY_NS (20u * SPY_NSEC_PER_MSEC)

static bool has_task(void *context, pid_t tid)
{
	const struct spy_tasks *tasks = context;
	size_t i;

	for (i = 0; i < tasks->count; i++)
		if (tasks->items[i].ns_tid == tid)
			return true;
	return false;
}

static pid_t host_tid(const struct spy_tasks *tasks, pid_t ns_tid)
{
	size_t i;

	for (i = 0; i < tasks->count; i++)
		if (tasks->items[i].ns_tid == ns_tid)
			return tasks->items[i].tid;
	return 0;
}

void spy_identity_tids(struct spy_sampler *sampler)
{
	struct spy_tasks tasks = { 0 };
	uint64_t now = spy_clock_now();
	size_t i;

	for (i = 0; i < sampler->thread_count; i++) {
		struct spy_thread *thread = sampler->threads[i];
		struct spy_stat stat;
		pid_t ns_tid;

		if (thread->tid || (thread->tid_tried_ns && now - thread->tid_tried_ns < TID_EVERY_NS))
			continue;
		thread->tid_tried_ns = now;
		if (!tasks.count && spy_process_tasks(sampler->process, &tasks, NULL) < 0)
			return;
		ns_tid = spy_thread_tid(sampler->process->memory, &thread->state, has_task, &tasks);
		thread->tid = ns_tid ? host_tid(&tasks, ns_tid) : 0;
		spy_ostate_close(&thread->ostate);
		spy_runs_close(&thread->runs);
		spy_ostate_open(&thread->ostate, sampler->process->pid, thread->tid);
		spy_runs_open(&thread->runs, sampler->process->pid, thread->tid);
		if (thread->tid &&
		    spy_stat_read(sampler->process->pid, thread->tid, &stat, NULL) == 0)
			memcpy(thread->os_name, stat.command, sizeof(thread->os_name));
	}
	spy_tasks_free(&tasks);
}

static bool take_name(struct spy_thread *thread, const struct spy_thread_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++) {
		if (names->items[i].ident == thread->state.ident) {
			thread->name = strdup(names->items[i].name);
			return true;
		}
	}
	return false;
}

void spy_identity_names(struct spy_sampler *sampler)
{
	struct spy_thread_names names = { 0 };
	uint64_t now = spy_clock_now(), interpreter = 0;
	bool unnamed = false, any = sampler->names_stale;
	size_t i;

	for (i = 0; i < sampler->thread_count; i++)
		unnamed |= !sampler->threads[i]->name;
	if (!unnamed ||
	    (!sampler->names_stale && now - sampler->names_read_ns < sampler->names_wait_ns))
		return;
	sampler->names_stale = false;
	sampler->names_read_ns = now;
	for (i = 0; i < sampler->thread_count; i++) {
		struct spy_thread *thread = sampler->threads[i];

		if (thread->name)
			continue;
		if (thread->state.interpreter != interpreter) {
			interpreter = thread->state.interpreter;
			spy_thread_names_free(&names);
			if (spy_thread_names_read(&sampler->reader.heap, interpreter, &names, NULL) < 0)
				names = (struct spy_thread_names){ 0 };
		}
		any |= take_name(thread, &names);
	}
	if (any)
		sampler->names_wait_ns = NAMES_FIRST_NS;
	else if (sampler->names_wait_ns < NAMES_LAST_NS)
		sampler->names_wait_ns *= 2;
	spy_thread_names_free(&names);
}

bool spy_identity_apart(const struct spy_sampler *sampler)
{
	struct spy_map idents = { 0 };
	bool apart = true;
	size_t i;

	for (i = 0; apart && i < sampler->thread_count; i++) {
		bool inserted = false;

		apart = spy_map_insert(&idents, sampler->threads[i]->state.ident, &inserted) && inserted;
	}
	spy_map_free(&idents);
	return apart;
}
