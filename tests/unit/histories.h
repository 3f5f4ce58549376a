/* Made-up recordings of memory, for tests and make_memory alike. */
#ifndef TESTS_UNIT_HISTORIES_H
#define TESTS_UNIT_HISTORIES_H

#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "profile/live.h"
#include "pyspyc/memory.h"
#include "sink/memory.h"

struct made_memory {
	struct spy_history *history;
	struct pyspyc_profile *profile;
	struct spy_history_point point; /* the last one, not added yet */
	bool pending;
};

static inline void made_begin(struct made_memory *made)
{
	*made = (struct made_memory){ spy_history_new(), spy_profile_new(false) };
	spy_live_begin(made->profile);
	made->profile->title = strdup("python serve.py");
	made->profile->summary = strdup("3,000 samples at 50.0 Hz, 0 missed, own CPU 0.4 %");
	made->profile->started_at = 1767225600;
}

/* Adds the point that is pending, and books its growth on its stack. */
static inline void made_flush(struct made_memory *made)
{
	const struct spy_history *history = made->history;
	const struct spy_history_process *process;
	uint64_t before;

	if (!made->pending)
		return;
	made->pending = false;
	process = &history->processes[made->point.process];
	before = process->seen_rss ? history->points[process->latest].rss : made->point.rss;
	if (made->point.stack < history->stack_count && made->point.rss != before) {
		const struct spy_history_stack *stack = &history->stacks[made->point.stack];
		uint32_t node = SPY_ROOT_NODE, i = stack->count;

		while (i--)
			node = spy_profile_child(made->profile, node,
						 history->frames[stack->first + i]);
		if (made->point.rss > before)
			spy_live_add(made->profile, node, SPY_LIVE_GROWN, made->point.rss - before);
		else
			spy_live_add(made->profile, node, SPY_LIVE_RELEASED,
				     before - made->point.rss);
	}
	spy_history_add(made->history, &made->point);
}

static inline uint32_t made_process(struct made_memory *made, int pid, int parent,
				    const char *command, double seconds)
{
	return spy_history_process(made->history, pid, parent, command, "3.13.0",
				   (uint64_t)(seconds * 1e9));
}

static inline bool made_ended(struct made_memory *made, uint32_t process)
{
	return made->history->processes[process].ended;
}

static inline void made_end(struct made_memory *made, uint32_t process, double seconds)
{
	made_flush(made);
	spy_history_end(made->history, process, (uint64_t)(seconds * 1e9));
}

/* The number of a stack of two frames, the inner one first. */
static inline uint32_t made_stack(struct made_memory *made, const char *name, const char *file,
				  int line, const char *caller, const char *caller_file,
				  int caller_line)
{
	uint32_t frames[] = {
		make_frame(made->profile, name, file, file, line, 1),
		make_frame(made->profile, caller, caller_file, caller_file, caller_line, 1),
	};

	return spy_history_stack(made->history, frames, 2);
}

static inline void made_point(struct made_memory *made, uint32_t process, double seconds,
			      double rss, uint32_t stack)
{
	made_flush(made);
	made->point = (struct spy_history_point){ .at_ns = (uint64_t)(seconds * 1e9),
						  .rss = (uint64_t)rss,
						  .process = process,
						  .stack = stack };
	made->pending = true;
}

/* The rest of the last point. */
static inline void made_more(struct made_memory *made, double pss, double uss, double swap,
			     uint64_t minor, uint64_t major)
{
	made->point.pss = (uint64_t)pss;
	made->point.uss = (uint64_t)uss;
	made->point.swap = (uint64_t)swap;
	made->point.minor = minor;
	made->point.major = major;
}

/* Writes it in a format of recordings of memory. */
static inline int made_write(struct made_memory *made, const char *format, FILE *file,
			     struct pyspyc_error *err)
{
	struct spy_memory_recording recording = { .history = made->history,
						  .profile = made->profile };
	const struct pyspyc_format *found = pyspyc_memory_format_by_name(format);

	made_flush(made);
	return found ? spy_memory_write(&recording, found, file, err) : -PYSPYC_EINVAL;
}

static inline void made_free(struct made_memory *made)
{
	spy_history_free(made->history);
	spy_profile_free(made->profile);
}

#endif
