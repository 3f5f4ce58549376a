/* One moment of a recording: every process, every thread. */
#include "base/clock.h"
#include "lib/recorder_parts.h"

/* After so many failures in a row a process is looked at anew from the start. */
#define FAILURES_LIMIT 5
/* What a stop takes where it does not have to wait, about. */
#define STOP_NS (50u * SPY_NSEC_PER_USEC)
/* Over such a time stops may take no more than their part. */
#define STOPS_OVER_NS (20.0 * SPY_NSEC_PER_MSEC)
/* Above this rate what is known need not be read each time. */
#define OFTEN_HZ 1000.0

static bool wants_thread(void *context, const struct spy_thread *thread)
{
	const struct pyspyc_recorder *recorder = context;

	return spy_booking_wants(&recorder->booking, thread);
}

static unsigned doing_of(const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	bool gil = thread->state.gil && !sampler->states.gil_disabled;

	return (thread->active ? SPY_DOES_ACTIVE : 0) | (gil ? SPY_DOES_GIL : 0) |
	       (thread->gil_wait ? SPY_DOES_GIL_WAIT : 0);
}

static void book_thread(void *context, const struct spy_thread *thread,
			const struct spy_stack *stack, int result, const struct pyspyc_error *err)
{
	struct pyspyc_recorder *recorder = context;
	struct spy_tracked *tracked = recorder->current;
	struct spy_booking *booking = &recorder->booking;
	struct spy_thread_book *path = spy_booking_thread(&tracked->book, thread);
	struct spy_sample sample = {
		.at_ns = spy_recorder_elapsed(recorder, recorder->now_ns),
		.time_ns = recorder->looking ? 0 : recorder->covers_ns,
		.samples = recorder->covers,
		.look = recorder->looking,
		.doing = doing_of(tracked->sampler, thread),
	};

	if (!path) {
		booking->failed = true;
		return;
	}
	if (stack)
		spy_booking_add(booking, &tracked->book, path, tracked->sampler, thread, stack,
				&sample);
	else if (result < 0)
		path->booked = path->collecting = false;
	if (recorder->gauges && tracked->gauge)
		spy_gauges_visit(recorder->gauges, tracked->gauge, thread, path, sample.doing,
				 sample.time_ns);
}

static void settle_book(void *context, bool hold)
{
	struct pyspyc_recorder *recorder = context;

	recorder->lost.dropped +=
		spy_booking_settle(&recorder->booking, &recorder->current->book, hold);
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

static struct spy_pass make_pass(struct pyspyc_recorder *recorder)
{
	return (struct spy_pass){
		.select = selection(recorder->booking.options.mode),
		.waits = recorder->gauges != NULL,
		.stacks_only = !recorder->gauges &&
			       recorder->booking.options.mode == PYSPYC_MODE_WALL,
		.often = recorder->booking.options.rate > OFTEN_HZ,
		.turns_only = true,
		.now_ns = spy_clock_now(),
		.context = recorder,
		.wanted = recorder->booking.options.threads ? wants_thread : NULL,
		.visit = book_thread,
		.settled = settle_book,
	};
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
	if (tracked->book.pending_count) {
		struct spy_pass pass = make_pass(recorder);

		spy_sampler_settle(tracked->sampler, &pass);
	}
	spy_tracked_lose(tracked, &recorder->lost);
	recorder->look_ns = 0;
}

void spy_recorder_settle(struct pyspyc_recorder *recorder)
{
	struct spy_pass pass = make_pass(recorder);
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++) {
		recorder->current = recorder->tracked[i];
		if (recorder->current->book.pending_count)
			spy_sampler_settle(recorder->current->sampler, &pass);
	}
}

/*
 * Stops take a part of the time at most: code that can only be read stopped is sampled less often
 * rather than slowed down. Not after each stop, for what comes soon after one is no matter of
 * chance: moments of the very function that is hard to read would be left out. What a stop took
 * beyond STOP_NS is the machine's doing: the thread had no CPU.
 */
static void rest(struct pyspyc_recorder *recorder, uint64_t stops, uint64_t stopped_ns)
{
	const struct pyspyc_recorder_options *options = &recorder->booking.options;
	double part = options->max_slowdown / 100, credit = part * STOPS_OVER_NS;
	uint64_t most = stops * STOP_NS, spent = stopped_ns < most ? stopped_ns : most;
	uint64_t now;

	if (!stops || options->blocking == PYSPYC_BLOCKING_ALWAYS)
		return;
	now = spy_clock_now();
	recorder->stopped_ns -= part * (double)(now - recorder->stopped_at_ns);
	if (recorder->stopped_ns < 0)
		recorder->stopped_ns = 0;
	recorder->stopped_ns += (double)spent;
	recorder->stopped_at_ns = now;
	if (recorder->stopped_ns > credit)
		recorder->rest_ns = now + (uint64_t)((recorder->stopped_ns - 0.75 * credit) / part);
}

/* What the process' threads did at this moment, for the live view; or the moment is none. */
static void end_moment(struct pyspyc_recorder *recorder, struct spy_tracked *tracked, bool whole)
{
	struct spy_gauges *gauges = recorder->gauges;

	if (!gauges)
		return;
	if (whole && tracked->gauge) {
		spy_gauges_moment(gauges, tracked->gauge, &recorder->booking, &tracked->book,
				  spy_clock_now(), recorder->covers_ns);
		if (recorder->history)
			spy_memory_point(recorder, tracked, recorder->now_ns);
	}
	spy_gauges_end_moment(gauges);
	recorder->booking.failed |= gauges->failed;
}

/* What a look at a process has come to; before: what had been counted when it began. */
static void end_pass(struct pyspyc_recorder *recorder, struct spy_tracked *tracked, int result,
		     const struct spy_counters *before)
{
	const struct spy_counters *after = &tracked->sampler->reader.counters;

	if (result < 0) {
		pass_failed(recorder, tracked, result);
		return;
	}
	tracked->failures = 0;
	rest(recorder, after->stopped - before->stopped, after->stopped_ns - before->stopped_ns);
}

/* One process. */
static void sample_one(struct pyspyc_recorder *recorder, struct spy_tracked *tracked,
		       const struct spy_pass *pass)
{
	struct spy_counters before = tracked->sampler->reader.counters;
	int result;

	recorder->current = tracked;
	if (recorder->gauges)
		spy_live_process(recorder, tracked);
	result = spy_sampler_pass(tracked->sampler, pass, &tracked->error);
	end_moment(recorder, tracked, result >= 0);
	end_pass(recorder, tracked, result, &before);
	if (result >= 0)
		spy_booking_forget_threads(&tracked->book, tracked->sampler);
}

void spy_recorder_look(struct pyspyc_recorder *recorder, struct spy_tracked *tracked, uint64_t rss,
		       uint64_t now_ns)
{
	struct spy_pass pass = make_pass(recorder);
	struct spy_counters before = tracked->sampler->reader.counters;
	int result;

	recorder->current = tracked;
	recorder->now_ns = pass.now_ns;
	recorder->looking = true;
	result = spy_sampler_pass(tracked->sampler, &pass, &tracked->error);
	recorder->looking = false;
	if (result >= 0) {
		spy_gauges_book_rss(recorder->gauges, tracked->gauge, &recorder->booking,
				    &tracked->book, rss, now_ns);
		spy_memory_point(recorder, tracked, now_ns);
	}
	spy_gauges_end_moment(recorder->gauges);
	recorder->booking.failed |= recorder->gauges->failed;
	end_pass(recorder, tracked, result, &before);
}

/* Of options.live: what this moment counts for. */
static void count_moment(struct pyspyc_recorder *recorder)
{
	struct spy_gauges *gauges = recorder->gauges;

	gauges->open_ns += recorder->covers_ns;
	gauges->late_ns += recorder->now_ns > recorder->next_ns
				   ? recorder->now_ns - recorder->next_ns : 0;
	gauges->late_count++;
}

void spy_recorder_sample(struct pyspyc_recorder *recorder)
{
	struct spy_pass pass = make_pass(recorder);
	bool looked = false;
	size_t i;

	recorder->now_ns = pass.now_ns;
	spy_recorder_cover(recorder);
	if (recorder->growth)
		spy_growth_listen(recorder->growth, pass.now_ns);
	for (i = 0; i < recorder->tracked_count; i++) {
		if (recorder->tracked[i]->state != SPY_TRACKED_SAMPLING)
			continue;
		if (i) /* with many processes the moment draws out */
			pass.now_ns = spy_clock_now();
		sample_one(recorder, recorder->tracked[i], &pass);
		looked = true;
	}
	if (recorder->gauges && looked)
		count_moment(recorder);
	if (spy_profile_is_full(recorder->booking.profile)) {
		spy_recorder_settle(recorder); /* before nodes get new numbers */
		spy_profile_make_room(recorder->booking.profile);
	}
	recorder->stats.passes += looked;
}
