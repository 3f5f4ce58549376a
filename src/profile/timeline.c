/* The order of samples in time, as exact as its limit allows. */
#include <stdlib.h>

#include "profile/parts.h"

/* Without memory for the order of samples, their sums are still right: keep those alone. */
static void drop(struct pyspyc_profile *profile)
{
	free(profile->moments);
	profile->moments = NULL;
	profile->moment_count = profile->moment_capacity = 0;
	profile->timeline = false;
}

/* Whether at_ns follows moment without a pause; half a period more is jitter. */
static bool follows(const struct pyspyc_profile *profile, const struct spy_moment *moment,
		    uint64_t at_ns)
{
	uint64_t period = profile->period_ns, passed;

	if (!period || at_ns <= moment->start_ns)
		return true;
	passed = at_ns - moment->start_ns;
	return passed / period < moment->samples ||
	       (passed / period == moment->samples && passed % period <= period / 2);
}

/* The next random number below limit. */
static uint64_t draw(struct pyspyc_profile *profile, uint64_t limit)
{
	profile->lot += 0x9e3779b97f4a7c15u;
	return spy_mix(profile->lot) % limit;
}

/* Puts moment into the one before it in its lane, where that is right; false elsewhere. */
static bool join(struct pyspyc_profile *profile, struct spy_moment *last,
		 const struct spy_moment *moment)
{
	bool close = moment->start_ns <= last->start_ns ||
		     moment->start_ns - last->start_ns < profile->resolution_ns;

	if (last->node == moment->node && follows(profile, last, moment->start_ns)) {
		last->samples += moment->samples;
		return true;
	}
	if (!profile->resolution_ns || !close)
		return false;
	last->samples += moment->samples;
	if (draw(profile, last->samples) < moment->samples)
		last->node = moment->node;
	return true;
}

/* Joins what lies within the resolution. In place: what is kept never moves up. */
static void join_all(struct pyspyc_profile *profile)
{
	uint32_t kept = 0, i;

	for (i = 0; i < profile->lane_count; i++)
		profile->lanes[i].latest = 0;
	for (i = 0; i < profile->moment_count; i++) {
		struct spy_moment moment = profile->moments[i];
		struct spy_lane *lane = &profile->lanes[moment.lane];

		if (lane->latest && join(profile, &profile->moments[lane->latest - 1], &moment))
			continue;
		profile->moments[kept++] = moment;
		lane->latest = kept;
	}
	profile->moment_count = kept;
}

/* Half as exact, and half again, until half of the room is free. */
static void coarsen(struct pyspyc_profile *profile)
{
	uint64_t least = profile->period_ns ? profile->period_ns : 1;

	while (profile->moment_count > profile->limits.moments / 2 &&
	       profile->resolution_ns < UINT64_MAX) {
		if (profile->resolution_ns < least)
			profile->resolution_ns = least;
		if (profile->resolution_ns > UINT64_MAX / 2)
			profile->resolution_ns = UINT64_MAX;
		else
			profile->resolution_ns *= 2;
		join_all(profile);
	}
}

void spy_timeline_add(struct pyspyc_profile *profile, const struct spy_moment *moment)
{
	struct spy_lane *lane = &profile->lanes[moment->lane];

	if (lane->latest && join(profile, &profile->moments[lane->latest - 1], moment))
		return;
	if (profile->moment_count >= profile->limits.moments) {
		coarsen(profile);
		/* Its lane's latest may be near enough by now. */
		if (lane->latest && join(profile, &profile->moments[lane->latest - 1], moment))
			return;
	}
	if (!spy_profile_reserve((void **)&profile->moments, profile->moment_count,
				 &profile->moment_capacity, sizeof(*profile->moments),
				 profile->limits.moments)) {
		drop(profile);
		return;
	}
	profile->moments[profile->moment_count++] = *moment;
	lane->latest = profile->moment_count;
}
