/* A process that is no Python, such as a shell, stands for the first Python that it has started. */
#ifndef CLI_STAND_IN_H
#define CLI_STAND_IN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Where a Python other than the process pid that was asked for was found, says on standard error
 * which, and what becomes of it ("is recorded"), and of how many it is the first; what takes them
 * all (" (--subprocesses takes all)") follows where it is not the only one.
 */
void cli_stand_in_tell(pid_t pid, pid_t found, const char *done, const char *all);

#endif
