/* Tables of functions and lines. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/live_parts.h"
#include "profile/parts.h"

#define NO_ROW UINT32_MAX

struct row {
	struct spy_sums own, total;
	uint32_t function, group;
	uint32_t end; /* of the nodes below which it has been counted */
};

/*
 * All arrays are by node. Nodes are in a second order, too: each followed by all that are below
 * it. There a function's total is the sum over its nodes that lie below no other one of its own.
 */
struct making {
	struct spy_selection selection;
	struct spy_functions functions;
	struct spy_numbers numbers; /* of rows, by group and function */
	struct row *rows;
	uint32_t row_capacity;
	uint32_t *row_of;
	struct spy_sums *totals;
	uint32_t *sizes; /* of it and all below it */
	uint32_t *next;	 /* the place in the second order of its next child */
	uint32_t *order;
};

static bool begin(struct making *making, const struct pyspyc_profile *profile,
		  enum pyspyc_table_kind kind, const struct pyspyc_query *query)
{
	size_t count = profile->node_count;

	*making = (struct making){ 0 };
	making->row_of = malloc(count * sizeof(*making->row_of));
	making->totals = malloc(count * sizeof(*making->totals));
	making->sizes = malloc(count * sizeof(*making->sizes));
	making->next = malloc(count * sizeof(*making->next));
	making->order = malloc(count * sizeof(*making->order));
	return spy_selection_begin(&making->selection, profile, query, false) &&
	       spy_functions_begin(&making->functions, profile, kind == PYSPYC_TABLE_LINES) &&
	       making->row_of && making->totals && making->sizes && making->next && making->order;
}

static void end(struct making *making)
{
	spy_selection_free(&making->selection);
	spy_functions_free(&making->functions);
	spy_numbers_free(&making->numbers);
	free(making->rows);
	free(making->row_of);
	free(making->totals);
	free(making->sizes);
	free(making->next);
	free(making->order);
}

static uint32_t row_for(struct making *making, uint32_t function, uint32_t group)
{
	uint32_t known = making->numbers.count, row;

	if (function == SPY_NO_FUNCTION)
		return NO_ROW;
	row = spy_numbers_of(&making->numbers, (uint64_t)group << 32 | function);
	if (row < known || row == UINT32_MAX)
		return row;
	if (!spy_profile_reserve((void **)&making->rows, row, &making->row_capacity,
				 sizeof(*making->rows), UINT32_MAX / 2))
		return NO_ROW;
	making->rows[row] = (struct row){ .function = function, .group = group };
	return row;
}

/* The row that a node's own counts for; NO_ROW: none. Sets row_of to that of its callees. */
static bool find_row(struct making *making, uint32_t node, enum spy_part part, uint32_t *ret)
{
	const struct spy_node *it = &making->selection.profile->nodes[node];
	uint32_t group = spy_where_of(&making->selection, node)->group;

	making->row_of[node] = *ret = making->row_of[it->parent];
	if (part == SPY_PART_OF_CALLER)
		return true;
	*ret = row_for(making,
		       part == SPY_PART_LIBRARY ? SPY_FUNCTION_LIBRARY
						: spy_functions_of(&making->functions, it->frame),
		       group);
	if (part == SPY_PART_SHOWN)
		making->row_of[node] = *ret;
	return *ret != NO_ROW;
}

static bool add_own(struct making *making)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	uint32_t i, row;

	making->row_of[SPY_ROOT_NODE] = NO_ROW;
	making->totals[SPY_ROOT_NODE] = (struct spy_sums){ 0 };
	making->sizes[SPY_ROOT_NODE] = 1;
	for (i = 1; i < profile->node_count; i++) {
		struct spy_sums *own = &making->totals[i];
		enum spy_part part = spy_selection_next(&making->selection, i, own);

		making->sizes[i] = 1;
		if (!find_row(making, i, part, &row))
			return false;
		if (row == NO_ROW)
			continue;
		spy_sums_add(&making->rows[row].own, own);
		if (part == SPY_PART_LIBRARY)
			spy_sums_add(&making->rows[row].total, own);
	}
	return !making->selection.failed;
}

/* Sums up the tree, and lays it out in the second order. */
static void lay_out(struct making *making)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	uint32_t i;

	for (i = profile->node_count - 1; i > SPY_ROOT_NODE; i--) {
		uint32_t parent = profile->nodes[i].parent;

		spy_sums_add(&making->totals[parent], &making->totals[i]);
		making->sizes[parent] += making->sizes[i];
	}
	making->order[0] = SPY_ROOT_NODE;
	making->next[SPY_ROOT_NODE] = 1;
	for (i = 1; i < profile->node_count; i++) {
		uint32_t parent = profile->nodes[i].parent, place = making->next[parent];

		making->next[parent] += making->sizes[i];
		making->next[i] = place + 1;
		making->order[place] = i;
	}
}

static void add_totals(struct making *making)
{
	uint32_t place;

	for (place = 0; place < making->selection.profile->node_count; place++) {
		uint32_t node = making->order[place];
		struct row *row;

		if (making->row_of[node] == NO_ROW)
			continue;
		row = &making->rows[making->row_of[node]];
		if (place < row->end) /* called by itself */
			continue;
		row->end = place + making->sizes[node];
		spy_sums_add(&row->total, &making->totals[node]);
	}
}

static bool make_rows(const struct making *making, uint64_t window_ns, struct pyspyc_table *ret)
{
	const struct spy_sums *all = &making->totals[SPY_ROOT_NODE];
	const struct pyspyc_profile *profile = making->selection.profile;
	uint32_t count = making->numbers.count, i;

	ret->rows = malloc((count ? count : 1) * sizeof(*ret->rows));
	if (!ret->rows)
		return false;
	for (i = 0; i < count; i++) {
		const struct row *row = &making->rows[i];
		const struct spy_where *where = &making->selection.wheres[row->group];
		struct pyspyc_row *made = &ret->rows[ret->count];

		if (!spy_sums_any(&row->total))
			continue;
		made->place = spy_functions_place(&making->functions, row->function);
		made->place.pid = where->pid;
		made->place.tid = where->tid;
		if (where->pid && where->frame != SPY_NO_FRAME)
			made->place.whose = spy_profile_text(profile,
							     profile->frames[where->frame].file);
		made->amounts = spy_sums_amounts(&row->own, &row->total, window_ns);
		ret->count++;
	}
	ret->all = spy_sums_amounts(all, all, window_ns);
	return true;
}

int spy_live_table(const struct pyspyc_profile *profile, enum pyspyc_table_kind kind,
		   const struct pyspyc_query *query, uint64_t window_ns, struct pyspyc_table *ret,
		   struct pyspyc_error *err)
{
	spy_cleanup(end) struct making making;

	*ret = (struct pyspyc_table){ 0 };
	if (!begin(&making, profile, kind, query) || !add_own(&making))
		return spy_nomem(err);
	lay_out(&making);
	add_totals(&making);
	return make_rows(&making, window_ns, ret) ? 0 : spy_nomem(err);
}
