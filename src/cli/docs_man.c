/* What the man pages take from the tables, in mdoc(7). */
#include <ctype.h>
#include <string.h>

#include "cli/docs.h"

#define LINE 78

/*
 * Prints text so that mdoc takes it literally: hyphens stay ASCII, a new sentence starts a new
 * line, and no line starts with a control character. wrap allows further line breaks; at is
 * the column that text starts in.
 */
static void put_text(FILE *file, const char *text, bool wrap, size_t at)
{
	for (; *text; text++) {
		const char *next = text + strspn(text, " ");
		bool ends = text[0] == ' ' && at && text[-1] == '.' &&
			    isupper((unsigned char)*next);

		if (ends || (wrap && *text == ' ' && at + strcspn(next, " ") + 1 > LINE)) {
			fputc('\n', file);
			text = next - 1;
			at = 0;
			continue;
		}
		if (!at && (*text == '.' || *text == '\''))
			fputs("\\&", file);
		at++;
		if (*text == '\\' || *text == '-') {
			fputs(*text == '-' ? "\\-" : "\\e", file);
			at++;
		} else {
			fputc(*text, file);
		}
	}
}

/* A phrase as a sentence on a line of its own. */
static void put_sentence(FILE *file, const char *phrase)
{
	char first[2] = { (char)toupper((unsigned char)phrase[0]), 0 };

	put_text(file, first, false, 0);
	put_text(file, phrase + 1, true, 1);
	fputs(".\n", file);
}

static void print_option(FILE *file, const struct cli_option *option)
{
	fputs(".It ", file);
	if (option->letter)
		fprintf(file, "Fl %c , ", option->letter);
	fprintf(file, "Fl \\-");
	put_text(file, option->name, false, 1);
	if (option->metavar)
		fprintf(file, " Ns = Ns Ar %s", option->metavar);
	fputc('\n', file);
	put_sentence(file, option->help);
	if (option->more) {
		put_text(file, option->more, true, 0);
		fputc('\n', file);
	}
	if (option->fallback) {
		fputs("The default is ", file);
		put_text(file, option->fallback, false, 1);
		fputs(".\n", file);
	}
}

static void print_options(FILE *file, const struct cli_command *command)
{
	const char *group = "";

	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!cli_option_shown(option, cli_docs_owner(command)))
			continue;
		if (strcmp(option->group, group) != 0) {
			fprintf(file, "%s.Ss %s\n.Bl -tag -width Ds\n", *group ? ".El\n" : "",
				option->group);
			group = option->group;
		}
		print_option(file, option);
	}
	if (*group)
		fputs(".El\n", file);
}

static void print_commands(FILE *file, const struct cli_command *command)
{
	(void)command;
	fputs(".Bl -tag -width Ds\n", file);
	for (size_t i = 0; cli_commands[i]; i++) {
		fprintf(file, ".It Xr pyspyc-%s 1\n", cli_commands[i]->name);
		put_sentence(file, cli_commands[i]->summary);
	}
	fputs(".El\n", file);
}

/* In alphabetical order, as mdoc wants it. */
static void print_pages(FILE *file, const struct cli_command *command)
{
	const char *last = "";
	const char *next;

	(void)command;
	for (;;) {
		next = NULL;
		for (size_t i = 0; cli_commands[i]; i++) {
			const char *name = cli_commands[i]->name;

			if (strcmp(name, last) > 0 && (!next || strcmp(name, next) < 0))
				next = name;
		}
		if (!next)
			break;
		fprintf(file, "%s.Xr pyspyc-%s 1", *last ? " ,\n" : "", next);
		last = next;
	}
	fputc('\n', file);
}

static void print_formats(FILE *file, const struct cli_command *command)
{
	const struct pyspyc_format *const *formats = command->formats->all();

	fputs(".Bl -tag -width Ds\n", file);
	for (size_t i = 0; formats[i]; i++) {
		fprintf(file, ".It Cm %s", formats[i]->name);
		for (size_t k = 0; formats[i]->aliases[k]; k++)
			fprintf(file, " , Cm %s", formats[i]->aliases[k]);
		fputc('\n', file);
		put_sentence(file, formats[i]->description);
		fputs("Chosen by", file);
		for (size_t k = 0; formats[i]->extensions[k]; k++)
			fprintf(file, "%s %s", k ? "," : "", formats[i]->extensions[k]);
		fputs(".\n", file);
	}
	fputs(".El\n", file);
}

static void print_examples(FILE *file, const struct cli_command *command)
{
	for (size_t i = 0; command && command->examples[i]; i += 2) {
		fprintf(file, "%s", i ? ".Pp\n" : "");
		put_sentence(file, command->examples[i + 1]);
		fputs(".Dl ", file);
		put_text(file, command->examples[i], false, 1);
		fputc('\n', file);
	}
}

const struct cli_insertion cli_man_insertions[] = {
	{ "man-options", print_options },   { "man-commands", print_commands },
	{ "man-pages", print_pages },	    { "man-formats", print_formats },
	{ "man-examples", print_examples }, { NULL, NULL },
};
