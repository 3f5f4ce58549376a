/* What the files of a history share. */
#ifndef SPY_PROFILE_HISTORY_PARTS_H
#define SPY_PROFILE_HISTORY_PARTS_H

#include "profile/history.h"

/* Makes room for more points by thinning, at least a quarter. False when memory ran out. */
bool spy_history_thin(struct spy_history *history);

/*
 * Puts *item among count items of `size` bytes each, the weightiest first; of equal ones the one
 * that was there first. There are at most `most`: the last goes. Returns how many there are then.
 */
size_t spy_history_insert(void *items, size_t count, size_t most, size_t size, const void *item,
			  uint64_t (*weight_of)(const void *item));

#endif
