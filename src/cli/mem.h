/* pyspyc mem, between its files. */
#ifndef CLI_MEM_H
#define CLI_MEM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/alarms.h"
#include "cli/ordering.h"
#include "pyspyc/live.h"
#include "pyspyc/memory.h"

struct cli_mem {
	struct cli_order order;
	struct cli_alarms alarms;
	struct pyspyc_memory_output output;
	double delay;		    /* seconds between two lines */
};

/* The closing summary on standard error; lines: with those that grew most. */
void cli_mem_tell(const struct cli_mem *mem, struct pyspyc_recorder *recorder, bool lines);

/*
 * The lines by bytes they grew by, the largest first; those that never grew are left out. Freed
 * with pyspyc_table_free. False, and the reason in err, when it cannot be had.
 */
bool cli_mem_lines(struct pyspyc_recorder *recorder, struct pyspyc_table *ret,
		   struct pyspyc_error *err);

/* "function (file:line)" */
void cli_mem_put_place(FILE *file, const struct pyspyc_place *place);

/* Prints a line of figures at each delay, and in the end a table. Returns the exit status. */
int cli_mem_print(struct cli_mem *mem);

#endif
