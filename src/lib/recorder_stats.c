/* What a recording has come to so far. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/export.h"
#include "lib/recorder_parts.h"
#include "lib/summary.h"

uint64_t spy_recorder_elapsed(const struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	uint64_t until = recorder->ended_ns ? recorder->ended_ns : now_ns;
	uint64_t end = recorder->paused ? recorder->paused_since_ns : until;
	uint64_t without = recorder->started_ns + recorder->paused_ns;

	return end > without ? end - without : 0;
}

void spy_recorder_update_stats(struct pyspyc_recorder *recorder)
{
	struct pyspyc_recorder_stats *stats = &recorder->stats;
	struct spy_counters sum = recorder->lost;
	size_t i;

	stats->processes = stats->threads = 0;
	for (i = 0; i < recorder->tracked_count; i++) {
		const struct spy_sampler *sampler = recorder->tracked[i]->sampler;

		if (!sampler)
			continue;
		stats->processes++;
		stats->threads += sampler->thread_count;
		spy_counters_add(&sum, &sampler->reader.counters);
	}
	stats->retried = sum.retried;
	stats->stopped = sum.stopped;
	stats->stopped_ns = sum.stopped_ns;
	stats->dropped = sum.dropped;
	stats->unreadable = sum.unreadable;
	stats->truncated = sum.truncated;
	stats->partial = sum.partial;
	stats->waiting = sum.waiting;
	stats->missed = recorder->pace.missed;
	stats->samples = recorder->booking.stacks;
	stats->folded = recorder->booking.profile->folded;
	stats->elapsed_ns = spy_recorder_elapsed(recorder, spy_clock_now());
	stats->cpu_ns = spy_clock_cpu() - recorder->cpu_started_ns;
	stats->rate_reached = recorder->sampling_ns
		? (double)stats->passes * 1e9 / (double)recorder->sampling_ns : 0;
}

PYSPYC_EXPORT const struct pyspyc_recorder_stats *
pyspyc_recorder_stats(struct pyspyc_recorder *recorder)
{
	if (recorder->started_ns)
		spy_recorder_update_stats(recorder);
	return &recorder->stats;
}

PYSPYC_EXPORT const struct pyspyc_profile *pyspyc_recorder_profile(struct pyspyc_recorder *recorder)
{
	struct pyspyc_profile *profile = recorder->booking.profile;

	if (recorder->started_ns)
		spy_recorder_update_stats(recorder);
	profile->duration_ns = recorder->stats.elapsed_ns;
	free(profile->summary);
	profile->summary = spy_summary(&recorder->stats);
	return profile;
}
