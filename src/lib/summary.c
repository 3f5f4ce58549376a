#include "lib/summary.h"

#include "base/buffer.h"

static void add(struct spy_buffer *line, uint64_t count, const char *what)
{
	if (count)
		spy_buffer_printf(line, ", %llu %s", (unsigned long long)count, what);
}

char *spy_summary(const struct pyspyc_recorder_stats *stats)
{
	struct spy_buffer line = { 0 };

	spy_buffer_printf(&line, "%llu samples in %.1f s at %.4g/s",
			  (unsigned long long)stats->samples, (double)stats->elapsed_ns / 1e9,
			  stats->rate_reached);
	add(&line, stats->missed, "missed and counted with the next");
	add(&line, stats->dropped, "dropped");
	add(&line, stats->unreadable, "unreadable");
	add(&line, stats->truncated, "cut at the root");
	add(&line, stats->partial, "without their innermost frames");
	add(&line, stats->waiting, "left out while a thread waited for a CPU after a stop");
	add(&line, stats->folded, "folded");
	return spy_buffer_steal(&line);
}
