/* pyspyc/live.h: the gauges. Tables and trees are in live_tables.c. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/recorder_parts.h"
#include "profile/live.h"

#define FRAMES_LIMIT 65536

struct spy_gauges *spy_gauges_new(void)
{
	return calloc(1, sizeof(struct spy_gauges));
}

void spy_gauges_free(struct spy_gauges *gauges)
{
	size_t i;

	if (!gauges)
		return;
	for (i = 0; i < gauges->process_count; i++)
		spy_process_gauge_free(gauges->processes[i]);
	free(gauges->processes);
	free(gauges->moment);
	free(gauges->points.items);
	free(gauges->threads);
	free(gauges->shown_processes);
	free(gauges->shown_waits);
	spy_waits_free(&gauges->waits);
	free(gauges);
}

/* --- the lists --- */

/* An array for count items, in place of the last one; NULL and false when memory ran out. */
static bool fit(void *array, size_t count, size_t size)
{
	void *fitting = realloc(*(void **)array, (count ? count : 1) * size);

	if (fitting)
		*(void **)array = fitting;
	return fitting != NULL;
}

static void list_process(struct spy_gauges *gauges, struct spy_process_gauge *process)
{
	struct pyspyc_live *live = &gauges->shown;
	size_t i;

	spy_process_gauge_tell(process, &gauges->shown_processes[live->process_count++]);
	for (i = 0; i < process->thread_count; i++) {
		struct spy_thread_gauge *thread = process->threads[i];

		thread->shown.active_s = (double)thread->since.active_ns / 1e9;
		thread->shown.gil_s = (double)thread->since.gil_ns / 1e9;
		thread->shown.gil_wait_s = (double)thread->since.wait_ns / 1e9;
		thread->index = live->thread_count;
		gauges->threads[live->thread_count++] = thread->shown;
		switch (thread->shown.doing) {
		case PYSPYC_DOING_ACTIVE:
		case PYSPYC_DOING_GIL:
			live->active++;
			break;
		case PYSPYC_DOING_GIL_WAIT:
			live->gil_wait++;
			break;
		case PYSPYC_DOING_IDLE:
			live->idle++;
			break;
		case PYSPYC_DOING_ENDED:
			break;
		}
	}
}

static void list_waits(struct spy_gauges *gauges)
{
	size_t i;

	for (i = 0; i < gauges->waits.count; i++) {
		const struct spy_wait_gauge *wait = &gauges->waits.items[i];

		gauges->shown_waits[i] = (struct pyspyc_live_wait){
			.waiter = wait->waiter->index,
			.holder = wait->holder->index,
			.now = wait->now,
			.seconds = (double)wait->since_ns / 1e9,
		};
	}
	gauges->shown.wait_count = gauges->waits.count;
}

static bool list(struct spy_gauges *gauges)
{
	struct pyspyc_live *live = &gauges->shown;
	size_t i, threads = 0;

	for (i = 0; i < gauges->process_count; i++)
		threads += gauges->processes[i]->thread_count;
	if (!fit(&gauges->shown_processes, gauges->process_count,
		 sizeof(*gauges->shown_processes)) ||
	    !fit(&gauges->threads, threads, sizeof(*gauges->threads)) ||
	    !fit(&gauges->shown_waits, gauges->waits.count, sizeof(*gauges->shown_waits)))
		return false;
	live->process_count = live->thread_count = 0;
	live->active = live->idle = live->gil_wait = 0;
	for (i = 0; i < gauges->process_count; i++)
		if (gauges->processes[i]->given)
			list_process(gauges, gauges->processes[i]);
	for (i = 0; i < gauges->process_count; i++)
		if (!gauges->processes[i]->given)
			list_process(gauges, gauges->processes[i]);
	list_waits(gauges);
	live->processes = gauges->shown_processes;
	live->threads = gauges->threads;
	live->waits = gauges->shown_waits;
	return true;
}

/* --- the window --- */

/* What the shares of the window are; without a moment in it, it goes on. */
static void close_window(struct pyspyc_recorder *recorder, uint64_t at_ns)
{
	const struct pyspyc_recorder_stats *stats = &recorder->stats;
	struct spy_gauges *gauges = recorder->gauges;
	struct pyspyc_live *live = &gauges->shown;
	struct spy_window began = gauges->window;
	double open = (double)gauges->open_ns;
	uint64_t took = at_ns - began.at_ns;
	size_t i;

	gauges->window = (struct spy_window){ at_ns, stats->passes, stats->missed,
					      stats->dropped + stats->unreadable };
	live->window_ns = took;
	live->rate = took ? (double)(stats->passes - began.passes) * 1e9 / (double)took : 0;
	live->missed = stats->missed - began.missed;
	live->errors = gauges->window.errors - began.errors;
	live->late_ns = gauges->late_count ? gauges->late_ns / gauges->late_count : 0;
	live->gil = (double)gauges->gil_ns / open;
	live->gc = (double)gauges->gc_ns / open;
	for (i = 0; i < gauges->process_count; i++)
		spy_threads_close(gauges->processes[i], gauges->open_ns);
	spy_waits_close(&gauges->waits, gauges->open_ns);
	spy_live_close_window(recorder->booking.profile);
	recorder->window_ns = gauges->open_ns;
	gauges->open_ns = gauges->gil_ns = gauges->gc_ns = 0;
	gauges->late_ns = gauges->late_count = 0;
}

/* What children have used and no update told, as a share of the window. */
static double lost_cpu(struct spy_gauges *gauges)
{
	uint64_t most = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) * gauges->shown.window_ns, lost;
	uint64_t paid = gauges->lost_cpu_ns < gauges->owed_cpu_ns ? gauges->lost_cpu_ns
								  : gauges->owed_cpu_ns;

	gauges->owed_cpu_ns -= paid;
	lost = gauges->lost_cpu_ns - paid;
	gauges->lost_cpu_ns = 0;
	if (lost > most) /* of before: of one that was found only when it ended */
		lost = most;
	return most ? (double)lost / (double)gauges->shown.window_ns : 0;
}

static void add_point(struct spy_gauges *gauges)
{
	struct pyspyc_live *live = &gauges->shown;
	struct pyspyc_live_point point = { .at_ns = live->at_ns, .gil = live->gil, .gc = live->gc };
	uint64_t used_ns = 0;
	bool any = false;
	size_t i;

	for (i = 0; i < gauges->process_count; i++) {
		const struct spy_process_gauge *process = gauges->processes[i];

		if (process->ended_ns)
			continue;
		any = true;
		used_ns += process->used_ns;
		point.rss += process->shown.rss;
		point.pss += process->shown.pss;
		point.uss += process->shown.uss;
		point.swap += process->shown.swap;
	}
	if (live->window_ns)
		point.cpu = (double)used_ns / (double)live->window_ns + lost_cpu(gauges);
	live->cpu = point.cpu;
	/* Of what has ended, the last figures stay. */
	if (any && !spy_points_add(&gauges->points, &point))
		gauges->failed = true;
	live->points = gauges->points.items;
	live->point_count = gauges->points.count;
	live->rss_per_minute = spy_points_slope(&gauges->points);
}

PYSPYC_EXPORT int pyspyc_live_update(struct pyspyc_recorder *recorder,
				     const struct pyspyc_live **ret, struct pyspyc_error *err)
{
	struct spy_gauges *gauges = recorder->gauges;
	uint64_t now = spy_clock_now(), at = spy_recorder_elapsed(recorder, now);

	if (!gauges)
		return spy_fail(err, PYSPYC_EINVAL, "the recording is not a live one");
	if (!recorder->started_ns)
		return spy_fail(err, PYSPYC_EAGAIN, "the recording has not begun yet");
	if (recorder->paused && gauges->shown.processes && gauges->shown.at_ns == at) {
		*ret = &gauges->shown; /* nothing is read meanwhile */
		return 0;
	}
	spy_recorder_update_stats(recorder);
	gauges->shown.at_ns = at;
	spy_live_processes(recorder, now);
	if (gauges->open_ns)
		close_window(recorder, at);
	spy_waits_thin(&gauges->waits);
	spy_processes_forget(gauges, now);
	add_point(gauges);
	if (!list(gauges) || gauges->failed)
		return spy_nomem(err);
	*ret = &gauges->shown;
	return 0;
}

void spy_live_reset_gauges(struct pyspyc_recorder *recorder)
{
	struct spy_gauges *gauges = recorder->gauges;
	size_t i, j;

	if (!gauges)
		return;
	for (i = 0; i < gauges->process_count; i++)
		for (j = 0; j < gauges->processes[i]->thread_count; j++)
			gauges->processes[i]->threads[j]->since = (struct spy_amount_of_doing){ 0 };
	for (i = 0; i < gauges->waits.count; i++)
		gauges->waits.items[i].since_ns = 0;
	/* While it is paused, updates tell the same again. */
	for (i = 0; i < gauges->shown.thread_count; i++)
		gauges->threads[i].active_s = gauges->threads[i].gil_s =
			gauges->threads[i].gil_wait_s = 0;
	for (i = 0; i < gauges->shown.wait_count; i++)
		gauges->shown_waits[i].seconds = 0;
}

/* --- one stack --- */

/* One that lives, or the last one that did. */
static const struct spy_thread_gauge *find_thread(const struct spy_gauges *gauges, pid_t pid,
						  pid_t tid)
{
	const struct spy_thread_gauge *found = NULL;
	size_t i, j;

	for (i = 0; i < gauges->process_count; i++) {
		const struct spy_process_gauge *process = gauges->processes[i];

		if (process->pid != pid)
			continue;
		for (j = 0; j < process->thread_count; j++) {
			const struct spy_thread_gauge *thread = process->threads[j];

			if (thread->shown.tid == tid && (!found || !thread->ended_ns))
				found = thread;
		}
	}
	return found;
}

PYSPYC_EXPORT int pyspyc_live_stack(struct pyspyc_recorder *recorder, pid_t pid, pid_t tid,
				    struct pyspyc_frame_info **ret, size_t *count,
				    struct pyspyc_error *err)
{
	const struct spy_thread_gauge *thread;
	struct pyspyc_frame_info *frames;
	size_t limit;

	if (!recorder->gauges)
		return spy_fail(err, PYSPYC_EINVAL, "the recording is not a live one");
	thread = find_thread(recorder->gauges, pid, tid);
	limit = thread ? spy_thread_frame_count(thread) : 0;
	if (limit > FRAMES_LIMIT)
		limit = FRAMES_LIMIT;
	frames = calloc(limit ? limit : 1, sizeof(*frames));
	if (!frames)
		return spy_nomem(err);
	*count = thread ? spy_thread_frames(&recorder->booking, thread, limit, frames) : 0;
	if (!*count) {
		free(frames);
		return spy_fail(err, PYSPYC_EAGAIN, "no stack of thread %d of process %d is known",
				(int)tid, (int)pid);
	}
	*ret = frames;
	return 0;
}
