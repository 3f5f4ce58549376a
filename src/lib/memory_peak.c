/* When memory was highest, and what ran then. */
#include "base/export.h"
#include "lib/recorder_parts.h"
#include "pyspyc/memory.h"

/* The innermost frame of a stack of the history. */
static void set_frame(const struct pyspyc_profile *profile, const struct spy_history *history,
		      uint32_t stack, struct pyspyc_frame_info *ret)
{
	uint32_t number;

	if (stack >= history->stack_count || !history->stacks[stack].count)
		return;
	number = history->frames[history->stacks[stack].first];
	if (number < profile->frame_count)
		*ret = spy_frame_info(profile, number);
}

PYSPYC_EXPORT int pyspyc_recorder_memory_peak(struct pyspyc_recorder *recorder,
					      struct pyspyc_memory_peak *ret,
					      struct pyspyc_error *err)
{
	const struct spy_history *history = recorder->history;
	struct spy_history_peak peak;
	int result = spy_memory_check(recorder, err);

	*ret = (struct pyspyc_memory_peak){ 0 };
	if (result < 0)
		return result;
	ret->at_ns = history->peak_ns;
	ret->rss = history->peak_rss;
	if (spy_history_peaks(history, SPY_ALL_PROCESSES, 1, &peak) != 1)
		return 0;
	*ret = (struct pyspyc_memory_peak){ .at_ns = peak.at_ns, .rss = peak.rss };
	set_frame(recorder->booking.profile, history, peak.stack, &ret->frame);
	return 0;
}
