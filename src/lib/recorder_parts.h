/* What the parts of a recorder share. */
#ifndef SPY_LIB_RECORDER_PARTS_H
#define SPY_LIB_RECORDER_PARTS_H

#include "lib/tracked.h"
#include "sample/pace.h"

struct pyspyc_recorder {
	struct spy_booking booking;
	struct spy_tracked **tracked;
	size_t tracked_count, tracked_capacity;
	struct pyspyc_recorder_stats stats;
	struct spy_counters lost; /* counters of samplers that are no more */
	struct spy_pace pace;
	uint64_t started_ns, cpu_started_ns;
	uint64_t sampling_ns; /* for how long there was a process to sample */
	uint64_t children_ns;	/* when children were last looked for */
	uint64_t listed_ns;	/* when they were last listed for that */
	unsigned rounds;	/* how often they are still to be listed in any case */
	unsigned long last_pid; /* the newest pid of the machine then */
	uint64_t now_ns;	/* of the pass under way */
	uint64_t rest_ns; /* no look before, for the sake of a thread that was just stopped */
	uint64_t look_ns; /* when to look next at what processes there are */
	struct spy_tracked *current;
};

/* --- recorder_family.c: the processes that are followed --- */

/* One more process; NULL when memory ran out. */
struct spy_tracked *spy_recorder_track(struct pyspyc_recorder *recorder, pid_t pid, bool given);

/* With options.subprocesses: tracks children that have come up since. */
void spy_recorder_find_children(struct pyspyc_recorder *recorder, uint64_t now_ns);

/* Children that are gone for good need no place in the list. */
void spy_recorder_forget_gone(struct pyspyc_recorder *recorder);

/* --- recorder_pass.c: one moment --- */

/* Looks at every process that is being sampled. */
void spy_recorder_sample(struct pyspyc_recorder *recorder);

/* Nothing is left provisional: before a pause, and at the end. */
void spy_recorder_settle(struct pyspyc_recorder *recorder);

/* --- recorder_stats.c --- */

void spy_recorder_update_stats(struct pyspyc_recorder *recorder);

#endif
