/* Memory against time: processes, their points, and the sum of all. */
#include "profile/history.h"

#include <stdlib.h>
#include <string.h>

#include "profile/history_parts.h"
#include "profile/parts.h"

/* At most an eighth as many processes as points, so that each can keep those that must stay. */
#define POINTS_PER_PROCESS 8

struct spy_history *spy_history_new(void)
{
	struct spy_history *history = calloc(1, sizeof(*history));

	if (history)
		history->point_limit = SPY_HISTORY_POINTS;
	return history;
}

void spy_history_free(struct spy_history *history)
{
	uint32_t i;

	if (!history)
		return;
	for (i = 0; i < history->process_count; i++) {
		free(history->processes[i].command);
		free(history->processes[i].version);
	}
	free(history->processes);
	free(history->points);
	free(history->stacks);
	free(history->frames);
	free(history->limit_name);
	spy_map_free(&history->stack_index);
	free(history);
}

static uint32_t most_processes(const struct spy_history *history)
{
	uint32_t most = history->point_limit / POINTS_PER_PROCESS;

	if (most > SPY_HISTORY_PROCESSES)
		most = SPY_HISTORY_PROCESSES;
	return most ? most : 1;
}

uint32_t spy_history_process(struct spy_history *history, int32_t pid, int32_t parent,
			     const char *command, const char *version, uint64_t at_ns)
{
	uint32_t most = most_processes(history), number = history->process_count;
	struct spy_history_process *process;

	if (number >= most)
		return number - 1;
	if (!spy_profile_reserve((void **)&history->processes, number, &history->process_capacity,
				 sizeof(*history->processes), most))
		return UINT32_MAX;
	process = &history->processes[number];
	*process = (struct spy_history_process){
		.pid = pid,
		.parent = parent,
		.command = strdup(command),
		.version = strdup(version),
		.since_ns = at_ns,
		.until_ns = at_ns,
		.latest = SPY_NO_POINT,
	};
	if (!process->command || !process->version) {
		free(process->command);
		free(process->version);
		return UINT32_MAX;
	}
	history->process_count++;
	return number;
}

/* --- the sum of all --- */

/* A moment is over once something later is known; only then its sum is the sum of all. */
static void pass_to(struct spy_history *history, uint64_t at_ns)
{
	if (at_ns <= history->moment_ns)
		return;
	history->settled_rss = history->peak_rss;
	history->settled_ns = history->peak_ns;
	history->moment_ns = at_ns;
}

static void change_sum(struct spy_history *history, uint64_t before, uint64_t after)
{
	history->sum_rss = history->sum_rss > before ? history->sum_rss - before : 0;
	if (__builtin_add_overflow(history->sum_rss, after, &history->sum_rss))
		history->sum_rss = UINT64_MAX;
	history->peak_rss = history->settled_rss;
	history->peak_ns = history->settled_ns;
	if (history->sum_rss > history->peak_rss) {
		history->peak_rss = history->sum_rss;
		history->peak_ns = history->moment_ns;
	}
}

void spy_history_end(struct spy_history *history, uint32_t number, uint64_t at_ns)
{
	struct spy_history_process *process = &history->processes[number];

	if (process->ended)
		return;
	pass_to(history, at_ns);
	process->ended = true;
	if (at_ns > process->until_ns)
		process->until_ns = at_ns;
	if (process->latest != SPY_NO_POINT)
		change_sum(history, history->points[process->latest].rss, 0);
}

/* --- points --- */

/* The last of the points that have the time of the one at index. */
static uint32_t last_of_moment(const struct spy_history *history, uint32_t index)
{
	uint64_t at_ns = history->points[index].at_ns;
	uint32_t low = index, high, step = 1;

	while (step < history->point_count - low && history->points[low + step].at_ns == at_ns) {
		low += step;
		step *= 2;
	}
	high = step < history->point_count - low ? low + step : history->point_count;
	while (high - low > 1) { /* low has the time, high has not */
		uint32_t middle = low + (high - low) / 2;

		if (history->points[middle].at_ns == at_ns)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * Makes the point at index the last of all. The order of points of one moment does not matter, so
 * one swap for each moment in between will do. A process has one point at a moment, so its own
 * stay in order.
 */
static void move_to_end(struct spy_history *history, uint32_t index)
{
	struct spy_history_point *points = history->points, moved = points[index];

	while (index + 1 < history->point_count) {
		uint32_t last = last_of_moment(history, index + 1);
		struct spy_history_process *process = &history->processes[points[last].process];

		points[index] = points[last];
		if (process->latest == last)
			process->latest = index;
		index = last;
	}
	points[index] = moved;
	history->processes[moved.process].latest = index;
}

static bool append(struct spy_history *history, const struct spy_history_point *point, bool flat)
{
	struct spy_history_process *process = &history->processes[point->process];

	if (history->point_count >= history->point_limit && !spy_history_thin(history))
		return false;
	if (!spy_profile_reserve((void **)&history->points, history->point_count,
				 &history->point_capacity, sizeof(*history->points),
				 history->point_limit))
		return false;
	process->flat = flat;
	process->latest = history->point_count;
	history->points[history->point_count++] = *point;
	return true;
}

/* Puts a point where it belongs; *before: what its process used until then. */
static bool put(struct spy_history *history, const struct spy_history_point *point,
		uint64_t *before)
{
	struct spy_history_process *process = &history->processes[point->process];
	struct spy_history_point *latest;
	bool same;

	*before = 0;
	if (process->latest == SPY_NO_POINT) {
		process->first_rss = point->rss;
		return append(history, point, false);
	}
	latest = &history->points[process->latest];
	*before = process->ended ? 0 : latest->rss;
	same = latest->rss == point->rss && latest->stack == point->stack;
	if (latest->at_ns == point->at_ns) {
		process->flat = process->flat && same;
		*latest = *point;
		return true;
	}
	if (!same || !process->flat)
		return append(history, point, same);
	move_to_end(history, process->latest);
	history->points[process->latest] = *point;
	return true;
}

bool spy_history_add(struct spy_history *history, const struct spy_history_point *point)
{
	struct spy_history_process *process = &history->processes[point->process];
	struct spy_history_point it = *point;
	uint64_t before;

	if (it.at_ns < history->moment_ns)
		it.at_ns = history->moment_ns;
	pass_to(history, it.at_ns);
	if (!put(history, &it, &before))
		return false;
	process->ended = false;
	process->until_ns = it.at_ns;
	if (it.rss > process->seen_rss)
		process->seen_rss = it.rss;
	if (it.rss > process->peak_rss)
		process->peak_rss = it.rss;
	change_sum(history, before, it.rss);
	return true;
}
