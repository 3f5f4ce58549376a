/*
 * Fewer nodes for the same samples. What goes are whole branches: of a stack that was seen once,
 * replacing its innermost frame alone would save nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/parts.h"

#define GOES UINT32_MAX
/* How exactly the age from which on nodes stay is looked for: to 1/64 of all. */
#define AGE_STEPS 6

struct folding {
	struct pyspyc_profile *profile;
	uint32_t count;	  /* of nodes, before */
	uint64_t *totals; /* of each; later what each new node has of its own */
	uint32_t *moved;  /* GOES, or 0; later the new number of each, of those that go too */
	uint32_t *others; /* the number of each plan in turn; later the new number of its <other> */
	uint32_t plans;	  /* made so far */
	uint32_t most;	  /* nodes that may be left */
	uint64_t least;	  /* branches with fewer samples go, */
	uint32_t youngest; /* as do those with just as many and a smaller number */
};

static bool is_other(const struct folding *folding, uint32_t node)
{
	return folding->profile->nodes[node].frame == folding->profile->other_frame;
}

/* Bytes may be booked where there are no samples: they are worth keeping as well. */
static bool weigh_bytes(struct folding *folding)
{
	const struct pyspyc_profile *profile = folding->profile;
	spy_autofree uint64_t *bytes = calloc(folding->count, sizeof(*bytes));
	uint32_t i, j;

	if (!bytes)
		return false;
	for (i = folding->count; i-- > 0;) {
		const uint64_t *values = spy_profile_values(profile, i) + profile->byte_first;

		for (j = 0; j < profile->byte_count; j++)
			bytes[i] += values[j];
		folding->totals[i] += bytes[i] / SPY_BYTES_OF_SAMPLE;
		if (i != SPY_ROOT_NODE)
			bytes[profile->nodes[i].parent] += bytes[i];
	}
	return true;
}

/* Marks what goes by `least` and `youngest`; true when that is enough. */
static bool plan(struct folding *folding)
{
	const struct spy_node *nodes = folding->profile->nodes;
	uint32_t left = 1, turn = ++folding->plans, i;

	folding->moved[SPY_ROOT_NODE] = 0;
	for (i = 1; i < folding->count; i++) {
		uint64_t total = folding->totals[i];
		bool goes = folding->moved[nodes[i].parent] == GOES;

		/* An <other> goes with its caller only. */
		if (!goes && !is_other(folding, i))
			goes = total < folding->least ||
			       (total == folding->least && i < folding->youngest);
		folding->moved[i] = goes ? GOES : 0;
		if (goes)
			continue;
		left++;
		if (is_other(folding, i))
			folding->others[nodes[i].parent] = turn;
	}
	/* Who loses callees needs an <other> for them. */
	for (i = 1; i < folding->count && left <= folding->most; i++) {
		uint32_t parent = nodes[i].parent;

		if (folding->moved[i] != GOES || folding->moved[parent] == GOES ||
		    is_other(folding, parent) || folding->others[parent] == turn)
			continue;
		folding->others[parent] = turn;
		left++;
	}
	return left <= folding->most;
}

/* Looks for what is just enough to go: fewest samples first, then oldest first. */
static void choose(struct folding *folding)
{
	uint32_t low = 0, high = folding->count, step;

	folding->youngest = folding->count;
	for (folding->least = 1; !plan(folding); folding->least += folding->least / 2 + 1)
		;
	for (step = 0; step < AGE_STEPS; step++) {
		folding->youngest = low + (high - low) / 2;
		if (plan(folding))
			high = folding->youngest;
		else
			low = folding->youngest;
	}
	folding->youngest = high;
	plan(folding);
}

/* Gives out numbers: first to those that stay, in their order, then to each new <other>. */
static uint32_t number(struct folding *folding, uint32_t *stay)
{
	const struct spy_node *nodes = folding->profile->nodes;
	uint32_t next = 0, i;

	memset(folding->others, 0, folding->count * sizeof(*folding->others));
	for (i = 0; i < folding->count; i++) {
		if (folding->moved[i] == GOES)
			continue;
		folding->moved[i] = next++;
		if (i && is_other(folding, i))
			folding->others[nodes[i].parent] = folding->moved[i];
	}
	*stay = next;
	return next;
}

/* Where those go that do not stay, the samples with them. Callers come before callees. */
static uint32_t merge(struct folding *folding, uint32_t next)
{
	struct pyspyc_profile *profile = folding->profile;
	uint32_t i;

	memset(folding->totals, 0, folding->count * sizeof(*folding->totals));
	for (i = 0; i < folding->count; i++) {
		const struct spy_node *node = &profile->nodes[i];

		if (folding->moved[i] == GOES) {
			uint32_t parent = node->parent;

			/* moved[parent] is a number by now; a parent that goes is its <other>. */
			if (folding->others[parent] == GOES || is_other(folding, parent)) {
				folding->moved[i] = folding->moved[parent];
			} else {
				if (!folding->others[parent])
					folding->others[parent] = next++;
				folding->moved[i] = folding->others[parent];
			}
			folding->others[i] = GOES;
			if (!node->vague)
				profile->folded += node->self;
		}
		folding->totals[folding->moved[i]] += node->self;
	}
	return next;
}

/* Adds the values up where the nodes have gone. */
static void merge_values(struct folding *folding, uint64_t *sums)
{
	struct pyspyc_profile *profile = folding->profile;
	uint32_t i, j;

	if (!sums)
		return;
	for (i = 0; i < folding->count; i++) {
		const uint64_t *values = spy_profile_values(profile, i);
		uint64_t *to = sums + (size_t)folding->moved[i] * profile->value_count;

		for (j = 0; j < profile->value_sums; j++)
			to[j] += values[j];
		for (; j < profile->value_count; j++)
			to[j] = values[j] > to[j] ? values[j] : to[j];
	}
	free(profile->values);
	profile->values = sums;
	profile->value_capacity = folding->most;
}

/* Moves the nodes to their new places, and adds those that are new. */
static void rebuild(struct folding *folding, uint32_t stay, uint32_t count)
{
	struct pyspyc_profile *profile = folding->profile;
	struct spy_node *nodes = profile->nodes;
	uint32_t i;

	for (i = 0; i < folding->count; i++) {
		if (folding->others[i] == GOES)
			continue;
		nodes[folding->moved[i]] = (struct spy_node){
			.frame = nodes[i].frame,
			.parent = folding->moved[nodes[i].parent] & (UINT32_MAX / 2),
			.vague = nodes[i].vague,
		};
	}
	for (i = 0; i < folding->count; i++)
		if (folding->others[i] != GOES && folding->others[i] >= stay)
			nodes[folding->others[i]] = (struct spy_node){
				.frame = profile->other_frame,
				.parent = folding->moved[i] & (UINT32_MAX / 2),
				.vague = true,
			};
	for (i = 0; i < count; i++)
		nodes[i].self = folding->totals[i];
	profile->node_count = count;
	memset(profile->node_index.slots, 0,
	       ((size_t)profile->node_index.mask + 1) * sizeof(*profile->node_index.slots));
	spy_tree_index(profile);
}

void spy_profile_make_room(struct pyspyc_profile *profile)
{
	spy_autofree uint64_t *totals = NULL, *sums = NULL;
	spy_autofree uint32_t *moved = NULL, *others = NULL;
	struct folding folding = { .profile = profile, .count = profile->node_count };
	uint32_t stay, count, i;

	if (!spy_profile_is_full(profile))
		return;
	folding.most = profile->limits.nodes - profile->limits.nodes / 4;
	if (folding.most < 2) /* the root and its <other> */
		folding.most = 2;
	totals = spy_profile_sum(profile);
	moved = malloc(folding.count * sizeof(*moved));
	others = calloc(folding.count, sizeof(*others));
	if (profile->value_count)
		sums = calloc((size_t)folding.most * profile->value_count, sizeof(*sums));
	if (!totals || !moved || !others || !sums != !profile->value_count ||
	    spy_profile_other(profile) == SPY_NO_FRAME)
		return;
	folding.totals = totals;
	if (profile->byte_count && !weigh_bytes(&folding))
		return;
	folding.moved = moved;
	folding.others = others;
	choose(&folding);
	count = merge(&folding, number(&folding, &stay));
	merge_values(&folding, spy_steal(sums));
	rebuild(&folding, stay, count);
	for (i = 0; i < profile->moment_count; i++)
		profile->moments[i].node = moved[profile->moments[i].node];
	profile->generation++;
}
