/*
 * The build-time program that fills the templates of man/ and completions/ from the tables.
 * A line of a template that consists of @NAME@ or @NAME COMMAND@ is replaced by what the
 * insertion called NAME prints; all other lines are copied.
 */
#ifndef CLI_DOCS_H
#define CLI_DOCS_H

#include <stdio.h>

#include "cli/commands.h"

struct cli_insertion {
	const char *name;
	/* command is NULL where the template names none. */
	void (*print)(FILE *file, const struct cli_command *command);
};

/* Ended by a row without a name. */
extern const struct cli_insertion cli_man_insertions[];
extern const struct cli_insertion cli_shell_insertions[];

/* The name whose options command has: the program's own when it is NULL. */
const char *cli_docs_owner(const struct cli_command *command);

#endif
