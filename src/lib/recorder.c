/* Sampling processes into a profile. */
#include "pyspyc/recorder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/attach.h"
#include "lib/summary.h"
#include "lib/tracked.h"
#include "sample/pace.h"

#define TICK_EVERY_NS (100u * SPY_NSEC_PER_MSEC)
#define CHILDREN_EVERY_NS (2u * SPY_NSEC_PER_MSEC)
#define CHILDREN_ANYHOW_NS (1000u * SPY_NSEC_PER_MSEC)
/* How often children are listed after a new pid: it is given out before its process shows up. */
#define CHILDREN_ROUNDS 10
#define TRACKED_LIMIT 10000
/* After so many failures in a row a process is looked at anew from the start. */
#define FAILURES_LIMIT 5

struct pyspyc_recorder {
	struct spy_booking booking;
	struct spy_tracked **tracked;
	size_t tracked_count, tracked_capacity;
	struct pyspyc_recorder_stats stats;
	struct spy_counters lost; /* counters of samplers that are no more */
	struct spy_pace pace;
	uint64_t started_ns, cpu_started_ns;
	uint64_t sampling_ns; /* for how long there was a process to sample */
	uint64_t children_ns;	/* when children were last looked for */
	uint64_t listed_ns;	/* when they were last listed for that */
	unsigned rounds;	/* how often they are still to be listed in any case */
	unsigned long last_pid; /* the newest pid of the machine then */
	uint64_t now_ns;	/* of the pass under way */
	struct spy_tracked *current;
};

PYSPYC_EXPORT int pyspyc_recorder_new(const struct pyspyc_recorder_options *options,
				      struct pyspyc_recorder **ret, struct pyspyc_error *err)
{
	struct pyspyc_recorder_options copy = *options;
	struct pyspyc_recorder *recorder;
	int result;

	if (copy.rate == 0)
		copy.rate = 100;
	if (!(copy.rate > 0 && copy.rate <= PYSPYC_RATE_MAX))
		return spy_fail(err, PYSPYC_EINVAL,
				"the rate must be above 0 and at most %g samples a second",
				PYSPYC_RATE_MAX);
	recorder = calloc(1, sizeof(*recorder));
	if (!recorder)
		return spy_nomem(err);
	result = spy_booking_init(&recorder->booking, &copy, err);
	if (result < 0) {
		pyspyc_recorder_free(recorder);
		return result;
	}
	*ret = recorder;
	return 0;
}

PYSPYC_EXPORT void pyspyc_recorder_free(struct pyspyc_recorder *recorder)
{
	size_t i;

	if (!recorder)
		return;
	for (i = 0; i < recorder->tracked_count; i++) {
		spy_tracked_deinit(recorder->tracked[i], &recorder->lost);
		free(recorder->tracked[i]);
	}
	free(recorder->tracked);
	spy_booking_deinit(&recorder->booking);
	free(recorder);
}

static struct spy_tracked *track(struct pyspyc_recorder *recorder, pid_t pid, bool given)
{
	struct spy_tracked *tracked = malloc(sizeof(*tracked));

	if (tracked && recorder->tracked_count == recorder->tracked_capacity) {
		size_t capacity = recorder->tracked_capacity ? recorder->tracked_capacity * 2 : 8;
		struct spy_tracked **larger =
			realloc(recorder->tracked, capacity * sizeof(struct spy_tracked *));

		if (!larger) {
			free(tracked);
			return NULL;
		}
		recorder->tracked = larger;
		recorder->tracked_capacity = capacity;
	}
	if (!tracked)
		return NULL;
	spy_tracked_init(tracked, pid, given, recorder->booking.options.subprocesses);
	recorder->tracked[recorder->tracked_count++] = tracked;
	return tracked;
}

PYSPYC_EXPORT int pyspyc_recorder_add(struct pyspyc_recorder *recorder, pid_t pid, bool launched,
				      bool (*interrupted)(void *context), void *context,
				      struct pyspyc_error *err)
{
	const struct pyspyc_recorder_options *options = &recorder->booking.options;
	struct spy_sampler *sampler = NULL;
	struct spy_tracked *tracked;
	int result;

	if (!launched) {
		result = spy_attach_wait(pid, options->blocking, options->wait, interrupted, context,
					 &sampler, err);
		if (result < 0)
			return result;
		/* With children on their own, a wrapper's Python is found as one of them. */
		if (options->subprocesses && sampler->process->pid != pid) {
			spy_sampler_close(sampler);
			sampler = NULL;
		}
	}
	tracked = track(recorder, pid, true);
	if (!tracked) {
		spy_sampler_close(sampler);
		return spy_nomem(err);
	}
	if (sampler)
		spy_tracked_take(tracked, sampler);
	recorder->booking.process_roots |= recorder->tracked_count > 1;
	return 0;
}

/* --- children --- */

static bool is_tracked(const struct pyspyc_recorder *recorder, pid_t pid)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->pid == pid &&
		    recorder->tracked[i]->state != SPY_TRACKED_GONE)
			return true;
	return false;
}

/* The pid that was given out last (proc(5), loadavg): unchanged, nobody has a new child. */
static unsigned long newest_pid(void)
{
	spy_autofree char *text = NULL;
	const char *space;

	if (spy_proc_read("loadavg", 256, &text, NULL, NULL) < 0)
		return 0;
	space = strrchr(text, ' ');
	return space ? strtoul(space + 1, NULL, 10) : 0;
}

static void find_children(struct pyspyc_recorder *recorder, uint64_t now)
{
	unsigned long newest;
	size_t i, j;

	if (!recorder->booking.options.subprocesses ||
	    now - recorder->children_ns < CHILDREN_EVERY_NS)
		return;
	recorder->children_ns = now;
	newest = newest_pid();
	if (!newest || newest != recorder->last_pid)
		recorder->rounds = CHILDREN_ROUNDS;
	recorder->last_pid = newest;
	if (!recorder->rounds && now - recorder->listed_ns < CHILDREN_ANYHOW_NS)
		return;
	recorder->rounds -= recorder->rounds > 0;
	recorder->listed_ns = now;
	/* The list grows while it is gone through: children of children in one go. */
	for (i = 0; i < recorder->tracked_count; i++) {
		spy_autofree pid_t *pids = NULL;
		size_t count = 0;

		if (recorder->tracked[i]->state == SPY_TRACKED_GONE)
			continue;
		spy_process_children(recorder->tracked[i]->pid, &pids, &count, NULL);
		for (j = 0; j < count && recorder->tracked_count < TRACKED_LIMIT; j++)
			if (!is_tracked(recorder, pids[j]))
				track(recorder, pids[j], false);
	}
}

/* Children that are gone for good need no place in the list. */
static void forget_gone(struct pyspyc_recorder *recorder)
{
	size_t i, kept = 0;

	for (i = 0; i < recorder->tracked_count; i++) {
		struct spy_tracked *tracked = recorder->tracked[i];

		if (tracked->state == SPY_TRACKED_GONE && !tracked->given) {
			spy_tracked_deinit(tracked, &recorder->lost);
			free(tracked);
		} else {
			recorder->tracked[kept++] = tracked;
		}
	}
	recorder->tracked_count = kept;
}

/* --- sampling --- */

static bool wants_thread(void *context, const struct spy_thread *thread)
{
	const struct pyspyc_recorder *recorder = context;

	return spy_booking_wants(&recorder->booking, thread);
}

static void book_thread(void *context, const struct spy_thread *thread,
			const struct spy_stack *stack, int result, const struct pyspyc_error *err)
{
	struct pyspyc_recorder *recorder = context;

	if (stack)
		spy_booking_add(&recorder->booking, &recorder->current->book,
				recorder->current->sampler, thread, stack,
				recorder->now_ns - recorder->started_ns);
}

static enum spy_select selection(enum pyspyc_mode mode)
{
	switch (mode) {
	case PYSPYC_MODE_WALL:
		return SPY_SELECT_ALL;
	case PYSPYC_MODE_GIL:
		return SPY_SELECT_GIL;
	case PYSPYC_MODE_ACTIVE:
	case PYSPYC_MODE_CPU:
		break;
	}
	return SPY_SELECT_ACTIVE;
}

/* What one process' failed pass means: a reading that is lost, or the process. */
static void pass_failed(struct pyspyc_recorder *recorder, struct spy_tracked *tracked, int result)
{
	const struct spy_process *process = tracked->sampler->process;
	bool passing = result == -PYSPYC_EAGAIN || result == -PYSPYC_EFAULT;

	/* Lists and memory that vanish in mid-reading are how an exit or exec looks. */
	if (passing && spy_process_same_image(process) && spy_process_alive(process)) {
		recorder->lost.unreadable++;
		if (++tracked->failures < FAILURES_LIMIT)
			return;
	}
	spy_tracked_lose(tracked, &recorder->lost);
}

static void sample_all(struct pyspyc_recorder *recorder)
{
	struct spy_pass pass = {
		.select = selection(recorder->booking.options.mode),
		.context = recorder,
		.wanted = recorder->booking.options.threads ? wants_thread : NULL,
		.visit = book_thread,
	};
	bool looked = false;
	size_t i;

	recorder->now_ns = spy_clock_now();
	for (i = 0; i < recorder->tracked_count; i++) {
		struct spy_tracked *tracked = recorder->tracked[i];
		int result;

		if (tracked->state != SPY_TRACKED_SAMPLING)
			continue;
		recorder->current = tracked;
		result = spy_sampler_pass(tracked->sampler, &pass, &tracked->error);
		if (result < 0)
			pass_failed(recorder, tracked, result);
		else
			tracked->failures = 0;
		looked = true;
	}
	recorder->stats.passes += looked;
}

/* Processes that may yet turn out to be Python. */
static void try_waiting(struct pyspyc_recorder *recorder, uint64_t now)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		spy_tracked_try(recorder->tracked[i], recorder->booking.options.blocking, now);
}

/* --- the state of things --- */

static void update_stats(struct pyspyc_recorder *recorder)
{
	struct pyspyc_recorder_stats *stats = &recorder->stats;
	struct spy_counters sum = recorder->lost;
	size_t i;

	stats->processes = stats->threads = 0;
	for (i = 0; i < recorder->tracked_count; i++) {
		const struct spy_sampler *sampler = recorder->tracked[i]->sampler;

		if (!sampler)
			continue;
		stats->processes++;
		stats->threads += sampler->thread_count;
		spy_counters_add(&sum, &sampler->reader.counters);
	}
	stats->retried = sum.retried;
	stats->stopped = sum.stopped;
	stats->stopped_ns = sum.stopped_ns;
	stats->dropped = sum.dropped;
	stats->unreadable = sum.unreadable;
	stats->truncated = sum.truncated;
	stats->missed = recorder->pace.missed;
	stats->samples = recorder->booking.profile->samples;
	stats->elapsed_ns = spy_clock_now() - recorder->started_ns;
	stats->cpu_ns = spy_clock_cpu() - recorder->cpu_started_ns;
	stats->rate_reached = recorder->sampling_ns
		? (double)stats->passes * 1e9 / (double)recorder->sampling_ns : 0;
}

PYSPYC_EXPORT const struct pyspyc_recorder_stats *
pyspyc_recorder_stats(struct pyspyc_recorder *recorder)
{
	if (recorder->started_ns)
		update_stats(recorder);
	return &recorder->stats;
}

PYSPYC_EXPORT const struct pyspyc_profile *pyspyc_recorder_profile(struct pyspyc_recorder *recorder)
{
	struct pyspyc_profile *profile = recorder->booking.profile;

	if (recorder->started_ns)
		update_stats(recorder);
	profile->duration_ns = recorder->stats.elapsed_ns;
	free(profile->summary);
	profile->summary = spy_summary(&recorder->stats);
	return profile;
}

static bool all_gone(const struct pyspyc_recorder *recorder)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->state != SPY_TRACKED_GONE)
			return false;
	return true;
}

static bool any_sampling(const struct pyspyc_recorder *recorder)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->state == SPY_TRACKED_SAMPLING)
			return true;
	return false;
}

/* Given processes that can never be sampled, for a reason that will not pass. */
static const struct spy_tracked *hopeless(const struct pyspyc_recorder *recorder)
{
	const struct spy_tracked *found = NULL;
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++) {
		const struct spy_tracked *tracked = recorder->tracked[i];

		if (tracked->sampled || tracked->state == SPY_TRACKED_WAITING)
			return NULL;
		if (tracked->state == SPY_TRACKED_IGNORED && tracked->given)
			found = tracked;
	}
	return found;
}

/* --- the loop --- */

static void begin(struct pyspyc_recorder *recorder)
{
	struct pyspyc_profile *profile = recorder->booking.profile;
	spy_autobuffer struct spy_buffer title = { 0 };
	size_t i;

	recorder->started_ns = spy_clock_now();
	recorder->cpu_started_ns = spy_clock_cpu();
	profile->started_at = (int64_t)time(NULL);
	profile->period_ns = (uint64_t)(1e9 / recorder->booking.options.rate);
	for (i = 0; i < recorder->tracked_count; i++) {
		spy_autofree char *command = spy_process_command(recorder->tracked[i]->pid);

		spy_buffer_printf(&title, "%s%s", i ? ", " : "", command ? command : "?");
	}
	free(profile->title);
	profile->title = spy_buffer_steal(&title);
	spy_pace_begin(&recorder->pace, recorder->booking.options.rate, recorder->started_ns,
		       recorder->started_ns);
}

/* Sleeps until the moment; true when a signal handler ran meanwhile. */
static bool sleep_until(uint64_t moment_ns)
{
	struct timespec moment = { (time_t)(moment_ns / SPY_NSEC_PER_SEC),
				   (long)(moment_ns % SPY_NSEC_PER_SEC) };

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR;
}

static int finish(struct pyspyc_recorder *recorder, struct pyspyc_error *err)
{
	const struct spy_tracked *first = recorder->tracked_count ? recorder->tracked[0] : NULL;
	size_t i;

	if (any_sampling(recorder))
		spy_pace_end(&recorder->pace, spy_clock_now());
	if (recorder->booking.failed)
		return spy_nomem(err);
	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->sampled)
			return 0;
	if (recorder->booking.profile->samples || !first)
		return 0;
	return spy_fail(err, PYSPYC_ENOTPYTHON,
			"process %d ended before a Python interpreter was seen in it: it runs no "
			"CPython, or runs too briefly", (int)first->pid);
}

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

/* When options.duration is over; never, for 0. */
static uint64_t end_of(const struct pyspyc_recorder *recorder)
{
	double duration = recorder->booking.options.duration;

	return duration > 0 && duration < 1e9
		? recorder->started_ns + (uint64_t)(duration * SPY_NSEC_PER_SEC) : UINT64_MAX;
}

static int run(struct pyspyc_recorder *recorder, pyspyc_tick *tick, void *context,
	       struct pyspyc_error *err)
{
	uint64_t next = spy_pace_next(&recorder->pace, spy_clock_now());
	uint64_t end = end_of(recorder), next_tick = 0, since = recorder->started_ns;

	for (;;) {
		uint64_t now = spy_clock_now(), wake;
		bool sampling, interrupted = false;

		find_children(recorder, now);
		try_waiting(recorder, now);
		forget_gone(recorder);
		sampling = any_sampling(recorder);
		if (hopeless(recorder)) {
			*err = hopeless(recorder)->error;
			return -(int)err->code;
		}
		if (all_gone(recorder))
			return finish(recorder, err);
		if (!sampling) /* moments at which there was nothing to see were not missed */
			next = spy_pace_skip(&recorder->pace, now);
		wake = sampling ? next : now + CHILDREN_EVERY_NS;
		wake = least(wake, least(next_tick, end));
		if (wake > now)
			interrupted = sleep_until(wake);
		now = spy_clock_now();
		recorder->sampling_ns += sampling ? now - since : 0;
		since = now;
		if (now >= end)
			return finish(recorder, err);
		if (interrupted || now >= next_tick) {
			next_tick = now + TICK_EVERY_NS;
			update_stats(recorder);
			if (tick(context, &recorder->stats) == PYSPYC_STOP)
				return finish(recorder, err);
		}
		if (sampling && now >= next) {
			sample_all(recorder);
			if (recorder->booking.failed)
				return spy_nomem(err);
			next = spy_pace_next(&recorder->pace, spy_clock_now());
		}
	}
}

PYSPYC_EXPORT int pyspyc_recorder_run(struct pyspyc_recorder *recorder, pyspyc_tick *tick,
				      void *context, struct pyspyc_error *err)
{
	struct pyspyc_error ours = { 0 };
	int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), result;

	begin(recorder);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	result = run(recorder, tick, context, &ours);
	prctl(PR_SET_TIMERSLACK, slack > 0 ? slack : 0, 0, 0, 0);
	update_stats(recorder);
	if (result < 0 && err)
		*err = ours;
	return result;
}
