/* Starting a program to look at. */
#ifndef SPY_TARGET_LAUNCH_H
#define SPY_TARGET_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "pyspyc/error.h"

/* Whom the program runs as. */
struct spy_identity {
	bool change; /* false: as we are */
	uid_t uid;
	gid_t gid;
};

/*
 * The user who called sudo, from SUDO_UID and SUDO_GID, when this is root under sudo (not by a
 * setuid bit, whose caller chooses the environment); nothing to change otherwise.
 */
struct spy_identity spy_identity_of_caller(void);

/*
 * Starts argv (NULL-terminated, searched in PATH) as identity says and returns its pid once
 * its exec has succeeded. Streams, terminal and signal mask are ours; those we ignore
 * stay ignored, all others are at their defaults, and none is swallowed on the way. -PYSPYC_EIO when it could not be started.
 */
int spy_launch(char *const argv[], const struct spy_identity *identity, pid_t *ret,
	       struct pyspyc_error *err);

#endif
