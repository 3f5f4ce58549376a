/* The threads of a live recording, as of an update. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lib/gauges.h"

/* Threads that come later are not listed: until an update has forgotten ended ones, or at all. */
#define GAUGES_LIMIT 16384
/* Of so many threads it is told at each update how they sleep, some µs each. */
#define SLEEPS_AT_ONCE 100
/* Over less than this a share of a CPU says nothing. */
#define CPU_LEAST_NS (10u * SPY_NSEC_PER_MSEC)

/* The OS's count when the thread was last looked at, at *at_ns. */
static bool cpu_of(const struct spy_process_gauge *process, const struct spy_thread *thread,
		   uint64_t *ns, uint64_t *at_ns)
{
	if (!process->sampler || !thread->runs.line_size ||
	    !spy_schedstat_parse(thread->runs.line, thread->runs.line_size, ns))
		return false;
	*at_ns = process->sampler->listed_ns;
	return true;
}

static bool make_room(struct spy_process_gauge *process)
{
	size_t capacity = process->thread_capacity ? process->thread_capacity * 2 : 8;
	struct spy_thread_gauge **larger;

	if (process->thread_count < process->thread_capacity)
		return true;
	larger = realloc(process->threads, capacity * sizeof(struct spy_thread_gauge *));
	if (!larger)
		return false;
	process->threads = larger;
	process->thread_capacity = capacity;
	return true;
}

static void update_name(struct spy_thread_gauge *gauge, const struct spy_thread *thread)
{
	const char *name = thread->name ? thread->name : thread->os_name;
	char *copy;

	if (gauge->name && strcmp(gauge->name, name) == 0)
		return;
	copy = strdup(name);
	if (!copy)
		return;
	free(gauge->name);
	gauge->name = copy;
	gauge->shown.name = copy;
}

struct spy_thread_gauge *spy_thread_gauge_of(struct spy_gauges *gauges,
					     struct spy_process_gauge *process,
					     const struct spy_thread *thread,
					     struct spy_thread_book *path)
{
	struct spy_thread_gauge *made;

	if (path->gauge || process->thread_count >= GAUGES_LIMIT)
		return path->gauge;
	made = make_room(process) ? calloc(1, sizeof(*made)) : NULL;
	if (!made) {
		gauges->failed = true;
		return NULL;
	}
	made->serial = gauges->serials++;
	made->process = process;
	made->book = path;
	made->shown = (struct pyspyc_live_thread){
		.pid = process->pid, .tid = thread->tid, .name = "", .os_state = '?', .cpu = -1
	};
	update_name(made, thread); /* it may have ended before the next update */
	cpu_of(process, thread, &made->cpu_ns, &made->cpu_at_ns);
	path->gauge = made;
	process->threads[process->thread_count++] = made;
	return made;
}

static void free_gauge(struct spy_thread_gauge *thread)
{
	if (thread->book)
		thread->book->gauge = NULL;
	spy_growth_unwatch(thread);
	free(thread->frames);
	free(thread->name);
	free(thread);
}

void spy_thread_gauge_leave(struct spy_thread_gauge *thread)
{
	spy_growth_unwatch(thread);
	thread->frames = spy_steal(thread->book->frames);
	thread->frame_count = thread->book->count;
	thread->book = NULL;
}

/* --- an update --- */

static void update_cpu(struct spy_thread_gauge *gauge, const struct spy_thread *thread)
{
	uint64_t ns, at_ns;
	bool known = gauge->cpu_at_ns != 0;

	if (!cpu_of(gauge->process, thread, &ns, &at_ns)) {
		gauge->shown.cpu = -1;
		return;
	}
	if (known && at_ns < gauge->cpu_at_ns + CPU_LEAST_NS)
		return;
	if (known && ns >= gauge->cpu_ns) {
		gauge->shown.cpu = (double)(ns - gauge->cpu_ns) /
				   (double)(at_ns - gauge->cpu_at_ns);
		/* The count of a running thread goes on with the clock tick. */
		if (gauge->shown.cpu > 1)
			gauge->shown.cpu = 1;
	}
	gauge->cpu_ns = ns;
	gauge->cpu_at_ns = at_ns;
}

static enum pyspyc_doing doing_of(unsigned doing)
{
	if (doing & SPY_DOES_GIL)
		return PYSPYC_DOING_GIL;
	if (doing & SPY_DOES_ACTIVE)
		return PYSPYC_DOING_ACTIVE;
	return doing & SPY_DOES_GIL_WAIT ? PYSPYC_DOING_GIL_WAIT : PYSPYC_DOING_IDLE;
}

static bool sleeps(char os_state)
{
	return os_state == 'S' || os_state == 'D' || os_state == 'T';
}

/* A moment tells no more than S of what sleeps: the kind of sleep stays as it was last told. */
static void update_state(struct spy_thread_gauge *gauge, char os_state)
{
	if (!sleeps(os_state) || !sleeps(gauge->shown.os_state))
		gauge->shown.os_state = os_state ? os_state : '?';
}

/* Of some that sleep how they do, of the next ones at the next update. */
static void tell_sleeps(struct spy_process_gauge *process)
{
	size_t i, done = 0;

	for (i = 0; i < process->thread_count && done < SLEEPS_AT_ONCE; i++) {
		size_t at = (process->sleep_turn + i) % process->thread_count;
		struct pyspyc_live_thread *shown = &process->threads[at]->shown;
		struct spy_stat stat;

		if (process->threads[at]->ended_ns || !shown->tid || !sleeps(shown->os_state))
			continue;
		done++;
		if (spy_stat_read(process->pid, shown->tid, &stat, NULL) == 0)
			shown->os_state = sleeps(stat.state) ? stat.state : 'S';
	}
	process->sleep_turn += i;
}

static void end(struct spy_thread_gauge *gauge, uint64_t now_ns)
{
	gauge->ended_ns = now_ns;
	gauge->doing = 0;
	gauge->shown.doing = PYSPYC_DOING_ENDED;
	gauge->shown.os_state = 'X';
	gauge->shown.cpu = 0;
}

void spy_threads_update(struct spy_process_gauge *process, const struct spy_process_book *book,
			const struct spy_booking *booking, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < process->thread_count; i++)
		process->threads[i]->present = false;
	for (i = 0; process->sampler && i < process->sampler->thread_count; i++) {
		const struct spy_thread *thread = process->sampler->threads[i];
		const uint64_t *found = spy_map_find(&book->threads, thread->id);
		const struct spy_thread_book *path =
			found ? (struct spy_thread_book *)(uintptr_t)*found : NULL;
		struct spy_thread_gauge *gauge = path ? path->gauge : NULL;

		if (!gauge || gauge->ended_ns)
			continue;
		gauge->present = true;
		gauge->shown.tid = thread->tid;
		update_state(gauge, thread->os_state);
		gauge->shown.doing = doing_of(gauge->doing);
		gauge->shown.frame = (struct pyspyc_frame_info){ 0 };
		spy_thread_frames(booking, gauge, 1, &gauge->shown.frame);
		update_name(gauge, thread);
		update_cpu(gauge, thread);
	}
	for (i = 0; i < process->thread_count; i++)
		if (!process->threads[i]->present && !process->threads[i]->ended_ns)
			end(process->threads[i], now_ns);
	if (process->sampler)
		tell_sleeps(process);
}

void spy_threads_close(struct spy_process_gauge *process, uint64_t open_ns)
{
	size_t i;

	for (i = 0; i < process->thread_count; i++) {
		struct spy_thread_gauge *thread = process->threads[i];

		thread->shown.active = (double)thread->open.active_ns / (double)open_ns;
		thread->shown.gil = (double)thread->open.gil_ns / (double)open_ns;
		thread->shown.gil_wait = (double)thread->open.wait_ns / (double)open_ns;
		thread->open = (struct spy_amount_of_doing){ 0 };
	}
}

void spy_threads_forget(struct spy_process_gauge *process, uint64_t now_ns, bool all)
{
	size_t i, ended = 0, kept = 0;

	for (i = 0; i < process->thread_count; i++)
		ended += process->threads[i]->ended_ns != 0;
	for (i = 0; i < process->thread_count; i++) {
		struct spy_thread_gauge *thread = process->threads[i];

		if (all || (thread->ended_ns && (now_ns - thread->ended_ns >= SPY_ENDED_NS ||
						 ended > SPY_ENDED_LIMIT))) {
			ended -= thread->ended_ns != 0;
			free_gauge(thread);
		} else {
			process->threads[kept++] = thread;
		}
	}
	process->thread_count = kept;
}

size_t spy_thread_frame_count(const struct spy_thread_gauge *thread)
{
	return thread->book ? thread->book->count + 1 : thread->frame_count;
}

struct pyspyc_frame_info spy_frame_info(const struct pyspyc_profile *profile, uint32_t number)
{
	const struct spy_frame *frame = &profile->frames[number];

	return (struct pyspyc_frame_info){
		.name = spy_profile_text(profile, frame->name),
		.file = spy_profile_text(profile, frame->file),
		.path = spy_profile_text(profile, frame->path),
		.line = frame->line,
		.first_line = frame->first_line,
	};
}

size_t spy_thread_frames(const struct spy_booking *booking, const struct spy_thread_gauge *thread,
			 size_t limit, struct pyspyc_frame_info *ret)
{
	const struct pyspyc_profile *profile = booking->profile;
	const struct spy_thread_book *book = thread->book;
	const uint32_t *frames = book ? book->frames : thread->frames;
	size_t i, count = 0;

	if (book && book->collecting && !booking->options.no_gc && count < limit)
		ret[count++] = (struct pyspyc_frame_info){ .name = "<GC>", .file = "", .path = "" };
	for (i = book ? book->count : thread->frame_count; i > 0 && count < limit; i--)
		if (frames[i - 1] != SPY_NO_FRAME)
			ret[count++] = spy_frame_info(profile, frames[i - 1]);
	return count;
}
