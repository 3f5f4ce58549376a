/* A command line, taken apart by the table of options. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

/* What may stand on a command line besides options. */
enum cli_operands {
	CLI_OPERANDS_ANYWHERE, /* words, between options too */
	CLI_OPERANDS_PROGRAM,  /* a program to start: its first word ends the options */
};

struct cli_given {
	const struct cli_option *option;
	const char *value; /* NULL for an option without one */
};

struct cli_arguments {
	const char *command;	 /* whose options were parsed */
	struct cli_given *given; /* in the order of the command line */
	size_t given_count;
	char **operands; /* NULL-terminated; the strings are argv's */
	size_t operand_count;
	char problem[512]; /* what is wrong with them, when parsing failed */
};

/*
 * Parses argv[0..argc) (without the program's and the command's name) as arguments of
 * command. False, with `problem` set, when they are wrong: unknown options, missing values,
 * values not among the choices, contradictions. --help ends the parsing at once, so that
 * nothing after it matters. The result is to be freed in either case.
 */
bool cli_arguments_parse(struct cli_arguments *arguments, const char *command,
			 enum cli_operands operands, int argc, char **argv);

void cli_arguments_free(struct cli_arguments *arguments);

/* Whether the option called name was given. */
bool cli_has(const struct cli_arguments *arguments, const char *name);

/* Its value (the last one), else the default of the table, which may be NULL. */
const char *cli_value(const struct cli_arguments *arguments, const char *name);

/* Its values one by one: *at starts as 0; NULL after the last. */
const char *cli_value_next(const struct cli_arguments *arguments, const char *name, size_t *at);

#endif
