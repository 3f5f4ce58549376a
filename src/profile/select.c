/* Which nodes of a profile a query takes in, and as what. */
#include <stdlib.h>

#include "profile/live_parts.h"
#include "profile/parts.h"

static enum spy_live_value value_of(enum pyspyc_scope scope)
{
	switch (scope) {
	case PYSPYC_SCOPE_ALL:
		return SPY_LIVE_ALL;
	case PYSPYC_SCOPE_GIL:
		return SPY_LIVE_GIL;
	case PYSPYC_SCOPE_ACTIVE:
		break;
	}
	return SPY_LIVE_ACTIVE;
}

/* The number of a process (tid is 0) or thread, whose latest frame this is. */
static uint32_t where(struct spy_selection *selection, int32_t pid, int32_t tid, uint32_t frame)
{
	const struct pyspyc_query *query = selection->query;
	uint32_t known = selection->numbers.count;
	uint32_t number = spy_numbers_of(&selection->numbers,
					 (uint64_t)(uint32_t)pid << 32 | (uint32_t)tid);
	uint32_t group = 0;

	if (number == UINT32_MAX ||
	    (number == known &&
	     !spy_profile_reserve((void **)&selection->wheres, number, &selection->where_capacity,
				  sizeof(*selection->wheres), UINT32_MAX / 2))) {
		selection->failed = true;
		return 0;
	}
	if (number < known) {
		if (frame != SPY_NO_FRAME)
			selection->wheres[number].frame = frame;
		return number;
	}
	selection->wheres[number] = (struct spy_where){
		.pid = pid,
		.tid = tid,
		.frame = frame,
		.taken = (!query->pid || query->pid == pid) && (!query->tid || query->tid == tid),
	};
	if (query->by_thread)
		group = number;
	else if (query->by_process && tid)
		group = where(selection, pid, 0, SPY_NO_FRAME);
	else if (query->by_process)
		group = number;
	selection->wheres[number].group = group;
	return number;
}

bool spy_selection_begin(struct spy_selection *selection, const struct pyspyc_profile *profile,
			 const struct pyspyc_query *query, bool roots)
{
	*selection = (struct spy_selection){
		.profile = profile,
		.query = query,
		.value = value_of(query->scope),
		.roots = roots,
		.of_node = malloc(profile->node_count * sizeof(*selection->of_node)),
		.in_code = malloc(profile->node_count * sizeof(*selection->in_code)),
	};
	if (!selection->of_node || !selection->in_code)
		return false;
	selection->of_node[SPY_ROOT_NODE] = where(selection, 0, 0, SPY_NO_FRAME);
	selection->in_code[SPY_ROOT_NODE] = false;
	return !selection->failed;
}

void spy_selection_free(struct spy_selection *selection)
{
	free(selection->of_node);
	free(selection->in_code);
	free(selection->wheres);
	spy_numbers_free(&selection->numbers);
}

/* Whether a process or thread is shown as such. */
static enum spy_part part_of_root(struct spy_selection *selection, uint32_t node,
				  const struct spy_frame *frame)
{
	const struct spy_node *it = &selection->profile->nodes[node];
	bool thread = frame->kind == SPY_FRAME_THREAD;
	int32_t pid = thread ? spy_where_of(selection, it->parent)->pid : frame->id;

	selection->of_node[node] = where(selection, pid, thread ? frame->id : 0, it->frame);
	selection->in_code[node] = false;
	if (!selection->roots)
		return SPY_PART_OF_CALLER;
	if (thread ? selection->query->by_thread : selection->query->by_process)
		return SPY_PART_SHOWN;
	return SPY_PART_OF_CALLER;
}

static enum spy_part part_of_code(struct spy_selection *selection, uint32_t node,
				  const struct spy_frame *frame)
{
	uint32_t parent = selection->profile->nodes[node].parent;
	bool code = frame->kind == SPY_FRAME_PYTHON;

	selection->of_node[node] = selection->of_node[parent];
	selection->in_code[node] = selection->in_code[parent];
	if (code && selection->query->own_only && frame->origin != SPY_ORIGIN_OWN)
		return selection->in_code[parent] ? SPY_PART_OF_CALLER : SPY_PART_LIBRARY;
	selection->in_code[node] |= code;
	return SPY_PART_SHOWN;
}

enum spy_part spy_selection_next(struct spy_selection *selection, uint32_t node,
				 struct spy_sums *own)
{
	const struct pyspyc_profile *profile = selection->profile;
	const struct spy_frame *frame = &profile->frames[profile->nodes[node].frame];
	bool root = frame->kind == SPY_FRAME_PROCESS || frame->kind == SPY_FRAME_THREAD;
	enum spy_part part = root ? part_of_root(selection, node, frame)
				  : part_of_code(selection, node, frame);
	const uint64_t *values;

	*own = (struct spy_sums){ 0 };
	if (!spy_where_of(selection, node)->taken)
		return part;
	values = spy_profile_values(profile, node);
	own->now = values[spy_live_at(selection->value, SPY_LIVE_WINDOW)];
	own->since = values[spy_live_at(selection->value, SPY_LIVE_SINCE)];
	own->grown = values[spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE)];
	own->released = values[spy_live_at(SPY_LIVE_RELEASED, SPY_LIVE_SINCE)];
	return part;
}

struct pyspyc_amounts spy_sums_amounts(const struct spy_sums *own, const struct spy_sums *total,
				       uint64_t window_ns)
{
	double window = window_ns ? 1.0 / (double)window_ns : 0;

	return (struct pyspyc_amounts){
		.own_now = (double)own->now * window,
		.total_now = (double)total->now * window,
		.own_s = (double)own->since / 1e9,
		.total_s = (double)total->since / 1e9,
		.grown = own->grown,
		.grown_total = total->grown,
		.released = own->released,
		.released_total = total->released,
	};
}
