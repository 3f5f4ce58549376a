/* Numbers from 0 on for keys, in the order in which the keys come. */
#ifndef SPY_PROFILE_NUMBERS_H
#define SPY_PROFILE_NUMBERS_H

#include <stdint.h>

#include "profile/index.h"

/* Zero-initialise. */
struct spy_numbers {
	uint64_t *keys;
	uint32_t count, capacity;
	struct spy_index index;
};

/* Makes room for so many at once; false when memory ran out. */
bool spy_numbers_reserve(struct spy_numbers *numbers, uint32_t count);

/* The number of key, added when new; UINT32_MAX when memory ran out. */
uint32_t spy_numbers_of(struct spy_numbers *numbers, uint64_t key);

void spy_numbers_free(struct spy_numbers *numbers);

#endif
