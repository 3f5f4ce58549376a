#include "cli/formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "pyspyc/memory.h"

const struct cli_formats cli_formats_of_profiles = {
	.all = pyspyc_formats,
	.by_name = pyspyc_format_by_name,
	.by_path = pyspyc_format_by_path,
};

const struct cli_formats cli_formats_of_memory = {
	.all = pyspyc_memory_formats,
	.by_name = pyspyc_memory_format_by_name,
	.by_path = pyspyc_memory_format_by_path,
};

/* "a, b or c" of all formats' names or extensions, which the caller frees; NULL: no memory. */
static char *join(const struct pyspyc_format *const *formats, bool extensions)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	const char *waiting = NULL; /* a word is printed when its successor is known */
	bool first = true;

	if (!memory)
		return NULL;
	for (size_t i = 0; formats[i]; i++) {
		const char *const one[] = { formats[i]->name, NULL };
		const char *const *words = extensions ? formats[i]->extensions : one;

		for (size_t k = 0; words[k]; k++) {
			if (waiting) {
				fprintf(memory, "%s%s", first ? "" : ", ", waiting);
				first = false;
			}
			waiting = words[k];
		}
	}
	if (waiting)
		fprintf(memory, "%s%s", first ? "" : " or ", waiting);
	fclose(memory);
	return text;
}

static int unknown_name(const struct cli_formats *formats, const char *command, const char *name)
{
	char *names = join(formats->all(), false);
	int status = cli_usage(command, "unknown format '%s': choose %s", name, names ? names : "");

	free(names);
	return status;
}

static int unknown_extension(const struct cli_formats *formats, const char *command,
			     const char *path)
{
	char *extensions = join(formats->all(), true);
	int status = cli_usage(
		command, "no format has the extension of '%s': use %s, or choose with --format",
		path, extensions ? extensions : "");

	free(extensions);
	return status;
}

/* py-spy takes its formats' names in any case. */
static const struct pyspyc_format *find(const struct cli_formats *formats, const char *name)
{
	const struct pyspyc_format *format = formats->by_name(name);
	char lower[64];
	size_t size = strlen(name);

	if (format || size >= sizeof(lower))
		return format;
	for (size_t i = 0; i <= size; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A')
								   : name[i]);
	return formats->by_name(lower);
}

int cli_formats_choose(const struct cli_formats *formats, const struct cli_arguments *arguments,
		       const struct pyspyc_format **ret)
{
	const char *name = cli_value(arguments, "format");
	const char *path = cli_value(arguments, "output");
	const char *base;

	if (name) {
		*ret = find(formats, name);
		return *ret ? CLI_OK : unknown_name(formats, arguments->command, name);
	}
	*ret = formats->all()[0];
	if (!path)
		return CLI_OK;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	if (!*base || !strchr(base + 1, '.'))
		return CLI_OK; /* no extension: the default format */
	*ret = formats->by_path(path);
	return *ret ? CLI_OK : unknown_extension(formats, arguments->command, path);
}
