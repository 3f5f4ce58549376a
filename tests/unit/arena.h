/*
 * A made-up target for unit tests: memory in which objects are built as a given CPython lays
 * them out (the offsets come from the layout table, what they mean is written out here).
 */
#ifndef SPY_TESTS_ARENA_H
#define SPY_TESTS_ARENA_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/objects.h"

#define ARENA_BASE UINT64_C(0x7f0000000000)
#ifndef ARENA_SIZE
#define ARENA_SIZE (1u << 20)
#endif
/* Not in the arena, but not NULL either. */
#define ARENA_ELSEWHERE UINT64_C(0x7e0000000000)

/* Every version and build that objects are decoded of. */
static const char *const arena_versions[] = {
	"2.7.18", "3.6.15", "3.7.16",  "3.8.18", "3.9.18",  "3.10.13", "3.11.7",  "3.11.7d",
	"3.12.1", "3.13.0", "3.13.0t", "3.14.8", "3.14.8t", "3.15.0",  "3.15.0t",
};

#define ARENA_VERSIONS (sizeof(arena_versions) / sizeof(*arena_versions))

/* tp_flags of the types that are asked for by them (Include/object.h). */
enum arena_type {
	ARENA_OBJECT,
	ARENA_INT = 1 << 23,
	ARENA_LONG = 1 << 24,
	ARENA_LIST = 1 << 25,
	ARENA_TUPLE = 1 << 26,
	ARENA_BYTES = 1 << 27,
	ARENA_STR = 1 << 28,
	ARENA_DICT = 1 << 29,
	ARENA_MANAGED_DICT = 1 << 4,
	ARENA_INLINE_VALUES = 1 << 2,
};

struct arena {
	struct spy_heap heap;
	struct spy_layout layout;
	size_t used;
	uint8_t *bytes;
};

static inline void arena_open(struct arena *arena, const char *version)
{
	struct spy_segment segment = { .address = ARENA_BASE, .size = ARENA_SIZE };

	memset(arena, 0, sizeof(*arena));
	arena->bytes = calloc(1, ARENA_SIZE);
	segment.bytes = arena->bytes;
	if (!arena->bytes ||
	    !spy_version_parse(version, strcspn(version, "dt"), &arena->heap.version))
		abort();
	arena->heap.version.debug = strchr(version, 'd') != NULL;
	arena->heap.version.free_threaded = strchr(version, 't') != NULL;
	if (spy_layout_find(&arena->heap.version, SPY_ARCH_HERE, &arena->layout, NULL) < 0 ||
	    spy_memory_open_image(&segment, 1, &arena->heap.memory, NULL) < 0)
		abort();
	arena->heap.layout = &arena->layout;
}

static inline void arena_close(struct arena *arena)
{
	spy_memory_close(arena->heap.memory);
	free(arena->bytes);
}

static inline bool arena_is(const struct arena *arena, unsigned since, unsigned until)
{
	unsigned version = spy_version_minor(&arena->heap.version);

	return version >= since && version <= until;
}

#ifdef CMOCKA_H_
/* Runs a test with an arena of each version (in cmocka's programs). */
static inline void arena_every_version(void (*test)(struct arena *arena))
{
	struct arena arena;
	size_t i;

	for (i = 0; i < ARENA_VERSIONS; i++) {
		print_message("%s ", arena_versions[i]);
		arena_open(&arena, arena_versions[i]);
		test(&arena);
		arena_close(&arena);
	}
	print_message("\n");
}
#endif

/* The bytes at an address of the arena. */
static inline void *arena_at(struct arena *arena, uint64_t address)
{
	assert(address >= ARENA_BASE && address < ARENA_BASE + ARENA_SIZE);
	return arena->bytes + (address - ARENA_BASE);
}

static inline void arena_word(struct arena *arena, uint64_t address, uint64_t word)
{
	memcpy(arena_at(arena, address), &word, sizeof(word));
}

static inline void arena_byte(struct arena *arena, uint64_t address, unsigned byte)
{
	*(uint8_t *)arena_at(arena, address) = (uint8_t)byte;
}

/* Room for size bytes, zeroed, with 64 bytes before it. */
static inline uint64_t arena_take(struct arena *arena, size_t size)
{
	uint64_t address = ARENA_BASE + arena->used + 64;

	arena->used += (size + 64 + 15) / 16 * 16;
	assert(arena->used <= ARENA_SIZE);
	return address;
}

static inline uint64_t arena_type(struct arena *arena, unsigned flags)
{
	uint64_t type = arena_take(arena, 1024);

	arena_word(arena, type + arena->layout.type_flags, flags);
	return type;
}

/* An object of size bytes and of a type of its own with these flags. */
static inline uint64_t arena_object(struct arena *arena, size_t size, unsigned flags)
{
	uint64_t type = arena_type(arena, flags), object = arena_take(arena, size);

	arena_word(arena, object + arena->layout.object_type, type);
	return object;
}

static inline uint64_t arena_bytes(struct arena *arena, const void *bytes, size_t size)
{
	uint64_t object = arena_object(arena, arena->layout.bytes_data + size + 1, ARENA_BYTES);

	arena_word(arena, object + arena->layout.var_size, size);
	memcpy(arena_at(arena, object + arena->layout.bytes_data), bytes, size);
	return object;
}

/* unicode of 2.7 with characters of this width. */
static inline uint64_t arena_unicode27(struct arena *arena, unsigned width, const void *chars,
				       size_t count)
{
	uint64_t object = arena_object(arena, 48, ARENA_STR);
	uint64_t text = arena_take(arena, (count + 1) * width);

	memcpy(arena_at(arena, text), chars, count * width);
	arena_word(arena, object + 16, count);
	arena_word(arena, object + 24, text);
	return object;
}

/* Bits of a str's state: kind, and what is added to it. */
#define ARENA_COMPACT 8
#define ARENA_ASCII 16

static inline void arena_state(struct arena *arena, uint64_t object, unsigned bits)
{
	bool wide = arena->heap.version.free_threaded && arena_is(arena, 0x030e, 0xffff);
	uint32_t state = 1 | bits << (wide ? 8 : 2); /* interned */

	memcpy(arena_at(arena, object + arena->layout.unicode_state), &state, sizeof(state));
}

/* A str of 3.x: count characters of kind & 7 bytes; not compact without ARENA_COMPACT. */
static inline uint64_t arena_str(struct arena *arena, unsigned kind, const void *chars,
				 size_t count)
{
	size_t size = count * (kind & 7);
	uint64_t object = arena_object(arena, arena->layout.unicode_compact_data + 8 + size,
				       ARENA_STR);
	uint64_t data = object + (kind & ARENA_ASCII ? arena->layout.unicode_ascii_data
						     : arena->layout.unicode_compact_data);

	arena_word(arena, object + arena->layout.unicode_length, count);
	arena_state(arena, object, kind);
	if (!(kind & ARENA_COMPACT)) {
		data = arena_take(arena, size);
		arena_word(arena, object + arena->layout.unicode_compact_data, data);
	}
	memcpy(arena_at(arena, data), chars, size);
	return object;
}

/* A name as this version keeps it: ASCII. */
static inline uint64_t arena_name(struct arena *arena, const char *text)
{
	if (arena->heap.version.major < 3)
		return arena_bytes(arena, text, strlen(text));
	return arena_str(arena, 1 | ARENA_COMPACT | ARENA_ASCII, text, strlen(text));
}

/* An int below 2**64. */
static inline uint64_t arena_long(struct arena *arena, uint64_t value, bool negative)
{
	uint32_t digits = arena->layout.long_digits, digit;
	uint64_t object = arena_object(arena, digits + 12, ARENA_LONG), count = 0;

	for (; value; value >>= 30) {
		digit = value & 0x3fffffff;
		memcpy(arena_at(arena, object + digits + 4 * count++), &digit, sizeof(digit));
	}
	if (arena_is(arena, 0x030c, 0xffff))
		count = count << 3 | (negative ? 2 : count ? 0 : 1);
	else if (negative)
		count = 0 - count;
	arena_word(arena, object + digits - 8, count);
	return object;
}

static inline uint64_t arena_list(struct arena *arena, const uint64_t *items, size_t count)
{
	uint64_t object = arena_object(arena, arena->layout.list_items + 8, ARENA_LIST);
	uint64_t array = arena_take(arena, count * 8 + 8);

	arena_word(arena, object + arena->layout.var_size, count);
	arena_word(arena, object + arena->layout.list_items, array);
	memcpy(arena_at(arena, array), items, count * 8);
	return object;
}

/* How an arena's dict keys are kept, from 3.11: with their hashes or without. */
enum arena_keys {
	ARENA_KEYS_GENERAL,
	ARENA_KEYS_UNICODE,
	ARENA_KEYS_SPLIT,
};

/* PyDictKeysObject of 2**log2 slots with count keys; values may be NULL. */
static inline uint64_t arena_keys(struct arena *arena, enum arena_keys kind, unsigned log2,
				  const uint64_t *keys, const uint64_t *values, size_t count)
{
	const struct spy_layout *layout = &arena->layout;
	unsigned width = log2 < 8 ? 1 : log2 < 16 ? 2 : 4;
	size_t indices = width << log2 < 8 ? 8 : width << log2, i;
	bool modern = arena_is(arena, 0x030b, 0xffff);
	size_t hash = modern && kind != ARENA_KEYS_GENERAL ? 0 : 8;
	uint64_t object = arena_take(arena, layout->keys_indices + indices + count * (16 + hash));
	uint64_t entry = object + layout->keys_indices + indices;

	if (modern) {
		arena_byte(arena, object + layout->keys_size, log2);
		arena_byte(arena, object + layout->keys_log2_index_bytes,
			   (unsigned)__builtin_ctzll(indices));
		arena_byte(arena, object + layout->keys_kind, kind);
	} else {
		arena_word(arena, object + layout->keys_size, UINT64_C(1) << log2);
	}
	arena_word(arena, object + layout->keys_nentries, count);
	for (i = 0; i < count; i++, entry += 16 + hash) {
		arena_word(arena, entry + hash, keys[i]);
		arena_word(arena, entry + hash + 8, values ? values[i] : 0);
	}
	return object;
}

static inline uint64_t arena_dict_of(struct arena *arena, uint64_t keys, uint64_t values)
{
	uint64_t dict = arena_object(arena, 128, ARENA_DICT);

	arena_word(arena, dict + arena->layout.dict_keys, keys);
	arena_word(arena, dict + arena->layout.dict_values, values);
	return dict;
}

/* A dict with its own keys, as this version keeps it; in 2.7 in the first slots of its table. */
static inline uint64_t arena_dict(struct arena *arena, const uint64_t *keys, const uint64_t *values,
				  size_t count)
{
	unsigned log2 = 3;
	uint64_t dict, table;
	size_t i;

	while ((UINT64_C(1) << log2) * 2 / 3 < count)
		log2++;
	if (arena->heap.version.major >= 3)
		return arena_dict_of(
			arena, arena_keys(arena, ARENA_KEYS_GENERAL, log2, keys, values, count), 0);
	dict = arena_object(arena, 64, ARENA_DICT);
	table = arena_take(arena, (size_t)24 << log2);
	arena_word(arena, dict + arena->layout.dict_mask, (UINT64_C(1) << log2) - 1);
	arena_word(arena, dict + arena->layout.dict_keys, table);
	for (i = 0; i < count; i++) {
		arena_word(arena, table + i * 24 + 8, keys[i]);
		arena_word(arena, table + i * 24 + 16, values[i]);
	}
	return dict;
}

/* An instance whose dict is behind a pointer in it, as modules' are. */
static inline uint64_t arena_instance(struct arena *arena, uint64_t dict)
{
	uint64_t type = arena_type(arena, 0), object = arena_take(arena, 64);

	arena_word(arena, type + arena->layout.type_basicsize, 64);
	arena_word(arena, type + arena->layout.type_dictoffset, 40);
	arena_word(arena, object + arena->layout.object_type, type);
	arena_word(arena, object + 40, dict);
	return object;
}

#endif
