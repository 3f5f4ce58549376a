/* The first bytes of a target's object, copied in one read; for the decoders in this folder. */
#ifndef SPY_CPYTHON_HEAD_H
#define SPY_CPYTHON_HEAD_H

#include <string.h>

#include "cpython/objects.h"

/* Objects' fixed parts and short contents fit in here. */
#define SPY_HEAD_SIZE 512

struct spy_head {
	uint64_t address;
	size_t size; /* of the bytes that could be read */
	uint8_t bytes[SPY_HEAD_SIZE];
};

/*
 * Reads the head of the object at address: SPY_HEAD_SIZE bytes, or up to the page's end when
 * the next page cannot be read (then the object ends there, too).
 */
int spy_head_read(const struct spy_heap *heap, uint64_t address, struct spy_head *ret,
		  struct pyspyc_error *err);

/* The word at offset; 0 when it lies outside of what was read (as SPY_NO_FIELD does). */
static inline uint64_t spy_head_word(const struct spy_head *head, size_t offset)
{
	uint64_t word = 0;

	if (head->size >= sizeof(word) && offset <= head->size - sizeof(word))
		memcpy(&word, head->bytes + offset, sizeof(word));
	return word;
}

static inline int32_t spy_head_int(const struct spy_head *head, size_t offset)
{
	int32_t value = 0;

	if (head->size >= sizeof(value) && offset <= head->size - sizeof(value))
		memcpy(&value, head->bytes + offset, sizeof(value));
	return value;
}

static inline uint8_t spy_head_byte(const struct spy_head *head, size_t offset)
{
	return offset < head->size ? head->bytes[offset] : 0;
}

/* Bits of tp_flags (Include/object.h); the same in every version that has them. */
#define SPY_TYPE_INLINE_VALUES (UINT64_C(1) << 2) /* from 3.13 */
#define SPY_TYPE_MANAGED_DICT (UINT64_C(1) << 4)  /* from 3.11 */
#define SPY_TYPE_INT (UINT64_C(1) << 23)	  /* 2.7 */
#define SPY_TYPE_LONG (UINT64_C(1) << 24)
#define SPY_TYPE_LIST (UINT64_C(1) << 25)
#define SPY_TYPE_TUPLE (UINT64_C(1) << 26)
#define SPY_TYPE_BYTES (UINT64_C(1) << 27) /* str in 2.7 */
#define SPY_TYPE_UNICODE (UINT64_C(1) << 28)
#define SPY_TYPE_DICT (UINT64_C(1) << 29)

/*
 * Reads the head of an object whose type must have one of the flags `wanted` (any object
 * when 0), and the flags of its type into *flags (may be NULL). `what` names it in errors.
 */
int spy_object_read(const struct spy_heap *heap, uint64_t object, uint64_t wanted, const char *what,
		    struct spy_head *ret, uint64_t *flags, struct pyspyc_error *err);

/* Fails with -PYSPYC_ECORRUPT: the object at address is no sane `what`. */
int spy_corrupt(struct pyspyc_error *err, const char *what, uint64_t address);

/*
 * Where the values of a dict or an instance are. Entries lie at `entries`, `stride` bytes
 * apart, each with a key at key_offset and its value behind it, unless the values are apart
 * (split tables).
 */
struct spy_table {
	uint64_t entries;
	uint64_t values; /* address of the first value of a split table, else 0 */
	size_t count;
	unsigned stride;
	unsigned key_offset;
};

/* The table of a dict object. */
int spy_table_of_dict(const struct spy_heap *heap, uint64_t dict, struct spy_table *ret,
		      struct pyspyc_error *err);

/* The table of a PyDictKeysObject with values (0 for those in the table itself). */
int spy_table_of_keys(const struct spy_heap *heap, uint64_t keys, uint64_t values,
		      struct spy_table *ret, struct pyspyc_error *err);

int spy_table_visit(const struct spy_heap *heap, const struct spy_table *table,
		    spy_dict_visitor *visit, void *context, struct pyspyc_error *err);

/* See spy_dict_get. */
int spy_table_get(const struct spy_heap *heap, const struct spy_table *table, const char *key,
		  uint64_t *ret, struct pyspyc_error *err);

#endif
