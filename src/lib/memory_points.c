/* What a recording of memory (options.memory) adds to its history. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lib/memory.h"
#include "lib/recorder_parts.h"
#include "target/cgroup.h"

#define PAGE 4096
/* A point is made when RSS has changed by a page, and so often in any case. */
#define POINT_EVERY_NS (1000u * SPY_NSEC_PER_MSEC)
/* VmHWM is read soon after RSS was higher than ever, and so often in any case. */
#define PEAK_SOON_NS (50u * SPY_NSEC_PER_MSEC)
#define PEAK_EVERY_NS (1000u * SPY_NSEC_PER_MSEC)
/* Page faults are counted soon after RSS has changed, and so often in any case. */
#define FAULTS_SOON_NS (100u * SPY_NSEC_PER_MSEC)
#define FAULTS_EVERY_NS (1000u * SPY_NSEC_PER_MSEC)
#define ROLLUP_EVERY_NS (1000u * SPY_NSEC_PER_MSEC)
#define ROLLUP_LATEST_NS (5000u * SPY_NSEC_PER_MSEC)
#define UPDATE_EVERY_NS (1000u * SPY_NSEC_PER_MSEC)
#define SLOPE_EVERY_NS (500u * SPY_NSEC_PER_MSEC)
/* The time at which a process began is told in clock ticks, and a program is started before. */
#define BEGAN_NS (20u * SPY_NSEC_PER_MSEC)
/* A process that has just begun may call exec at once. */
#define FRESH_NS (500u * SPY_NSEC_PER_MSEC)

void spy_memory_sums_free(struct spy_memory_sums *memory)
{
	if (!memory)
		return;
	free(memory->points.items);
	free(memory->stacks);
	free(memory);
}

/* --- the stack that ran --- */

static bool make_room(struct spy_memory_sums *memory, const struct pyspyc_profile *profile)
{
	size_t count = (size_t)profile->node_count + profile->node_count / 2 + 64;
	uint32_t *larger;

	if (memory->generation != profile->generation && memory->stacks)
		memset(memory->stacks, 0, memory->stack_count * sizeof(*memory->stacks));
	memory->generation = profile->generation;
	if (profile->node_count <= memory->stack_count)
		return true;
	larger = realloc(memory->stacks, count * sizeof(*larger));
	if (!larger)
		return false;
	memset(larger + memory->stack_count, 0, (count - memory->stack_count) * sizeof(*larger));
	memory->stacks = larger;
	memory->stack_count = count;
	return true;
}

/* The history's number of a node's stack: without the process and the thread. */
static uint32_t stack_of(struct pyspyc_recorder *recorder, uint32_t node)
{
	const struct pyspyc_profile *profile = recorder->booking.profile;
	struct spy_memory_sums *memory = recorder->memory;
	uint32_t frames[SPY_HISTORY_DEPTH], at = node, number;
	size_t count = 0;

	if (node >= profile->node_count)
		return SPY_NO_STACK;
	if (!make_room(memory, profile))
		return SPY_STACK_NOMEM;
	if (memory->stacks[node])
		return memory->stacks[node] - 1;
	for (; at != SPY_ROOT_NODE && count < SPY_HISTORY_DEPTH; at = profile->nodes[at].parent) {
		uint8_t kind = profile->frames[profile->nodes[at].frame].kind;

		if (kind == SPY_FRAME_PYTHON || kind == SPY_FRAME_MARKER)
			frames[count++] = profile->nodes[at].frame;
	}
	number = spy_history_stack(recorder->history, frames, count);
	if (number != SPY_STACK_NOMEM && number != SPY_NO_STACK)
		memory->stacks[node] = number + 1;
	return number;
}

/* --- processes --- */

static int32_t parent_of(const struct spy_history *history, pid_t parent)
{
	uint32_t i;

	for (i = 0; i < history->process_count; i++)
		if (history->processes[i].pid == parent && !history->processes[i].ended)
			return (int32_t)parent;
	return 0;
}

static void take_limit(struct spy_history *history, pid_t pid)
{
	spy_autofree char *name = NULL;
	uint64_t limit = spy_cgroup_limit(pid, &name);

	if (!limit || (history->limit && history->limit <= limit))
		return;
	history->limit = limit;
	free(history->limit_name);
	history->limit_name = spy_steal(name);
}

/* After an exec it is the same process with another program. */
static void rename_process(struct spy_history_process *entry, const char *command,
			   const char *version)
{
	char *copy;

	if (strcmp(entry->command, command) != 0 && (copy = strdup(command))) {
		free(entry->command);
		entry->command = copy;
	}
	if (strcmp(entry->version, version) != 0 && (copy = strdup(version))) {
		free(entry->version);
		entry->version = copy;
	}
}

/* Whether it has begun since the recording did: then all its page faults are the recording's. */
static bool is_new(const struct pyspyc_recorder *recorder, const struct spy_stat *stat)
{
	uint64_t tick = SPY_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK), age, began;

	if (__builtin_mul_overflow(stat->start_time, tick, &began))
		return false;
	age = spy_clock_read(CLOCK_BOOTTIME) - began;
	return age <= spy_clock_now() - recorder->started_ns + BEGAN_NS;
}

static struct spy_history_process *entry_of(struct pyspyc_recorder *recorder,
					    struct spy_process_gauge *process, uint64_t at_ns)
{
	struct spy_history *history = recorder->history;
	struct spy_process_growth *growth = &process->growth;
	spy_autofree char *command = NULL;
	struct spy_stat stat = { 0 };
	struct spy_status status;
	uint32_t number;

	if (growth->number)
		return &history->processes[growth->number - 1];
	if (!process->command)
		command = spy_process_command(process->pid);
	if (spy_stat_read(process->pid, 0, &stat, NULL) == 0 && !is_new(recorder, &stat)) {
		growth->minor_before = stat.minor;
		growth->major_before = stat.major;
		growth->peak_before = spy_status_read(process->pid, &status) ? status.peak_rss : 0;
	}
	number = spy_history_process(history, process->pid, parent_of(history, stat.ppid),
				     process->command ? process->command
				     : command	      ? command
						      : "",
				     process->version, at_ns);
	if (number == UINT32_MAX) {
		recorder->booking.failed = true;
		return NULL;
	}
	growth->number = number + 1;
	take_limit(history, process->pid);
	return &history->processes[number];
}

/* --- figures that are read less often --- */

static void read_faults(struct spy_process_gauge *process, uint64_t now_ns)
{
	struct spy_process_growth *growth = &process->growth;
	uint64_t wait = growth->faults_rss != process->rss_bytes ? FAULTS_SOON_NS : FAULTS_EVERY_NS;
	struct spy_stat stat;

	if (now_ns - growth->faults_ns < wait || spy_stat_read(process->pid, 0, &stat, NULL) < 0)
		return;
	growth->faults_ns = now_ns;
	growth->faults_rss = process->rss_bytes;
	if (stat.minor >= growth->minor_before)
		growth->minor = stat.minor - growth->minor_before;
	if (stat.major >= growth->major_before)
		growth->major = stat.major - growth->major_before;
}

/* VmHWM, where it has risen: what was between two readings too. One that has ended tells none. */
static void read_peak(struct spy_process_gauge *process, struct spy_history_process *entry,
		      uint64_t now_ns)
{
	struct spy_process_growth *growth = &process->growth;
	uint64_t wait = growth->most_rss > growth->status_rss ? PEAK_SOON_NS : PEAK_EVERY_NS;
	struct spy_status status;

	if (now_ns - growth->status_ns < wait || !spy_status_read(process->pid, &status))
		return;
	growth->status_ns = now_ns;
	growth->status_rss = growth->most_rss;
	process->shown.swap = status.swap;
	/* What was before the recording is not its peak; after execve(2) it begins anew. */
	if (status.peak_rss < growth->peak_before)
		growth->peak_before = 0;
	if (status.peak_rss > entry->peak_rss && status.peak_rss != growth->peak_before)
		entry->peak_rss = status.peak_rss;
	if (status.peak_rss > process->shown.peak_rss)
		process->shown.peak_rss = status.peak_rss;
}

/* --- points --- */

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

/* PSS and USS are some seconds old, RSS is not: they are never more than that. */
static void add_point(struct pyspyc_recorder *recorder, struct spy_process_gauge *process,
		      uint64_t now_ns)
{
	uint64_t at = spy_recorder_elapsed(recorder, now_ns);
	struct spy_process_growth *growth = &process->growth;
	const struct spy_history_process *entry = entry_of(recorder, process, at);
	struct spy_history_point point = {
		.at_ns = at,
		.rss = process->rss_bytes,
		.pss = least(process->shown.pss, process->rss_bytes),
		.uss = least(process->shown.uss, process->rss_bytes),
		.swap = process->shown.swap,
		.minor = growth->minor,
		.major = growth->major,
		.stack = SPY_NO_STACK,
	};

	if (!entry)
		return;
	point.process = growth->number - 1;
	if (growth->seen && growth->generation == recorder->booking.profile->generation)
		point.stack = stack_of(recorder, growth->node);
	if (point.stack == SPY_STACK_NOMEM || !spy_history_add(recorder->history, &point))
		recorder->booking.failed = true;
	growth->point_ns = now_ns;
	growth->point_rss = point.rss;
	recorder->memory->last_rss = recorder->history->sum_rss;
	recorder->memory->last_ns = at;
}

void spy_memory_point(struct pyspyc_recorder *recorder, struct spy_tracked *tracked,
		      uint64_t now_ns)
{
	struct spy_process_gauge *process = tracked->gauge;
	struct spy_process_growth *growth = &process->growth;
	uint64_t rss = process->rss_bytes;
	uint64_t change = rss > growth->point_rss ? rss - growth->point_rss
						  : growth->point_rss - rss;

	if (!process->rss_ns)
		return;
	process->shown.rss = rss;
	if (rss > growth->most_rss)
		growth->most_rss = rss;
	/* What there was before the first point is not the recording's. */
	if (growth->number)
		read_faults(process, now_ns);
	if (!growth->number || change >= PAGE || process->rollup_ns > growth->point_ns ||
	    now_ns - growth->point_ns >= POINT_EVERY_NS)
		add_point(recorder, process, now_ns);
	if (growth->number)
		read_peak(process, &recorder->history->processes[growth->number - 1], now_ns);
}

/* --- ticks --- */

/* One that is not sampled: its memory counts all the same, once it is what it is going to be. */
static void see_other(struct pyspyc_recorder *recorder, struct spy_tracked *tracked,
		      uint64_t now_ns)
{
	struct spy_process_gauge *process;
	uint64_t rss;

	if (tracked->state == SPY_TRACKED_WAITING &&
	    (tracked->given || now_ns < tracked->since_ns + FRESH_NS))
		return;
	process = spy_live_process(recorder, tracked);
	if (!process || !spy_rss_read(&process->rss, &rss))
		return;
	process->rss_bytes = rss;
	process->rss_ns = now_ns;
	process->growth.seen = false;
	spy_memory_point(recorder, tracked, now_ns);
	process->rss_ns = 0; /* what it does is no growth of anybody's stack */
}

/* Between two samples, which may be far apart. */
static void see_sampled(struct pyspyc_recorder *recorder, struct spy_tracked *tracked,
			uint64_t now_ns)
{
	const struct spy_process_gauge *process = tracked->gauge;

	rename_process(&recorder->history->processes[process->growth.number - 1],
		       process->command ? process->command : "", process->version);
	spy_memory_point(recorder, tracked, now_ns);
}

static void see_processes(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	struct spy_gauges *gauges = recorder->gauges;
	struct spy_history *history = recorder->history;
	size_t i;

	for (i = 0; i < gauges->process_count; i++)
		gauges->processes[i]->growth.followed = false;
	for (i = 0; i < recorder->tracked_count; i++) {
		struct spy_tracked *tracked = recorder->tracked[i];
		struct spy_process_gauge *process = tracked->gauge;

		if (tracked->state == SPY_TRACKED_GONE)
			continue;
		if (tracked->state != SPY_TRACKED_SAMPLING)
			see_other(recorder, tracked, now_ns);
		else if (process && process->growth.number)
			see_sampled(recorder, tracked, now_ns);
		if (tracked->gauge)
			tracked->gauge->growth.followed = true;
	}
	for (i = 0; i < gauges->process_count; i++) {
		struct spy_process_growth *growth = &gauges->processes[i]->growth;

		if (!growth->followed && growth->number)
			spy_history_end(history, growth->number - 1,
					spy_recorder_elapsed(recorder, now_ns));
	}
}

/* Processes that use twice or half of what they did when their details were read: they come first. */
static bool changed_much(struct spy_gauges *gauges)
{
	bool found = false;
	size_t i;

	for (i = 0; i < gauges->process_count; i++) {
		struct spy_process_gauge *process = gauges->processes[i];
		uint64_t now = process->shown.rss, then = process->rollup_rss;

		if (process->ended_ns || (now / 2 <= then && then / 2 <= now))
			continue;
		process->rollup_ns = 0;
		found = true;
	}
	return found;
}

/* Not while memory changes little by little: it takes some milliseconds. */
static void see_details(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	struct spy_memory_sums *memory = recorder->memory;
	uint64_t wait = recorder->growth->listening ? ROLLUP_EVERY_NS : ROLLUP_LATEST_NS;

	if (!changed_much(recorder->gauges) && memory->rollup_ns &&
	    now_ns - memory->rollup_ns < wait)
		return;
	memory->rollup_ns = now_ns;
	spy_rollups_update(recorder->gauges, now_ns);
}

/* What pyspyc_live_update does otherwise: so that nothing piles up where nobody calls that. */
static void update(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	struct spy_gauges *gauges = recorder->gauges;

	if (gauges->shown_processes || now_ns - recorder->memory->update_ns < UPDATE_EVERY_NS)
		return;
	recorder->memory->update_ns = now_ns;
	spy_live_processes(recorder, now_ns);
	spy_waits_thin(&gauges->waits);
	spy_processes_forget(gauges, now_ns);
}

/* Not of this tick, but of each process' own first moment. */
static uint64_t first_rss(const struct spy_history *history)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < history->process_count; i++)
		if (__builtin_add_overflow(sum, history->processes[i].first_rss, &sum))
			return UINT64_MAX;
	return sum;
}

void spy_memory_tick(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	struct spy_memory_sums *memory = recorder->memory;
	struct spy_history *history = recorder->history;
	struct pyspyc_live_point point = { .at_ns = spy_recorder_elapsed(recorder, now_ns) };

	see_processes(recorder, now_ns);
	update(recorder, now_ns);
	see_details(recorder, now_ns);
	history->fault_events = recorder->growth->watched_ever && !recorder->growth->unwatched;
	if (!history->point_count)
		return;
	if (!memory->begun)
		memory->first_rss = first_rss(history);
	memory->begun = true;
	point.rss = history->sum_rss;
	if (memory->point_ns && now_ns - memory->point_ns < SLOPE_EVERY_NS)
		return;
	memory->point_ns = now_ns;
	if (!spy_points_add(&memory->points, &point))
		recorder->booking.failed = true;
}
