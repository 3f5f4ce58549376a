/* Tables and trees of made-up profiles, against a slow and plain way to make them. */
#include "live_profiles.h"

#define NODES 400

/* One line of what is expected or was given: a key, and own and total in order of spy_sums. */
struct entry {
	char key[160];
	uint64_t own[4], total[4];
};

struct entries {
	struct entry *items;
	size_t count;
};

/* A profile of some processes, threads, recursive calls and markers. */
static struct pyspyc_profile *make_random(uint32_t seed)
{
	static const char *const paths[] = { OWN, STDLIB, THIRD_PARTY };
	struct pyspyc_profile *profile = new_live();
	uint32_t roots[12], count = 0, i, j;

	roots[count++] = SPY_ROOT_NODE;
	for (i = 0; i < 3; i++) {
		uint32_t process = add_root(profile, 0, SPY_FRAME_PROCESS, (int32_t)i + 1, "p");

		for (j = 0; j < 3; j++)
			roots[count++] = add_root(profile, process, SPY_FRAME_THREAD,
						  (int32_t)(i * 10 + j + 10), "t");
	}
	while (profile->node_count < NODES) {
		uint32_t node = roots[random_below(&seed, count)], depth = random_below(&seed, 12);

		for (j = 0; j < depth; j++) {
			uint32_t name = random_below(&seed, 4);
			const char *path = paths[random_below(&seed, 3)];

			if (random_below(&seed, 15) == 0)
				node = add_other(profile, node, SPY_FRAME_MARKER, "<marker>");
			else
				node = add_node(profile, node, &"a\0b\0c\0d"[name * 2], path,
						(int)random_below(&seed, 3), (int)name);
		}
		for (j = SPY_LIVE_ALL; j <= SPY_LIVE_RELEASED; j++)
			if (random_below(&seed, 3))
				spy_live_add(profile, node, j, 1 + random_below(&seed, 1000));
		if (random_below(&seed, 50) == 0)
			spy_live_close_window(profile);
	}
	return profile;
}

static struct entry *entry_for(struct entries *entries, const char *key)
{
	size_t i;

	for (i = 0; i < entries->count; i++)
		if (strcmp(entries->items[i].key, key) == 0)
			return &entries->items[i];
	entries->items = realloc(entries->items, (entries->count + 1) * sizeof(*entries->items));
	assert_non_null(entries->items);
	entries->items[entries->count] = (struct entry){ 0 };
	snprintf(entries->items[entries->count].key, sizeof(entries->items[0].key), "%s", key);
	return &entries->items[entries->count++];
}

/* The frames from a node to the root, outermost first. */
static uint32_t path_of(const struct pyspyc_profile *profile, uint32_t node,
			const struct spy_frame **path)
{
	uint32_t count = 0, i;

	for (; node; node = profile->nodes[node].parent)
		path[count++] = &profile->frames[profile->nodes[node].frame];
	for (i = 0; i < count / 2; i++) {
		const struct spy_frame *frame = path[i];

		path[i] = path[count - 1 - i];
		path[count - 1 - i] = frame;
	}
	return count;
}

/* Adds what a node has to the rows of its stack: the last one's own, once to each one's total. */
static void add_stack(struct entries *entries, char (*keys)[160], uint32_t count,
		      const uint64_t *amounts)
{
	uint32_t i, j, k;

	for (i = 0; i < count; i++) {
		struct entry *entry = entry_for(entries, keys[i]);

		for (k = 0; i + 1 == count && k < 4; k++)
			entry->own[k] += amounts[k];
		for (j = 0; j < i && strcmp(keys[i], keys[j]) != 0; j++)
			;
		for (k = 0; j == i && k < 4; k++)
			entry->total[k] += amounts[k];
	}
}

static void take_amounts(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
			 uint32_t node, uint64_t *amounts)
{
	const uint64_t *values = spy_profile_values(profile, node);
	enum spy_live_value value = query->scope == PYSPYC_SCOPE_ALL	? SPY_LIVE_ALL
				    : query->scope == PYSPYC_SCOPE_GIL ? SPY_LIVE_GIL
								       : SPY_LIVE_ACTIVE;

	amounts[0] = values[spy_live_at(value, SPY_LIVE_WINDOW)];
	amounts[1] = values[spy_live_at(value, SPY_LIVE_SINCE)];
	amounts[2] = values[spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE)];
	amounts[3] = values[spy_live_at(SPY_LIVE_RELEASED, SPY_LIVE_SINCE)];
}

enum { FUNCTIONS, LINES, TREE };

/* The rows of a stack as texts, outermost first, in a tree with all of their callers. */
static uint32_t rows_of(const struct pyspyc_profile *profile, uint32_t node,
			const struct pyspyc_query *query, int what, char (*keys)[160], bool *taken)
{
	const struct spy_frame *path[64];
	int32_t pid = 0, tid = 0;
	bool code = false, library = false, by_pid = query->by_process || query->by_thread;
	uint32_t count = path_of(profile, node, path), rows = 0, i;

	for (i = 0; i < count; i++) {
		const struct spy_frame *frame = path[i];
		bool thread = frame->kind == SPY_FRAME_THREAD;

		if (thread || frame->kind == SPY_FRAME_PROCESS) {
			*(thread ? &tid : &pid) = frame->id;
			if (what == TREE && (thread ? query->by_thread : query->by_process))
				snprintf(keys[rows++], 160, "root %d %d", (int)pid, (int)tid);
			continue;
		}
		library = false;
		if (frame->kind == SPY_FRAME_PYTHON && query->own_only &&
		    frame->origin != SPY_ORIGIN_OWN) {
			library = !code;
			continue;
		}
		code |= frame->kind == SPY_FRAME_PYTHON;
		snprintf(keys[rows++], 160, "%d %d %s %s %d", by_pid ? pid : 0,
			 query->by_thread ? tid : 0, spy_profile_text(profile, frame->name),
			 frame->kind == SPY_FRAME_PYTHON ? spy_profile_text(profile, frame->path)
							 : "",
			 what == LINES ? frame->line : frame->first_line);
	}
	if (library)
		snprintf(keys[rows++], 160, "%d %d <library>  0", by_pid ? pid : 0,
			 query->by_thread ? tid : 0);
	*taken = (!query->pid || query->pid == pid) && (!query->tid || query->tid == tid);
	return rows;
}

/* In a tree a row is known by all of its callers: their texts' hash is part of the key. */
static void chain(char (*keys)[160], uint32_t count)
{
	uint64_t hash = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		size_t size = strlen(keys[i]);

		hash = spy_hash(keys[i], size, hash);
		snprintf(keys[i] + size, 160 - size, " %016llx", (unsigned long long)hash);
	}
}

static struct entries expect(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
			     int what)
{
	char keys[64][160];
	struct entries entries = { 0 };
	uint64_t amounts[4];
	uint32_t node, rows;
	bool taken;

	for (node = 1; node < profile->node_count; node++) {
		rows = rows_of(profile, node, query, what, keys, &taken);
		take_amounts(profile, query, node, amounts);
		if (what == TREE)
			chain(keys, rows);
		if (taken && (amounts[0] | amounts[1] | amounts[2] | amounts[3]))
			add_stack(&entries, keys, rows, amounts);
	}
	return entries;
}

static void compare(struct entries *wanted, const char *key, const struct pyspyc_amounts *amounts)
{
	size_t before = wanted->count;
	struct entry *entry = entry_for(wanted, key);

	if (wanted->count != before)
		fail_msg("not expected: %s", key);
	check_now(amounts, (double)entry->own[0] / SECOND, (double)entry->total[0] / SECOND);
	check_since(amounts, (double)entry->own[1] / SECOND, (double)entry->total[1] / SECOND);
	assert_int_equal(amounts->grown, entry->own[2]);
	assert_int_equal(amounts->grown_total, entry->total[2]);
	assert_int_equal(amounts->released, entry->own[3]);
	assert_int_equal(amounts->released_total, entry->total[3]);
}

static void put_key(const struct pyspyc_place *place, char *key)
{
	if (place->kind == PYSPYC_ROW_PROCESS || place->kind == PYSPYC_ROW_THREAD)
		snprintf(key, 160, "root %d %d", (int)place->pid, (int)place->tid);
	else
		snprintf(key, 160, "%d %d %s %s %d", (int)place->pid, (int)place->tid, place->name,
			 place->path, place->line);
}

static void check_tables(const struct pyspyc_profile *profile, const struct pyspyc_query *query)
{
	char key[160];
	int what;
	size_t i;

	for (what = FUNCTIONS; what <= LINES; what++) {
		struct entries wanted = expect(profile, query, what);
		struct pyspyc_table table = make_table(profile, what == LINES ? PYSPYC_TABLE_LINES
							: PYSPYC_TABLE_FUNCTIONS, *query);

		assert_int_equal(table.count, wanted.count);
		for (i = 0; i < table.count; i++) {
			put_key(&table.rows[i].place, key);
			compare(&wanted, key, &table.rows[i].amounts);
		}
		pyspyc_table_free(&table);
		free(wanted.items);
	}
}

static void check_tree(const struct pyspyc_profile *profile, const struct pyspyc_query *query)
{
	struct entries wanted = expect(profile, query, TREE);
	struct pyspyc_tree tree = make_tree(profile, *query, true);
	size_t i;

	assert_int_equal(tree.count, wanted.count);
	for (i = 0; i < tree.count; i++) {
		char keys[64][160];
		uint32_t depth = tree.branches[i].depth, at = (uint32_t)i;

		for (; at != UINT32_MAX; at = tree.branches[at].parent)
			put_key(&tree.branches[at].place, keys[tree.branches[at].depth]);
		chain(keys, depth + 1);
		compare(&wanted, keys[depth], &tree.branches[i].amounts);
	}
	pyspyc_tree_free(&tree);
	free(wanted.items);
}

/* All queries there are, on some profiles. */
static void test_random(void **state)
{
	uint32_t seed, i;

	for (seed = 1; seed <= 4; seed++) {
		struct pyspyc_profile *profile = make_random(seed);

		for (i = 0; i < 3 * 8 * 4; i++) {
			struct pyspyc_query query = {
				.scope = i % 3,
				.own_only = i / 3 & 1,
				.by_thread = i / 6 & 1,
				.by_process = i / 12 & 1,
				.pid = i / 24 & 1 ? 2 : 0,
				.tid = i / 48 & 1 ? 21 : 0,
			};

			check_tables(profile, &query);
			check_tree(profile, &query);
		}
		spy_profile_free(profile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
