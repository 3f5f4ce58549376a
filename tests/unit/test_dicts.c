/* Dicts and the attributes of instances, as each version keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "arena.h"

#define MANY 300
/* Values are only addresses here. */
#define VALUE(i) (UINT64_C(0x1000) + 16 * (i))

/* Entries seen by a visitor, which stops at `limit`. */
struct seen {
	uint64_t keys[MANY];
	uint64_t values[MANY];
	size_t count;
	size_t limit;
};

static bool see(void *context, uint64_t key, uint64_t value)
{
	struct seen *seen = context;

	assert_true(seen->count < MANY);
	seen->keys[seen->count] = key;
	seen->values[seen->count++] = value;
	return seen->count != seen->limit;
}

static int visit(struct arena *arena, uint64_t dict, struct seen *seen)
{
	*seen = (struct seen){ 0 };
	return spy_dict_visit(&arena->heap, dict, see, seen, NULL);
}

static void check_get(struct arena *arena, uint64_t dict, const char *key, uint64_t value)
{
	uint64_t found = 1;

	assert_int_equal(spy_dict_get(&arena->heap, dict, key, &found, NULL), 0);
	assert_true(found == value);
}

static void check_attribute(struct arena *arena, uint64_t object, const char *name, uint64_t value)
{
	uint64_t found = 1;

	assert_int_equal(spy_instance_get(&arena->heap, object, name, &found, NULL), 0);
	assert_true(found == value);
}

/* Fills keys with the names "name0" to "nameN", and values with numbers. */
static void make_names(struct arena *arena, uint64_t *keys, uint64_t *values, size_t count)
{
	char name[32];
	size_t i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "name%zu", i);
		keys[i] = arena_name(arena, name);
		values[i] = VALUE(i);
	}
}

static void whole_dict(struct arena *arena)
{
	uint64_t keys[MANY], values[MANY], dict, found;
	struct seen seen;

	make_names(arena, keys, values, MANY);
	dict = arena_dict(arena, keys, values, MANY);
	assert_int_equal(visit(arena, dict, &seen), 0);
	assert_int_equal(seen.count, MANY);
	assert_memory_equal(seen.keys, keys, sizeof(keys));
	assert_memory_equal(seen.values, values, sizeof(values));
	check_get(arena, dict, "name0", VALUE(0));
	check_get(arena, dict, "name299", VALUE(299));
	check_get(arena, dict, "name300", 0);
	check_get(arena, dict, "name", 0);
	check_get(arena, dict, "", 0);
	seen = (struct seen){ .limit = 7 };
	assert_int_equal(spy_dict_visit(&arena->heap, dict, see, &seen, NULL), 0);
	assert_int_equal(seen.count, 7);
	assert_int_equal(visit(arena, arena_dict(arena, keys, values, 0), &seen), 0);
	assert_int_equal(seen.count, 0);
	check_get(arena, arena_dict(arena, keys, values, 0), "name0", 0);
	assert_int_equal(spy_dict_get(&arena->heap, arena_name(arena, "x"), "x", &found, NULL),
			 -PYSPYC_ECORRUPT);
}

static void test_dict(void **state)
{
	arena_every_version(whole_dict);
}

/* What was deleted, and keys that are no names or that cannot be read at all. */
static void odd_keys(struct arena *arena)
{
	uint64_t keys[6], values[6];
	struct seen seen;
	uint64_t dict;

	make_names(arena, keys, values, 6);
	values[0] = 0;
	keys[1] = 0;
	keys[2] = arena_long(arena, 5, false);
	keys[3] = ARENA_ELSEWHERE;
	keys[4] = 8;
	dict = arena_dict(arena, keys, values, 6);
	assert_int_equal(visit(arena, dict, &seen), 0);
	assert_int_equal(seen.count, 4);
	assert_true(seen.keys[0] == keys[2] && seen.values[3] == values[5]);
	check_get(arena, dict, "name0", 0);
	check_get(arena, dict, "name5", VALUE(5));
}

static void test_odd_keys(void **state)
{
	arena_every_version(odd_keys);
}

/* Looks like the key's bytes, but is of another type. */
static void disguised_key(struct arena *arena)
{
	uint64_t keys[2], values[2], type = arena_type(arena, ARENA_LIST);

	make_names(arena, keys, values, 2);
	keys[0] = arena_name(arena, "name1");
	arena_word(arena, keys[0] + arena->layout.object_type, type);
	check_get(arena, arena_dict(arena, keys, values, 2), "name1", VALUE(1));
}

static void test_disguised_key(void **state)
{
	arena_every_version(disguised_key);
}

/* The kinds of keys from 3.11: those of names alone have no hashes. */
static void kinds_of_keys(struct arena *arena)
{
	uint64_t keys[5], values[5];
	struct seen seen;

	if (!arena_is(arena, 0x030b, 0xffff))
		return;
	make_names(arena, keys, values, 5);
	assert_int_equal(
		visit(arena,
		      arena_dict_of(arena,
				    arena_keys(arena, ARENA_KEYS_UNICODE, 3, keys, values, 5), 0),
		      &seen),
		0);
	assert_int_equal(seen.count, 5);
	assert_memory_equal(seen.keys, keys, sizeof(keys));
	assert_memory_equal(seen.values, values, sizeof(values));
}

static void test_kinds_of_keys(void **state)
{
	arena_every_version(kinds_of_keys);
}

/* Values of a split table, behind a head of a word from 3.13. */
static uint64_t make_values(struct arena *arena, const uint64_t *values, size_t count)
{
	bool headed = arena_is(arena, 0x030d, 0xffff);
	uint64_t address = arena_take(arena, count * 8 + 8);

	if (headed)
		memcpy(arena_at(arena, address), "\x08\x05\x00\x01", 4);
	memcpy(arena_at(arena, address + (headed ? 8 : 0)), values, count * 8);
	return address;
}

static void split_dict(struct arena *arena)
{
	uint64_t keys[5], values[5], dict;
	struct seen seen;

	if (arena->heap.version.major < 3)
		return;
	make_names(arena, keys, values, 5);
	values[2] = 0;
	dict = arena_dict_of(arena, arena_keys(arena, ARENA_KEYS_SPLIT, 3, keys, NULL, 5),
			     make_values(arena, values, 5));
	assert_int_equal(visit(arena, dict, &seen), 0);
	assert_int_equal(seen.count, 4);
	assert_true(seen.keys[2] == keys[3] && seen.values[2] == values[3]);
	check_get(arena, dict, "name4", VALUE(4));
	check_get(arena, dict, "name2", 0);
}

static void test_split_dict(void **state)
{
	arena_every_version(split_dict);
}

static void hostile_dicts(struct arena *arena)
{
	const struct spy_layout *layout = &arena->layout;
	uint64_t keys[2], values[2], dict, table;
	struct seen seen;

	make_names(arena, keys, values, 2);
	dict = arena_dict(arena, keys, values, 2);
	memcpy(&table, arena_at(arena, dict + layout->dict_keys), sizeof(table));
	assert_int_equal(visit(arena, 0, &seen), -PYSPYC_ECORRUPT);
	assert_int_equal(visit(arena, ARENA_ELSEWHERE, &seen), -PYSPYC_EFAULT);
	if (arena->heap.version.major < 3) {
		arena_word(arena, dict + layout->dict_mask, UINT64_MAX);
		assert_int_equal(visit(arena, dict, &seen), -PYSPYC_ECORRUPT);
		arena_word(arena, dict + layout->dict_mask, INT64_MAX);
		assert_int_equal(visit(arena, dict, &seen), -PYSPYC_EFAULT);
	} else {
		arena_word(arena, table + layout->keys_nentries, 9);
		assert_int_equal(visit(arena, dict, &seen), -PYSPYC_ECORRUPT);
		arena_word(arena, table + layout->keys_nentries, UINT64_MAX);
		assert_int_equal(visit(arena, dict, &seen), -PYSPYC_ECORRUPT);
		arena_word(arena, table + layout->keys_nentries, 2);
		arena_word(arena, table + layout->keys_size, UINT64_MAX);
		assert_int_equal(visit(arena, dict, &seen), -PYSPYC_ECORRUPT);
		arena_word(arena, table + layout->keys_size, 0x2f2f);
		assert_true(visit(arena, dict, &seen) < 0);
	}
	arena_word(arena, dict + layout->dict_keys, 0);
	assert_int_equal(visit(arena, dict, &seen), -PYSPYC_ECORRUPT);
	arena_word(arena, dict + layout->dict_keys, ARENA_ELSEWHERE);
	assert_int_equal(visit(arena, dict, &seen), -PYSPYC_EFAULT);
}

static void test_hostile_dicts(void **state)
{
	arena_every_version(hostile_dicts);
}

/* tp_dictoffset: from the start, or from the end of an instance with items. */
static void pointed_dict(struct arena *arena)
{
	const struct spy_layout *layout = &arena->layout;
	uint64_t keys[2], values[2], dict, type, object = 0, found;
	int64_t offset = -8;

	make_names(arena, keys, values, 2);
	dict = arena_dict(arena, keys, values, 2);
	check_attribute(arena, arena_instance(arena, dict), "name1", VALUE(1));
	check_attribute(arena, arena_instance(arena, dict), "name2", 0);
	check_attribute(arena, arena_instance(arena, 0), "name1", 0);
	check_attribute(arena, arena_object(arena, 64, 0), "name1", 0);
	assert_int_equal(spy_instance_get(&arena->heap, arena_instance(arena, 16), "name1", &found,
					  NULL),
			 -PYSPYC_EFAULT);

	type = arena_type(arena, 0);
	arena_word(arena, type + layout->type_basicsize, 48);
	arena_word(arena, type + layout->type_basicsize + 8, 4);
	arena_word(arena, type + layout->type_dictoffset, (uint64_t)offset);
	object = arena_take(arena, 128);
	arena_word(arena, object + layout->object_type, type);
	arena_word(arena, object + layout->var_size, (uint64_t)-3);
	/* 48 bytes and three items of 4, rounded up to words; the pointer is the last. */
	arena_word(arena, object + 56, dict);
	check_attribute(arena, object, "name1", VALUE(1));
	arena_word(arena, object + layout->var_size, UINT64_C(1) << 63);
	assert_int_equal(spy_instance_get(&arena->heap, object, "name1", &found, NULL),
			 -PYSPYC_ECORRUPT);
}

static void test_pointed_dict(void **state)
{
	arena_every_version(pointed_dict);
}

/* An instance of a type with a managed dict, whose instances share keys. */
static uint64_t make_managed(struct arena *arena, unsigned flags, const uint64_t *keys,
			     size_t count)
{
	uint64_t type = arena_type(arena, ARENA_MANAGED_DICT | flags);
	uint64_t object = arena_take(arena, 128);

	arena_word(arena, type + arena->layout.heap_type_cached_keys,
		   arena_keys(arena, ARENA_KEYS_SPLIT, 3, keys, NULL, count));
	arena_word(arena, type + arena->layout.type_basicsize, 48);
	arena_word(arena, type + arena->layout.type_dictoffset, (uint64_t)-1);
	arena_word(arena, object + arena->layout.object_type, type);
	return object;
}

static void managed_dict(struct arena *arena, uint64_t dict_at, uint64_t dict, const uint64_t *keys)
{
	uint64_t object = make_managed(arena, ARENA_INLINE_VALUES, keys, 5);

	check_attribute(arena, object, "name1", 0);
	arena_word(arena, object - dict_at, dict);
	check_attribute(arena, object, "name1", VALUE(1));
}

/* Words before the object: values at -4 and dict at -3 in 3.11, one of them at -3 in 3.12. */
static void test_managed_words(void **state)
{
	uint64_t keys[5], values[5], object;
	struct arena arena;

	arena_open(&arena, "3.11.7");
	make_names(&arena, keys, values, 5);
	managed_dict(&arena, 24, arena_dict(&arena, keys, values, 5), keys);
	object = make_managed(&arena, 0, keys, 5);
	values[3] = 0;
	arena_word(&arena, object - 32, make_values(&arena, values, 5));
	check_attribute(&arena, object, "name4", VALUE(4));
	check_attribute(&arena, object, "name3", 0);
	arena_close(&arena);

	arena_open(&arena, "3.12.1");
	make_names(&arena, keys, values, 5);
	managed_dict(&arena, 24, arena_dict(&arena, keys, values, 5), keys);
	object = make_managed(&arena, 0, keys, 5);
	arena_word(&arena, object - 24, make_values(&arena, values, 5) - 1);
	check_attribute(&arena, object, "name4", VALUE(4));
	arena_close(&arena);
}

/* From 3.13: a dict before the object, else values behind it while they are valid. */
static void inline_values(struct arena *arena)
{
	uint64_t keys[5], values[5], object;

	if (!arena_is(arena, 0x030d, 0xffff))
		return;
	make_names(arena, keys, values, 5);
	managed_dict(arena, arena->heap.version.free_threaded ? 8 : 24,
		     arena_dict(arena, keys, values, 5), keys);
	object = make_managed(arena, ARENA_INLINE_VALUES, keys, 5);
	memcpy(arena_at(arena, object + 48), "\x06\x05\x01\x01", 4);
	memcpy(arena_at(arena, object + 56), values, sizeof(values));
	check_attribute(arena, object, "name4", VALUE(4));
	/* Shared keys that this instance has no room for. */
	arena_byte(arena, object + 48, 4);
	check_attribute(arena, object, "name4", 0);
	check_attribute(arena, object, "name3", VALUE(3));
	arena_byte(arena, object + 51, 0);
	check_attribute(arena, object, "name3", 0);
	object = make_managed(arena, 0, keys, 5);
	memcpy(arena_at(arena, object + 48), "\x06\x05\x01\x01", 4);
	memcpy(arena_at(arena, object + 56), values, sizeof(values));
	check_attribute(arena, object, "name4", 0);
}

static void test_inline_values(void **state)
{
	arena_every_version(inline_values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dict),	      cmocka_unit_test(test_odd_keys),
		cmocka_unit_test(test_disguised_key), cmocka_unit_test(test_kinds_of_keys),
		cmocka_unit_test(test_split_dict),    cmocka_unit_test(test_hostile_dicts),
		cmocka_unit_test(test_pointed_dict),  cmocka_unit_test(test_managed_words),
		cmocka_unit_test(test_inline_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
