/* What the makers of tables, trees and filtered profiles share. */
#ifndef SPY_PROFILE_LIVE_PARTS_H
#define SPY_PROFILE_LIVE_PARTS_H

#include "profile/live.h"
#include "profile/numbers.h"

/* --- select.c: what a query takes in --- */

/* Stands for the library's code where no own code called it. */
#define SPY_LIBRARY_NAME "<library>"

struct spy_sums {
	uint64_t now, since; /* nanoseconds */
	uint64_t grown, released;
};

/* A process, or a thread of it, or (both 0) neither. */
struct spy_where {
	int32_t pid, tid;
	uint32_t frame; /* the latest of that process or thread; SPY_NO_FRAME for neither */
	uint32_t group; /* number of what rows are told apart by: it, its process, or 0 */
	bool taken;	/* by the query */
};

/* What becomes of a node. */
enum spy_part {
	SPY_PART_SHOWN,
	SPY_PART_OF_CALLER, /* counts as the next node towards the root that is shown */
	SPY_PART_LIBRARY,   /* the same, but its own counts as SPY_LIBRARY_NAME below that */
};

struct spy_selection {
	const struct pyspyc_profile *profile;
	const struct pyspyc_query *query;
	enum spy_live_value value; /* what the query's scope asks for */
	bool roots; /* processes and threads are shown if the query tells them apart */
	uint32_t *of_node;	   /* number of its struct spy_where */
	bool *in_code;		   /* there is code shown at the node or towards the root */
	struct spy_where *wheres;
	uint32_t where_capacity;
	struct spy_numbers numbers; /* of wheres, by pid and tid */
	bool failed;		    /* memory ran out */
};

/* To be freed, also after an error. */
bool spy_selection_begin(struct spy_selection *selection, const struct pyspyc_profile *profile,
			 const struct pyspyc_query *query, bool roots);

void spy_selection_free(struct spy_selection *selection);

/*
 * What becomes of a node, and (*own) what it has of its own, which is nothing when the query does
 * not take it in. To be called for all nodes but the root, in their order.
 */
enum spy_part spy_selection_next(struct spy_selection *selection, uint32_t node,
				 struct spy_sums *own);

static inline const struct spy_where *spy_where_of(const struct spy_selection *selection,
						   uint32_t node)
{
	return &selection->wheres[selection->of_node[node]];
}

static inline void spy_sums_add(struct spy_sums *to, const struct spy_sums *from)
{
	to->now += from->now;
	to->since += from->since;
	to->grown += from->grown;
	to->released += from->released;
}

static inline bool spy_sums_any(const struct spy_sums *sums)
{
	return (sums->now | sums->since | sums->grown | sums->released) != 0;
}

/* As shares of a window, seconds and bytes. */
struct pyspyc_amounts spy_sums_amounts(const struct spy_sums *own, const struct spy_sums *total,
				       uint64_t window_ns);

/* --- functions.c: which frames are the same function, or the same line of it --- */

/* Numbers that are no function's. */
#define SPY_FUNCTION_LIBRARY (UINT32_MAX / 2)
#define SPY_NO_FUNCTION UINT32_MAX

struct spy_functions {
	const struct pyspyc_profile *profile;
	bool lines;	    /* lines of a function are told apart */
	uint32_t *of_frame; /* SPY_NO_FUNCTION: not asked for so far */
	uint32_t *frames;   /* one of each function */
	uint64_t *hashes;   /* of what makes it, for as long as the profile lives */
	uint32_t count;
	struct spy_index index;
};

/* To be freed, also after an error. */
bool spy_functions_begin(struct spy_functions *functions, const struct pyspyc_profile *profile,
			 bool lines);

void spy_functions_free(struct spy_functions *functions);

/* The function of a frame, also of a marker; SPY_NO_FUNCTION when memory ran out. */
uint32_t spy_functions_of(struct spy_functions *functions, uint32_t frame);

/* The place of a function's number, without process and thread. */
struct pyspyc_place spy_functions_place(const struct spy_functions *functions, uint32_t function);

#endif
