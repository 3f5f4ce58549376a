/* pyspyc tracemalloc: what the tracemalloc module of a process has noted. */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/pids.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/stand_in.h"
#include "cli/traces.h"
#include "cli/values.h"
#include "pyspyc/process.h"
#include "tui/clock.h"

#define COMMAND "tracemalloc"

/* While waiting for the second moment, the process is looked at so often. */
#define LOOK_NS 100000000L

struct order {
	pid_t pid;
	struct pyspyc_tracemalloc_options options;
	enum pyspyc_traces_by by;
	uint64_t rows; /* 0: all */
	double growth; /* seconds, 0: one moment only */
	const char *output;
	bool json;
	bool to_stdout; /* where the file goes, and then nothing else */
};

static int read_pid(const struct cli_arguments *arguments, pid_t *ret)
{
	const char *text = NULL, *wrong;
	size_t at = 0, count = arguments->operand_count;

	for (const char *next; (next = cli_value_next(arguments, "pid", &at)); count++)
		text = next;
	text = text ? text : arguments->operands[0];
	if (!count)
		return cli_usage(COMMAND, "no process: --pid PID is missing");
	if (count > 1)
		return cli_usage(COMMAND, "one process at a time: %zu were given", count);
	wrong = cli_parse_pid(text, ret);
	return wrong ? cli_usage(COMMAND, "'%s' %s", text, wrong) : CLI_OK;
}

static int read_order(const struct cli_arguments *arguments, struct order *ret)
{
	const char *by = cli_value(arguments, "by"), *growth = cli_value(arguments, "growth");
	const char *count = cli_value(arguments, "count"), *wrong;
	int status = read_pid(arguments, &ret->pid);

	if (status)
		return status;
	ret->by = !strcmp(by, "file")	     ? PYSPYC_TRACES_BY_FILE
		  : !strcmp(by, "traceback") ? PYSPYC_TRACES_BY_TRACEBACK
					     : PYSPYC_TRACES_BY_LINE;
	wrong = cli_parse_count(count, &ret->rows);
	if (wrong)
		return cli_usage(COMMAND, "--count: '%s' %s", count, wrong);
	wrong = growth ? cli_parse_duration(growth, &ret->growth) : NULL;
	if (!wrong && growth && ret->growth <= 0)
		wrong = "is no time to wait";
	if (wrong)
		return cli_usage(COMMAND, "--growth: '%s' %s", growth, wrong);
	ret->options.blocking = cli_has(arguments, "nonblocking") ? PYSPYC_BLOCKING_NEVER
								  : PYSPYC_BLOCKING_AUTO;
	ret->options.full_filenames = cli_has(arguments, "full-filenames");
	ret->options.wait = CLI_WAIT_SECONDS;
	ret->output = cli_value(arguments, "output");
	ret->to_stdout = ret->output && !strcmp(ret->output, "-");
	ret->json = cli_has(arguments, "json");
	if (ret->to_stdout && ret->json)
		return cli_usage(COMMAND, "--json and --output - cannot both have standard output");
	return CLI_OK;
}

/* Waits until it is time for the second moment, a signal comes or the process ends. */
static double wait_for_growth(const struct order *order, pid_t pid)
{
	const struct timespec look = { 0, LOOK_NS };
	uint64_t start = tui_clock_ns();
	struct timespec rest;
	double passed;

	for (;;) {
		passed = (double)(tui_clock_ns() - start) / 1e9;
		if (passed >= order->growth || cli_signals_ended() || !pyspyc_parent(pid))
			return passed;
		rest = look;
		if (order->growth - passed < LOOK_NS / 1e9)
			rest.tv_nsec = (long)((order->growth - passed) * 1e9);
		nanosleep(&rest, NULL);
	}
}

/* That tracemalloc does not run, and what else there is. */
static int tell_not_tracing(const struct pyspyc_tracemalloc *traces)
{
	return cli_error(
		"tracemalloc does not run in process %d: start it there (python -X tracemalloc, "
		"tracemalloc.start()), or use pyspyc mem",
		(int)traces->pid);
}

static void tell_quality(const struct pyspyc_tracemalloc *traces)
{
	if (traces->held_ns)
		cli_note("process %d was stopped for %.1f ms, to read its traces while they do not "
			 "change",
			 (int)traces->pid, (double)traces->held_ns / 1e6);
	if (traces->tracing && !traces->consistent)
		cli_note("the traces changed while they were read: %" PRIu64 " with %" PRIu64
			 " of %" PRIu64 " bytes are shown, %" PRIu64 " could not be read",
			 traces->traces, traces->sum, traces->traced, traces->lost);
}

static int take(const struct order *order, pid_t pid, struct pyspyc_tracemalloc **ret)
{
	struct pyspyc_error err = { 0 };

	if (pyspyc_tracemalloc_take(pid, &order->options, ret, &err))
		return cli_error("%s", err.message);
	tell_quality(*ret);
	return CLI_OK;
}

static int print(const struct order *order, struct cli_traces *traces, int status)
{
	struct cli_out out;
	json_t *document = NULL;

	traces->rows = order->rows ? order->rows : SIZE_MAX;
	if (order->json) {
		document = cli_traces_json(traces);
		if (!document)
			return cli_error("out of memory");
	}
	cli_out_open(&out);
	if (document && out.file)
		cli_json_print(out.file, document);
	else if (out.file)
		cli_traces_text(out.file, traces);
	json_decref(document);
	return cli_out_close(&out, status);
}

static int show(const struct order *order, struct cli_traces *traces, int status)
{
	struct pyspyc_traces_table *table = NULL;
	struct pyspyc_error err = { 0 };

	if (!traces->now->tracing) {
		status = tell_not_tracing(traces->now);
		return order->json ? print(order, traces, status) : status;
	}
	if (order->to_stdout)
		return status;
	traces->by = order->by;
	if (pyspyc_tracemalloc_table(traces->now, traces->before, order->by, &table, &err))
		return cli_error("%s", err.message);
	traces->table = table;
	status = print(order, traces, status);
	pyspyc_traces_table_free(table);
	return status;
}

static int write_traces(const void *context, FILE *file, struct pyspyc_error *err)
{
	return pyspyc_tracemalloc_write(context, file, err);
}

static bool write_file(struct cli_output *output, const struct pyspyc_tracemalloc *traces)
{
	char size[32];

	if (!cli_output_write_by(output, write_traces, traces))
		return false;
	if (output->stream < 0)
		cli_note("wrote %s (%s); tracemalloc.Snapshot.load opens it", output->path,
			 cli_format_size(output->size, size, sizeof(size)));
	return true;
}

static int look(const struct order *order, struct cli_output *output)
{
	struct pyspyc_tracemalloc *first = NULL, *second = NULL;
	struct cli_traces traces = { 0 };
	int status = take(order, order->pid, &first);

	if (status)
		return status;
	cli_stand_in_tell(order->pid, first->pid, "is looked at", "");
	traces.now = first;
	if (order->growth > 0 && first->tracing) {
		traces.seconds = wait_for_growth(order, first->pid);
		/* What was seen before it ended, or stopped to trace, is still worth a look. */
		status = take(order, first->pid, &second);
		if (!status && !second->tracing)
			status = tell_not_tracing(second);
		if (!status) {
			traces.now = second;
			traces.before = first;
		}
	}
	if (order->output && traces.now->tracing && !write_file(output, traces.now))
		status = CLI_FAILED;
	status = show(order, &traces, status);
	pyspyc_tracemalloc_free(second);
	pyspyc_tracemalloc_free(first);
	return status;
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_output output = CLI_OUTPUT_NONE;
	struct order order = { 0 };
	int status = read_order(arguments, &order);

	if (status)
		return status;
	if (order.output && !cli_output_open(&output, order.output))
		return CLI_FAILED;
	if (order.growth > 0)
		cli_signals_catch();
	status = look(&order, &output);
	cli_output_close(&output);
	return status;
}

const struct cli_command cli_command_tracemalloc = {
	.name = COMMAND,
	.summary = "shows which lines allocated what a process has, where its tracemalloc runs",
	.synopses = (const char *const[]){ "[options] --pid PID", "[options] PID", NULL },
	.operand = "pid",
	.operands = CLI_OPERANDS_ANYWHERE,
	.examples =
		(const char *const[]){
			"pyspyc tracemalloc --pid 1234",
			"the ten lines that hold most memory",
			"pyspyc tracemalloc --growth 60 --by traceback --pid 1234",
			"where memory was allocated, and kept, in the next minute",
			"pyspyc tracemalloc -o traces.pickle --pid 1234",
			"a file for tracemalloc.Snapshot.load",
			NULL,
		},
	.run = run,
};
