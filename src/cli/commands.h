/* The table of commands: one file and one line here for each. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stddef.h>

#include "cli/arguments.h"
#include "cli/formats.h"

/* The line to add for a command; its file defines `const struct cli_command cli_command_NAME`. */
#define CLI_COMMANDS(COMMAND) \
	COMMAND(record)       \
	COMMAND(top)          \
	COMMAND(mem)          \
	COMMAND(tracemalloc)  \
	COMMAND(maps)         \
	COMMAND(dump)         \
	COMMAND(gc)           \
	COMMAND(help)

struct cli_command {
	const char *name;
	const char *summary;	     /* a phrase for the list of commands */
	const char *const *synopses; /* what may follow the name, NULL-terminated */
	const char *operand;	     /* what a shell offers: "pid", "program", "command" */
	const char *const *examples; /* pairs of a command line and what it does; NULL-terminated */
	enum cli_operands operands;
	const struct cli_formats *formats; /* that --format takes, or NULL */
	/* Does it and returns the exit status. */
	int (*run)(const struct cli_arguments *arguments);
};

#define CLI_DECLARE(name) extern const struct cli_command cli_command_##name;
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE

extern const struct cli_command *const cli_commands[]; /* NULL-terminated */

/*
 * The command called name, or the only one whose name starts so. NULL when there is none;
 * *matches (may be NULL) tells how many would do.
 */
const struct cli_command *cli_command_find(const char *name, size_t *matches);

#endif
