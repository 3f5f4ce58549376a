/* What a recording tells: a line on the terminal meanwhile, one line of truth at its end. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "pyspyc/recorder.h"

struct cli_progress {
	bool wanted;
	bool shown;
	uint64_t drawn_ns; /* elapsed time at the last drawing */
};

/*
 * Draws the line anew when it is wanted and the last drawing is old enough. figure: "  RSS 12.3M",
 * more to be told in it, or "".
 */
void cli_progress_draw(struct cli_progress *progress, const struct pyspyc_recorder_stats *stats,
		       const char *figure);

/* Takes the line away; before anything else is printed. */
void cli_progress_clear(struct cli_progress *progress);

/* The line of truth; rate is what was asked for. */
void cli_progress_summary(const struct pyspyc_recorder_stats *stats, double rate);

/* "1.5 kB" in text of size bytes; returns text. */
const char *cli_format_size(uint64_t bytes, char *text, size_t size);

#endif
