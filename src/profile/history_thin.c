/* What stays of old points when there are too many. */
#include <stdlib.h>

#include "base/clock.h"
#include "profile/history_parts.h"

#define FINEST_NS SPY_NSEC_PER_MSEC
#define DROPPED UINT32_MAX /* in place of a point's process */

/* A process' part in one pass. */
struct keeping {
	uint64_t span;	    /* number of the span of time that high and low are of */
	uint32_t high, low; /* points; SPY_NO_POINT: none yet */
	uint32_t pinned;    /* the point that counts in the peak of all */
	bool begun;
};

static void drop(struct spy_history *history, uint32_t index)
{
	history->points[index].process = DROPPED;
}

/* Of a span's points, the largest and the least stay. */
static void keep_extremes(struct spy_history *history, struct keeping *keeping, uint32_t index)
{
	struct spy_history_point *points = history->points;
	uint64_t span = points[index].at_ns / history->resolution_ns, rss = points[index].rss;
	uint32_t high = keeping->high, low = keeping->low;

	if (high == SPY_NO_POINT || keeping->span != span) {
		keeping->span = span;
		keeping->high = keeping->low = index;
		return;
	}
	if (rss > points[high].rss) {
		keeping->high = index;
		if (high != low)
			drop(history, high);
	} else if (rss < points[low].rss) {
		keeping->low = index;
		if (high != low)
			drop(history, low);
	} else {
		drop(history, index);
	}
}

static void find_pinned(const struct spy_history *history, struct keeping *keepings)
{
	uint32_t i;

	for (i = 0; i < history->process_count; i++)
		keepings[i] = (struct keeping){ .high = SPY_NO_POINT,
						.low = SPY_NO_POINT,
						.pinned = SPY_NO_POINT };
	for (i = 0; i < history->point_count; i++) {
		if (history->points[i].at_ns > history->peak_ns)
			break;
		keepings[history->points[i].process].pinned = i;
	}
}

static void compact(struct spy_history *history)
{
	uint32_t kept = 0, i;

	for (i = 0; i < history->point_count; i++) {
		uint32_t process = history->points[i].process;

		if (process == DROPPED)
			continue;
		history->points[kept] = history->points[i];
		history->processes[process].latest = kept++;
	}
	history->point_count = kept;
	for (i = 0; i < history->process_count; i++)
		history->processes[i].flat = false;
}

static void thin_once(struct spy_history *history, struct keeping *keepings)
{
	uint32_t i;

	find_pinned(history, keepings);
	for (i = 0; i < history->point_count; i++) {
		uint32_t process = history->points[i].process;
		struct keeping *keeping = &keepings[process];

		if (!keeping->begun || keeping->pinned == i ||
		    history->processes[process].latest == i)
			keeping->begun = true;
		else
			keep_extremes(history, keeping, i);
	}
	compact(history);
}

bool spy_history_thin(struct spy_history *history)
{
	uint32_t enough = history->point_limit / 4 * 3;
	struct keeping *keepings = malloc(history->process_count * sizeof(*keepings));

	if (!keepings)
		return false;
	/* What came since the last time first: it may be enough. */
	if (history->resolution_ns)
		thin_once(history, keepings);
	while (history->point_count > enough && history->resolution_ns < UINT64_MAX) {
		if (!history->resolution_ns)
			history->resolution_ns = FINEST_NS;
		else if (history->resolution_ns > UINT64_MAX / 2)
			history->resolution_ns = UINT64_MAX;
		else
			history->resolution_ns *= 2;
		thin_once(history, keepings);
	}
	free(keepings);
	return history->point_count < history->point_limit;
}
