/*
 * The climbs that a plot tells of: those of the history, each without the flat stretches in it and
 * apart from the slow ones, for what is looked for are the moments at which memory grew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/history_parts.h"
#include "sink/memory_plot.h"

#define BINS 64
#define FLAT 4	   /* times slower than the climb on the average: no part of it */
#define SHORT 8	   /* bins that it may be flat in between */
#define FAST 3	   /* times faster than the climb on the average: a part of its own, */
#define CONTRAST 8 /* where it is as much faster than the rest */
#define PIECES 4   /* that a part is taken into at most */
#define ROUNDS 12  /* so often is a part taken apart again */
#define LEAST 25   /* part of the largest size that is worth a label */
#define MOST 256   /* parts */

struct part {
	long from, to; /* in the curve */
	int rounds;
};

struct parts {
	const struct spy_history_value *curve;
	struct part left[MOST]; /* to be looked at */
	size_t left_count;
	struct spy_history_climb *climbs;
	size_t count;
};

static uint64_t rise(const struct parts *parts, long from, long to)
{
	uint64_t low = parts->curve[from].grown, high = parts->curve[to].grown;

	return high > low ? high - low : 0;
}

static void push(struct parts *parts, long from, long to, int rounds)
{
	if (parts->left_count < MOST && to > from)
		parts->left[parts->left_count++] = (struct part){ from, to, rounds };
}

/* Puts a climb where it belongs by size, of which the largest come first; what is flat at its ends goes. */
static void keep(struct parts *parts, long from, long to)
{
	const struct spy_history_value *curve = parts->curve;
	struct spy_history_climb climb = { .process = SPY_ALL_PROCESSES, .stack = SPY_NO_STACK };

	while (to - from > 1 && curve[from + 1].grown == curve[from].grown)
		from++;
	while (to - from > 1 && curve[to - 1].grown == curve[to].grown)
		to--;
	climb.from_ns = curve[from].at_ns;
	climb.to_ns = curve[to].at_ns;
	climb.from_rss = curve[from].rss;
	climb.to_rss = curve[to].rss;
	climb.grown = rise(parts, from, to);
	parts->count = spy_history_insert(parts->climbs, parts->count, SPY_PLOT_CLIMBS,
					  sizeof(climb), &climb, spy_history_climbed);
}

/* Which of equal spans of a part are steep, and the first value at or behind each one's start. */
static void find_steep(const struct parts *parts, const struct part *part, bool *steep,
		       long *starts)
{
	const struct spy_history_value *curve = parts->curve;
	uint64_t start = curve[part->from].at_ns, span = curve[part->to].at_ns - start;
	double average = (double)rise(parts, part->from, part->to) / BINS;
	long at = part->from;
	int i;

	for (i = 0; i <= BINS; i++) {
		uint64_t edge = start + (uint64_t)((double)span * i / BINS);

		while (at < part->to && curve[at].at_ns < edge)
			at++;
		starts[i] = i < BINS ? at : part->to;
	}
	for (i = 0; i < BINS; i++)
		steep[i] = starts[i + 1] > starts[i] &&
			   (double)rise(parts, starts[i], starts[i + 1]) * FLAT > average;
}

/* Where a part is much faster than elsewhere, if that is not for most of it. */
static bool find_fast(const struct parts *parts, const struct part *part, const long *starts,
		      bool *fast)
{
	double whole = (double)rise(parts, part->from, part->to), high = 0;
	int i, count = 0;

	for (i = 0; i < BINS; i++) {
		double bytes = (double)rise(parts, starts[i], starts[i + 1]);

		fast[i] = bytes * BINS > whole * FAST;
		count += fast[i];
		high += fast[i] ? bytes : 0;
	}
	return count && count <= BINS / 4 &&
	       high / count >= CONTRAST * (whole - high) / (BINS - count);
}

/* Takes a part into fast ones and slow ones; false when there is nothing to be told apart. */
static bool tell_apart(struct parts *parts, const struct part *part, const long *starts,
		       uint64_t least)
{
	uint64_t whole = rise(parts, part->from, part->to), sum = 0;
	size_t before = parts->left_count;
	int first = 0, i, runs = 0, pieces = 0;
	bool fast[BINS];

	if (!find_fast(parts, part, starts, fast))
		return false;
	for (i = 1; i <= BINS; i++) {
		uint64_t bytes = rise(parts, starts[first], starts[i]);

		if (i < BINS && fast[i] == fast[first])
			continue;
		runs += fast[first];
		if (bytes >= least && bytes < whole) {
			pieces++;
			sum += bytes;
			push(parts, starts[first], starts[i], part->rounds + 1);
		}
		first = i;
	}
	if (pieces && runs <= PIECES && sum >= whole / 4 * 3)
		return true;
	parts->left_count = before;
	return false;
}

/* Takes a part apart where it is flat, or else where it is fast. */
static void take_apart(struct parts *parts, const struct part *part, uint64_t least)
{
	uint64_t whole = rise(parts, part->from, part->to), sum = 0;
	long starts[BINS + 1], first = -1, last = -1;
	size_t before = parts->left_count;
	bool steep[BINS];
	int i, runs = 0, flat = 0;

	find_steep(parts, part, steep, starts);
	for (i = 0; i <= BINS; i++) {
		if (i < BINS && steep[i]) {
			first = first < 0 ? starts[i] : first;
			last = starts[i + 1];
			flat = 0;
		}
		/* A short flat stretch does not end one. */
		if (first < 0 || (i < BINS && (steep[i] || ++flat < SHORT)))
			continue;
		/* A run as long as the whole has nothing flat to take off. */
		if (rise(parts, first, last) >= least && (first > part->from || last < part->to)) {
			runs++;
			sum += rise(parts, first, last);
			push(parts, first, last, part->rounds + 1);
		}
		first = -1;
	}
	/* What would fall to pieces is noise, not flat. */
	if (sum < whole / 4 * 3 || runs > PIECES) {
		parts->left_count = before;
		if (!tell_apart(parts, part, starts, least))
			keep(parts, part->from, part->to);
	}
}

int spy_plot_find_climbs(struct spy_plot *plot)
{
	const struct spy_history *history = plot->history;
	spy_autofree struct spy_history_climb *all = calloc(SPY_PLOT_CLIMBS, sizeof(*all));
	spy_autofree struct spy_history_value *curve = NULL;
	spy_autofree struct parts *parts = calloc(1, sizeof(*parts));
	long found, count = spy_history_curve(history, SPY_ALL_PROCESSES, &curve), i, from, to;
	uint32_t n;

	if (!all || !parts || count < 0)
		return -PYSPYC_ENOMEM;
	found = spy_history_climbs(history, SPY_ALL_PROCESSES, SPY_PLOT_CLIMBS, all);
	if (found < 0)
		return -PYSPYC_ENOMEM;
	parts->curve = curve;
	parts->climbs = plot->climbs;
	for (i = 0; i < found; i++) {
		for (from = 0; from + 1 < count && curve[from].at_ns < all[i].from_ns;)
			from++;
		for (to = from; to + 1 < count && curve[to].at_ns < all[i].to_ns;)
			to++;
		push(parts, from, to, 0);
	}
	while (parts->left_count) {
		struct part part = parts->left[--parts->left_count];

		if (part.rounds < ROUNDS && part.to - part.from > 1)
			take_apart(parts, &part, plot->most / LEAST);
		else
			keep(parts, part.from, part.to);
	}
	plot->climb_count = (uint32_t)parts->count;
	for (n = 0; n < plot->climb_count; n++)
		if (!spy_history_explain(history, &plot->climbs[n]))
			return -PYSPYC_ENOMEM;
	return 0;
}

/* --- what is said of one --- */

/* What was used at a time, by the moments that are drawn. */
static uint64_t rss_at(const struct spy_plot *plot, uint64_t at_ns)
{
	const struct spy_plot_moment *before = NULL;
	uint32_t i;

	for (i = 0; i < plot->moment_count; i++) {
		const struct spy_plot_moment *moment = &plot->moments[i];

		if (moment->at_ns > at_ns && before) {
			double share = (double)(at_ns - before->at_ns) /
				       (double)(moment->at_ns - before->at_ns);

			return (uint64_t)((double)before->rss * (1 - share) +
					  (double)moment->rss * share);
		}
		before = moment;
	}
	return before ? before->rss : 0;
}

/* When a climb reached a size, by the moments that are drawn. */
static uint64_t time_of(const struct spy_plot *plot, const struct spy_history_climb *climb,
			uint64_t rss)
{
	const struct spy_plot_moment *before = NULL;
	uint32_t i;

	for (i = 0; i < plot->moment_count; i++) {
		const struct spy_plot_moment *moment = &plot->moments[i];

		if (moment->at_ns < climb->from_ns)
			continue;
		if (moment->at_ns > climb->to_ns)
			break;
		if (before && before->rss < rss && moment->rss >= rss) {
			double share = (double)(rss - before->rss) /
				       (double)(moment->rss - before->rss);

			return before->at_ns +
			       (uint64_t)((double)(moment->at_ns - before->at_ns) * share);
		}
		before = moment;
	}
	return climb->from_ns + (climb->to_ns - climb->from_ns) / 2;
}

void spy_plot_middle(const struct spy_plot *plot, const struct spy_history_climb *climb,
		     uint64_t *at_ns, uint64_t *rss)
{
	if (climb->to_rss > climb->from_rss && climb->to_rss - climb->from_rss == climb->grown) {
		*rss = climb->from_rss + climb->grown / 2;
		*at_ns = time_of(plot, climb, *rss);
	} else {
		*at_ns = climb->from_ns + (climb->to_ns - climb->from_ns) / 2;
		*rss = rss_at(plot, *at_ns);
	}
}

void spy_plot_growth(struct spy_buffer *buffer, const struct spy_history_climb *climb, bool named)
{
	spy_autobuffer struct spy_buffer whole = { 0 }, part = { 0 };

	spy_plot_size(&whole, climb->grown);
	spy_plot_size(&part, climb->of_stack);
	if (named && climb->of_stack < climb->grown - climb->grown / 10) {
		const char *text = spy_buffer_text(&part), *unit = strchr(text, ' ');
		const char *same = strchr(spy_buffer_text(&whole), ' ');
		bool once = unit && same && strcmp(unit, same) == 0;

		spy_buffer_printf(buffer, "%.*s of ",
				  (int)(once ? unit - text : (long)strlen(text)), text);
	}
	spy_buffer_printf(buffer, "+%s", spy_buffer_text(&whole));
}
