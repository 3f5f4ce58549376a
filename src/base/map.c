#include "base/map.h"

#include <stdlib.h>
#include <string.h>

void spy_map_free(struct spy_map *map)
{
	free(map->slots);
	*map = (struct spy_map){ 0 };
}

void spy_map_clear(struct spy_map *map)
{
	if (map->slots)
		memset(map->slots, 0, map->capacity * sizeof(*map->slots));
	map->count = 0;
}

static struct spy_map_slot *probe(const struct spy_map *map, uint64_t key)
{
	size_t index = spy_mix(key) & (map->capacity - 1);

	while (map->slots[index].used && map->slots[index].key != key)
		index = (index + 1) & (map->capacity - 1);
	return &map->slots[index];
}

uint64_t *spy_map_find(const struct spy_map *map, uint64_t key)
{
	struct spy_map_slot *slot;

	if (!map->count)
		return NULL;
	slot = probe(map, key);
	return slot->used ? &slot->value : NULL;
}

static bool grow(struct spy_map *map)
{
	struct spy_map larger = { .capacity = map->capacity ? map->capacity * 2 : 16 };
	size_t i;

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (i = 0; i < map->capacity; i++)
		if (map->slots[i].used)
			*probe(&larger, map->slots[i].key) = map->slots[i];
	larger.count = map->count;
	free(map->slots);
	*map = larger;
	return true;
}

uint64_t *spy_map_insert(struct spy_map *map, uint64_t key, bool *inserted)
{
	struct spy_map_slot *slot;

	if (map->count * 4 >= map->capacity * 3 && !grow(map))
		return NULL;
	slot = probe(map, key);
	if (inserted)
		*inserted = !slot->used;
	if (!slot->used) {
		*slot = (struct spy_map_slot){ .key = key, .used = true };
		map->count++;
	}
	return &slot->value;
}

bool spy_map_remove(struct spy_map *map, uint64_t key)
{
	size_t mask = map->capacity - 1, hole, index;
	struct spy_map_slot *slot;

	if (!map->count)
		return false;
	slot = probe(map, key);
	if (!slot->used)
		return false;
	slot->used = false;
	map->count--;
	/* Close the gap, so that probing never ends early. */
	hole = (size_t)(slot - map->slots);
	for (index = (hole + 1) & mask; map->slots[index].used; index = (index + 1) & mask) {
		size_t home = spy_mix(map->slots[index].key) & mask;

		if (((index - home) & mask) >= ((index - hole) & mask)) {
			map->slots[hole] = map->slots[index];
			map->slots[index].used = false;
			hole = index;
		}
	}
	return true;
}

uint64_t spy_hash(const void *bytes, size_t size, uint64_t seed)
{
	const unsigned char *byte = bytes;
	uint64_t hash = seed ^ 0xcbf29ce484222325u, word;

	for (; size >= sizeof(word); byte += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, byte, sizeof(word));
		hash = spy_mix(hash ^ word);
	}
	for (word = 0; size; size--)
		word = word << 8 | *byte++;
	return spy_mix(hash ^ word);
}

void spy_strings_free(struct spy_strings *strings)
{
	uint32_t i;

	for (i = 0; i < strings->count; i++)
		free(strings->texts[i]);
	free(strings->texts);
	free(strings->slots);
	*strings = (struct spy_strings){ 0 };
}

static uint32_t *string_slot(const struct spy_strings *strings, const char *text)
{
	size_t index = spy_hash(text, strlen(text), 0) & (strings->slot_count - 1);

	while (strings->slots[index] && strcmp(strings->texts[strings->slots[index] - 1], text) != 0)
		index = (index + 1) & (strings->slot_count - 1);
	return &strings->slots[index];
}

static bool strings_grow(struct spy_strings *strings)
{
	uint32_t capacity = strings->capacity ? strings->capacity * 2 : 64, i;
	char **texts = realloc(strings->texts, capacity * sizeof(*texts));
	uint32_t *slots;

	if (!texts)
		return false;
	strings->texts = texts;
	slots = calloc((size_t)capacity * 2, sizeof(*slots));
	if (!slots)
		return false;
	free(strings->slots);
	strings->slots = slots;
	strings->slot_count = (size_t)capacity * 2;
	strings->capacity = capacity;
	for (i = 0; i < strings->count; i++)
		*string_slot(strings, strings->texts[i]) = i + 1;
	return true;
}

uint32_t spy_strings_find(const struct spy_strings *strings, const char *text)
{
	const uint32_t *slot = strings->slots ? string_slot(strings, text) : NULL;

	return slot && *slot ? *slot - 1 : SPY_NO_STRING;
}

uint32_t spy_strings_intern(struct spy_strings *strings, const char *text)
{
	uint32_t *slot;
	char *copy;

	if (strings->count == strings->capacity &&
	    (strings->capacity > UINT32_MAX / 4 || !strings_grow(strings)))
		return SPY_NO_STRING;
	slot = string_slot(strings, text);
	if (*slot)
		return *slot - 1;
	copy = strdup(text);
	if (!copy)
		return SPY_NO_STRING;
	strings->texts[strings->count] = copy;
	*slot = ++strings->count;
	return strings->count - 1;
}
