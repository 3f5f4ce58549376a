/* A hash map from 64-bit keys to 64-bit values, and a table of interned strings. */
#ifndef SPY_BASE_MAP_H
#define SPY_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise to start. Key 0 is allowed. */
struct spy_map {
	struct spy_map_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

struct spy_map_slot {
	uint64_t key;
	uint64_t value;
	bool used;
};

void spy_map_free(struct spy_map *map);

/* Forgets every entry and keeps the storage. */
void spy_map_clear(struct spy_map *map);

/* The value's place, valid until the next insertion; NULL when the key is not there. */
uint64_t *spy_map_find(const struct spy_map *map, uint64_t key);

/*
 * The value's place for key, which is inserted with value 0 when it was not there
 * (*inserted, if not NULL, tells); NULL when memory ran out.
 */
uint64_t *spy_map_insert(struct spy_map *map, uint64_t key, bool *inserted);

/* Removes key; false when it was not there. */
bool spy_map_remove(struct spy_map *map, uint64_t key);

/* Mixes the bits of a key so that all of them reach the low ones. */
static inline uint64_t spy_mix(uint64_t key)
{
	key ^= key >> 32;
	key *= 0xd6e8feb86659fd93u;
	key ^= key >> 32;
	key *= 0xd6e8feb86659fd93u;
	key ^= key >> 32;
	return key;
}

/* A hash of bytes, continued from seed. */
uint64_t spy_hash(const void *bytes, size_t size, uint64_t seed);

/* Each distinct string once, numbered from 0 in the order of arrival. Zero-initialise. */
struct spy_strings {
	char **texts;
	uint32_t count;
	uint32_t capacity;
	uint32_t *slots; /* string number + 1, or 0 */
	size_t slot_count;
};

#define SPY_NO_STRING UINT32_MAX

void spy_strings_free(struct spy_strings *strings);

/* The number of text; SPY_NO_STRING when it is not there. */
uint32_t spy_strings_find(const struct spy_strings *strings, const char *text);

/* The number of text, which is copied when it is new; SPY_NO_STRING when memory ran out. */
uint32_t spy_strings_intern(struct spy_strings *strings, const char *text);

#endif
