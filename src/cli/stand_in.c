#include "cli/stand_in.h"

#include "cli/message.h"
#include "cli/pids.h"
#include "pyspyc/process.h"
#include "pyspyc/processes.h"

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
