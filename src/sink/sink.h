/* What an output format is: a const descriptor in a file of its own, listed in formats.c. */
#ifndef SPY_SINK_SINK_H
#define SPY_SINK_SINK_H

#include <stdio.h>

#include "profile/profile.h"

struct spy_sink {
	struct pyspyc_format format;
	/* Writes profile to file; write errors are the caller's. */
	int (*write)(const struct pyspyc_profile *profile, FILE *file, struct pyspyc_error *err);
};

extern const struct spy_sink spy_sink_flamegraph;
extern const struct spy_sink spy_sink_folded;
extern const struct spy_sink spy_sink_speedscope;

#endif
