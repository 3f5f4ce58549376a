/* What one moment adds to the gauges of a live recording. */
#include <stdlib.h>

#include "base/clock.h"
#include "lib/gauges.h"

#define RSS_EVERY_NS (1u * SPY_NSEC_PER_MSEC)
/* GILs of a process whose holder is known at a moment. */
#define HOLDERS_LIMIT 64

static bool room(struct spy_gauges *gauges)
{
	size_t capacity = gauges->moment_capacity ? gauges->moment_capacity * 2 : 64;
	struct spy_thread_gauge **larger;

	if (gauges->moment_count < gauges->moment_capacity)
		return true;
	larger = realloc(gauges->moment, capacity * sizeof(struct spy_thread_gauge *));
	if (!larger)
		return false;
	gauges->moment = larger;
	gauges->moment_capacity = capacity;
	return true;
}

static void count(struct spy_amount_of_doing *amount, unsigned doing, uint64_t time_ns)
{
	if (doing & SPY_DOES_ACTIVE)
		amount->active_ns += time_ns;
	if (doing & SPY_DOES_GIL)
		amount->gil_ns += time_ns;
	if (doing & SPY_DOES_GIL_WAIT)
		amount->wait_ns += time_ns;
}

/* Interpreters may share a GIL: the first one that has it stands for all of them. */
static uint32_t gil_of(const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	uint32_t index = thread->state.interpreter_index, i;

	if (!sampler || index >= sampler->states.interpreter_count)
		return index;
	for (i = 0; i < index && i < HOLDERS_LIMIT; i++)
		if (sampler->states.interpreters[i].gil == sampler->states.interpreters[index].gil)
			return i;
	return index;
}

/*
 * CPU time since the moment before. What a thread that runs has used since the clock tick is told
 * with the next.
 */
static uint64_t used_since(struct spy_thread_gauge *gauge, const struct spy_thread *thread)
{
	uint64_t before = gauge->ran_ns, now;

	/* Of several states of one OS thread, it is the one that runs. */
	if (thread->rested || (thread->shared && !thread->active) ||
	    !spy_schedstat_parse(thread->runs.line, thread->runs.line_size, &now))
		return 0;
	gauge->ran_ns = now;
	return before && now > before ? now - before : 0;
}

void spy_gauges_visit(struct spy_gauges *gauges, struct spy_process_gauge *process,
		      const struct spy_thread *thread, struct spy_thread_book *path, unsigned doing,
		      uint64_t time_ns)
{
	struct spy_thread_gauge *gauge = path->gauge;

	if (!gauge)
		gauge = spy_thread_gauge_of(gauges, process, thread, path);
	if (!gauge)
		return;
	if (!room(gauges)) {
		gauges->failed = true;
		return;
	}
	gauges->moment[gauges->moment_count++] = gauge;
	gauge->visited = true;
	if (process->growth.of && !gauge->growth.tried)
		spy_growth_watch(process->growth.of, gauge, thread);
	gauge->doing = doing;
	gauge->used_ns += used_since(gauge, thread);
	gauge->gil = gil_of(process->sampler, thread);
	count(&gauge->open, doing, time_ns);
	count(&gauge->since, doing, time_ns);
	gauges->collecting |= path->collecting;
}

/* --- who waits behind whom --- */

static void add_waits(struct spy_gauges *gauges, uint64_t time_ns)
{
	struct spy_thread_gauge *holders[HOLDERS_LIMIT] = { 0 };
	bool any = false;
	size_t i;

	for (i = 0; i < gauges->moment_count; i++) {
		struct spy_thread_gauge *thread = gauges->moment[i];

		if (!(thread->doing & SPY_DOES_GIL))
			continue;
		gauges->gil_ns += time_ns;
		any = true;
		if (thread->gil < HOLDERS_LIMIT)
			holders[thread->gil] = thread;
	}
	for (i = 0; any && i < gauges->moment_count; i++) {
		struct spy_thread_gauge *thread = gauges->moment[i];

		if ((thread->doing & SPY_DOES_GIL_WAIT) && thread->gil < HOLDERS_LIMIT &&
		    holders[thread->gil])
			spy_waits_add(gauges, thread, holders[thread->gil], time_ns);
	}
}

static void look_at_rss(struct spy_gauges *gauges, struct spy_process_gauge *process,
			struct spy_booking *booking, struct spy_process_book *book, uint64_t now_ns)
{
	uint64_t now;

	if (process->rss_ns && now_ns - process->rss_ns < RSS_EVERY_NS && !process->growth.of)
		return;
	if (!spy_rss_read(&process->rss, &now) || now > INT64_MAX)
		return;
	/* Afterwards, so that all that RSS has grown by has had its faults. */
	if (process->growth.of)
		spy_growth_count(process, process->rss_ns && now > process->rss_bytes, now_ns);
	spy_gauges_book_rss(gauges, process, booking, book, now, now_ns);
}

void spy_gauges_end_moment(struct spy_gauges *gauges)
{
	size_t i;

	for (i = 0; i < gauges->moment_count; i++)
		gauges->moment[i]->visited = false;
	gauges->moment_count = 0;
	gauges->collecting = false;
}

void spy_gauges_moment(struct spy_gauges *gauges, struct spy_process_gauge *process,
		       struct spy_booking *booking, struct spy_process_book *book, uint64_t now_ns,
		       uint64_t time_ns)
{
	add_waits(gauges, time_ns);
	if (gauges->collecting)
		gauges->gc_ns += time_ns;
	look_at_rss(gauges, process, booking, book, now_ns);
	spy_gauges_end_moment(gauges);
}
