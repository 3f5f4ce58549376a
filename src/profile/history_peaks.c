/* The peaks of a curve. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/history_parts.h"

#define LEAST_SHARE 10 /* of the range of all: what a peak rises at least */

size_t spy_history_insert(void *items, size_t count, size_t most, size_t size, const void *item,
			  uint64_t (*weight_of)(const void *item))
{
	char *bytes = items;
	uint64_t weight = weight_of(item);
	size_t at = count;

	while (at > 0 && weight_of(bytes + (at - 1) * size) < weight)
		at--;
	if (at == most)
		return count;
	if (count < most)
		count++;
	memmove(bytes + (at + 1) * size, bytes + at * size, (count - 1 - at) * size);
	memcpy(bytes + at * size, item, size);
	return count;
}

static uint64_t height(const void *peak)
{
	return ((const struct spy_history_peak *)peak)->rss;
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

			found = spy_history_insert(ret, found, most, sizeof(peak), &peak, height);
			rising = false;
			low = i;
		} else if (!rising && !end && values[i].rss - values[low].rss >= least) {
			rising = true;
			top = i;
		}
	}
	return found;
}
