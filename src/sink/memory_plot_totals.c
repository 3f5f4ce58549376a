/* Sums for a plot of memory: page faults by time, growth by line. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/live.h"
#include "sink/memory_plot.h"

/* Of each process, where its faults were counted last. */
struct counted {
	uint64_t at_ns;	  /* when they changed */
	uint64_t seen_ns; /* when they were as many still */
	uint64_t minor, major;
	bool any;
};

/* Spreads count faults over the buckets from the time before to at. */
static void spread(double *buckets, double before, double at, uint64_t count)
{
	size_t first = (size_t)before, last = (size_t)at, i;

	if (last >= SPY_PLOT_BUCKETS)
		last = SPY_PLOT_BUCKETS - 1;
	if (first >= last || at <= before) {
		buckets[last] += (double)count;
		return;
	}
	for (i = first; i <= last; i++) {
		double from = i == first ? before : (double)i;
		double to = i == last ? at : (double)i + 1;

		buckets[i] += (double)count * (to - from) / (at - before);
	}
}

static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void add_faults(struct spy_plot *plot, double from, double to, uint64_t minor,
		       uint64_t major)
{
	if (minor)
		spread(plot->minor, from, to, minor);
	if (major)
		spread(plot->major, from, to, major);
	plot->faults |= minor || major;
}

int spy_plot_count_faults(struct spy_plot *plot)
{
	const struct spy_history *history = plot->history;
	size_t count = (size_t)history->process_count + 1;
	spy_autofree struct counted *latest = calloc(count, sizeof(*latest));
	uint32_t i;

	if (!latest)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i];
		double scale = (double)SPY_PLOT_BUCKETS / (double)plot->span_ns;
		struct counted *before,
			now = { point->at_ns, point->at_ns, point->minor, point->major, true };
		uint64_t from;

		if (point->process >= history->process_count)
			continue;
		before = &latest[point->process];
		/* What came before the first point has no time. */
		if (!before->any || before->seen_ns > point->at_ns) {
			*before = now;
			continue;
		}
		if (point->minor == before->minor && point->major == before->major) {
			before->seen_ns = point->at_ns;
			continue;
		}
		from = point->at_ns > SPY_PLOT_FAULTS_NS ? point->at_ns - SPY_PLOT_FAULTS_NS : 0;
		from = from < before->seen_ns ? from : before->seen_ns;
		from = from > before->at_ns ? from : before->at_ns;
		add_faults(plot, (double)from * scale, (double)point->at_ns * scale,
			   more(point->minor, before->minor), more(point->major, before->major));
		*before = now;
	}
	return 0;
}

static int compare_growth(const void *a, const void *b)
{
	const struct spy_plot_grower *left = a, *right = b;

	if (left->grown != right->grown)
		return left->grown > right->grown ? -1 : 1;
	return left->frame < right->frame ? -1 : left->frame > right->frame;
}

int spy_plot_find_growers(struct spy_plot *plot)
{
	const struct pyspyc_profile *profile = plot->profile;
	size_t count = (size_t)profile->frame_count + 1, i;
	spy_autofree struct spy_plot_grower *all = NULL;

	if (profile->value_count < SPY_LIVE_COLUMNS)
		return 0;
	all = calloc(count, sizeof(*all));
	if (!all)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < count; i++)
		all[i].frame = (uint32_t)i;
	for (i = 1; i < profile->node_count; i++) {
		const uint64_t *values = spy_profile_values(profile, (uint32_t)i);
		uint32_t frame = profile->nodes[i].frame;

		if (frame >= profile->frame_count ||
		    profile->frames[frame].kind == SPY_FRAME_PROCESS ||
		    profile->frames[frame].kind == SPY_FRAME_THREAD)
			continue;
		all[frame].grown += values[spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE)];
		all[frame].released += values[spy_live_at(SPY_LIVE_RELEASED, SPY_LIVE_SINCE)];
	}
	qsort(all, count, sizeof(*all), compare_growth);
	for (i = 0; i < SPY_PLOT_GROWERS && i < count && all[i].grown; i++)
		plot->growers[plot->grower_count++] = all[i];
	return 0;
}
