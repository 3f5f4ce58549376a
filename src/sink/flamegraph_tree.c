#include "sink/flamegraph_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/escape.h"

/* Nodes chosen from a profile: while choosing, a heap with the narrowest on top. */
struct choice {
	const struct pyspyc_profile *profile;
	const uint64_t *totals; /* of the profile's nodes */
	uint32_t *nodes;
	size_t count;
};

/*
 * The order in which nodes deserve to be drawn: by samples, then by number. A parent has at
 * least as many samples as its children and a smaller number, so it always comes first.
 */
static bool wider(const uint64_t *totals, uint32_t a, uint32_t b)
{
	return totals[a] != totals[b] ? totals[a] > totals[b] : a < b;
}

static void sink_down(struct choice *choice, size_t place)
{
	uint32_t node = choice->nodes[place];
	size_t child;

	for (; (child = place * 2 + 1) < choice->count; place = child) {
		if (child + 1 < choice->count &&
		    wider(choice->totals, choice->nodes[child], choice->nodes[child + 1]))
			child++;
		if (wider(choice->totals, choice->nodes[child], node))
			break;
		choice->nodes[place] = choice->nodes[child];
	}
	choice->nodes[place] = node;
}

static int compare_width(const void *a, const void *b, void *totals)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return wider(totals, left, right) ? -1 : left != right;
}

/* The `most` widest nodes below the root, widest first. */
static int choose_widest(struct choice *choice, size_t most)
{
	const struct pyspyc_profile *profile = choice->profile;
	size_t place;
	uint32_t i;

	choice->nodes = calloc(most + 1, sizeof(*choice->nodes));
	if (!choice->nodes)
		return -PYSPYC_ENOMEM;
	for (i = 1; i < profile->node_count; i++) {
		if (!choice->totals[i])
			continue;
		if (choice->count < most) {
			choice->nodes[choice->count++] = i;
			if (choice->count == most)
				for (place = most / 2; place--;)
					sink_down(choice, place);
		} else if (most && wider(choice->totals, i, choice->nodes[0])) {
			choice->nodes[0] = i;
			sink_down(choice, 0);
		}
	}
	qsort_r(choice->nodes, choice->count, sizeof(*choice->nodes), compare_width,
		(void *)(uintptr_t)choice->totals);
	return 0;
}

/* Drops the narrowest until the names of the others fit into bytes. */
static int limit_names(struct choice *choice, size_t bytes)
{
	const struct pyspyc_profile *profile = choice->profile;
	spy_autofree bool *seen = calloc((size_t)profile->strings.count + 1, sizeof(*seen));
	size_t used = 0, i, j;

	if (!seen)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < choice->count; i++) {
		const struct spy_frame *frame =
			&profile->frames[profile->nodes[choice->nodes[i]].frame];
		uint32_t strings[] = { frame->name, frame->file };

		for (j = 0; j < (frame->kind == SPY_FRAME_PYTHON ? 2 : 1); j++) {
			if (seen[strings[j]])
				continue;
			seen[strings[j]] = true;
			used += strnlen(spy_profile_text(profile, strings[j]),
					(size_t)SPY_FLAME_NAME_LENGTH);
		}
		if (used > bytes)
			break;
	}
	choice->count = i;
	return 0;
}

/* A chosen node among its siblings. */
struct sibling {
	uint32_t place;	 /* in the choice, from 1; 0 is the root */
	uint32_t parent; /* likewise */
	uint64_t total;
	uint64_t function; /* the same for all lines of a function */
	uint64_t together; /* samples of these lines below this parent */
};

static int compare_function(const void *a, const void *b)
{
	const struct sibling *left = a, *right = b;

	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	if (left->function != right->function)
		return left->function < right->function ? -1 : 1;
	return 0;
}

static int compare_sibling(const void *a, const void *b)
{
	const struct sibling *left = a, *right = b;

	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	if (left->together != right->together)
		return left->together > right->together ? -1 : 1;
	if (left->function != right->function)
		return left->function < right->function ? -1 : 1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	return left->place < right->place ? -1 : 1;
}

/* Fills in and sorts the siblings of choice, which stand one behind the other then. */
static int sort_siblings(const struct choice *choice, struct sibling *siblings)
{
	const struct pyspyc_profile *profile = choice->profile;
	struct spy_map places = { 0 };
	size_t i, j, k;

	for (i = 0; i < choice->count; i++) {
		uint64_t *slot = spy_map_insert(&places, choice->nodes[i], NULL);

		if (!slot) {
			spy_map_free(&places);
			return -PYSPYC_ENOMEM;
		}
		*slot = i + 1;
	}
	for (i = 0; i < choice->count; i++) {
		const struct spy_node *node = &profile->nodes[choice->nodes[i]];
		const struct spy_frame *frame = &profile->frames[node->frame];
		const uint64_t *parent = spy_map_find(&places, node->parent);
		uint32_t function[] = { frame->name, frame->path, (uint32_t)frame->first_line };

		siblings[i] = (struct sibling){
			.place = (uint32_t)i + 1,
			.parent = parent ? (uint32_t)*parent : 0,
			.total = choice->totals[choice->nodes[i]],
			.function = spy_hash(function, sizeof(function), 0),
		};
	}
	spy_map_free(&places);
	qsort(siblings, choice->count, sizeof(*siblings), compare_function);
	for (i = 0; i < choice->count; i = j) {
		uint64_t together = 0;

		for (j = i; j < choice->count && !compare_function(&siblings[i], &siblings[j]); j++)
			together += siblings[j].total;
		for (k = i; k < j; k++)
			siblings[k].together = together;
	}
	qsort(siblings, choice->count, sizeof(*siblings), compare_sibling);
	return 0;
}

/* The tree in its final order: depth first, without recursion, as stacks can be deep. */
static int lay_out(const struct choice *choice, const struct sibling *siblings,
		   struct spy_flame_tree *tree)
{
	const struct pyspyc_profile *profile = choice->profile;
	size_t count = choice->count, i;
	spy_autofree size_t *next = calloc(count + 2, sizeof(*next));	  /* sibling to visit */
	spy_autofree size_t *last = calloc(count + 2, sizeof(*last));	  /* and where they end */
	spy_autofree uint32_t *owner = calloc(count + 2, sizeof(*owner)); /* tree node → place */
	struct spy_flame_node *nodes = calloc(count + 1, sizeof(*nodes));
	uint32_t at = 0;

	tree->nodes = nodes;
	if (!next || !last || !owner || !nodes)
		return -PYSPYC_ENOMEM;
	for (i = count; i--;) {
		next[siblings[i].parent] = i;
		if (!last[siblings[i].parent])
			last[siblings[i].parent] = i + 1;
	}
	nodes[0] = (struct spy_flame_node){
		.self = profile->nodes[SPY_ROOT_NODE].self,
		.total = choice->totals[SPY_ROOT_NODE],
	};
	tree->count = tree->depth = 1;
	for (;;) {
		const struct sibling *sibling;
		struct spy_flame_node *node;

		if (next[owner[at]] == last[owner[at]]) {
			if (!at)
				return 0;
			at = nodes[at].parent;
			continue;
		}
		sibling = &siblings[next[owner[at]]++];
		node = &nodes[tree->count];
		*node = (struct spy_flame_node){
			.node = choice->nodes[sibling->place - 1],
			.parent = at,
			.depth = nodes[at].depth + 1,
			.total = sibling->total,
		};
		node->self = profile->nodes[node->node].self;
		owner[tree->count] = sibling->place;
		if (node->depth >= tree->depth)
			tree->depth = node->depth + 1;
		at = tree->count++;
	}
}

/* Where each node starts: behind its siblings to the left. */
static int place_nodes(struct spy_flame_tree *tree)
{
	spy_autofree uint64_t *used = calloc(tree->count, sizeof(*used));
	uint32_t i;

	if (!used)
		return -PYSPYC_ENOMEM;
	for (i = 1; i < tree->count; i++) {
		struct spy_flame_node *node = &tree->nodes[i];

		node->start = tree->nodes[node->parent].start + used[node->parent];
		used[node->parent] += node->total;
	}
	return 0;
}

static void count_rest(const struct choice *choice, struct spy_flame_tree *tree)
{
	const struct pyspyc_profile *profile = choice->profile;
	uint64_t drawn = 0;
	uint32_t i;

	tree->left_out = 0;
	for (i = 0; i < profile->node_count; i++) {
		const struct spy_node *node = &profile->nodes[i];

		tree->left_out += choice->totals[i] > 0;
		tree->origins[i ? profile->frames[node->frame].origin : SPY_ORIGIN_NONE] +=
			node->self;
	}
	for (i = 0; i < tree->count; i++) {
		drawn += tree->nodes[i].self;
		tree->left_out -= choice->totals[tree->nodes[i].node] > 0;
	}
	tree->left_out_samples = choice->totals[SPY_ROOT_NODE] - drawn;
}

/* What to show for the names that the tree needs. */
static int make_texts(const struct pyspyc_profile *profile, struct spy_flame_tree *tree)
{
	uint32_t i, j;

	tree->text_count = profile->strings.count;
	tree->texts = calloc((size_t)tree->text_count + 1, sizeof(*tree->texts));
	if (!tree->texts)
		return -PYSPYC_ENOMEM;
	for (i = 1; i < tree->count; i++) {
		const struct spy_frame *frame =
			&profile->frames[profile->nodes[tree->nodes[i].node].frame];
		uint32_t strings[] = { frame->name, frame->file };

		for (j = 0; j < (frame->kind == SPY_FRAME_PYTHON ? 2 : 1); j++) {
			struct spy_buffer text = { 0 };

			if (tree->texts[strings[j]])
				continue;
			spy_escape_visible(&text, spy_profile_text(profile, strings[j]),
					   SPY_FLAME_NAME_LENGTH);
			tree->texts[strings[j]] = spy_buffer_steal(&text);
			if (!tree->texts[strings[j]])
				return -PYSPYC_ENOMEM;
		}
	}
	return 0;
}

int spy_flame_tree_make(const struct pyspyc_profile *profile, size_t most, size_t bytes,
			struct spy_flame_tree *ret, struct pyspyc_error *err)
{
	spy_autofree uint64_t *totals = spy_profile_sum(profile);
	struct choice choice = { .profile = profile, .totals = totals };
	struct sibling *siblings = NULL;
	int failed;

	*ret = (struct spy_flame_tree){ 0 };
	failed = !totals || choose_widest(&choice, most) || limit_names(&choice, bytes);
	if (!failed) {
		siblings = calloc(choice.count + 1, sizeof(*siblings));
		failed = !siblings || sort_siblings(&choice, siblings) ||
			 lay_out(&choice, siblings, ret) || place_nodes(ret) ||
			 make_texts(profile, ret);
	}
	free(siblings);
	free(choice.nodes);
	if (failed) {
		spy_flame_tree_free(ret);
		return spy_nomem(err);
	}
	count_rest(&choice, ret);
	return 0;
}

void spy_flame_tree_free(struct spy_flame_tree *tree)
{
	uint32_t i;

	for (i = 0; i < tree->text_count && tree->texts; i++)
		free(tree->texts[i]);
	free(tree->texts);
	free(tree->nodes);
	*tree = (struct spy_flame_tree){ 0 };
}
