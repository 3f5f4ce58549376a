/* The peaks of a curve. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "profile/history.h"

#define LEAST_SHARE 10 /* of the range of all: what a peak rises at least */

/* The highest first; of equal ones the one that was there first. */
static size_t insert(struct spy_history_peak *peaks, size_t count, size_t most,
		     const struct spy_history_peak *peak)
{
	size_t at = count;

	while (at > 0 && peaks[at - 1].rss < peak->rss)
		at--;
	if (at == most)
		return count;
	if (count < most)
		count++;
	for (size_t i = count - 1; i > at; i--)
		peaks[i] = peaks[i - 1];
	peaks[at] = *peak;
	return count;
}

static uint64_t range_of(const struct spy_history_value *values, long count)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (long i = 0; i < count; i++) {
		if (values[i].rss < least)
			least = values[i].rss;
		if (values[i].rss > most)
			most = values[i].rss;
	}
	return count > 0 ? most - least : 0;
}

size_t spy_history_peaks(const struct spy_history *history, uint32_t process, size_t most,
			 struct spy_history_peak *ret)
{
	spy_autofree struct spy_history_value *values = NULL;
	long count = spy_history_curve(history, process, &values), top = 0, low = 0;
	uint64_t least = range_of(values, count) / LEAST_SHARE;
	bool rising = true; /* the next extreme is a peak */
	size_t found = 0;

	if (count <= 0 || !most)
		return 0;
	if (!least)
		least = 1;
	for (long i = 0; i <= count; i++) {
		bool end = i == count;

		if (!end && values[i].rss > values[top].rss)
			top = i;
		if (!end && values[i].rss < values[low].rss)
			low = i;
		if (rising && (end || values[top].rss - values[i].rss >= least)) {
			struct spy_history_peak peak = { values[top].at_ns, values[top].rss,
							 process, values[top].stack };

			found = insert(ret, found, most, &peak);
			rising = false;
			low = i;
		} else if (!rising && !end && values[i].rss - values[low].rss >= least) {
			rising = true;
			top = i;
		}
	}
	return found;
}
