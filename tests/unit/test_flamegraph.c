#include "profiles.h"

#include "sink/flamegraph.h"
#include "texts.h"

static void make_tree(struct pyspyc_profile *profile, size_t most, size_t bytes,
		      struct spy_flame_tree *tree)
{
	assert_int_equal(spy_flame_tree_make(profile, most, bytes, tree, NULL), 0);
}

/* Siblings stand by samples, a function's lines side by side. */
static void test_order(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t a = add_node(profile, 0, "a", "a.py", 1, 1);
	uint32_t f1 = add_node(profile, a, "f", "a.py", 11, 10);
	uint32_t g = add_node(profile, a, "g", "a.py", 21, 20);
	uint32_t f2 = add_node(profile, a, "f", "a.py", 12, 10);
	uint32_t wanted[] = { 0, a, f2, f1, g }, i;
	uint64_t starts[] = { 0, 0, 0, 30, 50 };
	struct spy_flame_tree tree;

	spy_profile_add(profile, a, 0, 0, 5);
	spy_profile_add(profile, f1, 0, 0, 20);
	spy_profile_add(profile, g, 0, 0, 40);
	spy_profile_add(profile, f2, 0, 0, 30);
	make_tree(profile, 100, 10000, &tree);
	assert_int_equal(tree.count, 5);
	assert_int_equal(tree.depth, 3);
	for (i = 0; i < tree.count; i++) {
		assert_int_equal(tree.nodes[i].node, wanted[i]);
		assert_int_equal(tree.nodes[i].start, starts[i]);
	}
	assert_int_equal(tree.nodes[1].total, 95);
	assert_int_equal(tree.nodes[1].self, 5);
	assert_int_equal(tree.left_out, 0);
	assert_int_equal(tree.origins[SPY_ORIGIN_OWN], 95);
	spy_flame_tree_free(&tree);
	spy_profile_free(profile);
}

/* What does not fit is counted, and no frame is there without those that called it. */
static void test_widest_are_chosen(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t a, i, j;
	struct spy_flame_tree tree;
	uint64_t self = 0;

	for (i = 1; i <= 50; i++) {
		a = add_node(profile, 0, "a", "a.py", (int)i, 1);
		for (j = 0; j < 50; j++)
			spy_profile_add(profile, add_node(profile, a, "b", "a.py", (int)j, 1), 0, 0,
					i * 7919 % 50 + j + 1);
	}
	for (i = 0; i < 2000; i += 99) {
		make_tree(profile, i, 10000, &tree);
		assert_int_equal(tree.count, i + 1);
		assert_int_equal(tree.left_out, 50 + 2500 - i);
		for (j = 1, self = 0; j < tree.count; j++) {
			const struct spy_flame_node *node = &tree.nodes[j];
			const struct spy_flame_node *parent = &tree.nodes[node->parent];

			assert_true(node->parent < j);
			assert_int_equal(parent->node, profile->nodes[node->node].parent);
			assert_int_equal(node->depth, parent->depth + 1);
			assert_true(node->start >= parent->start);
			assert_true(node->start + node->total <= parent->start + parent->total);
			self += node->self;
		}
		assert_int_equal(tree.left_out_samples + self, profile->samples);
		spy_flame_tree_free(&tree);
	}
	spy_profile_free(profile);
}

/* Of frames of one width, the callers come first. */
static void test_deep(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	struct spy_flame_tree tree;
	uint32_t node = 0, i;

	for (i = 0; i < 30000; i++)
		node = add_node(profile, node, "f", "a.py", 1, 1);
	spy_profile_add(profile, node, 0, 0, 3);
	make_tree(profile, 20000, 10000, &tree);
	assert_int_equal(tree.count, 20001);
	assert_int_equal(tree.depth, 20001);
	assert_int_equal(tree.nodes[20000].node, 20000);
	assert_int_equal(tree.left_out, 10000);
	assert_int_equal(tree.left_out_samples, 3);
	spy_flame_tree_free(&tree);
	spy_profile_free(profile);
}

static void test_names_are_bounded(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	struct spy_flame_tree tree;
	char name[1000];
	uint32_t i, longest = 0;

	for (i = 0; i < 100; i++) {
		memset(name, 'x', sizeof(name));
		snprintf(name + 400, sizeof(name) - 400, "%500u", i);
		spy_profile_add(profile, add_node(profile, 0, name, "a.py", 1, 1), 0, 0, 100 - i);
	}
	make_tree(profile, 1000, 10 * SPY_FLAME_NAME_LENGTH, &tree);
	assert_int_equal(tree.count, 10);
	assert_int_equal(tree.left_out, 91);
	for (i = 0; i < tree.text_count; i++)
		if (tree.texts[i] && strlen(tree.texts[i]) > longest)
			longest = (uint32_t)strlen(tree.texts[i]);
	assert_int_equal(longest, SPY_FLAME_NAME_LENGTH - 1 + strlen("…"));
	spy_flame_tree_free(&tree);
	spy_profile_free(profile);
}

/* Markup in names stays text: the file has the elements that it always has. */
static void test_hostile(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	uint32_t node = add_node(profile, 0, "<script>alert(1)</script>", "]]>\"onload=", 1, 1);
	char *text;

	node = add_other(profile, node, SPY_FRAME_THREAD,
			 "thread <img src=x onerror=alert(1)>\x1b");
	profile->title = strdup("</title><script>\xe2\x80\xae");
	profile->summary = strdup("\x01<b>&");
	spy_profile_add(profile, node, 0, 0, 1);
	text = write_profile(profile, "flamegraph");
	assert_int_equal(count_in(text, "<script"), 2);
	assert_int_equal(count_in(text, "</script>"), 2);
	assert_int_equal(count_in(text, "<![CDATA["), 2);
	assert_int_equal(count_in(text, "]]>"), 2);
	assert_int_equal(count_in(text, "<img"), 0);
	assert_int_equal(count_in(text, "\"onload="), 0);
	assert_int_equal(count_in(text, "\x1b"), 0);
	assert_int_equal(count_in(text, "\x01"), 0);
	assert_int_equal(count_in(text, "\xe2\x80\xae"), 0);
	assert_true(count_in(text, "&lt;script&gt;alert(1)&lt;/script&gt;") >= 2);
	assert_int_equal(count_in(text, "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"), 1);
	assert_true(count_in(text, "http") == 2); /* two names of XML vocabularies, no address */
	free(text);
	spy_profile_free(profile);
}

static void test_empty(void **state)
{
	struct pyspyc_profile *profile = spy_profile_new(false);
	char *text;

	profile->title = strdup("sleepy.py");
	profile->summary = strdup("0 samples, 100 moments");
	text = write_profile(profile, "flamegraph");
	assert_non_null(strstr(text, ">No samples<"));
	assert_non_null(strstr(text, ">sleepy.py<"));
	assert_non_null(strstr(text, ">0 samples, 100 moments<"));
	assert_null(strstr(text, "nan"));
	free(text);
	free(profile->title);
	profile->title = NULL;
	free(profile->summary);
	profile->summary = NULL;
	text = write_profile(profile, "flamegraph");
	assert_non_null(strstr(text, ">No samples<"));
	free(text);
	spy_profile_free(profile);
}

static void test_numbers(void **state)
{
	static const struct {
		uint64_t part, whole;
		const char *wanted;
	} shares[] = {
		{ 0, 0, "0.0 %" },   { 0, 9, "0.0 %" },	       { 1, 3, "33.3 %" },
		{ 9, 9, "100.0 %" }, { 1, 1000000, "<0.1 %" }, { 999999, 1000000, ">99.9 %" },
	};
	struct spy_buffer buffer = { 0 };
	size_t i;

	spy_flame_number(&buffer, 0);
	spy_flame_number(&buffer, 999);
	spy_flame_number(&buffer, 1000);
	spy_flame_number(&buffer, 18446744073709551615u);
	assert_string_equal(buffer.data, "09991,00018,446,744,073,709,551,615");
	for (i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		spy_buffer_clear(&buffer);
		spy_flame_share(&buffer, shares[i].part, shares[i].whole);
		assert_string_equal(buffer.data, shares[i].wanted);
	}
	spy_buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	cmocka_unit_test(test_widest_are_chosen),
		cmocka_unit_test(test_deep),	cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
