/* pyspyc record: what was ordered, checked before anything is touched. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/message.h"
#include "cli/recording.h"
#include "cli/values.h"

#define COMMAND "record"

/* Long enough for a wrapper to start an interpreter, short enough for who mistyped a pid. */
#define WAIT_SECONDS 3.0

static int set_numbers(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char *rate = cli_value(arguments, "rate");
	const char *duration = cli_value(arguments, "duration");
	const char *slowdown = cli_value(arguments, "max-slowdown");
	const char *wrong = cli_parse_rate(rate, &order->options.rate);

	if (wrong)
		return cli_usage(COMMAND, "the rate '%s' %s", rate, wrong);
	wrong = cli_parse_duration(duration, &order->options.duration);
	if (wrong)
		return cli_usage(COMMAND, "the duration '%s' %s", duration, wrong);
	wrong = cli_parse_percent(slowdown, &order->options.max_slowdown);
	if (wrong)
		return cli_usage(COMMAND, "the slowdown '%s' %s", slowdown, wrong);
	return CLI_OK;
}

static int set_targets(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char *text;
	size_t at = 0;

	if (cli_has(arguments, "pid") && arguments->operand_count)
		return cli_usage(COMMAND,
				 "--pid and a program to start ('%s') contradict each other",
				 arguments->operands[0]);
	if (!cli_has(arguments, "pid") && !arguments->operand_count)
		return cli_usage(COMMAND, "neither a process (--pid PID) nor a program to start");
	if (arguments->operand_count) {
		if (!*arguments->operands[0])
			return cli_usage(COMMAND, "the program's name is empty");
		order->program = arguments->operands;
		return CLI_OK;
	}
	order->pids = calloc(arguments->given_count, sizeof(*order->pids));
	if (!order->pids)
		return cli_error("out of memory");
	while ((text = cli_value_next(arguments, "pid", &at))) {
		pid_t pid = 0;
		const char *wrong = cli_parse_pid(text, &pid);
		size_t known = 0;

		if (wrong)
			return cli_usage(COMMAND, "'%s' %s", text, wrong);
		while (known < order->pid_count && order->pids[known] != pid)
			known++;
		order->pids[known] = pid;
		order->pid_count += known == order->pid_count;
	}
	return CLI_OK;
}

static void set_mode(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char *mode = cli_value(arguments, "mode");

	if (cli_has(arguments, "gil") || (mode && !strcmp(mode, "gil")))
		order->options.mode = PYSPYC_MODE_GIL;
	else if (cli_has(arguments, "idle") || (mode && !strcmp(mode, "wall")))
		order->options.mode = PYSPYC_MODE_WALL;
	else if (mode)
		order->options.mode = PYSPYC_MODE_CPU;
}

static int set_threads(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char **threads;
	const char *text;
	size_t count = 0;
	size_t at = 0;

	if (!cli_has(arguments, "thread"))
		return CLI_OK;
	threads = calloc(arguments->given_count + 1, sizeof(*threads));
	if (!threads)
		return cli_error("out of memory");
	while ((text = cli_value_next(arguments, "thread", &at)))
		threads[count++] = text;
	order->options.threads = threads;
	return CLI_OK;
}

static int check_regex(const char *option, const char *text)
{
	char why[256];
	regex_t regex;
	int wrong;

	if (!text)
		return CLI_OK;
	wrong = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
	if (!wrong) {
		regfree(&regex);
		return CLI_OK;
	}
	regerror(wrong, &regex, why, sizeof(why));
	return cli_usage(COMMAND, "--%s '%s' is not an extended regular expression: %s", option,
			 text, why);
}

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

static int set_format(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char *name = cli_value(arguments, "format");
	const char *base;

	order->output = cli_value(arguments, "output");
	if (name) {
		order->format = find_format(name);
		return order->format ? CLI_OK : unknown_format(name);
	}
	order->format = pyspyc_formats()[0];
	if (!order->output)
		return CLI_OK;
	base = strrchr(order->output, '/');
	base = base ? base + 1 : order->output;
	if (!*base || !strchr(base + 1, '.'))
		return CLI_OK; /* no extension: the default format */
	order->format = pyspyc_format_by_path(order->output);
	return order->format ? CLI_OK : unknown_extension(order->output);
}

static int set_all(struct cli_order *order, const struct cli_arguments *arguments)
{
	struct pyspyc_recorder_options *options = &order->options;
	int status;

	options->blocking = cli_has(arguments, "nonblocking") ? PYSPYC_BLOCKING_NEVER
			    : cli_has(arguments, "blocking")  ? PYSPYC_BLOCKING_ALWAYS
							      : PYSPYC_BLOCKING_AUTO;
	options->names = !strcmp(cli_value(arguments, "function-names"), "plain")
				 ? PYSPYC_NAMES_PLAIN
				 : PYSPYC_NAMES_QUALIFIED;
	options->subprocesses = cli_has(arguments, "subprocesses");
	options->by_function = cli_has(arguments, "function");
	options->no_lines = cli_has(arguments, "nolineno");
	options->full_filenames = cli_has(arguments, "full-filenames");
	options->no_gc = cli_has(arguments, "no-gc");
	options->thread_roots = cli_has(arguments, "threads");
	options->include = cli_value(arguments, "include");
	options->exclude = cli_value(arguments, "exclude");
	options->wait = WAIT_SECONDS;
	order->progress = !cli_has(arguments, "hideprogress");
	set_mode(order, arguments);
	if ((status = set_targets(order, arguments)) || (status = set_numbers(order, arguments)) ||
	    (status = check_regex("include", options->include)) ||
	    (status = check_regex("exclude", options->exclude)) ||
	    (status = set_format(order, arguments)) || (status = set_threads(order, arguments)))
		return status;
	options->timeline = order->format->needs_timeline;
	return CLI_OK;
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_order order = { 0 };
	int status = set_all(&order, arguments);

	if (!status)
		status = cli_recording_run(&order);
	free(order.pids);
	free((void *)order.options.threads);
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
