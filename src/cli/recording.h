/* A recording as the user ordered it. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <stdbool.h>

#include "cli/ordering.h"
#include "pyspyc/profile.h"

struct cli_recording {
	struct cli_order order;
	const struct pyspyc_format *format;
	const char *output; /* as -o gives it; NULL for the default name */
	bool progress;	    /* wanted on a terminal */
};

/* Records and writes the file. Returns the exit status. */
int cli_recording_run(const struct cli_recording *wanted);

#endif
