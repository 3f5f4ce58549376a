/* The processes of a live recording, as of an update. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lib/recorder_parts.h"

/* Over less than this a share of a CPU says nothing. */
#define CPU_LEAST_NS (10u * SPY_NSEC_PER_MSEC)
/* stat and status are read of so many processes at each update, in turn. */
#define DETAILS_AT_ONCE 64
/* smaps_rollup may take this part of the time, and so much at once (sampling waits meanwhile). */
#define ROLLUP_PART 100
#define ROLLUP_BUDGET_NS (10 * (int64_t)SPY_NSEC_PER_MSEC)
/* Not read where that would take longer than a quarter of a second: a page takes some 80 ns. */
#define ROLLUP_LONGEST_NS (250u * SPY_NSEC_PER_MSEC)
#define ROLLUP_PAGE_NS 100
#define PAGE 4096

static bool make_room(struct spy_gauges *gauges)
{
	size_t capacity = gauges->process_capacity ? gauges->process_capacity * 2 : 8;
	struct spy_process_gauge **larger;

	if (gauges->process_count < gauges->process_capacity)
		return true;
	larger = realloc(gauges->processes, capacity * sizeof(struct spy_process_gauge *));
	if (!larger)
		return false;
	gauges->processes = larger;
	gauges->process_capacity = capacity;
	return true;
}

struct spy_process_gauge *spy_process_gauge_of(struct spy_gauges *gauges, pid_t pid,
					       uint64_t start_time)
{
	struct spy_process_gauge *made;
	size_t i;

	for (i = 0; i < gauges->process_count; i++) {
		made = gauges->processes[i];
		if (made->pid == pid && made->start_time == start_time && !made->ended_ns)
			return made;
	}
	made = make_room(gauges) ? calloc(1, sizeof(*made)) : NULL;
	if (!made) {
		gauges->failed = true;
		return NULL;
	}
	made->pid = pid;
	made->start_time = start_time;
	made->shown =
		(struct pyspyc_live_process){ .pid = pid, .command = "", .version = "", .cpu = -1 };
	made->shown.started_at = start_time ? spy_start_time(start_time) : 0;
	spy_rss_open(&made->rss, pid);
	if (spy_cpu_read(pid, &made->cpu_ns))
		made->cpu_at_ns = spy_clock_now();
	/* What it has used before it was found, and nobody was told of. */
	made->untold_cpu_ns = gauges->shown.at_ns ? made->cpu_ns : 0;
	gauges->processes[gauges->process_count++] = made;
	return made;
}

void spy_process_gauge_free(struct spy_process_gauge *process)
{
	spy_threads_forget(process, 0, true);
	spy_rss_close(&process->rss);
	free(process->threads);
	if (process->told != process->command)
		free(process->told);
	free(process->command);
	free(process);
}

void spy_process_gauge_tell(struct spy_process_gauge *process, struct pyspyc_live_process *ret)
{
	if (process->told != process->command)
		free(process->told);
	process->told = process->command;
	*ret = process->shown;
}

static void set_command(struct spy_process_gauge *gauge, const char *command, uint64_t exe)
{
	char *copy = strdup(command);

	if (!copy)
		return;
	if (gauge->command != gauge->told)
		free(gauge->command);
	gauge->command = copy;
	gauge->shown.command = copy;
	gauge->exe = exe;
}

/* A sampler has begun: it knows the program. */
static void take_sampler(struct spy_process_gauge *gauge, const struct spy_tracked *tracked)
{
	const struct spy_sampler *sampler = tracked->sampler;

	gauge->sampler = sampler;
	set_command(gauge, sampler->process->command, tracked->exe);
	spy_version_format(&sampler->python.version, gauge->version, sizeof(gauge->version));
	gauge->shown.version = gauge->version;
	gauge->rss_ns = 0; /* what was there before is no growth of its stacks */
	gauge->rollup_ns = gauge->rollup_rss = 0;
	gauge->shown.pss = gauge->shown.uss = gauge->shown.swap = 0;
}

struct spy_process_gauge *spy_live_process(struct pyspyc_recorder *recorder,
					   struct spy_tracked *tracked)
{
	const struct spy_sampler *sampler = tracked->sampler;
	struct spy_process_gauge *gauge = tracked->gauge;
	pid_t pid = sampler ? sampler->process->pid : tracked->pid;

	if (gauge && (sampler ? gauge->sampler == sampler : gauge->pid == pid))
		return gauge;
	gauge = spy_process_gauge_of(recorder->gauges, pid,
				     sampler ? sampler->process->start_time : tracked->start_time);
	if (!gauge)
		return NULL;
	tracked->gauge = gauge;
	gauge->growth.of = recorder->growth;
	gauge->given = tracked->given;
	if (sampler)
		take_sampler(gauge, tracked);
	return gauge;
}

/* --- an update --- */

static void update_cpu(struct spy_process_gauge *gauge)
{
	uint64_t now = spy_clock_now(), ns;

	gauge->used_ns = 0;
	if (now < gauge->cpu_at_ns + CPU_LEAST_NS)
		return;
	if (!spy_cpu_read(gauge->pid, &ns)) {
		gauge->shown.cpu = -1;
		gauge->cpu_at_ns = 0;
		return;
	}
	if (gauge->cpu_at_ns && ns >= gauge->cpu_ns) {
		gauge->used_ns = ns - gauge->cpu_ns;
		gauge->shown.cpu = (double)gauge->used_ns / (double)(now - gauge->cpu_at_ns);
	}
	gauge->cpu_ns = ns;
	gauge->cpu_at_ns = now;
}

static void read_details(struct spy_process_gauge *gauge)
{
	struct spy_status status;
	struct spy_stat stat;

	if (spy_stat_read(gauge->pid, 0, &stat, NULL) == 0) {
		gauge->shown.parent = stat.ppid;
		gauge->shown.threads = stat.threads;
		if (!gauge->shown.started_at)
			gauge->shown.started_at = spy_start_time(stat.start_time);
	}
	if (spy_status_read(gauge->pid, &status)) {
		gauge->shown.peak_rss = status.peak_rss;
		gauge->shown.swap = status.swap;
	}
}

/* With each child that it waits for, a process takes over all that this has cost. */
static void update_children_cpu(struct spy_gauges *gauges, struct spy_process_gauge *gauge)
{
	uint64_t ns;

	if (!spy_children_cpu_read(gauge->pid, &ns))
		return;
	if (gauge->children_told && ns > gauge->children_ns)
		gauges->lost_cpu_ns += ns - gauge->children_ns;
	gauge->children_ns = ns;
	gauge->children_told = true;
}

static void end(struct spy_gauges *gauges, struct spy_process_gauge *gauge, uint64_t now_ns)
{
	if (!gauge->given)
		gauges->owed_cpu_ns += gauge->cpu_ns - gauge->untold_cpu_ns + gauge->children_ns;
	gauge->ended_ns = now_ns;
	gauge->sampler = NULL;
	gauge->shown.ended = true;
	gauge->shown.sampling = false;
	gauge->shown.cpu = 0;
	spy_rss_close(&gauge->rss);
}

/* Memory stays as it was when the process cannot tell any more. */
static void update(struct spy_process_gauge *gauge, const struct spy_tracked *tracked)
{
	uint64_t rss;

	gauge->present = true;
	gauge->given |= tracked->given;
	gauge->shown.sampling = tracked->state == SPY_TRACKED_SAMPLING;
	if (!gauge->sampler && (!gauge->command || gauge->exe != tracked->exe)) {
		spy_autofree char *command = spy_process_command(gauge->pid);

		/* That of a zombie is empty: it stays known what it was. */
		if (!gauge->command || (command && *command)) {
			set_command(gauge, command ? command : "", tracked->exe);
			gauge->version[0] = '\0';
		}
	}
	update_cpu(gauge);
	if (spy_rss_read(&gauge->rss, &rss))
		gauge->shown.rss = rss;
	if (gauge->shown.peak_rss < gauge->shown.rss)
		gauge->shown.peak_rss = gauge->shown.rss;
}

/* Details of some, the next ones at the next update. */
static void update_details(struct spy_gauges *gauges)
{
	size_t i, done = 0;

	for (i = 0; i < gauges->process_count && done < DETAILS_AT_ONCE; i++) {
		size_t at = (gauges->turn + i) % gauges->process_count;

		if (gauges->processes[at]->ended_ns)
			continue;
		read_details(gauges->processes[at]);
		done++;
	}
	gauges->turn += i;
	for (i = 0; i < gauges->process_count; i++)
		if (gauges->processes[i]->sampler)
			gauges->processes[i]->shown.threads =
				gauges->processes[i]->sampler->thread_count;
}

void spy_live_processes(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	struct spy_gauges *gauges = recorder->gauges;
	size_t i;

	for (i = 0; i < gauges->process_count; i++)
		gauges->processes[i]->present = false;
	for (i = 0; i < recorder->tracked_count; i++) {
		struct spy_tracked *tracked = recorder->tracked[i];
		struct spy_process_gauge *gauge = tracked->gauge;

		if (tracked->state == SPY_TRACKED_GONE) {
			/* Its last figures stay as long as it is followed. */
			if (gauge && !gauge->ended_ns)
				end(gauges, gauge, now_ns);
			if (gauge)
				gauge->present = true;
			continue;
		}
		gauge = spy_live_process(recorder, tracked);
		if (!gauge)
			continue;
		update(gauge, tracked);
		if (recorder->booking.options.subprocesses)
			update_children_cpu(gauges, gauge);
		spy_threads_update(gauge, &tracked->book, &recorder->booking, now_ns);
	}
	for (i = 0; i < gauges->process_count; i++) {
		struct spy_process_gauge *gauge = gauges->processes[i];

		if (!gauge->present && !gauge->ended_ns)
			end(gauges, gauge, now_ns);
		if (gauge->ended_ns)
			spy_threads_update(gauge, NULL, &recorder->booking, now_ns);
	}
	update_details(gauges);
	spy_rollups_update(gauges, now_ns);
}

/* --- memory in detail --- */

/* The one that waits longest for a reading that will not take too long. */
static struct spy_process_gauge *rollup_due(const struct spy_gauges *gauges, uint64_t now_ns)
{
	struct spy_process_gauge *found = NULL;
	size_t i;

	for (i = 0; i < gauges->process_count; i++) {
		struct spy_process_gauge *gauge = gauges->processes[i];

		if (gauge->ended_ns || gauge->rollup_ns >= now_ns ||
		    gauge->shown.rss / PAGE * ROLLUP_PAGE_NS > ROLLUP_LONGEST_NS)
			continue;
		if (!found || gauge->rollup_ns < found->rollup_ns)
			found = gauge;
	}
	return found;
}

void spy_rollups_update(struct spy_gauges *gauges, uint64_t now_ns)
{
	struct spy_process_gauge *gauge;
	struct spy_rollup rollup;

	if (gauges->rollup_at_ns)
		gauges->rollup_budget_ns += (int64_t)((now_ns - gauges->rollup_at_ns) /
						      ROLLUP_PART);
	if (gauges->rollup_budget_ns > ROLLUP_BUDGET_NS || !gauges->rollup_at_ns)
		gauges->rollup_budget_ns = ROLLUP_BUDGET_NS;
	gauges->rollup_at_ns = now_ns;
	/* What one took beyond the budget is waited for. */
	while (gauges->rollup_budget_ns > 0 && (gauge = rollup_due(gauges, now_ns))) {
		uint64_t before = spy_clock_now();

		if (spy_rollup_read(gauge->pid, &rollup)) {
			gauge->shown.pss = rollup.pss;
			gauge->shown.uss = rollup.uss;
			gauge->shown.swap = rollup.swap;
		}
		gauge->rollup_ns = now_ns;
		gauge->rollup_rss = gauge->shown.rss;
		gauges->rollup_budget_ns -= (int64_t)(spy_clock_now() - before);
	}
}

void spy_processes_forget(struct spy_gauges *gauges, uint64_t now_ns)
{
	size_t i, ended = 0, kept = 0;

	for (i = 0; i < gauges->process_count; i++)
		ended += gauges->processes[i]->ended_ns != 0;
	if (ended == gauges->process_count)
		return; /* it is all over: the last figures stay */
	for (i = 0; i < gauges->process_count; i++) {
		struct spy_process_gauge *gauge = gauges->processes[i];

		spy_threads_forget(gauge, now_ns, false);
		/* One that is still followed is present. */
		if (!gauge->present &&
		    (now_ns - gauge->ended_ns >= SPY_ENDED_NS || ended > SPY_ENDED_LIMIT)) {
			ended--;
			gauges->ended_minor += gauge->growth.minor;
			gauges->ended_major += gauge->growth.major;
			spy_process_gauge_free(gauge);
		} else {
			gauges->processes[kept++] = gauge;
		}
	}
	gauges->process_count = kept;
}
