/* What the files of a history share. */
#ifndef SPY_PROFILE_HISTORY_PARTS_H
#define SPY_PROFILE_HISTORY_PARTS_H

#include "profile/history.h"

/* Makes room for more points by thinning, at least a quarter. False when memory ran out. */
bool spy_history_thin(struct spy_history *history);

#endif
