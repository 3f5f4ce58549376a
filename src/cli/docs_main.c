/* pyspyc-docs TEMPLATE: prints the template with the tables of the program filled in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/docs.h"

const char *cli_docs_owner(const struct cli_command *command)
{
	return command ? command->name : CLI_PROGRAM;
}

static const struct cli_insertion *find(const struct cli_insertion *insertions, const char *name)
{
	for (; insertions->name; insertions++)
		if (!strcmp(insertions->name, name))
			return insertions;
	return NULL;
}

/* text is what stands between the two @. False when it makes no sense. */
static int insert(char *text)
{
	char *blank = strchr(text, ' ');
	const struct cli_command *command = NULL;
	const struct cli_insertion *insertion;

	if (blank) {
		*blank = 0;
		command = cli_command_find(blank + 1, NULL);
		if (!command)
			return 0;
	}
	insertion = find(cli_man_insertions, text);
	if (!insertion)
		insertion = find(cli_shell_insertions, text);
	if (!insertion)
		return 0;
	insertion->print(stdout, command);
	return 1;
}

static int fill(FILE *template, const char *name)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	int number = 0;
	int wrong = 0;

	while (!wrong && (size = getline(&line, &capacity, template)) >= 0) {
		number++;
		if (size > 3 && line[0] == '@' && line[size - 2] == '@') {
			line[size - 2] = 0;
			wrong = !insert(line + 1);
		} else {
			fputs(line, stdout);
		}
	}
	if (wrong)
		fprintf(stderr, "%s:%d: nothing to insert for '%s'\n", name, number, line + 1);
	free(line);
	return wrong;
}

int main(int argc, char **argv)
{
	FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	int wrong;

	if (!template) {
		fprintf(stderr, "usage: pyspyc-docs TEMPLATE\n");
		return 2;
	}
	wrong = fill(template, argv[1]);
	fclose(template);
	return wrong || fflush(stdout) != 0;
}
