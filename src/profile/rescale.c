/* Another unit for a profile's samples. */
#include "profile/profile.h"

/* samples of the old period in ones of the new. */
static uint64_t scaled(uint64_t samples, uint64_t old_ns, uint64_t new_ns)
{
	unsigned __int128 time = (unsigned __int128)samples * old_ns + new_ns / 2;

	return (uint64_t)(time / new_ns);
}

void spy_profile_set_period(struct pyspyc_profile *profile, uint64_t period_ns)
{
	uint64_t old_ns = profile->period_ns;
	uint32_t i;

	if (!period_ns || old_ns == period_ns)
		return;
	profile->period_ns = period_ns;
	if (!profile->samples)
		return;
	profile->samples = profile->folded = 0;
	for (i = 0; i < profile->node_count; i++) {
		struct spy_node *node = &profile->nodes[i];

		node->self = scaled(node->self, old_ns, period_ns);
		profile->samples += node->self;
		if (node->vague)
			profile->folded += node->self;
	}
	for (i = 0; i < profile->moment_count; i++)
		profile->moments[i].samples = scaled(profile->moments[i].samples, old_ns,
						     period_ns);
}
