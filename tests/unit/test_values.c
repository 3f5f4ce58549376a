/* Columns of nodes: kept only when asked for, right whatever is folded. */
#include "live_profiles.h"

static void test_no_values_unless_asked_for(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t node = add_node(profile, 0, "f", "a.py", 1, 1);

	assert_int_equal(node, 1);
	assert_null(profile->values);
	assert_int_equal(profile->value_capacity, 0);
	assert_false(spy_profile_set_values(profile, 2)); /* too late */
	assert_null(profile->values);
	spy_profile_free(profile);
}

static void test_values_of_each_node(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t i, j, node = 0;

	assert_false(spy_profile_set_values(profile, 0));
	assert_false(spy_profile_set_values(profile, 1000000));
	assert_true(spy_profile_set_values(profile, 5));
	assert_true(spy_profile_set_values(profile, 3)); /* still empty */
	spy_profile_values(profile, 0)[2] = 77;
	for (i = 0; i < 5000; i++) {
		node = spy_profile_child(profile, node, add_frame(profile, "f", "a.py", (int)i, 1));
		for (j = 0; j < 3; j++) {
			assert_int_equal(spy_profile_values(profile, node)[j], 0);
			spy_profile_values(profile, node)[j] = (uint64_t)node * 10 + j;
		}
	}
	assert_int_equal(spy_profile_values(profile, 0)[2], 77);
	for (i = 1; i < 5000; i++)
		for (j = 0; j < 3; j++)
			assert_int_equal(spy_profile_values(profile, i)[j], (uint64_t)i * 10 + j);
	spy_profile_free(profile);
}

/* A tree with branches that weigh all kinds of amounts. */
static void grow(struct pyspyc_profile *profile, uint32_t count)
{
	uint32_t state = 7, node = 0, i, j;

	for (i = 0; i < count; i++) {
		uint32_t depth = 1 + random_below(&state, 12);

		for (j = 0, node = 0; j < depth; j++)
			node = spy_profile_child(profile, node,
						 add_frame(profile, "f", "a.py",
							   (int)random_below(&state, 6), (int)j));
		spy_profile_add(profile, node, UINT32_MAX, 0, 1 + random_below(&state, 3));
		for (j = 0; j < profile->value_count; j++)
			spy_profile_values(profile, node)[j] += random_below(&state, 1000);
	}
}

/* What nodes hold in sum, in a column, below each child of the root. */
static uint64_t sum_below(const struct pyspyc_profile *profile, uint32_t top, uint32_t column)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < profile->node_count; i++) {
		uint32_t node = i;

		while (node && node != top)
			node = profile->nodes[node].parent;
		if (node == top)
			sum += spy_profile_values(profile, i)[column];
	}
	return sum;
}

static void test_folding_keeps_sums(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint64_t before[4][7];
	uint32_t tops[7], i, j, nodes;

	assert_true(spy_profile_set_values(profile, 4));
	grow(profile, 3000);
	nodes = profile->node_count;
	for (i = 0; i < 6; i++)
		tops[i] = spy_profile_find(profile, 0, add_frame(profile, "f", "a.py", (int)i, 0));
	tops[6] = SPY_ROOT_NODE;
	for (j = 0; j < 4; j++)
		for (i = 0; i < 7; i++)
			before[j][i] = sum_below(profile, tops[i], j);
	profile->limits.nodes = 400;
	spy_profile_make_room(profile);
	assert_true(profile->node_count <= 300);
	assert_true(profile->node_count < nodes);
	for (i = 0; i < 6; i++)
		tops[i] = spy_profile_find(profile, 0, add_frame(profile, "f", "a.py", (int)i, 0));
	for (j = 0; j < 4; j++)
		for (i = 0; i < 7; i++)
			assert_int_equal(before[j][i], sum_below(profile, tops[i], j));
	/* New nodes go on from there, with nothing booked. */
	for (i = 0; i < 1000; i++) {
		uint32_t node = add_node(profile, 0, "later", "b.py", (int)i, 1);

		for (j = 0; j < 4; j++)
			assert_int_equal(spy_profile_values(profile, node)[j], 0);
	}
	for (j = 0; j < 4; j++)
		assert_int_equal(before[j][6], sum_below(profile, SPY_ROOT_NODE, j));
	spy_profile_free(profile);
}

static void test_folding_again_and_again(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint64_t sum = 0;
	uint32_t i;

	profile->limits.nodes = 50;
	assert_true(spy_profile_set_values(profile, 1));
	for (i = 0; i < 5000; i++) {
		uint32_t node = add_node(profile, 0, "f", "a.py", (int)(i % 97), 1);

		node = add_node(profile, node, "g", "a.py", (int)(i % 89), 1);
		spy_profile_add(profile, node, UINT32_MAX, 0, 1);
		spy_profile_values(profile, node)[0] += i;
		sum += i;
		spy_profile_make_room(profile);
	}
	assert_int_equal(sum_below(profile, SPY_ROOT_NODE, 0), sum);
	spy_profile_free(profile);
}

static uint64_t value(const struct pyspyc_profile *profile, uint32_t node, enum spy_live_value what,
		      enum spy_live_column column)
{
	return spy_profile_values(profile, node)[spy_live_at(what, column)];
}

static void test_columns_do_not_overlap(void **state)
{
	bool taken[SPY_LIVE_COLUMNS] = { false };
	unsigned i, j;

	for (i = SPY_LIVE_ALL; i <= SPY_LIVE_USAGE; i++)
		for (j = 0; j < (i < SPY_LIVE_TIMES ? SPY_LIVE_COLUMNS_OF_TIME : 1); j++) {
			unsigned at = spy_live_at(i, j);

			assert_true(at < SPY_LIVE_COLUMNS && !taken[at]);
			taken[at] = true;
		}
	for (i = 0; i < SPY_LIVE_COLUMNS; i++)
		assert_true(taken[i]);
}

static void test_windows(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t node = add_node(profile, 0, "f", "a.py", 1, 1);

	spy_live_add(profile, node, SPY_LIVE_GIL, 5);
	spy_live_add(profile, node, SPY_LIVE_GROWN, 4096);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_SINCE), 5);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_WINDOW), 0);
	spy_live_close_window(profile);
	spy_live_add(profile, node, SPY_LIVE_GIL, 7);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_SINCE), 12);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_WINDOW), 5);
	spy_live_reset(profile);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_SINCE), 0);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_WINDOW), 5);
	assert_int_equal(value(profile, node, SPY_LIVE_GROWN, SPY_LIVE_SINCE), 0);
	spy_live_close_window(profile);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_WINDOW), 7);
	spy_live_close_window(profile);
	assert_int_equal(value(profile, node, SPY_LIVE_GIL, SPY_LIVE_WINDOW), 0);
	assert_int_equal(value(profile, node, SPY_LIVE_ALL, SPY_LIVE_SINCE), 0);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_values_unless_asked_for),
		cmocka_unit_test(test_values_of_each_node),
		cmocka_unit_test(test_folding_keeps_sums),
		cmocka_unit_test(test_folding_again_and_again),
		cmocka_unit_test(test_columns_do_not_overlap),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
