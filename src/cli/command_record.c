/* pyspyc record: what was ordered, checked before anything is touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/message.h"
#include "cli/recording.h"

#define COMMAND "record"

static int unknown_format(const char *name)
{
	char *names = cli_format_names();
	int status = cli_usage(COMMAND, "unknown format '%s': choose %s", name, names ? names : "");

	free(names);
	return status;
}

static int unknown_extension(const char *path)
{
	char *extensions = cli_format_extensions();
	int status = cli_usage(
		COMMAND, "no format has the extension of '%s': use %s, or choose with --format",
		path, extensions ? extensions : "");

	free(extensions);
	return status;
}

/* py-spy takes its formats' names in any case. */
static const struct pyspyc_format *find_format(const char *name)
{
	const struct pyspyc_format *format = pyspyc_format_by_name(name);
	char lower[64];
	size_t size = strlen(name);

	if (format || size >= sizeof(lower))
		return format;
	for (size_t i = 0; i <= size; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A')
								   : name[i]);
	return pyspyc_format_by_name(lower);
}

static int set_format(struct cli_recording *recording, const struct cli_arguments *arguments)
{
	const char *name = cli_value(arguments, "format");
	const char *base;

	recording->output = cli_value(arguments, "output");
	if (name) {
		recording->format = find_format(name);
		return recording->format ? CLI_OK : unknown_format(name);
	}
	recording->format = pyspyc_formats()[0];
	if (!recording->output)
		return CLI_OK;
	base = strrchr(recording->output, '/');
	base = base ? base + 1 : recording->output;
	if (!*base || !strchr(base + 1, '.'))
		return CLI_OK; /* no extension: the default format */
	recording->format = pyspyc_format_by_path(recording->output);
	return recording->format ? CLI_OK : unknown_extension(recording->output);
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_recording recording = { .progress = !cli_has(arguments, "hideprogress") };
	int status = cli_order_read(&recording.order, COMMAND, arguments, false);

	if (!status)
		status = set_format(&recording, arguments);
	if (!status) {
		recording.order.options.timeline = recording.format->needs_timeline;
		status = cli_recording_run(&recording);
	}
	cli_order_free(&recording.order);
	return status;
}

const struct cli_command cli_command_record = {
	.name = COMMAND,
	.summary = "records where a program spends its time, as a flame graph or another file",
	.synopses = (const char *const[]){ "[options] --pid PID",
					   "[options] [--] PROGRAM [ARGUMENT...]", NULL },
	.operand = "program",
	.operands = CLI_OPERANDS_PROGRAM,
	.examples =
		(const char *const[]){
			"pyspyc record -o out.svg -- python3 app.py",
			"starts the program and records it to its end",
			"pyspyc record --pid 1234 -d 60 -o out.svg",
			"records a running process for a minute",
			"pyspyc record -p 1234 -s -i -f folded -o - -d 10 | less",
			"ten seconds of it and its children, idle threads included, as text",
			NULL,
		},
	.run = run,
};
