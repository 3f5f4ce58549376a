/* pyspyc top, between its files. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/ordering.h"
#include "pyspyc/live.h"
#include "pyspyc/process.h"

struct cli_top {
	struct cli_order order;
	struct pyspyc_query query;
	enum pyspyc_table_kind table; /* that is printed */
	const char *view;	      /* that the screen begins with, or NULL */
	double delay;		      /* seconds between refreshes */
	double duration;	      /* seconds, 0: no end */
	uint64_t refreshes;	      /* to print, 0: no end */
	bool print;		      /* as text or JSON instead of on the screen */
	bool json;
	/* What is told when the screen has ended; NULL: a refresh where the time was over. */
	int (*last)(const struct cli_top *top, struct pyspyc_recorder *recorder);
};

/* --delay. Returns the exit status. */
int cli_top_delay(const struct cli_arguments *arguments, double *ret);

/* Adds or starts what is to be looked at, and looks at it. Returns the exit status. */
int cli_top_run(struct cli_top *top);

/* What one refresh has to tell. Rows are in the order in which to show them. */
struct cli_refresh {
	const struct cli_top *top;
	const struct pyspyc_live *live;
	const struct pyspyc_recorder_stats *stats;
	const struct pyspyc_table *table;
};

/* How to take a snapshot with the same options. */
struct pyspyc_snapshot_options cli_top_dump(const struct cli_top *top);

/* The version of the JSON form: goes up when old readers would fail. */
#define CLI_TOP_SCHEMA 1

/* A refresh in either form. False when memory ran out. */
bool cli_top_text(FILE *file, const struct cli_refresh *refresh);
bool cli_top_json(FILE *file, const struct cli_refresh *refresh);

/* Prints refreshes until enough were, or all processes have ended. Returns the exit status. */
int cli_top_print(const struct cli_top *top, struct pyspyc_recorder *recorder);

/* Prints a refresh of what came last, after the recorder's run. Returns the exit status. */
int cli_top_last(const struct cli_top *top, struct pyspyc_recorder *recorder);

/* --- top_capture.c: what a program prints while the screen is in use --- */

struct cli_capture {
	int file;	/* where it goes; -1: nowhere, no stream of ours is a terminal */
	int stream;	/* of ours, where it is shown in the end */
	int saved[3];	/* our own streams while the program is started */
	int64_t shown;	/* so many bytes of it have been, or never will be */
	char last[512]; /* line */
};

#define CLI_CAPTURE_NONE ((struct cli_capture){ -1, -1, { -1, -1, -1 }, 0, "" })

/*
 * Until cli_capture_end, standard streams of this process that are a terminal lead elsewhere:
 * input to nothing, the others into memory. A program started meanwhile inherits that. False,
 * and the reason said, when that cannot be had.
 */
bool cli_capture_begin(struct cli_capture *capture);
void cli_capture_end(struct cli_capture *capture);

/* Forgets all but the newest 64 KB; returns the last line, which capture keeps. */
const char *cli_capture_last(void *capture);

/* Shows what has not been shown yet, of the newest 64 KB. */
void cli_capture_show(void *capture);

void cli_capture_close(struct cli_capture *capture);

#endif
