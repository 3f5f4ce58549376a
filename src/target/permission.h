/* Why a process may not be read, in words that help. */
#ifndef SPY_TARGET_PERMISSION_H
#define SPY_TARGET_PERMISSION_H

#include <sys/types.h>

#include "pyspyc/error.h"

/*
 * Finds out why pid may not be read (its owner, a missing CAP_SYS_PTRACE, Yama's setting, a
 * user namespace; ptrace(2), "Ptrace access mode checking") and returns -PYSPYC_EPERM with a
 * message that names it and the way out.
 */
int spy_permission_denied(pid_t pid, struct pyspyc_error *err);

#endif
