#include "profile/numbers.h"

#include "base/map.h"
#include "profile/parts.h"

static bool make_room(struct spy_numbers *numbers)
{
	uint32_t i;

	if (!spy_profile_reserve((void **)&numbers->keys, numbers->count, &numbers->capacity,
				 sizeof(*numbers->keys), UINT32_MAX / 2))
		return false;
	if (!spy_index_is_full(&numbers->index, numbers->count))
		return true;
	if (!spy_index_grow(&numbers->index))
		return false;
	for (i = 0; i < numbers->count; i++)
		spy_index_put(&numbers->index, spy_mix(numbers->keys[i]), i);
	return true;
}

bool spy_numbers_reserve(struct spy_numbers *numbers, uint32_t count)
{
	uint64_t *keys = realloc(numbers->keys, (size_t)count * sizeof(*keys));

	if (!keys)
		return false;
	numbers->keys = keys;
	numbers->capacity = count;
	while (spy_index_is_full(&numbers->index, count))
		if (!spy_index_grow(&numbers->index))
			return false;
	return true;
}

uint32_t spy_numbers_of(struct spy_numbers *numbers, uint64_t key)
{
	const struct spy_index *index = &numbers->index;
	uint64_t hash = spy_mix(key);
	uint32_t i;

	if (index->slots)
		for (i = spy_index_first(index, hash); index->slots[i];
		     i = spy_index_next(index, i))
			if (numbers->keys[index->slots[i] - 1] == key)
				return index->slots[i] - 1;
	if (!make_room(numbers))
		return UINT32_MAX;
	numbers->keys[numbers->count] = key;
	spy_index_put(&numbers->index, hash, numbers->count);
	return numbers->count++;
}

void spy_numbers_free(struct spy_numbers *numbers)
{
	free(numbers->keys);
	spy_index_free(&numbers->index);
	*numbers = (struct spy_numbers){ 0 };
}
