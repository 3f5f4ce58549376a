#include "sample/pace.h"

#include "base/clock.h"
#include "base/map.h"

/* One look does not speak for more than this. */
#define COVERED_NS (100u * SPY_NSEC_PER_MSEC)

void spy_pace_begin(struct spy_pace *pace, double rate, uint64_t now_ns, uint64_t seed)
{
	uint64_t period = (uint64_t)((double)SPY_NSEC_PER_SEC / rate);

	*pace = (struct spy_pace){ .start_ns = now_ns, .covered = 1, .period_ns = period ? period : 1,
				   .random = seed | 1 };
}

void spy_pace_set_rate(struct spy_pace *pace, double rate, uint64_t now_ns)
{
	uint64_t missed = pace->missed;

	spy_pace_begin(pace, rate, now_ns, pace->random);
	pace->missed = missed;
}

void spy_pace_end(struct spy_pace *pace, uint64_t now_ns)
{
	uint64_t due = (now_ns - pace->start_ns) / pace->period_ns;

	if (due > pace->slot) {
		pace->missed += due - pace->slot;
		pace->slot = due;
	}
}

uint64_t spy_pace_next(struct spy_pace *pace, uint64_t now_ns)
{
	uint64_t due = pace->slot, most = COVERED_NS / pace->period_ns;

	spy_pace_end(pace, now_ns);
	pace->covered = 1 + (uint32_t)(pace->slot - due < most ? pace->slot - due : most);
	pace->random = spy_mix(pace->random + 0x9e3779b97f4a7c15u);
	return pace->start_ns + pace->slot++ * pace->period_ns + pace->random % pace->period_ns;
}

uint64_t spy_pace_skip(struct spy_pace *pace, uint64_t now_ns)
{
	/* Not one further with each call: the period under way stays the next. */
	pace->slot = (now_ns - pace->start_ns) / pace->period_ns;
	pace->covered = 1;
	return spy_pace_next(pace, now_ns);
}
