#include "cli/stand_in.h"

#include <stdlib.h>

#include "cli/message.h"
#include "cli/pids.h"
#include "pyspyc/process.h"
#include "pyspyc/processes.h"
#include "pyspyc/snapshot.h"

/* How many of the Pythons of this machine are below pid. */
static size_t count_below(pid_t pid)
{
	struct pyspyc_process_info *processes = NULL;
	struct cli_pids below = { 0 };
	size_t count = 0, found = 0;

	if (pyspyc_descendants(pid, &below.items, &below.count, NULL))
		return 0;
	if (!pyspyc_processes(&processes, &count, NULL))
		for (size_t i = 0; i < count; i++)
			found += cli_pids_have(&below, processes[i].pid);
	pyspyc_processes_free(processes, count);
	cli_pids_free(&below);
	return found;
}

void cli_stand_in_tell(pid_t pid, pid_t found, const char *done, const char *all)
{
	size_t count;

	if (found == pid)
		return;
	count = count_below(pid);
	if (count > 1)
		cli_note(
			"process %d is no Python: process %d, the first of %zu Pythons below it, %s%s",
			(int)pid, (int)found, count, done, all);
	else
		cli_note("process %d is no Python: process %d, below it, %s", (int)pid, (int)found,
			 done);
}

/* The library's snapshot finds it as its recorder does, and stops nobody. */
pid_t cli_stand_in_find(pid_t pid)
{
	const struct pyspyc_snapshot_options options = { .blocking = PYSPYC_BLOCKING_NEVER };
	struct pyspyc_snapshot *snapshot = NULL;
	pid_t *below = NULL;
	size_t count = 0;
	pid_t found = pid;

	if (pyspyc_descendants(pid, &below, &count, NULL))
		return pid;
	free(below);
	if (count && !pyspyc_snapshot_take(pid, &options, &snapshot, NULL))
		found = snapshot->pid;
	pyspyc_snapshot_free(snapshot);
	return found;
}
