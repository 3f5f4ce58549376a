#include "cli/ordering.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/values.h"

/* Long enough for a wrapper to start an interpreter, short enough for who mistyped a pid. */
#define WAIT_SECONDS 3.0

static int set_numbers(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char *rate = cli_value(arguments, "rate");
	const char *duration = cli_value(arguments, "duration");
	const char *slowdown = cli_value(arguments, "max-slowdown");
	const char *wrong = cli_parse_rate(rate, &order->options.rate);

	if (wrong)
		return cli_usage(order->command, "the rate '%s' %s", rate, wrong);
	wrong = cli_parse_duration(duration, &order->options.duration);
	if (wrong)
		return cli_usage(order->command, "the duration '%s' %s", duration, wrong);
	wrong = cli_parse_percent(slowdown, &order->options.max_slowdown);
	if (wrong)
		return cli_usage(order->command, "the slowdown '%s' %s", slowdown, wrong);
	return CLI_OK;
}

static int set_pids(struct cli_order *order, const struct cli_arguments *arguments)
{
	const char *text;
	size_t at = 0;

	order->pids = calloc(arguments->given_count, sizeof(*order->pids));
	if (!order->pids)
		return cli_error("out of memory");
	while ((text = cli_value_next(arguments, "pid", &at))) {
		pid_t pid = 0;
		const char *wrong = cli_parse_pid(text, &pid);
		size_t known = 0;

		if (wrong)
			return cli_usage(order->command, "'%s' %s", text, wrong);
		while (known < order->pid_count && order->pids[known] != pid)
			known++;
		order->pids[known] = pid;
		order->pid_count += known == order->pid_count;
	}
	return CLI_OK;
}

static int set_targets(struct cli_order *order, const struct cli_arguments *arguments,
		       bool targetless)
{
	if (cli_has(arguments, "pid") && arguments->operand_count)
		return cli_usage(order->command,
				 "--pid and a program to start ('%s') contradict each other",
				 arguments->operands[0]);
	if (cli_has(arguments, "pid"))
		return set_pids(order, arguments);
	if (!arguments->operand_count)
		return targetless ? CLI_OK
				  : cli_usage(order->command, "neither a process (--pid PID) nor a "
							      "program to start");
	if (!*arguments->operands[0])
		return cli_usage(order->command, "the program's name is empty");
	order->program = arguments->operands;
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

static int check_regex(const struct cli_order *order, const char *option, const char *text)
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
	return cli_usage(order->command, "--%s '%s' is not an extended regular expression: %s",
			 option, text, why);
}

int cli_order_read(struct cli_order *order, const char *command,
		   const struct cli_arguments *arguments, bool targetless)
{
	struct pyspyc_recorder_options *options = &order->options;
	int status;

	*order = (struct cli_order){ .command = command };
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
	set_mode(order, arguments);
	if ((status = set_targets(order, arguments, targetless)) ||
	    (status = set_numbers(order, arguments)) ||
	    (status = check_regex(order, "include", options->include)) ||
	    (status = check_regex(order, "exclude", options->exclude)))
		return status;
	return set_threads(order, arguments);
}

void cli_order_free(struct cli_order *order)
{
	free(order->pids);
	free((void *)order->options.threads);
	order->pids = NULL;
	order->options.threads = NULL;
}
