/* pyspyc tracemalloc, between its files. */
#ifndef CLI_TRACES_H
#define CLI_TRACES_H

#include <stdio.h>

#include <jansson.h>

#include "pyspyc/tracemalloc.h"

/* The version of the JSON form (man/pyspyc-tracemalloc.1): goes up when old readers would fail. */
#define CLI_TRACES_SCHEMA 1

/* What is shown. */
struct cli_traces {
	const struct pyspyc_tracemalloc *now;
	const struct pyspyc_tracemalloc *before; /* NULL: one moment only */
	double seconds;				 /* between the two */
	enum pyspyc_traces_by by;
	const struct pyspyc_traces_table *table; /* NULL when tracemalloc does not run */
	size_t rows;				 /* of these so many are shown */
};

void cli_traces_text(FILE *file, const struct cli_traces *traces);

/* NULL when memory ran out. */
json_t *cli_traces_json(const struct cli_traces *traces);

#endif
