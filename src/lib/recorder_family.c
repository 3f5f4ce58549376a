/* The processes that a recording follows: given ones, and their children. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lib/recorder_parts.h"

#define CHILDREN_EVERY_NS (2u * SPY_NSEC_PER_MSEC)
#define CHILDREN_ANYHOW_NS (1000u * SPY_NSEC_PER_MSEC)
/* How often children are listed after a new pid: it is given out before its process shows up. */
#define CHILDREN_ROUNDS 10
#define TRACKED_LIMIT 10000

struct spy_tracked *spy_recorder_track(struct pyspyc_recorder *recorder, pid_t pid, bool given)
{
	struct spy_tracked *tracked = malloc(sizeof(*tracked));

	if (tracked && recorder->tracked_count == recorder->tracked_capacity) {
		size_t capacity = recorder->tracked_capacity ? recorder->tracked_capacity * 2 : 8;
		struct spy_tracked **larger =
			realloc(recorder->tracked, capacity * sizeof(struct spy_tracked *));

		if (!larger) {
			free(tracked);
			return NULL;
		}
		recorder->tracked = larger;
		recorder->tracked_capacity = capacity;
	}
	if (!tracked)
		return NULL;
	spy_tracked_init(tracked, pid, given, recorder->booking.options.subprocesses);
	recorder->tracked[recorder->tracked_count++] = tracked;
	recorder->look_ns = 0;
	return tracked;
}

static bool is_tracked(const struct pyspyc_recorder *recorder, pid_t pid)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->pid == pid &&
		    recorder->tracked[i]->state != SPY_TRACKED_GONE)
			return true;
	return false;
}

/* The pid that was given out last (proc(5), loadavg): unchanged, nobody has a new child. */
static unsigned long newest_pid(void)
{
	spy_autofree char *text = NULL;
	const char *space;

	if (spy_proc_read("loadavg", 256, &text, NULL, NULL) < 0)
		return 0;
	space = strrchr(text, ' ');
	return space ? strtoul(space + 1, NULL, 10) : 0;
}

void spy_recorder_find_children(struct pyspyc_recorder *recorder, uint64_t now_ns)
{
	unsigned long newest;
	size_t i, j;

	if (!recorder->booking.options.subprocesses ||
	    now_ns - recorder->children_ns < CHILDREN_EVERY_NS)
		return;
	recorder->children_ns = now_ns;
	newest = newest_pid();
	if (!newest || newest != recorder->last_pid)
		recorder->rounds = CHILDREN_ROUNDS;
	recorder->last_pid = newest;
	if (!recorder->rounds && now_ns - recorder->listed_ns < CHILDREN_ANYHOW_NS)
		return;
	recorder->rounds -= recorder->rounds > 0;
	recorder->listed_ns = now_ns;
	/* The list grows while it is gone through: children of children in one go. */
	for (i = 0; i < recorder->tracked_count; i++) {
		spy_autofree pid_t *pids = NULL;
		size_t count = 0;

		if (recorder->tracked[i]->state == SPY_TRACKED_GONE)
			continue;
		spy_process_children(recorder->tracked[i]->pid, &pids, &count, NULL);
		for (j = 0; j < count && recorder->tracked_count < TRACKED_LIMIT; j++)
			if (!is_tracked(recorder, pids[j]))
				spy_recorder_track(recorder, pids[j], false);
	}
}

void spy_recorder_forget_gone(struct pyspyc_recorder *recorder)
{
	size_t i, kept = 0;

	for (i = 0; i < recorder->tracked_count; i++) {
		struct spy_tracked *tracked = recorder->tracked[i];

		if (tracked->state == SPY_TRACKED_GONE && !tracked->given) {
			spy_tracked_deinit(tracked, &recorder->lost);
			free(tracked);
		} else {
			recorder->tracked[kept++] = tracked;
		}
	}
	recorder->tracked_count = kept;
}
