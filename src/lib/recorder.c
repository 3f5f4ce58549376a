/* Sampling processes into a profile. */
#include "pyspyc/recorder.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/attach.h"
#include "lib/memory.h"
#include "lib/recorder_parts.h"
#include "profile/live.h"

#define TICK_EVERY_NS (100u * SPY_NSEC_PER_MSEC)
#define TICK_LATE_NS (TICK_EVERY_NS / 4)
/* While there is nothing to sample. */
#define WAIT_NS (2u * SPY_NSEC_PER_MSEC)
/* How often processes are looked at as such: new ones, those that may become Python, ended ones. */
#define LOOK_EVERY_NS (1u * SPY_NSEC_PER_MSEC)

/* Everything that the live view shows, in all views, is kept all of the time. */
static int begin_live(struct pyspyc_recorder *recorder, struct pyspyc_error *err)
{
	recorder->gauges = spy_gauges_new();
	recorder->booking.process_roots = true;
	if (!recorder->gauges || !spy_live_begin(recorder->booking.profile))
		return spy_nomem(err);
	return 0;
}

static int begin_memory(struct pyspyc_recorder *recorder, struct pyspyc_error *err)
{
	recorder->history = spy_history_new();
	recorder->growth = spy_growth_new();
	recorder->memory = calloc(1, sizeof(*recorder->memory));
	recorder->booking.profile->limits.nodes = SPY_LIVE_LIMIT_MEMORY;
	return recorder->history && recorder->growth && recorder->memory ? 0 : spy_nomem(err);
}

PYSPYC_EXPORT int pyspyc_recorder_new(const struct pyspyc_recorder_options *options,
				      struct pyspyc_recorder **ret, struct pyspyc_error *err)
{
	struct pyspyc_recorder_options copy = *options;
	struct pyspyc_recorder *recorder;
	int result;

	if (copy.rate == 0)
		copy.rate = 100;
	result = spy_recorder_check_rate(copy.rate, err);
	if (result < 0)
		return result;
	if (copy.max_slowdown == 0)
		copy.max_slowdown = PYSPYC_MAX_SLOWDOWN;
	if (!(copy.max_slowdown > 0 && copy.max_slowdown <= 100))
		return spy_fail(err, PYSPYC_EINVAL,
				"the slowdown must be above 0 and at most 100 percent");
	copy.live |= copy.memory;
	if (copy.live) {
		copy.mode = PYSPYC_MODE_WALL;
		copy.thread_roots = true;
	}
	recorder = calloc(1, sizeof(*recorder));
	if (!recorder)
		return spy_nomem(err);
	result = spy_booking_init(&recorder->booking, &copy, err);
	if (result == 0 && copy.live)
		result = begin_live(recorder, err);
	if (result == 0 && copy.memory)
		result = begin_memory(recorder, err);
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
	spy_gauges_free(recorder->gauges);
	spy_growth_free(recorder->growth);
	spy_history_free(recorder->history);
	spy_memory_sums_free(recorder->memory);
	spy_booking_deinit(&recorder->booking);
	free(recorder);
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
	tracked = spy_recorder_track(recorder, pid, true);
	if (!tracked) {
		spy_sampler_close(sampler);
		return spy_nomem(err);
	}
	tracked->launched = launched;
	if (sampler)
		spy_tracked_take(tracked, sampler);
	recorder->booking.process_roots |= recorder->tracked_count > 1;
	return 0;
}

PYSPYC_EXPORT pid_t pyspyc_recorder_sampled(const struct pyspyc_recorder *recorder, pid_t pid)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->pid == pid && recorder->tracked[i]->sampler)
			return recorder->tracked[i]->sampler->process->pid;
	return pid;
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

	recorder->started_ns = recorder->paused_since_ns = spy_clock_now();
	recorder->paused_ns = recorder->ended_ns = 0;
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

static int finish(struct pyspyc_recorder *recorder, struct pyspyc_error *err)
{
	const struct spy_tracked *first = recorder->tracked_count ? recorder->tracked[0] : NULL;
	size_t i;

	if (recorder->memory && !recorder->paused)
		spy_memory_tick(recorder, spy_clock_now());
	spy_recorder_settle(recorder);
	if (any_sampling(recorder) && !recorder->paused)
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

/* When options.duration is over; never, for 0 and while it is paused. */
static uint64_t end_of(const struct pyspyc_recorder *recorder)
{
	double duration = recorder->booking.options.duration;

	return duration > 0 && duration < 1e9 && !recorder->paused
		? recorder->started_ns + recorder->paused_ns +
			(uint64_t)(duration * SPY_NSEC_PER_SEC)
		: UINT64_MAX;
}

/* Processes that may yet turn out to be Python. */
static void try_waiting(struct pyspyc_recorder *recorder, uint64_t now)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		spy_tracked_try(recorder->tracked[i], recorder->booking.options.blocking, now);
}

/* Of a process that is sampled, a pass that fails tells that it has ended. */
static bool may_change(const struct pyspyc_recorder *recorder)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->state != SPY_TRACKED_SAMPLING)
			return true;
	return recorder->booking.options.subprocesses;
}

enum look { LOOK_SAMPLING, LOOK_WAITING, LOOK_OVER };

/* What processes there are, and whether any can be sampled. */
static enum look look(struct pyspyc_recorder *recorder, uint64_t now)
{
	spy_recorder_find_children(recorder, now);
	try_waiting(recorder, now);
	spy_recorder_forget_gone(recorder);
	recorder->look_ns = may_change(recorder) ? now + LOOK_EVERY_NS : UINT64_MAX;
	if (hopeless(recorder) || all_gone(recorder))
		return LOOK_OVER;
	return any_sampling(recorder) ? LOOK_SAMPLING : LOOK_WAITING;
}

static int over(struct pyspyc_recorder *recorder, struct pyspyc_error *err)
{
	const struct spy_tracked *failed = hopeless(recorder);

	if (!failed)
		return finish(recorder, err);
	*err = failed->error;
	return -(int)err->code;
}

/* When there is something to do again, other than a tick. */
static uint64_t work_of(const struct pyspyc_recorder *recorder, bool sampling, uint64_t now)
{
	if (sampling && recorder->growth)
		return least(least(recorder->next_ns, spy_growth_next(recorder->growth)),
			     end_of(recorder));
	if (sampling)
		return least(recorder->next_ns, end_of(recorder));
	return recorder->paused ? UINT64_MAX : least(now + WAIT_NS, end_of(recorder));
}

/* To wake up for a tick alone costs as much as a sample: it waits for one that is soon to come. */
static uint64_t wake_of(const struct pyspyc_recorder *recorder, bool sampling, uint64_t now,
			uint64_t next_tick)
{
	uint64_t work = work_of(recorder, sampling, now);

	return sampling && work <= next_tick + TICK_LATE_NS ? work : least(work, next_tick);
}

/* Whether memory is to be looked at, between two moments. */
static bool grows(const struct pyspyc_recorder *recorder, uint64_t now)
{
	const struct spy_growth *growth = recorder->growth;

	return growth && !recorder->paused && (growth->woken || now >= spy_growth_next(growth));
}

static int run(struct pyspyc_recorder *recorder, pyspyc_tick *tick, void *context,
	       struct pyspyc_error *err)
{
	uint64_t now = spy_clock_now(), next_tick = 0, since = recorder->started_ns;
	enum look state = LOOK_WAITING;

	recorder->next_ns = spy_pace_next(&recorder->pace, now);
	for (;;) {
		bool ticks, sampling;

		if (now >= recorder->look_ns && !recorder->paused)
			state = look(recorder, now);
		if (state == LOOK_OVER)
			return over(recorder, err);
		sampling = state == LOOK_SAMPLING && !recorder->paused;
		if (!sampling) /* moments with nothing to see were not missed */
			recorder->next_ns = spy_pace_skip(&recorder->pace, now);
		ticks = spy_recorder_pause(recorder, now,
					   wake_of(recorder, sampling, now, next_tick));
		now = spy_clock_now();
		ticks |= now >= next_tick;
		recorder->sampling_ns += sampling ? now - since : 0;
		since = now;
		if (now >= end_of(recorder))
			return finish(recorder, err);
		if (sampling && now + SPY_AT_ONCE_NS >= recorder->next_ns) {
			spy_recorder_sample(recorder);
			if (recorder->booking.failed)
				return spy_nomem(err);
			now = spy_clock_now();
			recorder->next_ns = spy_pace_next(&recorder->pace, now);
			if (recorder->next_ns < recorder->rest_ns)
				recorder->next_ns = recorder->rest_ns;
		} else if (sampling && grows(recorder, now)) {
			spy_growth_turn(recorder);
			if (recorder->booking.failed)
				return spy_nomem(err);
			now = spy_clock_now();
		}
		if (ticks) {
			next_tick = now + TICK_EVERY_NS;
			spy_recorder_settle(recorder);
			if (recorder->memory && !recorder->paused)
				spy_memory_tick(recorder, now);
			spy_recorder_update_stats(recorder);
			if (tick(context, &recorder->stats) == PYSPYC_STOP)
				return finish(recorder, err);
			now = spy_clock_now();
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
	recorder->ended_ns = spy_clock_now(); /* to write a file may take long */
	prctl(PR_SET_TIMERSLACK, slack > 0 ? slack : 0, 0, 0, 0);
	spy_recorder_update_stats(recorder);
	if (result < 0 && err)
		*err = ours;
	return result;
}
