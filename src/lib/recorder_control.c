/* What is changed about a recording while it goes on: its rate, and whether it pauses. */
#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/recorder_parts.h"

int spy_recorder_check_rate(double rate, struct pyspyc_error *err)
{
	if (rate > 0 && rate <= PYSPYC_RATE_MAX)
		return 0;
	return spy_fail(err, PYSPYC_EINVAL,
			"the rate must be above 0 and at most %g samples a second",
			PYSPYC_RATE_MAX);
}

/*
 * The profile has one period for all of its samples, the shortest there has been: at a lower
 * rate a moment is several of them, and what is less than one is left for the next.
 */
void spy_recorder_cover(struct pyspyc_recorder *recorder)
{
	uint64_t period = recorder->booking.profile->period_ns;

	recorder->covers_ns = recorder->pace.covered * recorder->pace.period_ns;
	if (recorder->pace.period_ns == period) {
		recorder->covers = recorder->pace.covered;
		return;
	}
	recorder->left_over_ns += recorder->covers_ns;
	recorder->covers = (uint32_t)(recorder->left_over_ns / period);
	recorder->left_over_ns %= period;
}

PYSPYC_EXPORT int pyspyc_recorder_set_rate(struct pyspyc_recorder *recorder, double rate,
					   struct pyspyc_error *err)
{
	struct pyspyc_profile *profile = recorder->booking.profile;
	int result = spy_recorder_check_rate(rate, err);
	uint64_t now = spy_clock_now();

	if (result < 0)
		return result;
	recorder->booking.options.rate = rate;
	if (!recorder->started_ns)
		return 0;
	spy_recorder_settle(recorder);
	spy_pace_set_rate(&recorder->pace, rate, now);
	if (recorder->pace.period_ns < profile->period_ns)
		spy_profile_set_period(profile, recorder->pace.period_ns);
	recorder->next_ns = spy_pace_next(&recorder->pace, now);
	return 0;
}

PYSPYC_EXPORT void pyspyc_recorder_set_paused(struct pyspyc_recorder *recorder, bool paused)
{
	uint64_t now = spy_clock_now();
	size_t i;

	if (paused == recorder->paused)
		return;
	if (paused) {
		recorder->paused_since_ns = now;
	} else {
		recorder->paused_ns += now - recorder->paused_since_ns;
		if (recorder->started_ns)
			recorder->next_ns = spy_pace_skip(&recorder->pace, now);
		/* What memory did meanwhile is nobody's growth. */
		for (i = 0; recorder->gauges && i < recorder->gauges->process_count; i++)
			recorder->gauges->processes[i]->rss_ns = 0;
	}
	recorder->paused = paused;
}
