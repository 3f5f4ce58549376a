/* What commands that sample are told alike: which processes, and how to look at them. */
#ifndef CLI_ORDERING_H
#define CLI_ORDERING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/arguments.h"
#include "pyspyc/recorder.h"

struct cli_order {
	const char *command; /* that was called, for messages */
	struct pyspyc_recorder_options options;
	pid_t *pids; /* to attach to, or none: */
	size_t pid_count;
	char **program; /* to start, NULL-terminated, or NULL */
};

/*
 * Reads and checks all of that; strings stay the arguments'. Without a process and a program,
 * wrong usage unless targetless. Returns the exit status; cli_order_free in either case.
 */
int cli_order_read(struct cli_order *order, const char *command,
		   const struct cli_arguments *arguments, bool targetless);

void cli_order_free(struct cli_order *order);

#endif
