#include "tui/tree_rows.h"

#include <stdlib.h>

/* --- sets of ids --- */

/* Ids beyond this are not remembered; nobody opens so many by hand. */
#define MOST_IDS ((size_t)1 << 18)

static size_t slot_of(const struct tui_ids *ids, uint64_t id)
{
	id ^= id >> 32;
	id *= 0xd6e8feb86659fd93u;
	return (size_t)(id ^ id >> 32) & (ids->capacity - 1);
}

/* 0 marks a free slot, so the id 0 goes by another name. */
static uint64_t name_of(uint64_t id)
{
	return id ? id : 0x9e3779b97f4a7c15u;
}

/* Where id is, or the free slot where it would be put. */
static size_t find(const struct tui_ids *ids, uint64_t id)
{
	size_t i = slot_of(ids, id);

	while (ids->slots[i] && ids->slots[i] != id)
		i = (i + 1) & (ids->capacity - 1);
	return i;
}

static bool ids_has(const struct tui_ids *ids, uint64_t id)
{
	return ids->count && ids->slots[find(ids, name_of(id))];
}

static int ids_grow(struct tui_ids *ids)
{
	struct tui_ids larger = { .capacity = ids->capacity ? 2 * ids->capacity : 64 };

	if (ids->count >= MOST_IDS)
		return -1;
	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -1;
	for (size_t i = 0; i < ids->capacity; i++)
		if (ids->slots[i])
			larger.slots[find(&larger, ids->slots[i])] = ids->slots[i];
	larger.count = ids->count;
	free(ids->slots);
	*ids = larger;
	return 0;
}

static int ids_add(struct tui_ids *ids, uint64_t id)
{
	size_t i;

	if (2 * ids->count >= ids->capacity && ids_grow(ids) < 0)
		return -1;
	i = find(ids, name_of(id));
	if (!ids->slots[i]) {
		ids->slots[i] = name_of(id);
		ids->count++;
	}
	return 0;
}

static void ids_remove(struct tui_ids *ids, uint64_t id)
{
	size_t mask = ids->capacity - 1, hole;

	if (!ids_has(ids, id))
		return;
	hole = find(ids, name_of(id));
	ids->count--;
	/* What was put further on because this slot was taken moves up. */
	for (size_t i = (hole + 1) & mask; ids->slots[i]; i = (i + 1) & mask) {
		size_t home = slot_of(ids, ids->slots[i]);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			ids->slots[hole] = ids->slots[i];
			hole = i;
		}
	}
	ids->slots[hole] = 0;
}

static void ids_free(struct tui_ids *ids)
{
	free(ids->slots);
	*ids = (struct tui_ids){ 0 };
}

/* --- the tree --- */

enum mark {
	MATCH = 1, /* by itself */
	BELOW = 2, /* something below matches */
};

static const struct pyspyc_branch *at(const struct tui_tree_rows *rows, size_t branch)
{
	return &rows->tree->branches[branch];
}

/* The branch after this one and all below it. */
static uint32_t next_of(const struct tui_tree_rows *rows, uint32_t branch)
{
	uint32_t size = at(rows, branch)->size, rest = (uint32_t)rows->tree->count - branch;

	return branch + (size > rest ? rest : size ? size : 1);
}

static bool is_leaf(const struct tui_tree_rows *rows, uint32_t branch)
{
	return next_of(rows, branch) == branch + 1;
}

/* Whether a branch is to be seen once its parent is open. */
static bool kept(const struct tui_tree_rows *rows, uint32_t branch)
{
	uint32_t parent = at(rows, branch)->parent;

	if (!rows->filtered || rows->marks[branch])
		return true;
	return parent < branch && !(rows->marks[parent] & BELOW);
}

bool tui_tree_rows_is_open(const struct tui_tree_rows *rows, uint32_t branch)
{
	uint64_t id = at(rows, branch)->id;

	if (is_leaf(rows, branch))
		return false;
	if (rows->filtered)
		return !!(rows->marks[branch] & BELOW) != ids_has(&rows->turned, id);
	return ids_has(&rows->open, id);
}

int tui_tree_rows_set(struct tui_tree_rows *rows, uint32_t branch, bool open)
{
	struct tui_ids *ids = rows->filtered ? &rows->turned : &rows->open;
	bool in = rows->filtered ? !!(rows->marks[branch] & BELOW) != open : open;

	if (in)
		return ids_add(ids, at(rows, branch)->id);
	ids_remove(ids, at(rows, branch)->id);
	return 0;
}

static int mark_all(struct tui_tree_rows *rows, bool (*matches)(void *context, size_t branch),
		    void *context)
{
	size_t count = rows->tree->count;

	if (count > rows->mark_capacity) {
		unsigned char *marks = realloc(rows->marks, count);

		if (!marks)
			return -1;
		rows->marks = marks;
		rows->mark_capacity = count;
	}
	for (size_t i = 0; i < count; i++)
		rows->marks[i] = matches(context, i) ? MATCH : 0;
	for (size_t i = count; i-- > 0;)
		if (rows->marks[i] && at(rows, i)->parent < i)
			rows->marks[at(rows, i)->parent] |= BELOW;
	return 0;
}

/* How many levels a new tree is opened by itself. */
#define BEGIN_LEVELS 16

/* Opens from branch down to where it forks. */
static void open_to_fork(struct tui_tree_rows *rows, uint32_t branch)
{
	for (int level = 0; level < BEGIN_LEVELS && !is_leaf(rows, branch); level++) {
		if (tui_tree_rows_set(rows, branch, true) < 0)
			return;
		if (next_of(rows, branch + 1) != next_of(rows, branch))
			return;
		branch++;
	}
}

static void open_new(struct tui_tree_rows *rows)
{
	for (uint32_t i = 0; i < rows->tree->count; i = next_of(rows, i)) {
		if (ids_has(&rows->seen, at(rows, i)->id))
			continue;
		if (ids_add(&rows->seen, at(rows, i)->id) < 0)
			return;
		if (i == 0 || at(rows, i)->place.kind == PYSPYC_ROW_PROCESS)
			open_to_fork(rows, i);
	}
}

static int push(struct tui_tree_rows *rows, uint32_t branch)
{
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity ? 2 * rows->capacity : 256;
		uint32_t *larger = realloc(rows->rows, capacity * sizeof(*larger));

		if (!larger)
			return -1;
		rows->rows = larger;
		rows->capacity = capacity;
	}
	rows->rows[rows->count++] = branch;
	return 0;
}

int tui_tree_rows_build(struct tui_tree_rows *rows, const struct pyspyc_tree *tree,
			bool (*matches)(void *context, size_t branch), void *context)
{
	uint32_t i = 0;

	rows->count = 0;
	rows->tree = tree;
	rows->filtered = matches != NULL;
	if (matches && mark_all(rows, matches, context) < 0) {
		rows->filtered = false;
		return -1;
	}
	if (!matches) {
		ids_free(&rows->turned);
		open_new(rows);
	}
	while (i < tree->count) {
		if (!kept(rows, i)) {
			i = next_of(rows, i);
			continue;
		}
		if (push(rows, i) < 0) {
			rows->count = 0;
			return -1;
		}
		i = tui_tree_rows_is_open(rows, i) ? i + 1 : next_of(rows, i);
	}
	return 0;
}

/* Deeper than this, nothing is opened by one key. */
#define LEVELS 256

/* How far below branch most branches reach, level by level: one level at least. */
static uint32_t levels_of(const struct tui_tree_rows *rows, uint32_t branch, size_t most)
{
	size_t levels[LEVELS + 1] = { 0 }, sum = 0;
	uint32_t depth = at(rows, branch)->depth, level = 1;

	for (uint32_t i = branch + 1; i < next_of(rows, branch); i++)
		if (at(rows, i)->depth - depth <= LEVELS)
			levels[at(rows, i)->depth - depth]++;
	sum = levels[1];
	while (level < LEVELS && sum + levels[level + 1] <= most)
		sum += levels[++level];
	return level;
}

bool tui_tree_rows_open_below(struct tui_tree_rows *rows, uint32_t branch, size_t most)
{
	uint32_t levels = levels_of(rows, branch, most), depth = at(rows, branch)->depth;
	bool ret = false;

	for (uint32_t i = branch; i < next_of(rows, branch); i++) {
		if (at(rows, i)->depth - depth >= levels || is_leaf(rows, i) ||
		    tui_tree_rows_is_open(rows, i))
			continue;
		if (tui_tree_rows_set(rows, i, true) < 0)
			return ret;
		ret = true;
	}
	return ret;
}

void tui_tree_rows_close_below(struct tui_tree_rows *rows, uint32_t branch)
{
	for (uint32_t i = branch + 1; i < next_of(rows, branch); i++)
		if (tui_tree_rows_is_open(rows, i))
			tui_tree_rows_set(rows, i, false);
}

static double total_of(const struct tui_tree_rows *rows, uint32_t branch, bool since_start)
{
	const struct pyspyc_amounts *amounts = &at(rows, branch)->amounts;

	return since_start ? amounts->total_s : amounts->total_now;
}

/* The largest of the branches that follow each other from first to before end. */
static uint32_t largest(const struct tui_tree_rows *rows, uint32_t first, uint32_t end,
			bool since_start)
{
	uint32_t ret = TUI_NO_BRANCH;

	for (uint32_t i = first; i < end; i = next_of(rows, i))
		if (kept(rows, i) &&
		    (ret == TUI_NO_BRANCH ||
		     total_of(rows, i, since_start) > total_of(rows, ret, since_start)))
			ret = i;
	return ret;
}

uint32_t tui_tree_rows_hottest(struct tui_tree_rows *rows, uint32_t branch, bool since_start)
{
	/* When nothing runs now, the past tells. */
	since_start = since_start || !(rows->tree->all.total_now > 0);
	if (branch == TUI_NO_BRANCH)
		branch = largest(rows, 0, (uint32_t)rows->tree->count, since_start);
	while (branch != TUI_NO_BRANCH) {
		const struct pyspyc_amounts *amounts = &at(rows, branch)->amounts;
		uint32_t child = largest(rows, branch + 1, next_of(rows, branch), since_start);

		if (child == TUI_NO_BRANCH ||
		    (since_start ? amounts->own_s : amounts->own_now) >
			    total_of(rows, child, since_start) ||
		    tui_tree_rows_set(rows, branch, true) < 0)
			break;
		branch = child;
	}
	return branch;
}

bool tui_tree_rows_find(const struct tui_tree_rows *rows, uint32_t branch, size_t *row)
{
	size_t low = 0, high = rows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows->rows[middle] < branch)
			low = middle + 1;
		else
			high = middle;
	}
	*row = low;
	return low < rows->count && rows->rows[low] == branch;
}

void tui_tree_rows_free(struct tui_tree_rows *rows)
{
	ids_free(&rows->open);
	ids_free(&rows->turned);
	ids_free(&rows->seen);
	free(rows->rows);
	free(rows->marks);
	*rows = (struct tui_tree_rows){ 0 };
}
