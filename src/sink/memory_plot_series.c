/* From a history to what is drawn of it: layers, and few enough moments that keep every peak. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/memory_plot.h"

#define SHORTEST 1000000 /* ns, of the time axis */

/* What a process counts for. */
struct share {
	uint64_t rss;
	bool unread; /* there, and its PSS not read yet */
	uint64_t lines[SPY_PLOT_LINES];
};

/* A moment and its place in the order of time. */
struct candidate {
	struct spy_plot_moment moment;
	uint64_t number;
};

/* The way through all points, in the order of time. */
struct sweep {
	struct spy_plot *plot;
	struct share *shares; /* of each process, now */
	bool *alive;
	uint32_t *ends; /* processes that ended, the first first */
	uint32_t end_count, end;
	unsigned int columns;
	struct spy_plot_moment now;
	uint32_t unread; /* processes */
	uint64_t number; /* of moments so far */
	unsigned int column;
	bool open; /* a column has begun: */
	struct candidate first, last, least, most;
	bool failed;
};

static uint64_t sane(uint64_t size)
{
	return size < SPY_PLOT_LARGEST ? size : SPY_PLOT_LARGEST;
}

static bool keep(struct sweep *sweep, const struct candidate *candidate, uint64_t *latest)
{
	struct spy_plot *plot = sweep->plot;

	if (candidate->number <= *latest)
		return true;
	*latest = candidate->number;
	if (plot->moment_count == plot->moment_capacity) {
		uint32_t capacity = plot->moment_capacity ? plot->moment_capacity * 2 : 256;
		struct spy_plot_moment *grown = realloc(plot->moments,
							(size_t)capacity * sizeof(*grown));

		if (!grown)
			return false;
		plot->moments = grown;
		plot->moment_capacity = capacity;
	}
	plot->moments[plot->moment_count++] = candidate->moment;
	return true;
}

static void close_column(struct sweep *sweep)
{
	bool falling = sweep->most.number < sweep->least.number;
	uint64_t latest = 0;

	if (!sweep->open)
		return;
	sweep->open = false;
	if (!keep(sweep, &sweep->first, &latest) ||
	    !keep(sweep, falling ? &sweep->most : &sweep->least, &latest) ||
	    !keep(sweep, falling ? &sweep->least : &sweep->most, &latest) ||
	    !keep(sweep, &sweep->last, &latest))
		sweep->failed = true;
}

/* The state of now is what was at at_ns. */
static void show(struct sweep *sweep, uint64_t at_ns)
{
	struct spy_plot *plot = sweep->plot;
	struct candidate candidate = { sweep->now, ++sweep->number };
	unsigned int column = (unsigned int)((double)at_ns / (double)plot->span_ns *
					     sweep->columns);
	int i;

	candidate.moment.at_ns = at_ns;
	candidate.moment.read = !sweep->unread && sweep->now.lines[SPY_PLOT_PSS];
	if (sweep->open && column != sweep->column)
		close_column(sweep);
	if (!sweep->open) {
		sweep->open = true;
		sweep->column = column;
		sweep->first = sweep->least = sweep->most = candidate;
	}
	if (candidate.moment.rss < sweep->least.moment.rss)
		sweep->least = candidate;
	if (candidate.moment.rss > sweep->most.moment.rss)
		sweep->most = candidate;
	sweep->last = candidate;
	if (candidate.moment.rss > plot->most)
		plot->most = candidate.moment.rss;
	for (i = 0; i < SPY_PLOT_LINES; i++) {
		if (candidate.moment.lines[i] > plot->most)
			plot->most = candidate.moment.lines[i];
		plot->known[i] |= candidate.moment.lines[i] > 0 &&
				  (i == SPY_PLOT_SWAP || candidate.moment.read);
	}
	if (sweep->number == 1)
		plot->first = candidate.moment.rss;
	/* What there was before the last process ended. */
	if (candidate.moment.rss)
		plot->last = candidate.moment.rss;
}

static void set_share(struct sweep *sweep, uint32_t process, const struct share *share)
{
	struct share *old = &sweep->shares[process];
	int i;

	sweep->now.rss += share->rss - old->rss;
	sweep->now.layers[sweep->plot->layer_of[process]] += share->rss - old->rss;
	for (i = 0; i < SPY_PLOT_LINES; i++)
		sweep->now.lines[i] += share->lines[i] - old->lines[i];
	sweep->unread += (uint32_t)share->unread - (uint32_t)old->unread;
	*old = *share;
}

/* Processes that ended up to at_ns go, at the time when they did. */
static void drop_ended(struct sweep *sweep, uint64_t at_ns)
{
	static const struct share nothing = { 0 };

	for (; sweep->end < sweep->end_count; sweep->end++) {
		uint32_t process = sweep->ends[sweep->end];
		uint64_t until = sweep->plot->history->processes[process].until_ns;

		if (until >= at_ns)
			return;
		if (!sweep->alive[process])
			continue;
		show(sweep, until);
		set_share(sweep, process, &nothing);
		sweep->alive[process] = false;
		show(sweep, until);
	}
}

static void pass(struct sweep *sweep)
{
	const struct spy_history *history = sweep->plot->history;
	uint64_t at = 0;
	uint32_t i;

	for (i = 0; i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i];
		struct share share = { sane(point->rss),
				       point->rss && !point->pss,
				       { sane(point->pss), sane(point->uss), sane(point->swap) } };
		bool together = i + 1 < history->point_count &&
				history->points[i + 1].at_ns == point->at_ns;

		if (point->process >= history->process_count || point->at_ns < at)
			continue;
		at = point->at_ns;
		drop_ended(sweep, at);
		/* Until then it was what it was before. */
		if (sweep->number)
			show(sweep, at);
		sweep->alive[point->process] = true;
		set_share(sweep, point->process, &share);
		if (!together)
			show(sweep, at);
	}
	drop_ended(sweep, UINT64_MAX);
	/* Those that are left are there until the end. */
	if (sweep->number && at < sweep->plot->span_ns)
		show(sweep, sweep->plot->span_ns);
	close_column(sweep);
}

static int compare_until(const void *a, const void *b, void *processes)
{
	const struct spy_history_process *list = processes;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	uint64_t one = list[left].until_ns, other = list[right].until_ns;

	return one != other ? (one < other ? -1 : 1) : left < right ? -1 : left > right;
}

static int make_moments(struct spy_plot *plot)
{
	const struct spy_history *history = plot->history;
	size_t count = history->process_count;
	spy_autofree struct share *shares = calloc(count + 1, sizeof(*shares));
	spy_autofree bool *alive = calloc(count + 1, sizeof(*alive));
	spy_autofree uint32_t *ends = calloc(count + 1, sizeof(*ends));
	struct sweep sweep = { .plot = plot, .shares = shares, .alive = alive, .ends = ends };
	uint32_t i;

	if (!shares || !alive || !ends)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < count; i++)
		if (history->processes[i].ended)
			ends[sweep.end_count++] = i;
	qsort_r(ends, sweep.end_count, sizeof(*ends), compare_until, history->processes);
	sweep.columns = plot->layer_count > 1 ? SPY_PLOT_COLUMNS_OF_MANY : SPY_PLOT_COLUMNS;
	pass(&sweep);
	return sweep.failed ? -PYSPYC_ENOMEM : 0;
}

static int compare_size(const void *a, const void *b, void *processes)
{
	const struct spy_history_process *list = processes;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	uint64_t one = list[left].seen_rss, other = list[right].seen_rss;

	return one != other ? (one > other ? -1 : 1) : left < right ? -1 : left > right;
}

/* Which process is drawn in which layer. */
static int make_layers(struct spy_plot *plot)
{
	const struct spy_history *history = plot->history;
	uint32_t count = history->process_count, own = count, i;
	spy_autofree uint32_t *order = calloc((size_t)count + 1, sizeof(*order));
	spy_autofree bool *chosen = calloc((size_t)count + 1, sizeof(*chosen));

	plot->layer_of = calloc((size_t)count + 1, sizeof(*plot->layer_of));
	if (!order || !chosen || !plot->layer_of)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_size, history->processes);
	if (own > SPY_PLOT_LAYERS)
		own = SPY_PLOT_LAYERS - 1;
	for (i = 0; i < own; i++)
		chosen[order[i]] = true;
	for (i = 0; i < count; i++) {
		plot->layer_of[i] = SPY_PLOT_LAYERS - 1;
		if (!chosen[i])
			continue;
		plot->layer_of[i] = (uint8_t)plot->layer_count;
		plot->layer_process[plot->layer_count++] = i;
	}
	if (own < count) {
		plot->others = count - own;
		plot->layer_process[plot->layer_count++] = UINT32_MAX;
	}
	return 0;
}

static void find_span(struct spy_plot *plot)
{
	const struct spy_history *history = plot->history;
	uint32_t i;

	plot->span_ns = plot->profile->duration_ns;
	if (history->point_count && history->points[history->point_count - 1].at_ns > plot->span_ns)
		plot->span_ns = history->points[history->point_count - 1].at_ns;
	for (i = 0; i < history->process_count; i++)
		if (history->processes[i].until_ns > plot->span_ns)
			plot->span_ns = history->processes[i].until_ns;
	if (plot->span_ns < SHORTEST)
		plot->span_ns = SHORTEST;
}

int spy_plot_make(const struct spy_memory_recording *recording, struct spy_plot *plot,
		  struct pyspyc_error *err)
{
	const struct spy_history *history = recording->history;

	*plot = (struct spy_plot){ .history = history, .profile = recording->profile };
	find_span(plot);
	if (make_layers(plot) || make_moments(plot) || spy_plot_count_faults(plot) ||
	    spy_plot_find_growers(plot))
		return spy_nomem(err);
	if (!history->point_count)
		return 0;
	plot->peak_count = (uint32_t)spy_history_peaks(history, SPY_ALL_PROCESSES, SPY_PLOT_PEAKS,
						       plot->peaks);
	return spy_plot_find_climbs(plot) ? spy_nomem(err) : 0;
}

void spy_plot_free(struct spy_plot *plot)
{
	free(plot->layer_of);
	free(plot->moments);
	*plot = (struct spy_plot){ 0 };
}

bool spy_plot_shows_limit(const struct spy_plot *plot)
{
	return plot->history->limit && plot->history->limit <= plot->most + plot->most / 2;
}
