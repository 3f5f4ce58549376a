/*
 * CPython's internal hash tables: _Py_hashtable_t of Modules/hashtable.h (to 3.8) and
 * Include/internal/pycore_hashtable.h (from 3.9). Keys lie in lists, one for each bucket.
 */
#ifndef SPY_CPYTHON_HASHTABLE_H
#define SPY_CPYTHON_HASHTABLE_H

#include "cpython/objects.h"

/* The struct itself, as it was read. */
struct spy_hashtable {
	uint64_t address;
	uint64_t entries;
	uint64_t bucket_count; /* a power of two */
	uint64_t buckets;
	uint32_t key_size;  /* bytes in an entry, to 3.8 */
	uint32_t data_size; /* bytes in an entry, to 3.8 */
	uint64_t hash_func;
	uint64_t compare_func;
	uint64_t key_destroy; /* this and the next may be NULL; from 3.9 */
	uint64_t value_destroy;
	uint64_t alloc[2]; /* malloc and free */
};

/* One entry. */
struct spy_hashed {
	uint64_t key;	   /* the key's first word, or the key itself */
	uint64_t words[2]; /* the value, or the first words of the data (to 3.8) */
	uint32_t domain; /* the word behind the key, where keys are larger than a pointer (to 3.8) */
};

struct spy_hashed_list {
	struct spy_hashed *items;
	size_t count;
	size_t capacity;
	size_t lost; /* lists that led to where no entry of theirs is */
};

/* Where the buckets of tables led in one reading, so that another can tell what is new. */
struct spy_heads {
	struct spy_heads_table {
		uint64_t address;
		uint64_t bucket_count; /* so many were read */
		uint64_t *items;       /* the first entry of each bucket, or 0 */
	} * tables;
	size_t count;
};

void spy_heads_free(struct spy_heads *heads);

/*
 * Reads the struct at address. -PYSPYC_ECORRUPT when no table has such numbers: buckets that are
 * no power of two, more entries than twice the buckets.
 */
int spy_hashtable_open(const struct spy_heap *heap, uint64_t address, struct spy_hashtable *ret,
		       struct pyspyc_error *err);

/* Whether the table has the same entries' number and buckets in two readings. */
bool spy_hashtable_same(const struct spy_hashtable *one, const struct spy_hashtable *other);

/*
 * Appends all entries to ret, in no order. The table may change meanwhile: what is no entry of
 * the list that leads to it (by the hash that it holds) ends that list, and counts in ret->lost,
 * as everything does beyond the table's own number of entries. heads, which may be NULL, keeps
 * where the buckets led. Errors as of spy_gather.
 */
int spy_hashtable_read(const struct spy_heap *heap, const struct spy_hashtable *table,
		       uint64_t deadline, struct spy_heads *heads, struct spy_hashed_list *ret,
		       struct pyspyc_error *err);

/*
 * The same for those buckets only that do not lead where heads has them leading: an entry that is
 * new is the first of its bucket (_Py_hashtable_set). All of them when the table is new as well.
 */
int spy_hashtable_read_new(const struct spy_heap *heap, const struct spy_hashtable *table,
			   uint64_t deadline, const struct spy_heads *heads,
			   struct spy_hashed_list *ret, struct pyspyc_error *err);

void spy_hashed_list_free(struct spy_hashed_list *list);

/* Bytes that the table takes, as _Py_hashtable_size counts them: without what values point to. */
uint64_t spy_hashtable_bytes(const struct spy_heap *heap, const struct spy_hashtable *table);

#endif
