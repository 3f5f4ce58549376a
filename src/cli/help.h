/* --help, made from the tables of commands, options and formats. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/commands.h"

/* A page of at most 80 columns: the program's own help when command is NULL. */
void cli_help_print(FILE *file, const struct cli_command *command);

/* The same on standard output; returns the exit status. */
int cli_help_show(const struct cli_command *command);

#endif
