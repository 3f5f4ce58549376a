/* A shell command that is started when something happened, and not waited for for long. */
#ifndef CLI_EXECUTE_H
#define CLI_EXECUTE_H

#include <stdbool.h>
#include <sys/types.h>

/* How long cli_execute_wait waits. */
#define CLI_EXECUTE_SECONDS 30

/* Zero-initialise. */
struct cli_execute {
	pid_t pid; /* of the command that runs, or 0 */
};

/*
 * Starts command with /bin/sh -c, with the NAME=VALUE strings of variables (NULL-terminated) in
 * its environment. Its input is empty, and what it prints goes to standard error. False, and the
 * reason said, when it cannot be started or the one before still runs.
 */
bool cli_execute_start(struct cli_execute *execute, const char *command, char *const variables[]);

/* Says how the command ended if it has, and badly. */
void cli_execute_look(struct cli_execute *execute);

/* Waits for its end, but not for longer than that, nor when a signal ends the program. */
void cli_execute_wait(struct cli_execute *execute);

#endif
