#include <string.h>

#include "base/error.h"
#include "cpython/head.h"

#define WORD 8

/* Attributes beyond this many are not looked at, so that a few thousand look-ups stay cheap. */
#define ATTRIBUTES_LIMIT 8192

/* What a type says about its instances' attributes. */
struct instance_type {
	uint64_t address;
	uint64_t flags;
	int64_t basicsize;
	int64_t itemsize; /* follows tp_basicsize in every version (Include/object.h) */
	int64_t dictoffset;
};

static int read_type(const struct spy_heap *heap, uint64_t address, struct instance_type *ret,
		     struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	struct spy_range ranges[] = {
		{ address + layout->type_flags, &ret->flags, WORD },
		{ address + layout->type_basicsize, &ret->basicsize, WORD },
		{ address + layout->type_basicsize + WORD, &ret->itemsize, WORD },
		{ address + layout->type_dictoffset, &ret->dictoffset, WORD },
	};
	int result;

	ret->address = address;
	result = spy_memory_readv(heap->memory, ranges, sizeof(ranges) / sizeof(*ranges), err);
	if (result < 0)
		return result;
	if (ret->basicsize < 0 || ret->basicsize > INT32_MAX || ret->itemsize < 0 ||
	    ret->itemsize > INT32_MAX || ret->dictoffset < INT32_MIN || ret->dictoffset > INT32_MAX)
		return spy_corrupt(err, "type", address);
	return 0;
}

/* The keys that instances of a heap type share. */
static int cached_keys(const struct spy_heap *heap, const struct instance_type *type,
		       uint64_t values, struct spy_table *ret, struct pyspyc_error *err)
{
	uint64_t keys;
	int result;

	result = spy_memory_read_word(heap->memory,
				      type->address + heap->layout->heap_type_cached_keys, &keys,
				      err);
	if (result < 0)
		return result;
	if (!keys) {
		*ret = (struct spy_table){ 0 };
		return 0;
	}
	return spy_table_of_keys(heap, keys, values, ret, err);
}

/*
 * 3.11 and 3.12 (Include/internal/pycore_object.h): words before the object. In 3.11 there is
 * one for the values and one for the dict, and one of them is NULL; in 3.12 a single word is
 * either, and odd for values.
 */
static int managed_table(const struct spy_heap *heap, uint64_t object,
			 const struct instance_type *type, struct spy_table *ret,
			 struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	bool tagged = layout->object_managed_values == layout->object_managed_dict;
	uint64_t values, dict;
	struct spy_range ranges[] = {
		{ object - layout->object_managed_values, &values, WORD },
		{ object - layout->object_managed_dict, &dict, WORD },
	};
	int result;

	result = spy_memory_readv(heap->memory, ranges, 2, err);
	if (result < 0)
		return result;
	if (tagged ? values & 1 : values != 0)
		return cached_keys(heap, type, values + tagged, ret, err);
	return dict ? spy_table_of_dict(heap, dict, ret, err) : 0;
}

/* The first bytes of PyDictValues from 3.13 (Include/internal/pycore_dict.h). */
struct values_head {
	uint8_t capacity;
	uint8_t size;
	uint8_t embedded;
	uint8_t valid;
};

/*
 * From 3.13: a dict before the object or, where the type has inline values, values behind
 * the object as long as there is no dict.
 */
static int inline_table(const struct spy_heap *heap, uint64_t object,
			const struct instance_type *type, struct spy_table *ret,
			struct pyspyc_error *err)
{
	uint64_t values = object + (uint64_t)type->basicsize, dict;
	bool is_inline = type->flags & SPY_TYPE_INLINE_VALUES;
	struct values_head head;
	struct spy_range ranges[] = {
		{ object - heap->layout->object_managed_dict, &dict, WORD },
		{ values, &head, sizeof(head) },
	};
	int result;

	result = spy_memory_readv(heap->memory, ranges, is_inline ? 2 : 1, err);
	if (result < 0)
		return result;
	if (dict)
		return spy_table_of_dict(heap, dict, ret, err);
	if (!is_inline || !head.valid)
		return 0;
	result = cached_keys(heap, type, values + heap->layout->dictvalues_values, ret, err);
	if (ret->count > head.capacity)
		ret->count = head.capacity;
	return result;
}

/* A pointer to a dict in the object, counted from the end where dictoffset is negative. */
static int pointed_table(const struct spy_heap *heap, const struct spy_head *head,
			 const struct instance_type *type, struct spy_table *ret,
			 struct pyspyc_error *err)
{
	int64_t offset = type->dictoffset, items;
	uint64_t dict;
	int result;

	if (offset < 0) {
		items = (int64_t)spy_head_word(head, heap->layout->var_size);
		if (items < -INT32_MAX || items > INT32_MAX)
			return spy_corrupt(err, "object", head->address);
		items = items < 0 ? -items : items; /* an int's sign is its size's */
		offset += (type->basicsize + items * type->itemsize + WORD - 1) & -WORD;
	}
	if (offset <= 0)
		return offset ? spy_corrupt(err, "object", head->address) : 0;
	result = spy_memory_read_word(heap->memory, head->address + (uint64_t)offset, &dict, err);
	if (result < 0)
		return result;
	return dict ? spy_table_of_dict(heap, dict, ret, err) : 0;
}

int spy_instance_get(const struct spy_heap *heap, uint64_t object, const char *name, uint64_t *ret,
		     struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	struct spy_table table = { 0 };
	struct instance_type type;
	struct spy_head head;
	int result;

	*ret = 0;
	result = spy_object_read(heap, object, 0, "object", &head, NULL, err);
	if (result == 0)
		result = read_type(heap, spy_head_word(&head, layout->object_type), &type, err);
	if (result < 0)
		return result;
	if (layout->object_managed_dict == SPY_NO_FIELD || !(type.flags & SPY_TYPE_MANAGED_DICT))
		result = pointed_table(heap, &head, &type, &table, err);
	else if (layout->object_managed_values != SPY_NO_FIELD)
		result = managed_table(heap, object, &type, &table, err);
	else
		result = inline_table(heap, object, &type, &table, err);
	if (result < 0)
		return result;
	if (table.count > ATTRIBUTES_LIMIT)
		table.count = ATTRIBUTES_LIMIT;
	return spy_table_get(heap, &table, name, ret, err);
}
