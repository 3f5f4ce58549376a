/* The processes of an order: attached to or started, and waited for at the end. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "cli/ordering.h"
#include "pyspyc/process.h"

/*
 * Adds the order's processes to recorder, or starts its program: *child, which the caller frees,
 * is then set, also after errors. Lets this process open as many files as it may, a few of which
 * each thread takes. Returns the exit status so far.
 */
int cli_targets_add(const struct cli_order *order, struct pyspyc_recorder *recorder,
		    struct pyspyc_child **child);

/*
 * Says on standard error which of the order's processes stand for others, below them, and what
 * becomes of those ("is recorded").
 */
void cli_targets_tell(const struct cli_order *order, const struct pyspyc_recorder *recorder,
		      const char *done);

/* The process that the order is about, or the first of them. */
pid_t cli_targets_first(const struct cli_order *order, const struct pyspyc_child *child);

/* "app-1234": the program's name and its pid. The caller frees it; NULL: out of memory. */
char *cli_targets_stem(const struct cli_order *order, pid_t pid);

/*
 * Waits for the program, which is never killed, and returns its exit status. A first signal was
 * for the sampling; a second one ends this wait in its handler (cli/signals.h). meanwhile, when
 * not NULL, is called now and then.
 */
int cli_targets_wait(struct pyspyc_child *child, void (*meanwhile)(void *context), void *context);

/*
 * The end of a command whose own exit status is this: waits for the program, if there is one,
 * frees child and returns the exit status, which is the program's when the command's is 0.
 */
int cli_targets_end(struct pyspyc_child *child, int status);

#endif
