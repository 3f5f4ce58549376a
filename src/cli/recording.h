/* A recording as the user ordered it. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pyspyc/profile.h"
#include "pyspyc/recorder.h"

struct cli_order {
	struct pyspyc_recorder_options options;
	const struct pyspyc_format *format;
	const char *output; /* as -o gives it; NULL for the default name */
	pid_t *pids;	    /* to attach to, or none: */
	size_t pid_count;
	char **program; /* to start, NULL-terminated, or NULL */
	bool progress;	/* wanted on a terminal */
};

/* Records and writes the file. Returns the exit status. */
int cli_recording_run(const struct cli_order *order);

#endif
