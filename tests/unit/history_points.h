/* Histories point by point, for tests. */
#ifndef TESTS_UNIT_HISTORY_POINTS_H
#define TESTS_UNIT_HISTORY_POINTS_H

#include "profiles.h"

#include "profile/history.h"

#define MB UINT64_C(1048576)
#define SECOND UINT64_C(1000000000)
#define MSEC UINT64_C(1000000)

static inline struct spy_history *new_history(int processes)
{
	struct spy_history *history = spy_history_new();
	int i;

	assert_non_null(history);
	for (i = 0; i < processes; i++)
		assert_int_equal(spy_history_process(history, 100 + i, i ? 100 : 0, "python app.py",
						     "3.12.1", 0),
				 i);
	return history;
}

static inline void add(struct spy_history *history, uint32_t process, uint64_t at_ns, uint64_t rss,
		       uint32_t stack)
{
	struct spy_history_point point = {
		.at_ns = at_ns, .rss = rss, .process = process, .stack = stack
	};

	assert_true(spy_history_add(history, &point));
}

static inline bool has_point(const struct spy_history *history, uint32_t process, uint64_t at_ns,
			     uint64_t rss)
{
	uint32_t i;

	for (i = 0; i < history->point_count; i++)
		if (history->points[i].process == process && history->points[i].at_ns == at_ns &&
		    history->points[i].rss == rss)
			return true;
	return false;
}

static inline uint32_t stack_of(struct spy_history *history, uint32_t inner, uint32_t outer)
{
	uint32_t frames[] = { inner, outer };

	return spy_history_stack(history, frames, 2);
}

#endif
