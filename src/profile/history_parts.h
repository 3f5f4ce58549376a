/* What the files of a history share, with each other and with the plot of one. */
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

/* The weight of a struct spy_history_climb. */
uint64_t spy_history_climbed(const void *climb);

/* Fills in which line grew most of a climb, and how much of it. False when memory ran out. */
bool spy_history_explain(const struct spy_history *history, struct spy_history_climb *climb);

#endif
