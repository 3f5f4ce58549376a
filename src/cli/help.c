#include "cli/help.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "pyspyc/version.h"

#define WIDTH 79
#define COLUMN 28 /* where the descriptions start */

/* Prints text word by word from column `at` on, in lines that start at column indent. */
static void wrap(FILE *file, const char *text, int at, int indent)
{
	const char *word;
	size_t size;

	while ((word = cli_list_next(&text, &size))) {
		if (at > indent && at + 1 + (int)size > WIDTH) {
			fputc('\n', file);
			at = 0;
		} else if (at > indent) {
			fputc(' ', file);
			at++;
		}
		if (at < indent)
			fprintf(file, "%*s", indent - at, "");
		at = at < indent ? indent : at;
		fwrite(word, 1, size, file);
		at += (int)size;
	}
	fputc('\n', file);
}

/* "  left" and its description, below it when left is too wide. */
static void print_pair(FILE *file, const char *left, const char *description)
{
	int at = fprintf(file, "  %s", left);

	if (at > COLUMN - 2) {
		fputc('\n', file);
		at = 0;
	}
	wrap(file, description, at, COLUMN);
}

static void print_option(FILE *file, const struct cli_option *option)
{
	char left[80];
	char description[512];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
		 option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
		 option->metavar ? " " : "", option->metavar ? option->metavar : "");
	snprintf(description, sizeof(description), "%s%s%s%s", option->help,
		 option->fallback ? " [default: " : "", option->fallback ? option->fallback : "",
		 option->fallback ? "]" : "");
	print_pair(file, left, description);
}

static void print_options(FILE *file, const char *command)
{
	const char *group = "";

	for (size_t i = 0; i < cli_option_count; i++) {
		if (!cli_option_shown(&cli_options[i], command))
			continue;
		if (strcmp(cli_options[i].group, group) != 0) {
			group = cli_options[i].group;
			fprintf(file, "\n%s:\n", group);
		}
		print_option(file, &cli_options[i]);
	}
}

static void print_formats(FILE *file, const struct pyspyc_format *const *formats)
{
	fputs("\nFormats (--format), with the extensions that choose them:\n", file);
	for (size_t i = 0; formats[i]; i++) {
		char left[256];
		size_t used = (size_t)snprintf(left, sizeof(left), "%s", formats[i]->name);

		for (size_t k = 0; formats[i]->extensions[k] && used < sizeof(left); k++)
			used += (size_t)snprintf(left + used, sizeof(left) - used, " %s",
						 formats[i]->extensions[k]);
		print_pair(file, left, formats[i]->description);
	}
}

/* A phrase as a sentence of its own. */
static void print_sentence(FILE *file, const char *phrase)
{
	char text[256];

	snprintf(text, sizeof(text), "%c%s.", toupper((unsigned char)phrase[0]), phrase + 1);
	wrap(file, text, 0, 0);
}

static void print_program(FILE *file)
{
	fprintf(file,
		"pyspyc %s: shows what running Python programs do, from outside\n\n"
		"Usage: pyspyc COMMAND [options] ...\n\n"
		"Commands (the first letters are enough):\n",
		pyspyc_version());
	for (size_t i = 0; cli_commands[i]; i++)
		print_pair(file, cli_commands[i]->name, cli_commands[i]->summary);
	print_options(file, CLI_PROGRAM);
	fputs("\npyspyc help COMMAND tells about one of them.\n", file);
}

void cli_help_print(FILE *file, const struct cli_command *command)
{
	if (!command) {
		print_program(file);
		return;
	}
	for (size_t i = 0; command->synopses[i]; i++)
		fprintf(file, "%s pyspyc %s %s\n", i ? "      " : "Usage:", command->name,
			command->synopses[i]);
	fputc('\n', file);
	print_sentence(file, command->summary);
	print_options(file, command->name);
	for (size_t i = 0; i < cli_option_count; i++)
		if (cli_options[i].hint == CLI_HINT_FORMAT &&
		    cli_option_shown(&cli_options[i], command->name))
			print_formats(file, command->formats->all());
	if (command->examples && command->examples[0])
		fputs("\nExamples:\n", file);
	for (size_t i = 0; command->examples && command->examples[i]; i += 2)
		fprintf(file, "  %s\n      %s\n", command->examples[i], command->examples[i + 1]);
}

int cli_help_show(const struct cli_command *command)
{
	struct cli_out out;

	cli_out_open(&out);
	if (out.file)
		cli_help_print(out.file, command);
	return cli_out_close(&out, CLI_OK);
}
