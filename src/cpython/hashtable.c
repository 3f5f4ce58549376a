#include "cpython/hashtable.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "cpython/gather.h"
#include "cpython/head.h"

/* Tables have no fewer buckets (HASHTABLE_MIN_SIZE), and no process has room for more. */
#define BUCKETS_LEAST 16
#define BUCKETS_MOST (UINT64_C(1) << 28)
/* Of keys and data in an entry; trace_t has 16 bytes. */
#define INLINE_LIMIT 64
/* Entries with all that belongs to them. */
#define ENTRY_LIMIT 192
/* Buckets that are read, and compared with those of a reading before, at a time. */
#define BUCKETS_AT_ONCE 8192
/* Longer lists are cut; blocks that are all aligned to a megabyte share some lists. */
#define LEVELS_LIMIT 65536

/* An entry that a list leads to. */
struct link {
	uint64_t address;
	uint64_t bucket;
};

/* All lists are walked together: the first entry of each, then the second of each, … */
struct level {
	struct link *links;
	size_t count;
	size_t capacity;
};

struct walk {
	const struct spy_layout *layout;
	const struct spy_hashtable *table;
	struct spy_hashed_list *ret;
	const uint64_t *known; /* where buckets led before: those that still do are left out */
	struct spy_heads_table *kept; /* where they lead now; may be NULL */
	size_t entry_size;	      /* with key and data */
	size_t visited;
	struct level next;
};

static bool make_room(void **items, size_t *capacity, size_t count, size_t size)
{
	size_t larger = *capacity ? *capacity * 2 : 1024;
	void *grown;

	if (count < *capacity)
		return true;
	grown = reallocarray(*items, larger, size);
	if (!grown)
		return false;
	*items = grown;
	*capacity = larger;
	return true;
}

static bool sane(const struct spy_layout *layout, const struct spy_hashtable *table)
{
	uint64_t inside = (uint64_t)table->key_size + table->data_size;

	if (table->bucket_count < BUCKETS_LEAST || table->bucket_count > BUCKETS_MOST ||
	    (table->bucket_count & (table->bucket_count - 1)))
		return false;
	if (!table->buckets || table->buckets % sizeof(uint64_t))
		return false;
	if (layout->hashtable_key_size != SPY_NO_FIELD &&
	    (table->key_size < sizeof(uint64_t) || table->key_size > INLINE_LIMIT ||
	     table->data_size > INLINE_LIMIT || inside > INLINE_LIMIT))
		return false;
	return table->entries <= table->bucket_count * 2;
}

int spy_hashtable_open(const struct spy_heap *heap, uint64_t address, struct spy_hashtable *ret,
		       struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	struct spy_head head = { .address = address, .size = layout->hashtable_size };
	int result;

	*ret = (struct spy_hashtable){ .address = address };
	if (head.size > sizeof(head.bytes) || !address)
		return spy_corrupt(err, "hash table", address);
	result = spy_memory_read(heap->memory, address, head.bytes, head.size, err);
	if (result < 0)
		return result;
	ret->entries = spy_head_word(&head, layout->hashtable_entries);
	ret->bucket_count = spy_head_word(&head, layout->hashtable_bucket_count);
	ret->buckets = spy_head_word(&head, layout->hashtable_buckets);
	ret->hash_func = spy_head_word(&head, layout->hashtable_hash_func);
	ret->compare_func = spy_head_word(&head, layout->hashtable_compare_func);
	ret->key_destroy = spy_head_word(&head, layout->hashtable_key_destroy);
	ret->value_destroy = spy_head_word(&head, layout->hashtable_value_destroy);
	ret->alloc[0] = spy_head_word(&head, layout->hashtable_alloc);
	ret->alloc[1] = spy_head_word(&head, (size_t)layout->hashtable_alloc + sizeof(uint64_t));
	if (layout->hashtable_key_size != SPY_NO_FIELD) {
		uint64_t key = spy_head_word(&head, layout->hashtable_key_size);
		uint64_t data = spy_head_word(&head, layout->hashtable_data_size);

		ret->key_size = key > UINT32_MAX ? UINT32_MAX : (uint32_t)key;
		ret->data_size = data > UINT32_MAX ? UINT32_MAX : (uint32_t)data;
	}
	return sane(layout, ret) ? 0 : spy_corrupt(err, "hash table", address);
}

bool spy_hashtable_same(const struct spy_hashtable *one, const struct spy_hashtable *other)
{
	return one->address == other->address && one->entries == other->entries &&
	       one->bucket_count == other->bucket_count && one->buckets == other->buckets;
}

uint64_t spy_hashtable_bytes(const struct spy_heap *heap, const struct spy_hashtable *table)
{
	return heap->layout->hashtable_size + table->bucket_count * sizeof(uint64_t) +
	       table->entries * ((uint64_t)heap->layout->hashtable_entry_size + table->key_size +
				 table->data_size);
}

/* An entry's bytes: false when it is none of its list. */
static bool take_entry(struct walk *walk, const uint8_t *bytes, uint64_t bucket,
		       struct spy_hashed *ret)
{
	const struct spy_layout *layout = walk->layout;
	const struct spy_hashtable *table = walk->table;
	size_t key = layout->hashtable_entry_size, data = key + table->key_size;
	uint64_t hash = spy_word_at(bytes, layout->hashtable_entry_hash);

	*ret = (struct spy_hashed){ 0 };
	if ((hash & (table->bucket_count - 1)) != bucket)
		return false;
	if (layout->hashtable_entry_key != SPY_NO_FIELD) {
		ret->key = spy_word_at(bytes, layout->hashtable_entry_key);
		ret->words[0] = spy_word_at(bytes, layout->hashtable_entry_value);
		return true;
	}
	ret->key = spy_word_at(bytes, key);
	if (table->key_size >= sizeof(uint64_t) + sizeof(ret->domain))
		memcpy(&ret->domain, bytes + key + sizeof(uint64_t), sizeof(ret->domain));
	if (table->data_size >= sizeof(uint64_t))
		ret->words[0] = spy_word_at(bytes, data);
	if (table->data_size >= 2 * sizeof(uint64_t))
		ret->words[1] = spy_word_at(bytes, data + sizeof(uint64_t));
	return true;
}

static bool add_link(struct level *level, uint64_t address, uint64_t bucket)
{
	if (!make_room((void **)&level->links, &level->capacity, level->count,
		       sizeof(*level->links)))
		return false;
	level->links[level->count++] = (struct link){ address, bucket };
	return true;
}

/* Room grows with what there really is, whatever a table says that it has. */
static bool keep(struct spy_heads_table *kept, const uint64_t *heads, uint64_t at, size_t count)
{
	void *grown;

	if (!(at & (at - 1)) || !at) {
		grown = reallocarray(kept->items, at ? 2 * at : count, sizeof(*kept->items));
		if (!grown)
			return false;
		kept->items = grown;
	}
	memcpy(kept->items + at, heads, count * sizeof(*heads));
	kept->bucket_count = at + count;
	return true;
}

/* Some buckets, from number at on, that lead to heads. */
static int take_buckets(struct walk *walk, const uint64_t *heads, uint64_t at, size_t count,
			struct pyspyc_error *err)
{
	const uint64_t *known = walk->known ? walk->known + at : NULL;
	size_t i;

	if (walk->kept && !keep(walk->kept, heads, at, count))
		return spy_nomem(err);
	if (known && !memcmp(known, heads, count * sizeof(*heads)))
		return 0;
	for (i = 0; i < count; i++) {
		if (!heads[i] || (known && known[i] == heads[i]))
			continue;
		if (walk->next.count >= walk->table->entries)
			walk->ret->lost++;
		else if (!add_link(&walk->next, heads[i], at + i))
			return spy_nomem(err);
	}
	return 0;
}

/* The first entry of each bucket. */
static int read_buckets(const struct spy_heap *heap, struct walk *walk, uint64_t deadline,
			struct pyspyc_error *err)
{
	const struct spy_hashtable *table = walk->table;
	spy_autofree uint64_t *heads = malloc(BUCKETS_AT_ONCE * sizeof(*heads));
	uint64_t at;
	int result = heads ? 0 : spy_nomem(err);

	for (at = 0; at < table->bucket_count && result == 0; at += BUCKETS_AT_ONCE) {
		size_t count = table->bucket_count - at < BUCKETS_AT_ONCE
				       ? (size_t)(table->bucket_count - at)
				       : BUCKETS_AT_ONCE;

		result = spy_memory_read(heap->memory, table->buckets + at * sizeof(*heads), heads,
					 count * sizeof(*heads), err);
		if (result == 0)
			result = take_buckets(walk, heads, at, count, err);
		if (result == 0 && deadline && spy_clock_now() > deadline)
			return spy_fail(err, PYSPYC_EAGAIN, "reading took too long");
	}
	return result;
}

/* One level's entries, whose bytes have been read: what they hold, and where they lead on. */
static int take_level(struct walk *walk, const struct spy_piece *pieces, const struct level *level,
		      struct pyspyc_error *err)
{
	struct spy_hashed_list *ret = walk->ret;
	size_t i;

	for (i = 0; i < level->count; i++) {
		const struct spy_piece *piece = &pieces[i];
		uint64_t bucket = level->links[piece->index].bucket, next;

		if (!make_room((void **)&ret->items, &ret->capacity, ret->count,
			       sizeof(*ret->items)))
			return spy_nomem(err);
		if (!piece->to || walk->visited >= walk->table->entries ||
		    !take_entry(walk, piece->to, bucket, &ret->items[ret->count])) {
			ret->lost++;
			continue;
		}
		ret->count++;
		walk->visited++;
		next = spy_word_at(piece->to, walk->layout->hashtable_entry_next);
		if (next && !add_link(&walk->next, next, bucket))
			return spy_nomem(err);
	}
	return 0;
}

static int read_level(const struct spy_heap *heap, struct walk *walk, const struct level *level,
		      uint64_t deadline, struct pyspyc_error *err)
{
	spy_autofree struct spy_piece *pieces = calloc(level->count, sizeof(*pieces));
	spy_autofree uint8_t *bytes = calloc(level->count, walk->entry_size);
	size_t i;
	int result;

	if (!pieces || !bytes)
		return spy_nomem(err);
	for (i = 0; i < level->count; i++)
		pieces[i] = (struct spy_piece){ .address = level->links[i].address,
						.to = bytes + i * walk->entry_size,
						.size = (uint32_t)walk->entry_size,
						.index = (uint32_t)i };
	result = spy_gather(heap->memory, pieces, level->count, deadline, err);
	return result < 0 ? result : take_level(walk, pieces, level, err);
}

static int read_lists(const struct spy_heap *heap, struct walk *walk, uint64_t deadline,
		      struct pyspyc_error *err)
{
	const struct spy_hashtable *table = walk->table;
	unsigned levels;
	int result;

	walk->entry_size = (size_t)walk->layout->hashtable_entry_size + table->key_size +
			   table->data_size;
	if (walk->entry_size > ENTRY_LIMIT)
		return spy_corrupt(err, "hash table", table->address);
	result = read_buckets(heap, walk, deadline, err);
	for (levels = 0; result == 0 && walk->next.count && levels < LEVELS_LIMIT; levels++) {
		struct level level = walk->next;

		walk->next = (struct level){ 0 };
		result = read_level(heap, walk, &level, deadline, err);
		free(level.links);
	}
	walk->ret->lost += walk->next.count;
	free(walk->next.links);
	return result;
}

/* --- what buckets lead to --- */

static struct spy_heads_table *heads_of(const struct spy_heads *heads,
					const struct spy_hashtable *table)
{
	for (size_t i = 0; i < heads->count; i++)
		if (heads->tables[i].address == table->address)
			return &heads->tables[i];
	return NULL;
}

/* Begins to keep a table's heads; NULL when memory ran out. */
static struct spy_heads_table *keep_anew(struct spy_heads *heads, const struct spy_hashtable *table)
{
	struct spy_heads_table *found = heads_of(heads, table);

	if (!found) {
		void *grown = reallocarray(heads->tables, heads->count + 1, sizeof(*heads->tables));

		if (!grown)
			return NULL;
		heads->tables = grown;
		found = &heads->tables[heads->count++];
		*found = (struct spy_heads_table){ .address = table->address };
	}
	found->bucket_count = 0;
	return found;
}

int spy_hashtable_read(const struct spy_heap *heap, const struct spy_hashtable *table,
		       uint64_t deadline, struct spy_heads *heads, struct spy_hashed_list *ret,
		       struct pyspyc_error *err)
{
	struct walk walk = { .layout = heap->layout, .table = table, .ret = ret };

	if (heads) {
		walk.kept = keep_anew(heads, table);
		if (!walk.kept)
			return spy_nomem(err);
	}
	return read_lists(heap, &walk, deadline, err);
}

int spy_hashtable_read_new(const struct spy_heap *heap, const struct spy_hashtable *table,
			   uint64_t deadline, const struct spy_heads *heads,
			   struct spy_hashed_list *ret, struct pyspyc_error *err)
{
	struct walk walk = { .layout = heap->layout, .table = table, .ret = ret };
	const struct spy_heads_table *found = heads_of(heads, table);

	if (found && found->bucket_count == table->bucket_count)
		walk.known = found->items;
	return read_lists(heap, &walk, deadline, err);
}

void spy_heads_free(struct spy_heads *heads)
{
	for (size_t i = 0; i < heads->count; i++)
		free(heads->tables[i].items);
	free(heads->tables);
	*heads = (struct spy_heads){ 0 };
}

void spy_hashed_list_free(struct spy_hashed_list *list)
{
	free(list->items);
	*list = (struct spy_hashed_list){ 0 };
}
