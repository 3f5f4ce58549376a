/* The tree of calls, lines of a function being one. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/live_parts.h"
#include "profile/parts.h"

#define NO_BRANCH UINT32_MAX
/* In place of a function's number: a process or thread has the number of its place after it. */
#define PLACE (1u << 31)

/* How exactly branches are sorted: to 2^-33 of the largest one's time. */
#define DIGIT_BITS 11
#define DIGITS 3
#define KEY_BITS (DIGITS * DIGIT_BITS)
#define NUMBER_BITS (64 - KEY_BITS)
#define NUMBER_MASK ((UINT64_C(1) << NUMBER_BITS) - 1)

struct branch {
	struct spy_sums own, total;
	uint64_t id;
	uint32_t parent; /* always smaller */
	uint32_t what;	 /* a function or a place */
	uint32_t where;
	uint32_t size;	 /* 0: nothing but zeros in it and below */
	uint32_t number; /* in the caller's tree */
	uint32_t next;	 /* its next child's */
};

struct making {
	struct spy_selection selection;
	struct spy_functions functions;
	struct spy_numbers numbers; /* of branches, by parent and what they are */
	struct branch *branches;
	uint32_t capacity;
	uint32_t *branch_of; /* by node: what its callees are below */
	struct spy_sums all;
	uint64_t *sorted, *spare; /* a key, and below it the branch's number */
	uint32_t sorted_count;
};

static bool begin(struct making *making, const struct pyspyc_profile *profile,
		  const struct pyspyc_query *query)
{
	*making = (struct making){ 0 };
	making->branch_of = malloc(profile->node_count * sizeof(*making->branch_of));
	return spy_selection_begin(&making->selection, profile, query, true) &&
	       spy_functions_begin(&making->functions, profile, false) &&
	       spy_numbers_reserve(&making->numbers, profile->node_count) && making->branch_of;
}

static void end(struct making *making)
{
	spy_selection_free(&making->selection);
	spy_functions_free(&making->functions);
	spy_numbers_free(&making->numbers);
	free(making->branches);
	free(making->branch_of);
	free(making->sorted);
	free(making->spare);
}

/* --- from nodes to branches --- */

/* The same for the same branch, whatever numbers nodes have. */
static uint64_t id_of(const struct making *making, const struct branch *branch)
{
	uint64_t hash = branch->parent == NO_BRANCH ? 0 : making->branches[branch->parent].id;
	const struct spy_where *where = &making->selection.wheres[branch->where];

	hash = spy_mix(hash + 0x9e3779b97f4a7c15u);
	if (branch->what & PLACE)
		return spy_mix(hash ^ ((uint64_t)(uint32_t)where->pid << 32 |
				       (uint32_t)where->tid));
	if (branch->what == SPY_FUNCTION_LIBRARY)
		return spy_mix(~hash);
	return spy_mix(hash ^ making->functions.hashes[branch->what]);
}

static uint32_t branch_for(struct making *making, uint32_t parent, uint32_t what, uint32_t where)
{
	uint32_t known = making->numbers.count, number;
	struct branch *branch;

	if (what == SPY_NO_FUNCTION)
		return NO_BRANCH;
	number = spy_numbers_of(&making->numbers, (uint64_t)(parent + 1) << 32 | what);
	if (number < known || number == UINT32_MAX)
		return number;
	if (!spy_profile_reserve((void **)&making->branches, number, &making->capacity,
				 sizeof(*making->branches), UINT32_MAX / 2))
		return NO_BRANCH;
	branch = &making->branches[number];
	*branch = (struct branch){ .parent = parent, .what = what, .where = where };
	branch->id = id_of(making, branch);
	return number;
}

/* The branch of a node that is not simply its caller's. */
static uint32_t new_branch(struct making *making, uint32_t node, enum spy_part part)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	const struct spy_node *it = &profile->nodes[node];
	uint32_t parent = making->branch_of[it->parent], where = making->selection.of_node[node];
	uint8_t kind = profile->frames[it->frame].kind;

	if (part == SPY_PART_LIBRARY)
		return branch_for(making, parent, SPY_FUNCTION_LIBRARY, where);
	if (kind == SPY_FRAME_PROCESS || kind == SPY_FRAME_THREAD)
		return branch_for(making, parent, PLACE | where, where);
	return branch_for(making, parent, spy_functions_of(&making->functions, it->frame), where);
}

static bool add_own(struct making *making)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	uint32_t i;

	making->branch_of[SPY_ROOT_NODE] = NO_BRANCH;
	for (i = 1; i < profile->node_count; i++) {
		struct spy_sums own;
		enum spy_part part = spy_selection_next(&making->selection, i, &own);
		uint32_t branch = making->branch_of[profile->nodes[i].parent];

		making->branch_of[i] = branch;
		if (part != SPY_PART_OF_CALLER) {
			branch = new_branch(making, i, part);
			if (branch == NO_BRANCH)
				return false;
		}
		if (part == SPY_PART_SHOWN)
			making->branch_of[i] = branch;
		spy_sums_add(&making->all, &own);
		if (branch != NO_BRANCH)
			spy_sums_add(&making->branches[branch].own, &own);
	}
	return !making->selection.failed;
}

/* Sums up, from the leaves on. */
static void add_totals(struct making *making)
{
	uint32_t i;

	for (i = making->numbers.count; i-- > 0;) {
		struct branch *branch = &making->branches[i];

		spy_sums_add(&branch->total, &branch->own);
		if (!spy_sums_any(&branch->total))
			continue;
		branch->size++;
		making->sorted_count++;
		if (branch->parent == NO_BRANCH)
			continue;
		spy_sums_add(&making->branches[branch->parent].total, &branch->total);
		making->branches[branch->parent].size += branch->size;
	}
}

/* --- their order --- */

/* One pass over a digit of the keys, largest first; what is equal stays in its order. */
static void sort_digit(struct making *making, unsigned digit)
{
	uint32_t places[1u << DIGIT_BITS] = { 0 }, place = 0, i, j;
	unsigned shift = NUMBER_BITS + digit * DIGIT_BITS, mask = (1u << DIGIT_BITS) - 1;
	uint64_t *sorted = making->spare;

	for (i = 0; i < making->sorted_count; i++)
		places[making->sorted[i] >> shift & mask]++;
	for (j = mask + 1; j-- > 0;) {
		uint32_t count = places[j];

		places[j] = place;
		place += count;
	}
	for (i = 0; i < making->sorted_count; i++)
		sorted[places[making->sorted[i] >> shift & mask]++] = making->sorted[i];
	making->spare = making->sorted;
	making->sorted = sorted;
}

static uint64_t time_of(const struct making *making, uint32_t i, bool since)
{
	const struct branch *branch = &making->branches[making->sorted[i] & NUMBER_MASK];

	return since ? branch->total.since : branch->total.now;
}

static void sort_by(struct making *making, bool since)
{
	unsigned shift = 0, digit;
	uint64_t most = 0;
	uint32_t i;

	for (i = 0; i < making->sorted_count; i++)
		if (time_of(making, i, since) > most)
			most = time_of(making, i, since);
	while (most >> shift >> KEY_BITS)
		shift++;
	for (i = 0; i < making->sorted_count; i++)
		making->sorted[i] = time_of(making, i, since) >> shift << NUMBER_BITS |
				    (making->sorted[i] & NUMBER_MASK);
	for (digit = 0; digit < DIGITS && most >> shift >> digit * DIGIT_BITS; digit++)
		sort_digit(making, digit);
}

/*
 * Largest first by both times, the wanted one first. A parent is nowhere smaller than its
 * children, so it comes before them.
 */
static bool sort(struct making *making, bool since_start)
{
	size_t room = making->sorted_count ? making->sorted_count : 1;
	uint32_t count = 0, i;

	making->sorted = malloc(room * sizeof(*making->sorted));
	making->spare = malloc(room * sizeof(*making->spare));
	if (!making->sorted || !making->spare)
		return false;
	for (i = 0; i < making->numbers.count; i++)
		if (making->branches[i].size)
			making->sorted[count++] = i;
	sort_by(making, !since_start);
	sort_by(making, since_start);
	return true;
}

/* --- what the caller gets --- */

static struct pyspyc_place place_of(const struct making *making, const struct branch *branch)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	const struct spy_selection *selection = &making->selection;
	const struct spy_where *where = &selection->wheres[branch->where];
	struct pyspyc_place place;

	if (branch->what & PLACE) {
		const struct spy_frame *frame = &profile->frames[where->frame];

		place = (struct pyspyc_place){
			.kind = frame->kind == SPY_FRAME_THREAD ? PYSPYC_ROW_THREAD
								: PYSPYC_ROW_PROCESS,
			.origin = PYSPYC_ORIGIN_NONE,
			.name = spy_profile_text(profile, frame->file),
			.file = "",
			.path = "",
		};
	} else {
		place = spy_functions_place(&making->functions, branch->what);
		where = &selection->wheres[where->group];
	}
	place.pid = where->pid;
	place.tid = where->tid;
	return place;
}

static bool make_tree(struct making *making, uint64_t window_ns, struct pyspyc_tree *ret)
{
	uint32_t top = 0, i;

	ret->branches = malloc((making->sorted_count ? making->sorted_count : 1) *
			       sizeof(*ret->branches));
	if (!ret->branches)
		return false;
	for (i = 0; i < making->sorted_count; i++) {
		struct branch *branch = &making->branches[making->sorted[i] & NUMBER_MASK];
		struct branch *parent = branch->parent == NO_BRANCH
			? NULL : &making->branches[branch->parent];
		uint32_t *next = parent ? &parent->next : &top;
		struct pyspyc_branch *made = &ret->branches[*next];

		branch->number = *next;
		branch->next = *next + 1;
		*next += branch->size;
		made->place = place_of(making, branch);
		made->amounts = spy_sums_amounts(&branch->own, &branch->total, window_ns);
		made->id = branch->id;
		made->size = branch->size;
		made->parent = parent ? parent->number : UINT32_MAX;
		made->depth = parent ? ret->branches[parent->number].depth + 1 : 0;
	}
	ret->count = making->sorted_count;
	ret->all = spy_sums_amounts(&making->all, &making->all, window_ns);
	return true;
}

int spy_live_tree(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		  bool since_start, uint64_t window_ns, struct pyspyc_tree *ret,
		  struct pyspyc_error *err)
{
	spy_cleanup(end) struct making making;

	*ret = (struct pyspyc_tree){ 0 };
	if (!begin(&making, profile, query) || !add_own(&making))
		return spy_nomem(err);
	add_totals(&making);
	return sort(&making, since_start) && make_tree(&making, window_ns, ret) ? 0
										: spy_nomem(err);
}
