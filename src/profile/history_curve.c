/* RSS against time, of one process or of all together. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "profile/history.h"

/* What a process uses. */
struct use {
	uint64_t rss;
	uint64_t begun; /* what it began with and still has; 0 when it was there at first */
	bool there;
};

/* Adding up what processes used at each moment. */
struct adding {
	const struct spy_history *history;
	struct use *uses; /* of each process now */
	uint32_t *ended;  /* processes, by the time at which they ended */
	uint32_t ended_count, ended_next, point_next;
	uint64_t sum, begun;
};

static void adding_free(struct adding *adding)
{
	free(adding->uses);
	free(adding->ended);
}

static int compare_ends(const void *a, const void *b, void *context)
{
	const struct spy_history_process *processes = context;
	uint64_t first = processes[*(const uint32_t *)a].until_ns;
	uint64_t second = processes[*(const uint32_t *)b].until_ns;

	return first < second ? -1 : first > second;
}

static bool adding_begin(struct adding *adding, const struct spy_history *history)
{
	uint32_t i;

	*adding = (struct adding){ .history = history };
	adding->uses = calloc(history->process_count + 1, sizeof(*adding->uses));
	adding->ended = malloc((history->process_count + 1) * sizeof(*adding->ended));
	if (!adding->uses || !adding->ended)
		return false;
	for (i = 0; i < history->process_count; i++)
		if (history->processes[i].ended)
			adding->ended[adding->ended_count++] = i;
	qsort_r(adding->ended, adding->ended_count, sizeof(*adding->ended), compare_ends,
		history->processes);
	return true;
}

static void change(struct adding *adding, uint32_t process, uint64_t rss)
{
	struct use *use = &adding->uses[process];

	adding->sum -= use->rss;
	adding->begun -= use->begun;
	use->rss = rss < UINT64_MAX - adding->sum ? rss : UINT64_MAX - adding->sum;
	if (use->begun > use->rss)
		use->begun = use->rss;
	adding->sum += use->rss;
	adding->begun += use->begun;
}

/* The first of a process. */
static void begin(struct adding *adding, const struct spy_history_point *point)
{
	struct use *use = &adding->uses[point->process];

	change(adding, point->process, point->rss);
	use->there = true;
	if (point->at_ns == adding->history->points[0].at_ns)
		return;
	use->begun = use->rss;
	adding->begun += use->begun;
}

/* The time of the next moment at which something changed; false: there is none. */
static bool next_moment(const struct adding *adding, uint64_t *ret)
{
	const struct spy_history *history = adding->history;
	bool point = adding->point_next < history->point_count;
	uint64_t end_ns = UINT64_MAX;

	if (adding->ended_next < adding->ended_count)
		end_ns = history->processes[adding->ended[adding->ended_next]].until_ns;
	else if (!point)
		return false;
	*ret = point && history->points[adding->point_next].at_ns < end_ns
		       ? history->points[adding->point_next].at_ns
		       : end_ns;
	return true;
}

static struct spy_history_value add_moment(struct adding *adding, uint64_t at_ns)
{
	const struct spy_history *history = adding->history;
	struct spy_history_value value = { .at_ns = at_ns, .stack = SPY_NO_STACK };
	uint64_t most = 0;

	for (; adding->point_next < history->point_count; adding->point_next++) {
		const struct spy_history_point *point = &history->points[adding->point_next];
		uint64_t before = adding->uses[point->process].rss;

		if (point->at_ns != at_ns)
			break;
		if (adding->uses[point->process].there)
			change(adding, point->process, point->rss);
		else
			begin(adding, point);
		if (point->rss > before && point->rss - before > most) {
			most = point->rss - before;
			value.stack = point->stack;
		} else if (!most && value.stack == SPY_NO_STACK) {
			value.stack = point->stack;
		}
	}
	for (; adding->ended_next < adding->ended_count; adding->ended_next++) {
		uint32_t process = adding->ended[adding->ended_next];

		if (history->processes[process].until_ns > at_ns)
			break;
		change(adding, process, 0);
		adding->uses[process].there = false;
	}
	value.rss = adding->sum;
	/* Old points of several processes are not of the same moments any more; the peak is. */
	most = history->peak_rss - (at_ns < history->peak_ns);
	if (value.rss > most)
		value.rss = most;
	value.grown = value.rss > adding->begun ? value.rss - adding->begun : 0;
	return value;
}

static long curve_of_all(const struct spy_history *history, struct spy_history_value *values)
{
	spy_cleanup(adding_free) struct adding adding;
	uint64_t at_ns;
	long count = 0;

	if (!adding_begin(&adding, history))
		return -1;
	while (next_moment(&adding, &at_ns))
		values[count++] = add_moment(&adding, at_ns);
	return count;
}

long spy_history_curve(const struct spy_history *history, uint32_t process,
		       struct spy_history_value **ret)
{
	size_t most = (size_t)history->point_count + history->process_count + 1;
	spy_autofree struct spy_history_value *values = malloc(most * sizeof(*values));
	long count = 0;
	uint32_t i;

	*ret = NULL;
	if (!values)
		return -1;
	if (process == SPY_ALL_PROCESSES)
		count = curve_of_all(history, values);
	for (i = 0; process != SPY_ALL_PROCESSES && i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i];

		if (point->process == process)
			values[count++] = (struct spy_history_value){ point->at_ns, point->rss,
								      point->rss, point->stack };
	}
	if (count >= 0)
		*ret = spy_steal(values);
	return count;
}
