/* The forms in which the collector's state and its collections are shown. */
#ifndef CLI_GC_H
#define CLI_GC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/pids.h"
#include "pyspyc/gc.h"

/* The version of the JSON forms: goes up when old readers would fail. */
#define CLI_GC_SCHEMA 1
#define CLI_GC_SCHEMA_NAME "pyspyc-gc"

/* The names of the debug flags set, with blanks between; "none". */
void cli_gc_flags(unsigned debug, char *buffer, size_t size);

/* Right-aligned; "-" for what is not known, which is negative. */
void cli_gc_put_number(FILE *file, int width, int64_t number);

void cli_gc_text(FILE *file, const struct pyspyc_gc *gc);

/* Adds a process to a document. False when memory ran out. */
bool cli_gc_add(json_t *document, const struct pyspyc_gc *gc);

/* A collection as one line of JSON; time is that of its end in seconds since 1970. */
json_t *cli_gc_collection(const struct pyspyc_gc_collection *collection, double time,
			  double paused);

/*
 * gc --watch: prints collections until the end; with --subprocesses those of descendants as well,
 * which join pids. Returns the exit status.
 */
int cli_gc_watch(const struct cli_arguments *arguments, struct cli_pids *pids);

#endif
