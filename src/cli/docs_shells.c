/* What the shells' completions take from the tables. */
#include <stdbool.h>
#include <string.h>

#include "cli/docs.h"

/* Calls body for the program itself (NULL) and each command. */
static void for_all(FILE *file, void (*body)(FILE *file, const struct cli_command *command))
{
	body(file, NULL);
	for (size_t i = 0; cli_commands[i]; i++)
		body(file, cli_commands[i]);
}

static void put_formats(FILE *file, const struct cli_command *command)
{
	const struct pyspyc_format *const *formats = command->formats->all();

	for (size_t i = 0; formats[i]; i++)
		fprintf(file, "%s%s", i ? " " : "", formats[i]->name);
}

/* text inside single quotes, with each byte of special preceded by a backslash. */
static void put_quoted(FILE *file, const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, file);
		else if (strchr(special, *text))
			fprintf(file, "\\%c", *text);
		else
			fputc(*text, file);
	}
}

/* bash: the options of a command, and of each that takes a value what kind of value. */

static void bash_names(FILE *file, const struct cli_command *command)
{
	bool first = true;

	fprintf(file, "\t%s) echo '", cli_docs_owner(command));
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!cli_option_shown(option, cli_docs_owner(command)))
			continue;
		fprintf(file, "%s--%s", first ? "" : " ", option->name);
		if (option->letter)
			fprintf(file, " -%c", option->letter);
		first = false;
	}
	fputs("' ;;\n", file);
}

static void bash_value(FILE *file, const struct cli_option *option,
		       const struct cli_command *command)
{
	if (option->choices) {
		fprintf(file, "words %s", option->choices);
	} else if (option->hint == CLI_HINT_FORMAT) {
		fputs("words ", file);
		put_formats(file, command);
	} else {
		fputs(option->hint == CLI_HINT_PID    ? "pid"
		      : option->hint == CLI_HINT_FILE ? "file"
						      : "any",
		      file);
	}
}

static void bash_values_of(FILE *file, const struct cli_command *command)
{
	const char *owner = cli_docs_owner(command);

	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!option->metavar || !cli_option_shown(option, owner))
			continue;
		fprintf(file, "\t'%s --%s'", owner, option->name);
		if (option->letter)
			fprintf(file, " | '%s -%c'", owner, option->letter);
		fputs(") echo '", file);
		bash_value(file, option, command);
		fputs("' ;;\n", file);
	}
}

static void bash_options(FILE *file, const struct cli_command *command)
{
	(void)command;
	for_all(file, bash_names);
}

static void bash_values(FILE *file, const struct cli_command *command)
{
	(void)command;
	for_all(file, bash_values_of);
}

static void bash_operands(FILE *file, const struct cli_command *command)
{
	(void)command;
	for (size_t i = 0; cli_commands[i]; i++)
		fprintf(file, "\t%s) echo %s ;;\n", cli_commands[i]->name,
			cli_commands[i]->operand);
}

static void bash_commands(FILE *file, const struct cli_command *command)
{
	(void)command;
	fputs("_pyspyc_commands='", file);
	for (size_t i = 0; cli_commands[i]; i++)
		fprintf(file, "%s%s", i ? " " : "", cli_commands[i]->name);
	fputs("'\n", file);
}

/* zsh: specifications for _arguments. */

#define ZSH_SPECIAL "[]:\\"
#define ZSH_QUOTE "'\\''"

static void zsh_exclusion(FILE *file, const struct cli_option *option, const char *owner)
{
	fprintf(file, "--%s ", option->name);
	if (option->letter)
		fprintf(file, "-%c ", option->letter);
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *other = &cli_options[i];
		bool against = cli_list_has(option->conflicts, other->name, strlen(other->name)) ||
			       cli_list_has(other->conflicts, option->name, strlen(option->name));

		if (!against || !cli_option_shown(other, owner))
			continue;
		fprintf(file, "--%s ", other->name);
		if (other->letter)
			fprintf(file, "-%c ", other->letter);
	}
}

static void zsh_value(FILE *file, const struct cli_option *option,
		      const struct cli_command *command)
{
	fputc(':', file);
	put_quoted(file, option->metavar, ZSH_SPECIAL, ZSH_QUOTE);
	fputc(':', file);
	if (option->choices || option->hint == CLI_HINT_FORMAT) {
		fputc('(', file);
		if (option->choices)
			fputs(option->choices, file);
		else
			put_formats(file, command);
		fputc(')', file);
	} else {
		fputs(option->hint == CLI_HINT_PID    ? "_pids"
		      : option->hint == CLI_HINT_FILE ? "_files"
						      : " ",
		      file);
	}
}

static void zsh_spec(FILE *file, const struct cli_option *option, const struct cli_command *command,
		     char letter)
{
	fputs("\t\t\t'", file);
	if (option->repeats) {
		fputc('*', file);
	} else {
		fputc('(', file);
		zsh_exclusion(file, option, cli_docs_owner(command));
		fputc(')', file);
	}
	if (letter)
		fprintf(file, "-%c%s[", letter, option->metavar ? "+" : "");
	else
		fprintf(file, "--%s%s[", option->name, option->metavar ? "=" : "");
	put_quoted(file, option->help, ZSH_SPECIAL, ZSH_QUOTE);
	fputc(']', file);
	if (option->metavar)
		zsh_value(file, option, command);
	fputs("' \\\n", file);
}

static void zsh_options(FILE *file, const struct cli_command *command)
{
	const char *owner = cli_docs_owner(command);

	for (size_t i = 0; i < cli_option_count; i++) {
		if (!cli_option_shown(&cli_options[i], owner))
			continue;
		if (cli_options[i].letter)
			zsh_spec(file, &cli_options[i], command, cli_options[i].letter);
		zsh_spec(file, &cli_options[i], command, 0);
	}
}

static void zsh_case(FILE *file, const struct cli_command *command)
{
	fprintf(file, "\t%s)\n\t\t_arguments -s -S : \\\n", command->name);
	zsh_options(file, command);
	fprintf(file, "\t\t\t$operands_%s\n\t\t;;\n", command->operand);
}

static void zsh_cases(FILE *file, const struct cli_command *command)
{
	(void)command;
	for (size_t i = 0; cli_commands[i]; i++)
		zsh_case(file, cli_commands[i]);
}

static void zsh_commands(FILE *file, const struct cli_command *command)
{
	(void)command;
	for (size_t i = 0; cli_commands[i]; i++) {
		fprintf(file, "\t\t'%s:", cli_commands[i]->name);
		put_quoted(file, cli_commands[i]->summary, ZSH_SPECIAL, ZSH_QUOTE);
		fputs("'\n", file);
	}
}

/* fish: a complete command for each command and option. */

#define FISH_SPECIAL "\\"
#define FISH_QUOTE "\\'"

static void fish_commands(FILE *file, const struct cli_command *command)
{
	(void)command;
	for (size_t i = 0; cli_commands[i]; i++) {
		fprintf(file, "complete -c pyspyc -n '__pyspyc_at pyspyc' -a %s -d '",
			cli_commands[i]->name);
		put_quoted(file, cli_commands[i]->summary, FISH_SPECIAL, FISH_QUOTE);
		fputs("'\n", file);
	}
	for (size_t i = 0; cli_commands[i]; i++)
		fprintf(file, "complete -c pyspyc -n '__pyspyc_at %s' -a '(__pyspyc_operand_%s)'\n",
			cli_commands[i]->name, cli_commands[i]->operand);
}

/* The commands, and those whose operands are a program. */
static void fish_names(FILE *file, const struct cli_command *command)
{
	(void)command;
	fputs("set -g __pyspyc_commands", file);
	for (size_t i = 0; cli_commands[i]; i++)
		fprintf(file, " %s", cli_commands[i]->name);
	fputs("\nset -g __pyspyc_starters", file);
	for (size_t i = 0; cli_commands[i]; i++)
		if (cli_commands[i]->operands == CLI_OPERANDS_PROGRAM)
			fprintf(file, " %s", cli_commands[i]->name);
	fputc('\n', file);
}

static void fish_value(FILE *file, const struct cli_option *option,
		       const struct cli_command *command)
{
	if (option->hint == CLI_HINT_FILE) {
		fputs(" -r -F", file);
	} else if (option->choices || option->hint == CLI_HINT_FORMAT) {
		fputs(" -x -a '", file);
		if (option->choices)
			fputs(option->choices, file);
		else
			put_formats(file, command);
		fputc('\'', file);
	} else {
		fputs(option->hint == CLI_HINT_PID ? " -x -a '(__fish_complete_pids)'" : " -x",
		      file);
	}
}

static void fish_options_of(FILE *file, const struct cli_command *command)
{
	const char *owner = cli_docs_owner(command);

	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!cli_option_shown(option, owner))
			continue;
		fprintf(file, "complete -c pyspyc -n '__pyspyc_at %s'", owner);
		if (option->letter)
			fprintf(file, " -s %c", option->letter);
		fprintf(file, " -l %s", option->name);
		if (option->metavar)
			fish_value(file, option, command);
		fputs(" -d '", file);
		put_quoted(file, option->help, FISH_SPECIAL, FISH_QUOTE);
		fputs("'\n", file);
	}
}

static void fish_options(FILE *file, const struct cli_command *command)
{
	(void)command;
	for_all(file, fish_options_of);
}

/* The options whose value is the next word, as patterns of a case. */
static void fish_values(FILE *file, const struct cli_command *command)
{
	(void)command;
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!option->metavar || option->hidden)
			continue;
		fprintf(file, "        case --%s", option->name);
		if (option->letter)
			fprintf(file, " -%c", option->letter);
		fputs("\n            return 0\n", file);
	}
}

const struct cli_insertion cli_shell_insertions[] = {
	{ "bash-commands", bash_commands }, { "bash-options", bash_options },
	{ "bash-values", bash_values },	    { "bash-operands", bash_operands },
	{ "zsh-commands", zsh_commands },   { "zsh-options", zsh_options },
	{ "zsh-cases", zsh_cases },	    { "fish-commands", fish_commands },
	{ "fish-options", fish_options },   { "fish-values", fish_values },
	{ "fish-names", fish_names },	    { NULL, NULL },
};
