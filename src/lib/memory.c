/* pyspyc/memory.h: what is used now. */
#include "lib/memory.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/recorder_parts.h"
#include "pyspyc/memory.h"

/* A line through less than this says nothing. */
#define SLOPE_FROM_NS ((uint64_t)10 * SPY_NSEC_PER_SEC)

/* A process' own peak counts where it stands alone: of several, each had its own at its own time. */
static uint64_t peak_of(const struct spy_history *history)
{
	uint64_t peak = history->peak_rss;
	uint32_t i;

	for (i = 0; i < history->process_count; i++)
		if (history->processes[i].peak_rss > peak)
			peak = history->processes[i].peak_rss;
	return peak;
}

int spy_memory_check(const struct pyspyc_recorder *recorder, struct pyspyc_error *err)
{
	if (recorder->history)
		return 0;
	return spy_fail(err, PYSPYC_EINVAL,
			"the recorder keeps no memory: make it with options.memory");
}

PYSPYC_EXPORT int pyspyc_recorder_memory(struct pyspyc_recorder *recorder,
					 struct pyspyc_memory_now *ret, struct pyspyc_error *err)
{
	const struct spy_history *history = recorder->history;
	const struct spy_gauges *gauges = recorder->gauges;
	int result = spy_memory_check(recorder, err);
	size_t i;

	if (result < 0)
		return result;
	*ret = (struct pyspyc_memory_now){
		.at_ns = recorder->started_ns ? spy_recorder_elapsed(recorder, spy_clock_now()) : 0,
		.rss = history->sum_rss,
		.peak_rss = peak_of(history),
		.first_rss = recorder->memory->first_rss,
		.last_rss = recorder->memory->last_rss,
		.last_ns = recorder->memory->last_ns,
		.limit = history->limit,
		.minor = gauges->ended_minor,
		.major = gauges->ended_major,
		.fault_events = history->fault_events,
	};
	if (ret->at_ns >= SLOPE_FROM_NS)
		ret->rss_per_minute = spy_points_slope(&recorder->memory->points);
	for (i = 0; i < gauges->process_count; i++) {
		const struct spy_process_gauge *process = gauges->processes[i];

		ret->minor += process->growth.minor;
		ret->major += process->growth.major;
		if (!process->growth.followed)
			continue;
		ret->pss += process->shown.pss;
		ret->uss += process->shown.uss;
		ret->swap += process->shown.swap;
	}
	return 0;
}
