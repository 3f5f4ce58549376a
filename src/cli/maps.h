/* The forms in which a process' memory by segment is shown. */
#ifndef CLI_MAPS_H
#define CLI_MAPS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "pyspyc/maps.h"

/* The version of the JSON form: goes up when old readers would fail. */
#define CLI_MAPS_SCHEMA 1
#define CLI_MAPS_SCHEMA_NAME "pyspyc-maps"

/* As text: a table of kinds, then the largest items of each, or all of them. */
void cli_maps_text(FILE *file, const struct pyspyc_maps *maps, bool all, bool colour);

/* The kinds of all processes in sum. */
void cli_maps_text_sum(FILE *file, const struct pyspyc_maps *const *maps, size_t count,
		       bool colour);

/*
 * Adds a process to a document; with ranges, each mapping and part of one. False when memory ran
 * out.
 */
bool cli_maps_add(json_t *document, const struct pyspyc_maps *maps, bool ranges);

#endif
