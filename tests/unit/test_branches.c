/* The tree of calls, and filtered profiles. */
#include "live_profiles.h"

static const struct pyspyc_query whole = { .scope = PYSPYC_SCOPE_ACTIVE };

/* What every tree must be. */
static void check_shape(const struct pyspyc_tree *tree, bool since_start)
{
	uint32_t i, j;

	for (i = 0; i < tree->count; i++) {
		const struct pyspyc_branch *branch = &tree->branches[i];
		double own = branch->amounts.own_s, last = 1e300;
		uint32_t sum = 1;

		assert_true(branch->parent == UINT32_MAX || branch->parent < i);
		assert_int_equal(branch->depth, branch->parent == UINT32_MAX
						? 0 : tree->branches[branch->parent].depth + 1);
		assert_true(branch->size >= 1 && branch->size <= tree->count - i);
		for (j = i + 1; j < i + branch->size; j += tree->branches[j].size) {
			const struct pyspyc_amounts *amounts = &tree->branches[j].amounts;
			double key = since_start ? amounts->total_s : amounts->total_now;

			assert_int_equal(tree->branches[j].parent, i);
			assert_true(key <= last);
			last = key;
			own += amounts->total_s;
			sum += tree->branches[j].size;
		}
		assert_int_equal(sum, branch->size);
		check_figure(own, branch->amounts.total_s, "own and children");
	}
}

/* The branch by its names from the top on, "a/b/c"; NULL when there is none. */
static const struct pyspyc_branch *find_branch(const struct pyspyc_tree *tree, const char *path)
{
	uint32_t i = 0, end = (uint32_t)tree->count;

	while (i < end) {
		const char *name = tree->branches[i].place.name;
		size_t size = strlen(name);

		if (strncmp(path, name, size) != 0 || (path[size] && path[size] != '/')) {
			i += tree->branches[i].size;
			continue;
		}
		if (!path[size])
			return &tree->branches[i];
		path += size + 1;
		end = i + tree->branches[i].size;
		i++;
	}
	return NULL;
}

static const struct pyspyc_branch *need_branch(const struct pyspyc_tree *tree, const char *path)
{
	const struct pyspyc_branch *found = find_branch(tree, path);

	if (!found)
		fail_msg("no branch %s", path);
	return found;
}

static void test_lines_are_one(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t main1 = add_node(profile, 0, "main", OWN, 10, 9);
	uint32_t main2 = add_node(profile, 0, "main", OWN, 11, 9);
	struct pyspyc_tree tree;
	const struct pyspyc_branch *branch;

	book_active(profile, add_node(profile, main1, "f", OWN, 2, 1), 1 * SECOND);
	book_active(profile, add_node(profile, main2, "f", OWN, 3, 1), 2 * SECOND);
	book_active(profile, add_node(profile, main2, "g", OWN, 5, 4), 4 * SECOND);
	book_active(profile, main2, 8 * SECOND);
	tree = make_tree(profile, whole, true);
	check_shape(&tree, true);
	assert_int_equal(tree.count, 3);
	branch = need_branch(&tree, "main");
	check_since(&branch->amounts, 8, 15);
	assert_int_equal(branch->place.line, 9);
	assert_int_equal(branch->place.kind, PYSPYC_ROW_CODE);
	check_since(&need_branch(&tree, "main/f")->amounts, 3, 3);
	assert_string_equal(tree.branches[1].place.name, "g");
	check_since(&tree.all, 15, 15);
	pyspyc_tree_free(&tree);
	assert_null(tree.branches);
	pyspyc_tree_free(&tree);
	spy_profile_free(profile);
}

static void test_recursion_is_a_chain(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t node = 0, i;
	struct pyspyc_tree tree;

	for (i = 0; i < 20000; i++)
		node = add_node(profile, node, "f", OWN, (int)(i % 3), 1);
	book_active(profile, node, SECOND);
	tree = make_tree(profile, whole, true);
	assert_int_equal(tree.count, 20000);
	for (i = 0; i < tree.count; i++) {
		assert_int_equal(tree.branches[i].depth, i);
		check_since(&tree.branches[i].amounts, i + 1 == tree.count, 1);
		assert_true(!i || tree.branches[i].id != tree.branches[i - 1].id);
	}
	pyspyc_tree_free(&tree);
	spy_profile_free(profile);
}

static void test_order(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t f = add_node(profile, 0, "f", OWN, 1, 1), g = add_node(profile, 0, "g", OWN, 2, 2);
	uint32_t h = add_node(profile, 0, "h", OWN, 3, 3), i = add_node(profile, 0, "i", OWN, 4, 4);
	struct pyspyc_tree tree;

	book_active(profile, f, 5 * SECOND);
	book_active(profile, i, 7 * SECOND);
	spy_live_close_window(profile);
	book_active(profile, g, SECOND / 2);
	book_active(profile, h, SECOND / 4);
	spy_live_close_window(profile);
	tree = make_tree(profile, whole, true);
	check_shape(&tree, true);
	assert_string_equal(tree.branches[0].place.name, "i");
	assert_string_equal(tree.branches[1].place.name, "f");
	assert_string_equal(tree.branches[3].place.name, "h");
	pyspyc_tree_free(&tree);
	tree = make_tree(profile, whole, false);
	check_shape(&tree, false);
	assert_string_equal(tree.branches[0].place.name, "g");
	assert_string_equal(tree.branches[1].place.name, "h");
	assert_string_equal(tree.branches[2].place.name, "i"); /* more since the start */
	check_now(&tree.branches[0].amounts, .5, .5);
	pyspyc_tree_free(&tree);
	spy_profile_free(profile);
}

static struct pyspyc_profile *make_family(void)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t one = add_root(profile, 0, SPY_FRAME_PROCESS, 100, "one");
	uint32_t two = add_root(profile, 0, SPY_FRAME_PROCESS, 200, "two");
	uint32_t a = add_root(profile, one, SPY_FRAME_THREAD, 100, "MainThread");
	uint32_t b = add_root(profile, two, SPY_FRAME_THREAD, 200, "MainThread");
	uint32_t c = add_root(profile, two, SPY_FRAME_THREAD, 201, "worker");

	book_active(profile, add_node(profile, a, "f", OWN, 2, 1), 1 * SECOND);
	book_active(profile, add_node(profile, b, "f", OWN, 2, 1), 2 * SECOND);
	book_active(profile, add_node(profile, c, "f", OWN, 3, 1), 4 * SECOND);
	return profile;
}

static void test_processes_and_threads(void **state)
{
	struct pyspyc_profile *profile = make_family();
	struct pyspyc_query query = whole;
	const struct pyspyc_branch *branch;
	struct pyspyc_tree tree;

	tree = make_tree(profile, query, true);
	assert_int_equal(tree.count, 1);
	check_since(&tree.branches[0].amounts, 7, 7);
	assert_int_equal(tree.branches[0].place.pid, 0);
	pyspyc_tree_free(&tree);

	query.by_process = true;
	tree = make_tree(profile, query, true);
	check_shape(&tree, true);
	assert_int_equal(tree.count, 4);
	branch = need_branch(&tree, "two");
	check_since(&branch->amounts, 0, 6);
	assert_int_equal(branch->place.kind, PYSPYC_ROW_PROCESS);
	assert_int_equal(branch->place.origin, PYSPYC_ORIGIN_NONE);
	assert_int_equal(branch->place.pid, 200);
	assert_int_equal(branch->place.tid, 0);
	assert_int_equal(need_branch(&tree, "two/f")->place.pid, 200);
	pyspyc_tree_free(&tree);

	query.by_thread = true;
	tree = make_tree(profile, query, true);
	check_shape(&tree, true);
	assert_int_equal(tree.count, 8);
	branch = need_branch(&tree, "two/worker");
	assert_int_equal(branch->place.kind, PYSPYC_ROW_THREAD);
	assert_int_equal(branch->place.pid, 200);
	assert_int_equal(branch->place.tid, 201);
	assert_int_equal(need_branch(&tree, "two/worker/f")->place.tid, 201);
	check_since(&need_branch(&tree, "two/MainThread/f")->amounts, 2, 2);
	pyspyc_tree_free(&tree);

	query.by_process = false;
	tree = make_tree(profile, query, true);
	check_shape(&tree, true);
	assert_int_equal(tree.count, 6);
	assert_string_equal(tree.branches[0].place.name, "worker");
	assert_int_equal(tree.branches[0].place.pid, 200);
	query.tid = 201;
	pyspyc_tree_free(&tree);
	tree = make_tree(profile, query, true);
	assert_int_equal(tree.count, 2);
	check_since(&tree.all, 4, 4);
	query.by_process = true;
	pyspyc_tree_free(&tree);
	tree = make_tree(profile, query, true);
	assert_int_equal(tree.count, 3);
	check_since(&need_branch(&tree, "two")->amounts, 0, 4);
	pyspyc_tree_free(&tree);
	spy_profile_free(profile);
}

static void test_own_only(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t cut = add_other(profile, 0, SPY_FRAME_MARKER, "<truncated>");
	uint32_t boot = add_node(profile, cut, "_bootstrap", STDLIB, 1, 1);
	uint32_t f = add_node(profile, boot, "f", OWN, 2, 1);
	uint32_t load = add_node(profile, f, "load", STDLIB, 5, 4);
	uint32_t db = add_node(profile, load, "db", THIRD_PARTY, 7, 6);
	uint32_t hook = add_node(profile, db, "hook", OWN, 9, 8);
	struct pyspyc_query query = { .own_only = true };
	struct pyspyc_tree tree;

	book_active(profile, boot, 1 * SECOND);
	book_active(profile, f, 2 * SECOND);
	book_active(profile, db, 4 * SECOND);
	book_active(profile, hook, 8 * SECOND);
	tree = make_tree(profile, query, true);
	check_shape(&tree, true);
	assert_int_equal(tree.count, 4);
	check_since(&need_branch(&tree, "<truncated>/<library>")->amounts, 1, 1);
	check_since(&need_branch(&tree, "<truncated>/f")->amounts, 6, 14);
	check_since(&need_branch(&tree, "<truncated>/f/hook")->amounts, 8, 8);
	pyspyc_tree_free(&tree);
	query.own_only = false;
	tree = make_tree(profile, query, true);
	assert_int_equal(tree.count, 6);
	check_since(&need_branch(&tree, "<truncated>/_bootstrap/f/load/db")->amounts, 4, 12);
	pyspyc_tree_free(&tree);
	spy_profile_free(profile);
}

static uint64_t id_of(const struct pyspyc_profile *profile, struct pyspyc_query query,
		      const char *path)
{
	struct pyspyc_tree tree = make_tree(profile, query, false);
	uint64_t id = need_branch(&tree, path)->id;

	pyspyc_tree_free(&tree);
	return id;
}

static void test_ids_last(void **state)
{
	struct pyspyc_profile *profile = make_family();
	uint32_t process = spy_profile_find(profile, 0, profile->nodes[1].frame), i;
	struct pyspyc_query query = { .by_process = true, .by_thread = true };
	uint64_t worker = id_of(profile, query, "two/worker");
	uint64_t f = id_of(profile, query, "two/worker/f");
	uint64_t main = id_of(profile, query, "one/MainThread/f");

	assert_true(worker != f && f != main && worker != main);
	assert_true(id_of(profile, whole, "f") != f);
	/* More of everything, other lines too, another name for the thread, a window, a fold. */
	for (i = 0; i < 500; i++)
		book_active(profile, add_node(profile, process, "new", OWN, (int)i, (int)i), 1);
	book_active(profile, add_node(profile, 5, "f", OWN, 7, 1), SECOND);
	assert_int_equal(profile->frames[profile->nodes[5].frame].id, 201);
	spy_profile_rename_frame(profile, profile->nodes[5].frame,
				 spy_profile_string(profile, "thread 201 (busy)"),
				 spy_profile_string(profile, "busy"));
	spy_live_close_window(profile);
	profile->limits.nodes = 100;
	for (i = 6; i < 9; i++) /* heavy enough to stay */
		spy_profile_add(profile, i, UINT32_MAX, 0, 1000);
	spy_profile_make_room(profile);
	assert_int_equal(profile->generation, 1);
	assert_int_equal(id_of(profile, query, "two/busy"), worker);
	assert_int_equal(id_of(profile, query, "two/busy/f"), f);
	assert_int_equal(id_of(profile, query, "one/MainThread/f"), main);
	spy_live_reset(profile);
	assert_int_equal(id_of(profile, query, "two/busy/f"), f);
	spy_profile_free(profile);
}

static void test_nothing_booked(void **state)
{
	struct pyspyc_profile *profile = new_live();
	struct pyspyc_tree tree = make_tree(profile, whole, false);

	assert_int_equal(tree.count, 0);
	pyspyc_tree_free(&tree);
	add_node(profile, 0, "f", OWN, 1, 1);
	tree = make_tree(profile, whole, true);
	assert_int_equal(tree.count, 0);
	pyspyc_tree_free(&tree);
	spy_profile_free(profile);
}

/* --- filtered profiles --- */

static char *folded_of(const struct pyspyc_profile *profile, struct pyspyc_query query,
		       uint64_t period_ns)
{
	struct pyspyc_profile *made = NULL;
	char *text;

	assert_int_equal(spy_live_profile(profile, &query, period_ns, &made, NULL), 0);
	assert_int_equal(made->period_ns, period_ns);
	text = write_profile(made, "folded");
	pyspyc_profile_free(made);
	return text;
}

static void check_folded(const struct pyspyc_profile *profile, struct pyspyc_query query,
			 const char *wanted)
{
	char *text = folded_of(profile, query, SECOND);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_filtered_profile(void **state)
{
	struct pyspyc_profile *profile = make_family();
	struct pyspyc_query query = whole;

	book_active(profile, add_node(profile, 5, "load", STDLIB, 6, 5), 3 * SECOND);
	assert_int_equal(profile->frames[profile->nodes[5].frame].id, 201);
	query.tid = 200;
	check_folded(profile, query, "f (/home/me/app.py:2) 2\n");
	query.by_thread = true;
	check_folded(profile, query, "thread 200 (MainThread);f (/home/me/app.py:2) 2\n");
	query.by_process = true;
	check_folded(profile, query,
		     "process 200 \"two\";thread 200 (MainThread);f (/home/me/app.py:2) 2\n");
	query = (struct pyspyc_query){ .own_only = true, .pid = 200 };
	check_folded(profile, query,
		     "f (/home/me/app.py:2) 2\nf (/home/me/app.py:3) 4\n<library> 3\n");
	query = (struct pyspyc_query){ .scope = PYSPYC_SCOPE_GIL };
	check_folded(profile, query, "");
	spy_live_reset(profile);
	query = whole;
	check_folded(profile, query, "");
	spy_profile_free(profile);
}

/* What has no time makes no nodes, nor does library code that own code was called by. */
static void test_no_empty_nodes(void **state)
{
	struct pyspyc_profile *profile = new_live(), *made;
	uint32_t boot = add_node(profile, 0, "_bootstrap", STDLIB, 1, 1);
	const struct pyspyc_query query = { .own_only = true };

	book_active(profile, add_node(profile, boot, "f", OWN, 2, 1), SECOND);
	add_node(profile, boot, "g", OWN, 2, 1);
	assert_int_equal(spy_live_profile(profile, &query, SECOND, &made, NULL), 0);
	assert_int_equal(made->node_count, 2);
	pyspyc_profile_free(made);
	spy_profile_free(profile);
}

static void test_rests_are_not_lost(void **state)
{
	struct pyspyc_profile *profile = new_live(), *made;
	uint32_t i;

	profile->title = strdup("python app.py");
	profile->started_at = 12345;
	for (i = 0; i < 1000; i++) /* of a rate that was higher than it is now */
		book_active(profile, add_node(profile, 0, "f", OWN, (int)i, 1), SECOND / 10);
	assert_int_equal(spy_live_profile(profile, &whole, SECOND, &made, NULL), 0);
	assert_int_equal(pyspyc_profile_samples(made), 100);
	assert_string_equal(made->title, "python app.py");
	assert_int_equal(made->started_at, 12345);
	pyspyc_profile_free(made);
	assert_int_equal(spy_live_profile(profile, &whole, 0, &made, NULL), 0);
	assert_int_equal(pyspyc_profile_samples(made), 100 * SECOND);
	pyspyc_profile_free(made);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_one),
		cmocka_unit_test(test_recursion_is_a_chain),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_processes_and_threads),
		cmocka_unit_test(test_own_only),
		cmocka_unit_test(test_ids_last),
		cmocka_unit_test(test_nothing_booked),
		cmocka_unit_test(test_filtered_profile),
		cmocka_unit_test(test_no_empty_nodes),
		cmocka_unit_test(test_rests_are_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
