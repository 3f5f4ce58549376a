/* The collections of a process as they come. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/gc_events.h"
#include "lib/gc_state.h"
#include "pyspyc/gc.h"

/* How often interpreters that came and went are looked for. */
#define LIST_NS (100u * (uint64_t)SPY_NSEC_PER_MSEC)

struct pyspyc_gc_watch {
	struct spy_gc_process process;
	struct spy_gc_tracker *trackers; /* one for each of process.interpreters */
	struct spy_gc_tracker gone;	 /* the sums of those that are no more */
	uint64_t first_ns, last_ns, listed_ns;
	uint64_t looks;
};

struct poll {
	struct pyspyc_gc_watch *watch;
	int64_t interpreter;
	void (*visit)(void *context, const struct pyspyc_gc_collection *collection);
	void *context;
};

static void emit(void *context, const struct spy_gc_event *event)
{
	const struct poll *poll = context;
	const struct pyspyc_gc_collection collection = {
		.pid = poll->watch->process.sampler->process->pid,
		.interpreter = poll->interpreter,
		.generation = event->generation,
		.count = event->count,
		.end_ns = event->end_ns,
		.duration_ns = event->duration_ns,
		.error_ns = event->error_ns,
		.collected = event->collected,
		.uncollectable = event->uncollectable,
	};

	poll->visit(poll->context, &collection);
}

static void add_sums(struct spy_gc_tracker *sums, const struct spy_gc_tracker *tracker)
{
	sums->collections += tracker->collections;
	sums->unseen += tracker->unseen;
	sums->paused_ns += tracker->paused_ns;
}

/* Whether CPython's list of interpreters is still the one that is watched. */
static bool is_listed(const struct pyspyc_gc_watch *watch)
{
	const struct spy_gc_process *process = &watch->process;

	for (size_t i = 0; i < process->count; i++) {
		const struct spy_interpreter *now = spy_gc_listed(process, i);

		if (!now || process->interpreters[i].address != now->address ||
		    process->interpreters[i].id != now->id)
			return false;
	}
	return !spy_gc_listed(process, process->count);
}

/* Lists the interpreters anew, and keeps what is known of those that are still there. */
static int list_again(struct pyspyc_gc_watch *watch, struct pyspyc_error *err)
{
	struct spy_gc_interpreter *before = watch->process.interpreters;
	struct spy_gc_tracker *old = watch->trackers;
	size_t before_count = watch->process.count;
	int result;

	watch->process.interpreters = NULL;
	watch->process.count = 0;
	watch->trackers = NULL;
	result = spy_gc_list(&watch->process, err);
	if (watch->process.count)
		watch->trackers = calloc(watch->process.count, sizeof(*watch->trackers));
	if (watch->process.count && !watch->trackers) {
		watch->process.count = 0;
		result = spy_nomem(err);
	}
	for (size_t i = 0; i < before_count; i++) {
		size_t k = 0;

		while (k < watch->process.count &&
		       (watch->process.interpreters[k].address != before[i].address ||
			watch->process.interpreters[k].id != before[i].id))
			k++;
		if (k < watch->process.count)
			watch->trackers[k] = old[i];
		else
			add_sums(&watch->gone, &old[i]);
	}
	free(before);
	free(old);
	return result;
}

static int gone(const struct pyspyc_gc_watch *watch, struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ENOPROC, "process %d has ended or runs another program",
			(int)watch->process.sampler->process->pid);
}

/* Now and then, and when something could not be read. */
static int refresh(struct pyspyc_gc_watch *watch, uint64_t now, struct pyspyc_error *err)
{
	struct spy_sampler *sampler = watch->process.sampler;
	int result;

	watch->listed_ns = now;
	if (!spy_process_alive(sampler->process) || !spy_process_same_image(sampler->process))
		return gone(watch, err);
	result = spy_threads_read(spy_gc_heap(&watch->process), &sampler->python, &sampler->states,
				  err);
	if (result == 0 && !is_listed(watch))
		result = list_again(watch, err);
	/* An interpreter that comes or goes: the next time. */
	return result == -PYSPYC_ENOPROC || result == -PYSPYC_EPERM || result == -PYSPYC_ENOMEM
		       ? result
		       : 0;
}

PYSPYC_EXPORT int pyspyc_gc_watch_poll(struct pyspyc_gc_watch *watch,
				       void (*visit)(void *context,
						     const struct pyspyc_gc_collection *collection),
				       void *context, struct pyspyc_error *err)
{
	struct poll poll = { .watch = watch, .visit = visit, .context = context };
	struct spy_gc_state state;
	bool failed = false;
	uint64_t now = spy_clock_now();

	for (size_t i = 0; i < watch->process.count; i++) {
		struct spy_gc_interpreter *interpreter = &watch->process.interpreters[i];
		uint64_t from = spy_clock_now();

		if (spy_gc_read(spy_gc_heap(&watch->process), &interpreter->place, &state, NULL) <
		    0) {
			failed = true;
			continue;
		}
		now = spy_clock_now();
		poll.interpreter = interpreter->id;
		spy_gc_track(&watch->trackers[i], &state, interpreter->place.has_ring, from, now,
			     emit, &poll);
	}
	if (!watch->looks++)
		watch->first_ns = now;
	watch->last_ns = now;
	return failed || now - watch->listed_ns > LIST_NS ? refresh(watch, now, err) : 0;
}

PYSPYC_EXPORT int pyspyc_gc_watch_new(pid_t pid, double wait, struct pyspyc_gc_watch **ret,
				      struct pyspyc_error *err)
{
	struct pyspyc_gc_watch *watch = calloc(1, sizeof(*watch));
	int result;

	if (!watch)
		return spy_nomem(err);
	result = spy_gc_open(pid, wait, &watch->process, err);
	if (result == 0) {
		watch->trackers = calloc(watch->process.count ? watch->process.count : 1,
					 sizeof(*watch->trackers));
		if (!watch->trackers)
			result = spy_nomem(err);
	}
	if (result < 0) {
		pyspyc_gc_watch_free(watch);
		return result;
	}
	*ret = watch;
	return 0;
}

PYSPYC_EXPORT void pyspyc_gc_watch_free(struct pyspyc_gc_watch *watch)
{
	if (!watch)
		return;
	spy_gc_close(&watch->process);
	free(watch->trackers);
	free(watch);
}

PYSPYC_EXPORT pid_t pyspyc_gc_watch_pid(const struct pyspyc_gc_watch *watch)
{
	return watch->process.sampler->process->pid;
}

PYSPYC_EXPORT void pyspyc_gc_watch_stats(const struct pyspyc_gc_watch *watch,
					 struct pyspyc_gc_watch_stats *ret)
{
	struct spy_gc_tracker sums = { 0 };
	const struct spy_layout *layout = spy_gc_heap(&watch->process)->layout;

	add_sums(&sums, &watch->gone);
	for (size_t i = 0; i < watch->process.count; i++)
		add_sums(&sums, &watch->trackers[i]);
	*ret = (struct pyspyc_gc_watch_stats){
		.exact = layout->gc_stats_start != SPY_NO_FIELD,
		.collections = sums.collections,
		.unseen = sums.unseen,
		.looks = watch->looks,
		.elapsed_ns = watch->last_ns - watch->first_ns,
		.paused_ns = sums.paused_ns,
	};
}
