#include "cli/arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool problem(struct cli_arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool problem(struct cli_arguments *arguments, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(arguments->problem, sizeof(arguments->problem), format, args);
	va_end(args);
	return false;
}

static const struct cli_option *by_letter(const char *command, char letter)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (cli_options[i].letter == letter && cli_option_of(&cli_options[i], command))
			return &cli_options[i];
	return NULL;
}

/* The option called name, or the only one whose name starts so; *matches counts those. */
static const struct cli_option *by_name(const char *command, const char *name, size_t size,
					size_t *matches)
{
	const struct cli_option *found = NULL;

	*matches = 0;
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!cli_option_of(option, command) || strncmp(option->name, name, size) != 0)
			continue;
		if (!option->name[size]) {
			*matches = 1;
			return option;
		}
		found = option;
		(*matches)++;
	}
	return *matches == 1 ? found : NULL;
}

/* The options that start with name, as "--a, --b". */
static bool ambiguous(struct cli_arguments *arguments, const char *name, size_t size)
{
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if (!cli_option_shown(option, arguments->command) ||
		    strncmp(option->name, name, size) != 0 || used >= sizeof(list))
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s--%s",
					 used ? ", " : "", option->name);
	}
	return problem(arguments, "--%.*s could be any of %s", (int)size, name, list);
}

static bool check_choice(struct cli_arguments *arguments, const struct cli_option *option,
			 const char *value)
{
	char list[256] = "";
	const char *rest = option->choices;
	const char *word;
	size_t size;
	size_t used = 0;

	if (!rest || cli_list_has(rest, value, strlen(value)))
		return true;
	while ((word = cli_list_next(&rest, &size)) && used < sizeof(list)) {
		const char *ahead = rest;
		size_t ahead_size;
		const char *glue = !used ? "" : cli_list_next(&ahead, &ahead_size) ? ", " : " or ";

		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.*s", glue,
					 (int)size, word);
	}
	return problem(arguments, "--%s is %s, not '%s'", option->name, list, value);
}

static bool give(struct cli_arguments *arguments, const struct cli_option *option,
		 const char *value)
{
	struct cli_given *grown;

	if (option->unsupported)
		return problem(arguments, "--%s is not supported yet: %s", option->name,
			       option->unsupported);
	if (value && !*value)
		return problem(arguments, "the value of --%s is empty", option->name);
	if (value && !check_choice(arguments, option, value))
		return false;
	if (value && !option->repeats && cli_has(arguments, option->name))
		return problem(arguments, "--%s was given twice", option->name);
	grown = realloc(arguments->given, (arguments->given_count + 1) * sizeof(*grown));
	if (!grown)
		return problem(arguments, "out of memory");
	arguments->given = grown;
	grown[arguments->given_count].option = option;
	grown[arguments->given_count++].value = value;
	return true;
}

/*
 * The value of option, which is the rest of its word or else the next word. A next word that
 * looks like a long option is none: a forgotten value would swallow it.
 */
static bool give_value(struct cli_arguments *arguments, const struct cli_option *option,
		       const char *rest, int argc, char **argv, int *at)
{
	if (!rest) {
		if (*at + 1 >= argc || !strncmp(argv[*at + 1], "--", 2))
			return problem(arguments, "--%s needs a value: --%s=%s", option->name,
				       option->name, option->metavar);
		rest = argv[++*at];
	}
	return give(arguments, option, rest);
}

static bool parse_long(struct cli_arguments *arguments, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2;
	size_t size = strcspn(name, "=");
	const char *value = name[size] ? name + size + 1 : NULL;
	size_t matches;
	const struct cli_option *option = by_name(arguments->command, name, size, &matches);

	if (!option && matches > 1)
		return ambiguous(arguments, name, size);
	if (!option)
		return problem(arguments, "unknown option '--%.*s'", (int)size, name);
	if (option->unsupported)
		return give(arguments, option, NULL);
	if (option->metavar)
		return give_value(arguments, option, value, argc, argv, at);
	if (value)
		return problem(arguments, "--%s takes no value", option->name);
	return give(arguments, option, NULL);
}

/* One or more letters in a word: -st, -r100, -r=100. */
static bool parse_short(struct cli_arguments *arguments, int argc, char **argv, int *at)
{
	for (const char *letter = argv[*at] + 1; *letter; letter++) {
		const struct cli_option *option = by_letter(arguments->command, *letter);

		if (!option && (unsigned char)*letter > ' ' && (unsigned char)*letter < 0x7f)
			return problem(arguments, "unknown option '-%c'", *letter);
		if (!option)
			return problem(arguments, "unknown option '%s'", argv[*at]);
		if (option->metavar && !option->unsupported) {
			const char *rest = letter[1] == '=' ? letter + 2 : letter + 1;

			return give_value(arguments, option, letter[1] ? rest : NULL, argc, argv,
					  at);
		}
		if (!give(arguments, option, NULL))
			return false;
	}
	return true;
}

static bool check_conflicts(struct cli_arguments *arguments)
{
	for (size_t i = 0; i < arguments->given_count; i++) {
		const struct cli_option *option = arguments->given[i].option;
		const char *rest = option->conflicts;
		const char *word;
		size_t size;

		while ((word = cli_list_next(&rest, &size)))
			for (size_t k = 0; k < arguments->given_count; k++) {
				const char *other = arguments->given[k].option->name;

				if (strlen(other) == size && !memcmp(other, word, size))
					return problem(arguments,
						       "--%s and --%s cannot be used together",
						       option->name, other);
			}
	}
	return true;
}

bool cli_arguments_parse(struct cli_arguments *arguments, const char *command,
			 enum cli_operands operands, int argc, char **argv)
{
	*arguments = (struct cli_arguments){ .command = command };
	arguments->operands = calloc((size_t)argc + 1, sizeof(*arguments->operands));
	if (!arguments->operands)
		return problem(arguments, "out of memory");
	for (int i = 0; i < argc; i++) {
		bool is_option = argv[i][0] == '-' && argv[i][1];
		bool ends = is_option && !strcmp(argv[i], "--");

		if (ends || (!is_option && operands == CLI_OPERANDS_PROGRAM)) {
			for (i += ends; i < argc; i++)
				arguments->operands[arguments->operand_count++] = argv[i];
			break;
		}
		if (!is_option) {
			arguments->operands[arguments->operand_count++] = argv[i];
			continue;
		}
		if (!(argv[i][1] == '-' ? parse_long : parse_short)(arguments, argc, argv, &i))
			return false;
		if (cli_has(arguments, "help"))
			return true;
	}
	return check_conflicts(arguments);
}

void cli_arguments_free(struct cli_arguments *arguments)
{
	free(arguments->given);
	free(arguments->operands);
	arguments->given = NULL;
	arguments->operands = NULL;
}

const char *cli_value_next(const struct cli_arguments *arguments, const char *name, size_t *at)
{
	while (*at < arguments->given_count) {
		const struct cli_given *given = &arguments->given[(*at)++];

		if (!strcmp(given->option->name, name))
			return given->value;
	}
	return NULL;
}

bool cli_has(const struct cli_arguments *arguments, const char *name)
{
	for (size_t i = 0; i < arguments->given_count; i++)
		if (!strcmp(arguments->given[i].option->name, name))
			return true;
	return false;
}

const char *cli_value(const struct cli_arguments *arguments, const char *name)
{
	size_t matches;
	size_t at = 0;
	const char *value = cli_value_next(arguments, name, &at);
	const struct cli_option *option;

	if (value)
		return value;
	option = by_name(arguments->command, name, strlen(name), &matches);
	return option ? option->fallback : NULL;
}
