/*
 * What the live view keeps of each node of a profile, and the tables and trees made of it. Pure
 * computation: everything it needs is in the profile and in its arguments.
 */
#ifndef SPY_PROFILE_LIVE_H
#define SPY_PROFILE_LIVE_H

#include "profile/profile.h"
#include "pyspyc/live.h"

/* What is booked on a node, each in a unit of its own. */
enum spy_live_value {
	/* Nanoseconds of threads: a sample's weight times the period at which it was taken. */
	SPY_LIVE_ALL,	   /* whatever the thread did */
	SPY_LIVE_ACTIVE,   /* on a CPU or waiting for one */
	SPY_LIVE_GIL,	   /* while it held the GIL */
	SPY_LIVE_GIL_WAIT, /* while it waited for the GIL */
	/* Bytes by which RSS grew, and by which it shrank, while the node's stack ran. */
	SPY_LIVE_GROWN,
	SPY_LIVE_RELEASED,
	/* Not a sum: the highest RSS, in bytes, that was read while the node's stack ran. */
	SPY_LIVE_USAGE,
};

/*
 * A node's columns: each time has three, bytes have the first of them alone. They are sums (or
 * peaks), so nodes may be folded at any time.
 */
enum spy_live_column {
	SPY_LIVE_SINCE,	 /* since the start, or since it was set back */
	SPY_LIVE_OPEN,	 /* in the window that has not ended */
	SPY_LIVE_WINDOW, /* in the window that ended last */
	SPY_LIVE_COLUMNS_OF_TIME,
};

#define SPY_LIVE_TIMES SPY_LIVE_GROWN
#define SPY_LIVE_COLUMNS (SPY_LIVE_TIMES * SPY_LIVE_COLUMNS_OF_TIME + 3)

/* So many nodes that a table of them all is made within some ten milliseconds. */
#define SPY_LIVE_LIMIT_NODES (1u << 17)

/* Of a recording of memory: what there is at most, with its history, is some 20 MB then. */
#define SPY_LIVE_LIMIT_MEMORY 40000u

/* Where a value's column lies among a node's values; of bytes there is SPY_LIVE_SINCE only. */
static inline unsigned spy_live_at(enum spy_live_value value, enum spy_live_column column)
{
	if (value < SPY_LIVE_TIMES)
		return value * SPY_LIVE_COLUMNS_OF_TIME + column;
	return SPY_LIVE_TIMES * SPY_LIVE_COLUMNS_OF_TIME + (value - SPY_LIVE_TIMES);
}

/*
 * Makes an empty profile keep the columns, and fewer nodes (SPY_LIVE_LIMIT_NODES); false when
 * memory ran out.
 */
bool spy_live_begin(struct pyspyc_profile *profile);

/* Books an amount on a node of a profile that keeps the columns. */
static inline void spy_live_add(struct pyspyc_profile *profile, uint32_t node,
				enum spy_live_value value, uint64_t amount)
{
	uint64_t *values = spy_profile_values(profile, node);

	values[spy_live_at(value, SPY_LIVE_SINCE)] += amount;
	if (value < SPY_LIVE_TIMES)
		values[spy_live_at(value, SPY_LIVE_OPEN)] += amount;
}

/* Keeps the highest RSS seen on a node. */
static inline void spy_live_usage(struct pyspyc_profile *profile, uint32_t node, uint64_t rss)
{
	uint64_t *usage = spy_profile_values(profile, node) +
			  spy_live_at(SPY_LIVE_USAGE, SPY_LIVE_SINCE);

	if (rss > *usage)
		*usage = rss;
}

/* Ends the window, which "now" speaks of from here on, and begins the next. */
void spy_live_close_window(struct pyspyc_profile *profile);

/* Everything since the start counts from zero again. "Now" stays. */
void spy_live_reset(struct pyspyc_profile *profile);

/*
 * What pyspyc_live_table, pyspyc_live_tree and pyspyc_live_profile give, of a profile that keeps
 * the columns. window_ns is how long the window that ended last was, 0 when none did. For
 * spy_live_profile, a sample stands for period_ns. -PYSPYC_ENOMEM when memory ran out.
 */
int spy_live_table(const struct pyspyc_profile *profile, enum pyspyc_table_kind kind,
		   const struct pyspyc_query *query, uint64_t window_ns, struct pyspyc_table *ret,
		   struct pyspyc_error *err);
int spy_live_tree(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		  bool since_start, uint64_t window_ns, struct pyspyc_tree *ret,
		  struct pyspyc_error *err);
int spy_live_profile(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		     uint64_t period_ns, struct pyspyc_profile **ret, struct pyspyc_error *err);

/*
 * The bytes by which RSS grew (or was released), in whatever scope: a profile of bytes, in which a
 * sample is one.
 */
int spy_live_bytes(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		   bool released, struct pyspyc_profile **ret, struct pyspyc_error *err);

#endif
