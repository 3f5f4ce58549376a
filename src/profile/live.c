/* The columns that the live view keeps of each node. */
#include "profile/live.h"

bool spy_live_begin(struct pyspyc_profile *profile)
{
	if (!spy_profile_set_values(profile, SPY_LIVE_COLUMNS))
		return false;
	profile->value_sums = spy_live_at(SPY_LIVE_USAGE, SPY_LIVE_SINCE);
	profile->byte_first = spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE);
	profile->byte_count = 2;
	if (profile->limits.nodes > SPY_LIVE_LIMIT_NODES)
		profile->limits.nodes = SPY_LIVE_LIMIT_NODES;
	return true;
}

void spy_live_close_window(struct pyspyc_profile *profile)
{
	uint32_t i;
	unsigned j;

	for (i = 0; i < profile->node_count; i++) {
		uint64_t *values = spy_profile_values(profile, i);

		for (j = 0; j < SPY_LIVE_TIMES; j++, values += SPY_LIVE_COLUMNS_OF_TIME) {
			values[SPY_LIVE_WINDOW] = values[SPY_LIVE_OPEN];
			values[SPY_LIVE_OPEN] = 0;
		}
	}
}

void spy_live_reset(struct pyspyc_profile *profile)
{
	uint32_t i;
	unsigned j;

	for (i = 0; i < profile->node_count; i++) {
		uint64_t *values = spy_profile_values(profile, i);

		for (j = SPY_LIVE_ALL; j <= SPY_LIVE_USAGE; j++)
			values[spy_live_at(j, SPY_LIVE_SINCE)] = 0;
	}
}
