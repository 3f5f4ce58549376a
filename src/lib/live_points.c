/* The history of a live recording: one point an update, the old ones thinned. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lib/gauges.h"

#define MINUTE_NS ((uint64_t)60 * SPY_NSEC_PER_SEC)
/* A program that has just started grows, and that says nothing of what is to come. */
#define SLOPE_FROM_NS ((uint64_t)5 * SPY_NSEC_PER_SEC)
/* Nor does a line through points over less than this. */
#define SLOPE_LEAST_NS ((uint64_t)5 * SPY_NSEC_PER_SEC)

/* Two neighbours as one, at the place of the one with more memory. */
static struct pyspyc_live_point joined(const struct pyspyc_live_point *first,
				       const struct pyspyc_live_point *second)
{
	struct pyspyc_live_point point = second->rss > first->rss ? *second : *first;

	point.cpu = (first->cpu + second->cpu) / 2;
	point.gil = (first->gil + second->gil) / 2;
	point.gc = (first->gc + second->gc) / 2;
	return point;
}

/* Every two points of the older half become one. */
static void thin(struct spy_points *points)
{
	size_t half = points->count / 2 & ~(size_t)1, i;

	for (i = 0; i < half; i += 2)
		points->items[i / 2] = joined(&points->items[i], &points->items[i + 1]);
	memmove(points->items + half / 2, points->items + half,
		(points->count - half) * sizeof(*points->items));
	points->count -= half / 2;
}

bool spy_points_add(struct spy_points *points, const struct pyspyc_live_point *point)
{
	if (points->count == points->capacity && points->capacity < SPY_POINTS_LIMIT) {
		size_t capacity = points->capacity ? points->capacity * 2 : 64;
		struct pyspyc_live_point *larger = realloc(points->items,
							   capacity * sizeof(*larger));

		if (!larger)
			return false;
		points->items = larger;
		points->capacity = capacity;
	}
	if (points->count >= SPY_POINTS_LIMIT)
		thin(points);
	points->items[points->count++] = *point;
	return true;
}

double spy_points_slope(const struct spy_points *points)
{
	const struct pyspyc_live_point *last;
	double minutes = 0, bytes = 0, above = 0, below = 0;
	size_t first = points->count, i, count;

	if (!points->count)
		return 0;
	last = &points->items[points->count - 1];
	while (first > 0 && points->items[first - 1].at_ns >= SLOPE_FROM_NS &&
	       last->at_ns - points->items[first - 1].at_ns <= MINUTE_NS)
		first--;
	count = points->count - first;
	if (count < 3 || last->at_ns - points->items[first].at_ns < SLOPE_LEAST_NS)
		return 0;
	for (i = first; i < points->count; i++) {
		minutes += (double)(points->items[i].at_ns - points->items[first].at_ns) /
			   (double)MINUTE_NS / (double)count;
		bytes += (double)points->items[i].rss / (double)count;
	}
	for (i = first; i < points->count; i++) {
		double x = (double)(points->items[i].at_ns - points->items[first].at_ns) /
				   (double)MINUTE_NS -
			   minutes;

		above += x * ((double)points->items[i].rss - bytes);
		below += x * x;
	}
	return below > 0 ? above / below : 0;
}
