#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/head.h"

/* Entries that are read in one go. */
#define CHUNK 128

/* An entry of a table, as far as a look-up is concerned. */
struct entry {
	uint64_t key;
	uint64_t value;
};

/* Entries with the key's hash: {hash, key, value}; without: {key, value}. */
#define HASHED_STRIDE 24
#define PLAIN_STRIDE 16

/* dk_kind (Include/internal/pycore_dict.h of 3.11): keys of any type, with their hash. */
#define KEYS_GENERAL 0

/* PyDictObject of 2.7 (Include/dictobject.h): an open table of ma_mask + 1 entries. */
static int table_of_27(const struct spy_heap *heap, const struct spy_head *dict,
		       struct spy_table *ret, struct pyspyc_error *err)
{
	uint64_t mask = spy_head_word(dict, heap->layout->dict_mask);

	*ret = (struct spy_table){
		.entries = spy_head_word(dict, heap->layout->dict_keys),
		.count = mask < SPY_ENTRIES_LIMIT ? (size_t)mask + 1 : SPY_ENTRIES_LIMIT,
		.stride = HASHED_STRIDE,
		.key_offset = 8,
	};
	if (!ret->entries || mask > INT64_MAX)
		return spy_corrupt(err, "dict", dict->address);
	return 0;
}

/* Tables are smaller than this power of two. */
#define LOG2_LIMIT 48

/*
 * Up to 3.10 (Objects/dict-common.h) dk_size is the number of indices into the entries; as
 * wide as it takes to number the entries, they take a word at least.
 */
static bool measure_old(const struct spy_heap *heap, const struct spy_head *keys, uint64_t *slots,
			uint64_t *indices)
{
	unsigned width;

	*slots = spy_head_word(keys, heap->layout->keys_size);
	if (!*slots || *slots >> LOG2_LIMIT || *slots & (*slots - 1))
		return false;
	width = *slots <= UINT8_MAX ? 1 : *slots <= UINT16_MAX ? 2 : *slots <= UINT32_MAX ? 4 : 8;
	*indices = *slots * width < 8 ? 8 : *slots * width;
	return true;
}

/* From 3.11 (Include/internal/pycore_dict.h) there are logarithms of both. */
static bool measure_new(const struct spy_heap *heap, const struct spy_head *keys, uint64_t *slots,
			uint64_t *indices)
{
	unsigned log2_size = spy_head_byte(keys, heap->layout->keys_size);
	unsigned log2_indices = spy_head_byte(keys, heap->layout->keys_log2_index_bytes);

	if (log2_size >= LOG2_LIMIT || log2_indices >= LOG2_LIMIT)
		return false;
	*slots = UINT64_C(1) << log2_size;
	*indices = UINT64_C(1) << log2_indices;
	return true;
}

/* The entries follow the indices. */
int spy_table_of_keys(const struct spy_heap *heap, uint64_t keys, uint64_t values,
		      struct spy_table *ret, struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	bool modern = spy_version_minor(&heap->version) >= 0x030b, hashed, sane;
	uint64_t count, slots, indices;
	struct spy_head head;
	int result;

	result = spy_head_read(heap, keys, &head, err);
	if (result < 0)
		return result;
	count = spy_head_word(&head, layout->keys_nentries);
	sane = modern ? measure_new(heap, &head, &slots, &indices)
		      : measure_old(heap, &head, &slots, &indices);
	if (!sane || count > slots)
		return spy_corrupt(err, "dict keys", keys);
	hashed = !modern || spy_head_byte(&head, layout->keys_kind) == KEYS_GENERAL;
	*ret = (struct spy_table){
		.entries = keys + layout->keys_indices + indices,
		.values = values,
		.count = count < SPY_ENTRIES_LIMIT ? (size_t)count : SPY_ENTRIES_LIMIT,
		.stride = hashed ? HASHED_STRIDE : PLAIN_STRIDE,
		.key_offset = hashed ? 8 : 0,
	};
	return 0;
}

int spy_table_of_dict(const struct spy_heap *heap, uint64_t dict, struct spy_table *ret,
		      struct pyspyc_error *err)
{
	uint64_t keys, values;
	struct spy_head head;
	int result;

	result = spy_object_read(heap, dict, SPY_TYPE_DICT, "dict", &head, NULL, err);
	if (result < 0)
		return result;
	if (heap->version.major < 3)
		return table_of_27(heap, &head, ret, err);
	keys = spy_head_word(&head, heap->layout->dict_keys);
	values = spy_head_word(&head, heap->layout->dict_values);
	if (!keys)
		return spy_corrupt(err, "dict", dict);
	if (values && heap->layout->dictvalues_values != SPY_NO_FIELD)
		values += heap->layout->dictvalues_values;
	return spy_table_of_keys(heap, keys, values, ret, err);
}

/* Reads count entries from index first on. */
static int read_chunk(const struct spy_heap *heap, const struct spy_table *table, size_t first,
		      size_t count, struct entry *ret, struct pyspyc_error *err)
{
	uint8_t bytes[CHUNK * HASHED_STRIDE];
	uint64_t values[CHUNK];
	struct spy_range ranges[] = {
		{ table->entries + first * table->stride, bytes, count * table->stride },
		{ table->values + first * sizeof(*values), values, count * sizeof(*values) },
	};
	size_t i;
	int result;

	result = spy_memory_readv(heap->memory, ranges, table->values ? 2 : 1, err);
	if (result < 0)
		return result;
	for (i = 0; i < count; i++) {
		memcpy(&ret[i], bytes + i * table->stride + table->key_offset, sizeof(ret[i]));
		if (table->values)
			ret[i].value = values[i];
	}
	return 0;
}

/* Called with entries in order, those without a key or a value among them. */
typedef int chunk_visitor(const struct spy_heap *heap, const struct entry *entries, size_t count,
			  void *context, bool *stop, struct pyspyc_error *err);

static int visit_chunks(const struct spy_heap *heap, const struct spy_table *table,
			chunk_visitor *visit, void *context, struct pyspyc_error *err)
{
	struct entry entries[CHUNK];
	bool stop = false;
	size_t first, count;
	int result;

	for (first = 0; first < table->count && !stop; first += count) {
		count = table->count - first < CHUNK ? table->count - first : CHUNK;
		result = read_chunk(heap, table, first, count, entries, err);
		if (result == 0)
			result = visit(heap, entries, count, context, &stop, err);
		if (result < 0)
			return result;
	}
	return 0;
}

struct each {
	spy_dict_visitor *visit;
	void *context;
};

static int visit_each(const struct spy_heap *heap, const struct entry *entries, size_t count,
		      void *context, bool *stop, struct pyspyc_error *err)
{
	const struct each *each = context;
	size_t i;

	for (i = 0; i < count && !*stop; i++)
		if (entries[i].key && entries[i].value)
			*stop = !each->visit(each->context, entries[i].key, entries[i].value);
	return 0;
}

int spy_table_visit(const struct spy_heap *heap, const struct spy_table *table,
		    spy_dict_visitor *visit, void *context, struct pyspyc_error *err)
{
	struct each each = { visit, context };

	return visit_chunks(heap, table, visit_each, &each, err);
}

int spy_dict_visit(const struct spy_heap *heap, uint64_t dict, spy_dict_visitor *visit,
		   void *context, struct pyspyc_error *err)
{
	struct spy_table table;
	int result;

	result = spy_table_of_dict(heap, dict, &table, err);
	return result < 0 ? result : spy_table_visit(heap, &table, visit, context, err);
}

/* Keys that are looked up have names in a program's text: ASCII, and short. */
#define KEY_LIMIT 64

struct search {
	const char *key;
	size_t length; /* at most KEY_LIMIT */
	uint64_t found;
};

/* The offsets of a str's (2.7: of an 8-bit str's) length and of its ASCII characters. */
static size_t length_offset(const struct spy_heap *heap)
{
	return heap->version.major < 3 ? heap->layout->var_size : heap->layout->unicode_length;
}

static size_t text_offset(const struct spy_heap *heap)
{
	return heap->version.major < 3 ? heap->layout->bytes_data
				       : heap->layout->unicode_ascii_data;
}

/*
 * Looks at many keys in one read, as if all of them were compact ASCII strs. One with the
 * right length and characters is then read again as what it is.
 */
static int match_keys(const struct spy_heap *heap, const struct entry *const *candidates,
		      size_t count, struct search *search, bool *stop, struct pyspyc_error *err)
{
	struct spy_range ranges[CHUNK * 2] = { { 0 } };
	uint8_t texts[CHUNK][KEY_LIMIT];
	uint64_t lengths[CHUNK];
	size_t i;
	int result;

	for (i = 0; i < count; i++) {
		uint64_t key = candidates[i]->key;

		ranges[i * 2] = (struct spy_range){ key + length_offset(heap), &lengths[i], 8 };
		ranges[i * 2 + 1] = (struct spy_range){ key + text_offset(heap), texts[i],
							search->length };
	}
	result = spy_memory_readv(heap->memory, ranges, count * 2, err);
	if (result < 0)
		return result;
	for (i = 0; i < count && !*stop; i++) {
		spy_autobuffer struct spy_buffer text = { 0 };

		if (lengths[i] != search->length || memcmp(texts[i], search->key, search->length))
			continue;
		result = spy_string_read(heap, candidates[i]->key, &text, err);
		if (result < 0 && result != -PYSPYC_ECORRUPT && result != -PYSPYC_EFAULT)
			return result;
		if (result == 0 && strcmp(spy_buffer_text(&text), search->key) == 0) {
			search->found = candidates[i]->value;
			*stop = true;
		}
	}
	return 0;
}

static int search_chunk(const struct spy_heap *heap, const struct entry *entries, size_t count,
			void *context, bool *stop, struct pyspyc_error *err)
{
	const struct entry *candidates[CHUNK] = { NULL };
	struct search *search = context;
	size_t filled = 0, i;
	int result;

	for (i = 0; i < count; i++)
		if (entries[i].key && entries[i].value)
			candidates[filled++] = &entries[i];
	result = match_keys(heap, candidates, filled, search, stop, err);
	if (result != -PYSPYC_EFAULT)
		return result;
	/* A key that is shorter lies at the end of what can be read, or makes no sense. */
	for (i = 0; i < filled && !*stop; i++) {
		result = match_keys(heap, &candidates[i], 1, search, stop, err);
		if (result < 0 && result != -PYSPYC_EFAULT)
			return result;
	}
	return 0;
}

int spy_table_get(const struct spy_heap *heap, const struct spy_table *table, const char *key,
		  uint64_t *ret, struct pyspyc_error *err)
{
	struct search search = { .key = key, .length = strlen(key) };
	int result;

	*ret = 0;
	if (search.length > KEY_LIMIT)
		return spy_fail(err, PYSPYC_EINVAL, "key is too long to look up: %s", key);
	result = visit_chunks(heap, table, search_chunk, &search, err);
	*ret = search.found;
	return result;
}

int spy_dict_get(const struct spy_heap *heap, uint64_t dict, const char *key, uint64_t *ret,
		 struct pyspyc_error *err)
{
	struct spy_table table;
	int result;

	*ret = 0;
	result = spy_table_of_dict(heap, dict, &table, err);
	return result < 0 ? result : spy_table_get(heap, &table, key, ret, err);
}
