/* pyspyc: processes, seen from outside. */
#ifndef PYSPYC_PROCESS_H
#define PYSPYC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pyspyc/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The living descendants of pid (itself not among them), parents before children, in
 * *ret, an array of *count which the caller frees.
 */
int pyspyc_descendants(pid_t pid, pid_t **ret, size_t *count, struct pyspyc_error *err);

/* The parent of pid, or 0 when it is gone or has none that can be seen. */
pid_t pyspyc_parent(pid_t pid);

/*
 * Under sudo, the user and group (SUDO_UID, SUDO_GID) who called it. False, and nothing
 * stored, when this is not root or root was not reached by a user's sudo.
 */
bool pyspyc_caller(uid_t *uid, gid_t *gid);

/* A program that pyspyc started. */
struct pyspyc_child;

/*
 * Starts argv (NULL-terminated, searched in PATH) with this process's streams, terminal and
 * environment and signal mask; signals that this process ignores are ignored, all others at
 * their defaults. As root under sudo (pyspyc_caller) it runs as the user who called sudo (SUDO_UID, SUDO_GID, with that user's groups,
 * HOME, USER and LOGNAME). Returns once the program's exec has succeeded. -PYSPYC_EIO when
 * it could not be started (the message names it and why). The caller frees *ret.
 */
int pyspyc_child_start(char *const argv[], struct pyspyc_child **ret, struct pyspyc_error *err);

pid_t pyspyc_child_pid(const struct pyspyc_child *child);

/*
 * The exit status as a shell gives it (128+n for a signal) in *ret. With wait, waits for
 * the program to end, else returns -PYSPYC_EAGAIN while it runs; -PYSPYC_EAGAIN also when a
 * signal handler ran meanwhile.
 */
int pyspyc_child_status(struct pyspyc_child *child, bool wait, int *ret);

/* Frees the record; the program, if it still runs, runs on. */
void pyspyc_child_free(struct pyspyc_child *child);

#ifdef __cplusplus
}
#endif

#endif
