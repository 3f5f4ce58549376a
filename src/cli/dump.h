/* The two forms in which a snapshot is shown. */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "pyspyc/snapshot.h"

/* The version of the JSON form (docs/dump-schema.json): goes up when old readers would fail. */
#define CLI_DUMP_SCHEMA 1

/* As text; the parent's line where parent is not 0. */
void cli_dump_text(FILE *file, const struct pyspyc_snapshot *snapshot, pid_t parent, bool colour);

/* A new document without processes, or NULL when memory ran out. */
json_t *cli_dump_document(void);

/* Adds a process, or an error. False when memory ran out. */
bool cli_dump_add(json_t *document, const struct pyspyc_snapshot *snapshot);
bool cli_dump_add_error(json_t *document, pid_t pid, const struct pyspyc_error *err);

/*
 * A string, or null for NULL. Text that is not UTF-8 after all is shown as on a terminal rather
 * than lost.
 */
json_t *cli_json_string(const char *text);

#endif
