/* The two forms in which a snapshot is shown. */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/json.h"
#include "cli/pids.h"
#include "pyspyc/snapshot.h"

/* The version of the JSON form (docs/dump-schema.json): goes up when old readers would fail. */
#define CLI_DUMP_SCHEMA 1
#define CLI_DUMP_SCHEMA_NAME "pyspyc-dump"

/* As text; the parent's line where parent is not 0. */
void cli_dump_text(FILE *file, const struct pyspyc_snapshot *snapshot, pid_t parent, bool colour);

/* A line between two of them. */
void cli_dump_rule(FILE *file, int width);

/* All of these processes as text, one after the other, and why some could not be looked at. */
void cli_dump_all(FILE *file, const pid_t *pids, size_t count, bool subprocesses,
		  const struct pyspyc_snapshot_options *options);

/* Adds a process to a document. False when memory ran out. */
bool cli_dump_add(json_t *document, const struct pyspyc_snapshot *snapshot);

/* --- dump_walk.c: snapshots of several processes, of each one --- */

struct cli_dump_walk {
	struct pyspyc_snapshot_options options;
	double wait; /* seconds, for an interpreter that is just starting */
	/* parent: 0 for a process that was asked for. */
	void (*show)(void *context, const struct pyspyc_snapshot *snapshot, pid_t parent);
	void (*fail)(void *context, pid_t pid, const struct pyspyc_error *err);
	void *context;
	size_t shown;	      /* so far */
	struct cli_pids seen; /* processes that have been dealt with */
};

/* Shows a process, and with subprocesses those among its descendants that are Python's. */
void cli_dump_walk(struct cli_dump_walk *walk, pid_t pid, bool subprocesses);

void cli_dump_walk_free(struct cli_dump_walk *walk);

#endif
