/* What the files of profile/ share. */
#ifndef SPY_PROFILE_PARTS_H
#define SPY_PROFILE_PARTS_H

#include "profile/profile.h"

/*
 * Makes room for one more item, at least doubling up to `most` items; false when memory ran out
 * or there are as many already.
 */
bool spy_profile_reserve(void **items, uint32_t count, uint32_t *capacity, size_t size,
			 uint32_t most);

/* The frame `<other>`; SPY_NO_FRAME when memory ran out. */
uint32_t spy_profile_other(struct pyspyc_profile *profile);

/* Enters every node anew after their numbers changed. The index must have room for them. */
void spy_tree_index(struct pyspyc_profile *profile);

/* Adds to the timeline. */
void spy_timeline_add(struct pyspyc_profile *profile, const struct spy_moment *moment);

#endif
