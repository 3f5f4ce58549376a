/* The processes that a command line names. */
#ifndef CLI_PIDS_H
#define CLI_PIDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/arguments.h"

/* For the interpreter of a process that was asked for, which may be just starting. */
#define CLI_WAIT_SECONDS 1.0

struct cli_pids {
	pid_t *items;
	size_t count;
};

/*
 * Those of --pid and those without it, each process once. Returns the exit status so far:
 * CLI_USAGE when there is none or one is no number. The caller frees ret with cli_pids_free in
 * either case.
 */
int cli_pids_read(const struct cli_arguments *arguments, struct cli_pids *ret);

bool cli_pids_have(const struct cli_pids *pids, pid_t pid);

/* Adds one that may be there already. False when memory ran out. */
bool cli_pids_add(struct cli_pids *pids, pid_t pid);

/* Adds the descendants of those that are there, each process once, without pyspyc itself. */
void cli_pids_add_descendants(struct cli_pids *pids);

void cli_pids_free(struct cli_pids *pids);

/*
 * Whether a function of the library failed because the process is no Python, not yet one or no
 * longer one: where it was not named on the command line, there is nothing to show, and no fault.
 */
bool cli_passed_over(int ret);

#endif
