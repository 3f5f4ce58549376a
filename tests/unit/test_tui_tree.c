/* Which branches of a tree are shown: opening, closing, filters, the hottest way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/tree_rows.h"

#define MOST 64

/* A tree written as a list: depth, name, own and total seconds. */
struct sketch {
	uint32_t depth;
	const char *name;
	double own_s, total_s, own_now, total_now;
	enum pyspyc_row_kind kind;
};

struct fixture {
	struct pyspyc_branch branches[MOST];
	struct pyspyc_tree tree;
	struct tui_tree_rows rows;
	const char *wanted; /* what the filter looks for */
};

static void make(struct fixture *f, const struct sketch *sketch, size_t count)
{
	uint32_t last[MOST] = { 0 };

	assert_true(count <= MOST);
	memset(f->branches, 0, sizeof(f->branches));
	for (uint32_t i = 0; i < count; i++) {
		struct pyspyc_branch *branch = &f->branches[i];

		branch->depth = sketch[i].depth;
		branch->place.name = sketch[i].name;
		branch->place.kind = sketch[i].kind;
		branch->amounts = (struct pyspyc_amounts){
			.own_s = sketch[i].own_s,
			.total_s = sketch[i].total_s,
			.own_now = sketch[i].own_now,
			.total_now = sketch[i].total_now,
		};
		/* Ids are the names', so that they are the same in trees of another order. */
		branch->id = 0;
		for (const char *at = sketch[i].name; *at; at++)
			branch->id = branch->id * 131 + (unsigned char)*at;
		branch->parent = branch->depth ? last[branch->depth - 1] : UINT32_MAX;
		branch->size = 1;
		last[branch->depth] = i;
		for (uint32_t up = branch->parent; up != UINT32_MAX; up = f->branches[up].parent)
			f->branches[up].size++;
	}
	f->tree = (struct pyspyc_tree){ .branches = f->branches, .count = count };
	for (uint32_t i = 0; i < count; i++)
		if (!f->branches[i].depth) {
			f->tree.all.own_s += f->branches[i].amounts.total_s;
			f->tree.all.total_now += f->branches[i].amounts.total_now;
		}
}

#define MAKE(f, ...)                                                  \
	do {                                                          \
		const struct sketch sketch_[] = { __VA_ARGS__ };      \
		make(f, sketch_, sizeof(sketch_) / sizeof(*sketch_)); \
	} while (0)

static bool matches(void *context, size_t branch)
{
	struct fixture *f = context;

	return strstr(f->branches[branch].place.name, f->wanted) != NULL;
}

static void build(struct fixture *f)
{
	assert_int_equal(tui_tree_rows_build(&f->rows, &f->tree, f->wanted ? matches : NULL, f), 0);
}

/* The names of what is shown, in order. */
static const char *shown(struct fixture *f)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < f->rows.count; i++) {
		if (i)
			strncat(text, " ", sizeof(text) - strlen(text) - 1);
		strncat(text, f->branches[f->rows.rows[i]].place.name,
			sizeof(text) - strlen(text) - 1);
	}
	return text;
}

static uint32_t named(const struct fixture *f, const char *name)
{
	for (uint32_t i = 0; i < f->tree.count; i++)
		if (!strcmp(f->branches[i].place.name, name))
			return i;
	fail_msg("no branch %s", name);
	return 0;
}

static void set(struct fixture *f, const char *name, bool open)
{
	assert_int_equal(tui_tree_rows_set(&f->rows, named(f, name), open), 0);
	build(f);
}

/* main calls a (which calls aa and ab) and b (which calls ba, which calls baa). */
static void make_usual(struct fixture *f)
{
	MAKE(f, { 0, "module", 0, 10, 0, 1 }, { 1, "main", 1, 10, 0, 1 }, { 2, "a", 1, 6, 0, .3 },
	     { 3, "aa", 4, 4, .2, .2 }, { 3, "ab", 1, 1, .1, .1 }, { 2, "b", 0, 3, 0, .7 },
	     { 3, "ba", 1, 3, .2, .7 }, { 4, "baa", 2, 2, .5, .5 });
}

static void test_a_new_tree_is_open_down_to_the_fork(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	build(&f);
	assert_string_equal(shown(&f), "module main a b");
	/* What the user closed stays closed. */
	set(&f, "module", false);
	assert_string_equal(shown(&f), "module");
	build(&f);
	assert_string_equal(shown(&f), "module");
	tui_tree_rows_free(&f.rows);
}

static void test_only_the_first_root_and_processes_open(void **state)
{
	struct fixture f = { 0 };

	MAKE(&f, { 0, "first", 0, 5 }, { 1, "f1", 5, 5 }, { 0, "second", 0, 4 }, { 1, "s1", 4, 4 },
	     { 0, "process", 0, 3, .kind = PYSPYC_ROW_PROCESS },
	     { 1, "thread", 0, 2, .kind = PYSPYC_ROW_THREAD }, { 2, "run", 2, 2 },
	     { 1, "other", 0, 1, .kind = PYSPYC_ROW_THREAD }, { 2, "wait", 1, 1 });
	build(&f);
	assert_string_equal(shown(&f), "first f1 second process thread other");
	tui_tree_rows_free(&f.rows);
}

static void test_what_is_open_is_known_by_id(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	build(&f);
	set(&f, "b", true);
	assert_string_equal(shown(&f), "module main a b ba");
	/* b has overtaken a, and calls something more. */
	MAKE(&f, { 0, "module", 0, 20 }, { 1, "main", 1, 20 }, { 2, "b", 0, 13 },
	     { 3, "new", 9, 9 }, { 3, "ba", 1, 3 }, { 4, "baa", 2, 2 }, { 2, "a", 1, 6 },
	     { 3, "aa", 4, 4 });
	build(&f);
	assert_string_equal(shown(&f), "module main b new ba a");
	set(&f, "b", false);
	assert_string_equal(shown(&f), "module main b a");
	tui_tree_rows_free(&f.rows);
}

static void test_leaves_are_never_open(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	build(&f);
	set(&f, "a", true);
	set(&f, "aa", true);
	assert_false(tui_tree_rows_is_open(&f.rows, named(&f, "aa")));
	assert_true(tui_tree_rows_is_open(&f.rows, named(&f, "a")));
	tui_tree_rows_free(&f.rows);
}

static void test_a_filter_shows_matches_and_their_callers(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	build(&f);
	f.wanted = "baa";
	build(&f);
	assert_string_equal(shown(&f), "module main b ba baa");
	f.wanted = "b";
	build(&f);
	assert_string_equal(shown(&f), "module main a ab b ba baa");
	f.wanted = "main"; /* what it calls does not match, so it is closed */
	build(&f);
	assert_string_equal(shown(&f), "module main");
	set(&f, "main", true);
	assert_string_equal(shown(&f), "module main a b");
	set(&f, "b", true);
	assert_string_equal(shown(&f), "module main a b ba");
	set(&f, "module", false);
	assert_string_equal(shown(&f), "module");
	f.wanted = "nothing";
	build(&f);
	assert_string_equal(shown(&f), "");
	/* Without it, all is as it was, and no trace is left of what was opened under it. */
	f.wanted = NULL;
	build(&f);
	assert_string_equal(shown(&f), "module main a b");
	f.wanted = "main";
	build(&f);
	assert_string_equal(shown(&f), "module main");
	tui_tree_rows_free(&f.rows);
}

static void test_hottest(void **state)
{
	struct fixture f = { 0 };
	uint32_t branch;
	size_t row;

	make_usual(&f);
	build(&f);
	branch = tui_tree_rows_hottest(&f.rows, TUI_NO_BRANCH, true);
	assert_int_equal(branch, named(&f, "aa"));
	build(&f);
	assert_string_equal(shown(&f), "module main a aa ab b");
	assert_true(tui_tree_rows_find(&f.rows, branch, &row));
	assert_int_equal(row, 3);
	/* Now it is elsewhere: the order in the tree does not matter. */
	branch = tui_tree_rows_hottest(&f.rows, TUI_NO_BRANCH, false);
	assert_int_equal(branch, named(&f, "baa"));
	build(&f);
	assert_string_equal(shown(&f), "module main a aa ab b ba baa");
	/* From a branch on. */
	assert_int_equal(tui_tree_rows_hottest(&f.rows, named(&f, "a"), false), named(&f, "aa"));
	assert_int_equal(tui_tree_rows_hottest(&f.rows, named(&f, "aa"), false), named(&f, "aa"));
	tui_tree_rows_free(&f.rows);
}

static void test_the_hottest_may_call_others(void **state)
{
	struct fixture f = { 0 };

	/* work spends more itself than in what it calls. */
	MAKE(&f, { 0, "main", 0, 10, 0, 0 }, { 1, "work", 7, 10, 0, 0 },
	     { 2, "helper", 3, 3, 0, 0 });
	build(&f);
	/* Nothing runs now, so the past tells. */
	assert_int_equal(tui_tree_rows_hottest(&f.rows, TUI_NO_BRANCH, false), named(&f, "work"));
	f.tree.count = 0;
	build(&f);
	assert_int_equal(tui_tree_rows_hottest(&f.rows, TUI_NO_BRANCH, true), TUI_NO_BRANCH);
	tui_tree_rows_free(&f.rows);
}

static void test_the_hottest_under_a_filter_is_one_that_matches(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	f.wanted = "ba";
	build(&f);
	assert_int_equal(tui_tree_rows_hottest(&f.rows, TUI_NO_BRANCH, true), named(&f, "baa"));
	tui_tree_rows_free(&f.rows);
}

static void test_all_below(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	build(&f);
	assert_true(tui_tree_rows_open_below(&f.rows, named(&f, "main"), 100));
	build(&f);
	assert_string_equal(shown(&f), "module main a aa ab b ba baa");
	assert_false(tui_tree_rows_open_below(&f.rows, named(&f, "main"), 100));
	tui_tree_rows_close_below(&f.rows, named(&f, "main"));
	build(&f);
	assert_string_equal(shown(&f), "module main a b");
	/* As many levels as there is room for, one at least. */
	assert_true(tui_tree_rows_open_below(&f.rows, named(&f, "main"), 5));
	build(&f);
	assert_string_equal(shown(&f), "module main a aa ab b ba");
	set(&f, "main", false);
	tui_tree_rows_close_below(&f.rows, named(&f, "main"));
	assert_true(tui_tree_rows_open_below(&f.rows, named(&f, "main"), 0));
	build(&f);
	assert_string_equal(shown(&f), "module main a b");
	tui_tree_rows_free(&f.rows);
}

static void test_find_tells_what_is_not_shown(void **state)
{
	struct fixture f = { 0 };
	size_t row;

	make_usual(&f);
	build(&f);
	assert_true(tui_tree_rows_find(&f.rows, named(&f, "b"), &row));
	assert_int_equal(row, 3);
	assert_false(tui_tree_rows_find(&f.rows, named(&f, "baa"), &row));
	assert_false(tui_tree_rows_find(&f.rows, TUI_NO_BRANCH, &row));
	tui_tree_rows_free(&f.rows);
}

/* Sizes that do not fit are a fault elsewhere, but must not lead out of the tree. */
static void test_wrong_sizes(void **state)
{
	struct fixture f = { 0 };

	make_usual(&f);
	f.branches[2].size = 0;
	f.branches[5].size = UINT32_MAX;
	build(&f);
	assert_true(f.rows.count <= f.tree.count);
	for (uint32_t i = 0; i < f.tree.count; i++)
		assert_int_equal(tui_tree_rows_set(&f.rows, i, true), 0);
	build(&f);
	tui_tree_rows_open_below(&f.rows, 0, 1000);
	tui_tree_rows_hottest(&f.rows, TUI_NO_BRANCH, true);
	f.wanted = "a";
	build(&f);
	assert_true(f.rows.count <= f.tree.count);
	tui_tree_rows_free(&f.rows);
}

/* Opened and closed at random, it is as a plain array of flags has it. */
static void test_many_ids(void **state)
{
	enum { COUNT = 4000 };
	struct pyspyc_branch *branches = calloc(2 * COUNT, sizeof(*branches));
	struct pyspyc_tree tree = { .branches = branches, .count = (size_t)2 * COUNT };
	struct tui_tree_rows rows = { 0 };
	bool open[COUNT] = { false };
	unsigned int random = 1;
	size_t expected = COUNT;

	assert_non_null(branches);
	for (uint32_t i = 0; i < COUNT; i++) {
		branches[(size_t)2 * i] =
			(struct pyspyc_branch){ .id = i * 4096u, .parent = UINT32_MAX, .size = 2 };
		branches[2 * i + 1] = (struct pyspyc_branch){
			.id = i * 4096u + 1, .parent = 2 * i, .depth = 1, .size = 1
		};
	}
	assert_int_equal(tui_tree_rows_build(&rows, &tree, NULL, NULL), 0);
	open[0] = true;
	for (int turn = 0; turn < 40000; turn++) {
		uint32_t i = (random = random * 1103515245u + 12345u) / 65536 % COUNT;

		open[i] = !open[i];
		assert_int_equal(tui_tree_rows_set(&rows, 2 * i, open[i]), 0);
		assert_int_equal(tui_tree_rows_is_open(&rows, 2 * i), open[i]);
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(tui_tree_rows_is_open(&rows, (uint32_t)(2 * i)), open[i]);
		expected += open[i];
	}
	assert_int_equal(tui_tree_rows_build(&rows, &tree, NULL, NULL), 0);
	assert_int_equal(rows.count, expected);
	tui_tree_rows_free(&rows);
	free(branches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_tree_is_open_down_to_the_fork),
		cmocka_unit_test(test_only_the_first_root_and_processes_open),
		cmocka_unit_test(test_what_is_open_is_known_by_id),
		cmocka_unit_test(test_leaves_are_never_open),
		cmocka_unit_test(test_a_filter_shows_matches_and_their_callers),
		cmocka_unit_test(test_hottest),
		cmocka_unit_test(test_the_hottest_may_call_others),
		cmocka_unit_test(test_the_hottest_under_a_filter_is_one_that_matches),
		cmocka_unit_test(test_all_below),
		cmocka_unit_test(test_find_tells_what_is_not_shown),
		cmocka_unit_test(test_wrong_sizes),
		cmocka_unit_test(test_many_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
