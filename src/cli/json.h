/* What the JSON documents of several commands have in common. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <jansson.h>

#include "pyspyc/error.h"

/*
 * A string, or null for NULL. Text that is not UTF-8 after all is shown as on a terminal rather
 * than lost.
 */
json_t *cli_json_string(const char *text);

/* A document without processes and errors, or NULL when memory ran out. */
json_t *cli_json_document(const char *schema, int version);

/* Adds why a process is not in it. False when memory ran out. */
bool cli_json_add_error(json_t *document, pid_t pid, const struct pyspyc_error *err);

/* Prints it to be read by people, too. */
void cli_json_print(FILE *file, const json_t *document);

#endif
