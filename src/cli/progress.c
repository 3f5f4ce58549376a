#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/message.h"
#include "cli/signals.h"

#define DRAW_EVERY_NS 200000000u

/* Decimals that a rate deserves. */
static int decimals(double rate)
{
	return rate >= 1000 ? 0 : rate >= 10 ? 1 : 3;
}

static double seconds(uint64_t nanoseconds)
{
	return (double)nanoseconds / 1e9;
}

void cli_progress_draw(struct cli_progress *progress, const struct pyspyc_recorder_stats *stats,
		       const char *figure)
{
	uint64_t whole = stats->elapsed_ns / 1000000000u;
	char clock[32];
	char line[256];

	if (!progress->wanted ||
	    (progress->shown && stats->elapsed_ns - progress->drawn_ns < DRAW_EVERY_NS))
		return;
	if (whole >= 3600)
		snprintf(clock, sizeof(clock), "%" PRIu64 ":%02u:%02u", whole / 3600,
			 (unsigned int)(whole / 60 % 60), (unsigned int)(whole % 60));
	else
		snprintf(clock, sizeof(clock), "%u:%02u", (unsigned int)(whole / 60),
			 (unsigned int)(whole % 60));
	snprintf(line, sizeof(line),
		 "recording %s%s  %" PRIu64 " samples  %.*f/s  %" PRIu64
		 " errors  (Ctrl-C ends and writes)",
		 clock, figure, stats->samples, decimals(stats->rate_reached), stats->rate_reached,
		 stats->dropped + stats->unreadable);
	fprintf(stderr, "\r%.*s\033[K", cli_width(stderr, 80) - 1, line);
	fflush(stderr);
	progress->drawn_ns = stats->elapsed_ns;
	progress->shown = true;
	cli_signals_progress(true);
}

void cli_progress_clear(struct cli_progress *progress)
{
	if (!progress->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->shown = false;
	cli_signals_progress(false);
}

void cli_progress_summary(const struct pyspyc_recorder_stats *stats, double rate)
{
	char folded[40] = "", partial[40] = "", waiting[40] = "";

	if (stats->partial)
		snprintf(partial, sizeof(partial), ", partial %" PRIu64, stats->partial);
	if (stats->waiting)
		snprintf(waiting, sizeof(waiting), ", waiting %" PRIu64, stats->waiting);
	if (stats->folded)
		snprintf(folded, sizeof(folded), ", folded %" PRIu64, stats->folded);
	cli_note("%" PRIu64 " sample%s in %.2f s, %.*f/s of %.10g/s reached; missed %" PRIu64
		 ", retried %" PRIu64 ", stopped %" PRIu64 " (%.1f ms), dropped %" PRIu64
		 ", unreadable %" PRIu64 ", truncated %" PRIu64 "%s%s%s; own CPU %.2f s",
		 stats->samples, stats->samples == 1 ? "" : "s", seconds(stats->elapsed_ns),
		 decimals(stats->rate_reached), stats->rate_reached, rate, stats->missed,
		 stats->retried, stats->stopped, (double)stats->stopped_ns / 1e6, stats->dropped,
		 stats->unreadable, stats->truncated, partial, waiting, folded, seconds(stats->cpu_ns));
}

const char *cli_format_size(uint64_t bytes, char *text, size_t size)
{
	if (bytes < 1000)
		snprintf(text, size, "%" PRIu64 " bytes", bytes);
	else if (bytes < 1000000)
		snprintf(text, size, "%.1f kB", (double)bytes / 1e3);
	else
		snprintf(text, size, "%.1f MB", (double)bytes / 1e6);
	return text;
}
