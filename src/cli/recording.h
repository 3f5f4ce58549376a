/* A recording as the user ordered it: made, written, told about. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/alarms.h"
#include "cli/ordering.h"
#include "pyspyc/profile.h"

struct cli_recording {
	struct cli_order order;
	const struct pyspyc_format *format;
	const char *output; /* as -o gives it; NULL for the default name */
	bool progress;	    /* wanted on a terminal */
	const struct cli_recorded *what;
	void *context;		   /* for what's functions */
	struct cli_alarms *alarms; /* or NULL */
};

/* What is recorded, and so what is written. */
struct cli_recorded {
	const char *noun; /* "the profile" */
	/* Writes what there is so far. */
	int (*write)(const struct cli_recording *wanted, struct pyspyc_recorder *recorder,
		     FILE *file, struct pyspyc_error *err);
	/* NULL when there is something, or why there is nothing: the end of a sentence. */
	const char *(*empty)(const struct cli_recording *wanted, struct pyspyc_recorder *recorder);
	/* For the progress line: "  RSS 12.3M"; may be NULL. */
	void (*figure)(struct pyspyc_recorder *recorder, char *text, size_t size);
	/* Tells the truth about it on standard error, at the end. */
	void (*tell)(const struct cli_recording *wanted, struct pyspyc_recorder *recorder);
};

/* Records and writes the file. Returns the exit status. */
int cli_recording_run(const struct cli_recording *wanted);

/* --- profile: what record records --- */

extern const struct cli_recorded cli_recorded_profile;

#endif
