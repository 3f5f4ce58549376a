/* Looks at memory as it grows: when, and at whom. */
#include "lib/growth.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/recorder_parts.h"

/* Each event takes a descriptor and two pages. */
#define WATCHED_LIMIT 256
#define EVENTS_AT_ONCE 64
/* While memory grows: the first look after this time, the next ones with a quarter of its time in between. */
#define LOOK_LEAST_NS (50u * SPY_NSEC_PER_USEC)
#define LOOK_MOST_NS (500u * SPY_NSEC_PER_USEC)
#define BURST_PART 4
/* Other stacks that grow are followed as if it had begun so long ago: each look holds the thread up. */
#define AGAIN_NS (BURST_PART * 2 * LOOK_LEAST_NS)
/* Who makes faults makes one in the time of so many of them, not shorter or longer than this. */
#define GOES_ON_FAULTS 4
#define GOES_ON_LEAST_NS (5u * SPY_NSEC_PER_USEC)
/* No fault for so long, and it has stopped. */
#define QUIET_NS (1u * SPY_NSEC_PER_MSEC)
/* To be woken costs the thread some microseconds: that may be so often. */
#define CALM_NS (2u * SPY_NSEC_PER_MSEC)
/* RSS is looked at so often without being told of anything: what is released makes no faults. */
#define POLL_NS (5u * SPY_NSEC_PER_MSEC)
#define POLL_PROCESSES 4
#define FRESH_THREADS 16
/* A thread that has begun so recently was not there when RSS was read. */
#define YOUNG_NS (50u * SPY_NSEC_PER_MSEC)
/* Looks may take this part of the time, and so much at once. */
#define CREDIT_PART 20
#define CREDIT_MOST_NS (20 * (int64_t)SPY_NSEC_PER_MSEC)
#define SLICE_NS (100u * SPY_NSEC_PER_USEC)
/* What it costs to wake up, beside the look itself. */
#define WAKING_NS (8u * SPY_NSEC_PER_USEC)

struct spy_growth *spy_growth_new(void)
{
	struct spy_growth *growth = calloc(1, sizeof(*growth));

	if (!growth)
		return NULL;
	growth->fd = epoll_create1(EPOLL_CLOEXEC);
	growth->credit_ns = CREDIT_MOST_NS;
	growth->refused = growth->fd < 0;
	return growth;
}

void spy_growth_free(struct spy_growth *growth)
{
	if (growth && growth->fd >= 0)
		close(growth->fd);
	free(growth);
}

/* --- which threads --- */

static void set_hot(struct spy_thread_gauge *gauge, bool hot)
{
	if (gauge->growth.hot != hot)
		gauge->process->growth.hot += hot ? 1 : (size_t)-1;
	gauge->growth.hot = hot;
}

/* One that has begun since RSS was read had faults before it was seen. */
static void take_first_faults(struct spy_thread_gauge *gauge, pid_t tid)
{
	struct spy_process_gauge *process = gauge->process;
	uint64_t now = spy_clock_read(CLOCK_BOOTTIME), began;
	long ticks = sysconf(_SC_CLK_TCK);
	struct spy_stat stat;

	if (!process->rss_ns || spy_stat_read(process->pid, tid, &stat, NULL) < 0 ||
	    __builtin_mul_overflow(stat.start_time, SPY_NSEC_PER_SEC / (uint64_t)(ticks > 0 ? ticks : 100),
				   &began) || began > now || now - began > YOUNG_NS)
		return;
	gauge->growth.counted -= stat.minor + stat.major;
	gauge->growth.more_ns = process->growth.more_ns = spy_clock_now();
	set_hot(gauge, true);
}

static void close_faults(struct spy_growth *growth, struct spy_thread_gauge *gauge)
{
	if (!gauge->growth.faults.ring)
		return;
	spy_faults_close(&gauge->growth.faults);
	growth->watched--;
}

void spy_growth_unwatch(struct spy_thread_gauge *gauge)
{
	if (!gauge->process || !gauge->process->growth.of)
		return;
	set_hot(gauge, false);
	close_faults(gauge->process->growth.of, gauge);
}

/* A thread that has another state now is another one to us: its faults count once. */
static void unwatch_others(const struct spy_thread_gauge *gauge, pid_t tid)
{
	const struct spy_process_gauge *process = gauge->process;
	size_t i;

	for (i = 0; i < process->thread_count; i++)
		if (process->threads[i] != gauge && process->threads[i]->growth.tid == tid)
			spy_growth_unwatch(process->threads[i]);
}

void spy_growth_watch(struct spy_growth *growth, struct spy_thread_gauge *gauge,
		      const struct spy_thread *thread)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = gauge };
	int result;

	if (!thread->tid || gauge->growth.tried)
		return;
	gauge->growth.tried = true;
	if (growth->refused || growth->watched >= WATCHED_LIMIT || thread->shared) {
		growth->unwatched++;
		return;
	}
	unwatch_others(gauge, thread->tid);
	gauge->growth.tid = thread->tid;
	result = spy_faults_open(&gauge->growth.faults, thread->tid);
	if (result == 0 && epoll_ctl(growth->fd, EPOLL_CTL_ADD, gauge->growth.faults.fd, &event) < 0)
		spy_faults_close(&gauge->growth.faults);
	if (!gauge->growth.faults.ring) {
		/* With none so far it is the kernel that does not let us. */
		growth->refused = !growth->watched_ever && result != -ESRCH;
		growth->unwatched += result != -ESRCH; /* one that has ended has no faults any more */
		return;
	}
	growth->watched++;
	growth->watched_ever = true;
	spy_faults_read(&gauge->growth.faults, &gauge->growth.count);
	spy_growth_account(&gauge->growth, spy_clock_now());
	take_first_faults(gauge, thread->tid);
}

/* Where the longest time without a fault is, of all that were told since RSS was read last. */
static void take_news(struct spy_thread_growth *growth, const struct spy_fault_news *news)
{
	if (!news->faults)
		return;
	if (news->first_ns > growth->told_ns && news->first_ns - growth->told_ns > growth->gap_ns) {
		growth->gap_ns = news->first_ns - growth->told_ns;
		growth->told_before = growth->told;
	}
	if (news->gap_ns > growth->gap_ns) {
		growth->gap_ns = news->gap_ns;
		growth->told_before = growth->told + news->gap_at;
	}
	growth->told += news->faults;
	growth->told_ns = news->last_ns;
}

void spy_growth_account(struct spy_thread_growth *growth, uint64_t now_ns)
{
	growth->counted = growth->count;
	growth->first_ns = 0;
	growth->told = growth->told_before = 0;
	growth->told_ns = now_ns;
	growth->gap_ns = 0;
}

bool spy_growth_goes_on(const struct spy_thread_growth *growth, uint64_t faults,
			uint64_t elapsed_ns)
{
	uint64_t now = spy_clock_now(), end = now + GOES_ON_LEAST_NS, before, after;

	if (faults && elapsed_ns / faults * GOES_ON_FAULTS > GOES_ON_LEAST_NS)
		end = now + elapsed_ns / faults * GOES_ON_FAULTS;
	if (end > now + SPY_GOES_ON_NS)
		end = now + SPY_GOES_ON_NS;
	if (!spy_faults_read(&growth->faults, &before))
		return false;
	do {
		if (spy_faults_read(&growth->faults, &after) && after != before)
			return true;
	} while (spy_clock_now() < end);
	return false;
}

bool spy_growth_shrinks(struct spy_process_gauge *process)
{
	uint64_t end = spy_clock_now() + SPY_GOES_ON_NS, before, after;

	if (!spy_rss_read(&process->rss, &before))
		return false;
	do {
		if (!spy_rss_read(&process->rss, &after))
			return false;
		if (after < before)
			return true;
	} while (spy_clock_now() < end);
	return false;
}

/* What the kernel has told of a thread. */
static void hear(struct spy_growth *growth, struct spy_thread_gauge *gauge, uint64_t now_ns)
{
	struct spy_fault_news news = spy_faults_take(&gauge->growth.faults);

	take_news(&gauge->growth, &news);
	if (!news.faults || gauge->growth.hot)
		return;
	gauge->growth.first_ns = news.first_ns <= now_ns ? news.first_ns : now_ns;
	gauge->growth.more_ns = now_ns;
	set_hot(gauge, true);
	growth->burst_ns = now_ns;
	growth->calm = now_ns - growth->woken_ns >= CALM_NS;
	growth->woken_ns = now_ns;
}

static void take_event(struct spy_growth *growth, const struct epoll_event *event, uint64_t now_ns)
{
	struct spy_thread_gauge *gauge = event->data.ptr;

	hear(growth, gauge, now_ns);
	if (event->events & (EPOLLHUP | EPOLLERR)) { /* it has ended; its last faults count */
		if (spy_faults_read(&gauge->growth.faults, &gauge->growth.count))
			set_hot(gauge, true);
		close_faults(growth, gauge);
	}
}

/* An event is readable once only (perf_poll, kernel/events/core.c): to have waited for it was that. */
static void hear_all(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	const struct spy_gauges *gauges = recorder->gauges;
	size_t i, j;

	for (i = 0; i < gauges->process_count; i++)
		for (j = 0; j < gauges->processes[i]->thread_count; j++)
			hear(recorder->growth, gauges->processes[i]->threads[j], now_ns);
}

void spy_growth_listen(struct spy_growth *growth, uint64_t now_ns)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count, i;

	growth->woken = false;
	if (growth->fd < 0 || !growth->watched)
		return;
	count = epoll_wait(growth->fd, events, EVENTS_AT_ONCE, 0);
	for (i = 0; i < count; i++)
		take_event(growth, &events[i], now_ns);
}

static void count_one(struct spy_thread_gauge *thread, uint64_t now_ns)
{
	struct spy_thread_growth *growth = &thread->growth;
	struct spy_fault_news news;

	if (!spy_faults_read(&growth->faults, &growth->count))
		return;
	if (growth->count != growth->counted) {
		growth->more_ns = thread->process->growth.more_ns = now_ns;
		set_hot(thread, true);
	}
	news = spy_faults_take(&growth->faults);
	take_news(growth, &news);
}

bool spy_growth_count(struct spy_process_gauge *process, bool all, uint64_t now_ns)
{
	bool more = false;
	size_t i;

	for (i = 0; (all || process->growth.hot) && i < process->thread_count; i++)
		if (all || process->threads[i]->growth.hot)
			count_one(process->threads[i], now_ns);
	for (i = 0; process->growth.hot && i < process->thread_count; i++)
		more |= process->threads[i]->growth.count != process->threads[i]->growth.counted;
	return more;
}

/* --- looks --- */

/* Whether its faults have stopped: none has come for long, or it was seen to do something else. */
static bool is_quiet(const struct spy_growth *growth, const struct spy_thread_growth *thread,
		     uint64_t now_ns)
{
	return now_ns - thread->more_ns >= QUIET_NS ||
	       (growth->calm && !thread->grows && thread->count == thread->counted);
}

/* While faults go on they are counted only; when they have stopped, the next one wakes again. */
static void arm(struct spy_process_gauge *process, uint64_t now_ns)
{
	size_t i;

	for (i = 0; process->growth.hot && i < process->thread_count; i++) {
		struct spy_thread_gauge *thread = process->threads[i];
		struct spy_thread_growth *growth = &thread->growth;
		bool quiet = is_quiet(process->growth.of, growth, now_ns);
		uint64_t before = growth->count;

		if (!growth->hot)
			continue;
		spy_faults_arm(&growth->faults, quiet);
		/* One that came in between has not woken anybody. */
		if (!quiet || (spy_faults_read(&growth->faults, &growth->count) &&
			       growth->count != before))
			continue;
		spy_growth_account(growth, now_ns);
		set_hot(thread, false);
		if (!process->growth.hot)
			process->growth.more_ns = now_ns - QUIET_NS;
	}
}

/* Whether a thread that grows has another stack than at the look before. */
static bool moved(const struct spy_process_gauge *process, uint32_t node, uint64_t bytes)
{
	return process->growth.node_bytes && (!bytes || process->growth.node != node);
}

static void look_at(struct pyspyc_recorder *recorder, struct spy_tracked *tracked, uint64_t now_ns)
{
	struct spy_process_gauge *process = tracked->gauge;
	uint64_t rss, bytes = process->growth.node_bytes;
	uint32_t node = process->growth.node;
	bool more, rests;

	if (!spy_rss_read(&process->rss, &rss) || rss > INT64_MAX)
		return;
	more = spy_growth_count(process, process->rss_ns && rss > process->rss_bytes, now_ns);
	/* RSS is told with some delay (lib/percpu_counter.c, 6.2): who has faults is seen before. */
	rests = process->rss_ns && rss == process->rss_bytes && !more;
	if (rests) {
		process->growth.shrinks = false;
		if (!process->growth.hot)
			process->rss_ns = now_ns;
		/* Once it is looked who runs: what grew may do something else now, or wait for a CPU. */
		if (!process->growth.hot || process->growth.rests)
			return;
	}
	process->growth.rests = rests;
	/* Who runs is to be of this moment, where that does not take long. */
	if (process->sampler->thread_count <= FRESH_THREADS || !bytes)
		tracked->sampler->stale = true;
	spy_recorder_look(recorder, tracked, rss, now_ns);
	if (moved(process, node, bytes) &&
	    recorder->growth->burst_ns + AGAIN_NS < now_ns)
		recorder->growth->burst_ns = now_ns - AGAIN_NS;
}

static bool changes(const struct spy_process_gauge *process, uint64_t now_ns)
{
	return process->growth.hot || now_ns - process->growth.more_ns < QUIET_NS;
}

/* When to look next, and whether the kernel may wake us before. */
static void plan(struct spy_growth *growth, bool changing, uint64_t more_ns, uint64_t now_ns)
{
	uint64_t interval = (now_ns - growth->burst_ns) / BURST_PART;
	uint64_t lasting = growth->cost_ns * CREDIT_PART;

	/* The longer nothing has come, the longer nothing will. */
	if (interval < now_ns - more_ns)
		interval = now_ns - more_ns;
	if (interval < LOOK_LEAST_NS)
		interval = LOOK_LEAST_NS;
	if (interval > LOOK_MOST_NS)
		interval = LOOK_MOST_NS;
	if (growth->credit_ns < CREDIT_MOST_NS / 2 && interval < lasting)
		interval = lasting;
	if (growth->credit_ns < 0)
		interval = (uint64_t)-growth->credit_ns * CREDIT_PART;
	growth->listening = !changing && growth->credit_ns >= 0;
	if (!changing && growth->credit_ns >= 0)
		growth->look_ns = growth->poll_ns > now_ns ? growth->poll_ns : now_ns + LOOK_LEAST_NS;
	else
		growth->look_ns = now_ns + interval;
}

/* What counts is the CPU time: on a busy machine a look may have to wait for others. */
static void pay(struct spy_growth *growth, uint64_t cpu_ns, uint64_t now_ns, size_t looks)
{
	uint64_t cost = spy_clock_cpu() - cpu_ns + WAKING_NS;
	int64_t earned = growth->credit_at_ns
				 ? (int64_t)((now_ns - growth->credit_at_ns) / CREDIT_PART) : 0;

	growth->credit_at_ns = now_ns;
	growth->credit_ns += earned;
	if (growth->credit_ns > CREDIT_MOST_NS)
		growth->credit_ns = CREDIT_MOST_NS;
	growth->credit_ns -= (int64_t)cost;
	growth->spent_ns += cost;
	growth->looks += looks;
	if (looks)
		growth->cost_ns = growth->cost_ns ? (7 * growth->cost_ns + cost) / 8 : cost;
}

uint64_t spy_growth_next(const struct spy_growth *growth)
{
	return growth->look_ns;
}

/*
 * To ask for short slices brings the thread to a CPU sooner when it wakes (kernel/sched/fair.c, 6.12);
 * that needs no right. Older kernels ignore it.
 */
static void hurry(struct spy_growth *growth)
{
	struct { /* sched_setattr(2); headers that declare it contradict each other */
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = { .size = sizeof(attributes) };

	growth->hurried = true;
	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) < 0 ||
	    attributes.policy != SCHED_OTHER)
		return;
	attributes.runtime = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void spy_growth_turn(struct pyspyc_recorder *recorder)
{
	struct spy_growth *growth = recorder->growth;
	uint64_t began = spy_clock_now(), now = began, cpu = spy_clock_cpu();
	uint64_t more_ns = 0;
	bool poll, changing = false;
	size_t i, looks = 0;

	if (!growth->hurried)
		hurry(growth);
	if (growth->woken)
		hear_all(recorder, began);
	spy_growth_listen(growth, began);
	poll = growth->credit_ns >= 0 && began >= growth->poll_ns;
	if (poll)
		growth->poll_ns = began + POLL_NS * (1 + recorder->tracked_count / POLL_PROCESSES);
	for (i = 0; i < recorder->tracked_count && began >= recorder->rest_ns; i++) {
		struct spy_tracked *tracked = recorder->tracked[i];
		struct spy_process_gauge *process;

		if (tracked->state != SPY_TRACKED_SAMPLING)
			continue;
		process = spy_live_process(recorder, tracked);
		if (!process || !process->sampler)
			continue;
		/* At once when it is new: growth is counted from there. */
		if (process->rss_ns && !changes(process, now) && !poll)
			continue;
		look_at(recorder, tracked, now);
		looks++;
		now = spy_clock_now();
		/* The look may have ended it. */
		if (tracked->state != SPY_TRACKED_SAMPLING)
			continue;
		arm(process, now);
		changing |= changes(process, now);
		if (process->growth.more_ns > more_ns)
			more_ns = process->growth.more_ns;
	}
	pay(growth, cpu, now, looks);
	plan(growth, changing, more_ns, now);
}
