/* pyspyc mem: memory over time, into a file, on the screen or as text. */
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/mem.h"
#include "cli/message.h"
#include "cli/recording.h"
#include "cli/signals.h"
#include "cli/top.h"
#include "cli/values.h"
#include "tui/view.h"

#define COMMAND "mem"

/* Options that only some formats heed. */
static int check_output(const struct cli_arguments *arguments, const struct pyspyc_format *format)
{
	bool lines = format && !strcmp(format->name, "lines");
	bool stacks = format &&
		      (!strcmp(format->name, "flamegraph") || !strcmp(format->name, "folded") ||
		       !strcmp(format->name, "speedscope"));

	if (cli_has(arguments, "all-lines") && !lines)
		return cli_usage(COMMAND, "--all-lines is for --format lines");
	if (cli_has(arguments, "released") && !stacks)
		return cli_usage(COMMAND, "--released is for the formats flamegraph, folded and "
					  "speedscope");
	if (cli_has(arguments, "threads") && format && !stacks)
		return cli_usage(COMMAND, "--threads is for the screen and the formats flamegraph, "
					  "folded and speedscope");
	if (cli_has(arguments, "delay") && format)
		return cli_usage(COMMAND, "--delay is for the screen and for text, not for a file");
	return CLI_OK;
}

static int write_memory(const struct cli_recording *wanted, struct pyspyc_recorder *recorder,
			FILE *file, struct pyspyc_error *err)
{
	const struct cli_mem *mem = wanted->context;

	return pyspyc_memory_write(recorder, wanted->format, &mem->output, file, err);
}

static const char *empty(const struct cli_recording *wanted, struct pyspyc_recorder *recorder)
{
	struct pyspyc_memory_now now;

	(void)wanted;
	if (!pyspyc_recorder_memory(recorder, &now, NULL) && now.peak_rss)
		return NULL;
	return "; it is empty: it ended before the first moment";
}

static void figure(struct pyspyc_recorder *recorder, char *text, size_t size)
{
	struct pyspyc_memory_now now;
	char bytes[32];

	if (!pyspyc_recorder_memory(recorder, &now, NULL) && now.rss)
		snprintf(text, size, "  RSS %s", tui_bytes((double)now.rss, bytes, sizeof(bytes)));
}

static void tell(const struct cli_recording *wanted, struct pyspyc_recorder *recorder)
{
	cli_mem_tell(wanted->context, recorder, true);
}

static const struct cli_recorded recorded_memory = {
	.noun = "memory over time",
	.write = write_memory,
	.empty = empty,
	.figure = figure,
	.tell = tell,
};

static int record(struct cli_mem *mem, const struct cli_arguments *arguments,
		  const struct pyspyc_format *format)
{
	const struct cli_recording recording = {
		.order = mem->order,
		.format = format,
		.output = cli_value(arguments, "output"),
		.progress = !cli_has(arguments, "hideprogress"),
		.what = &recorded_memory,
		.context = mem,
		.alarms = &mem->alarms,
	};

	return cli_recording_run(&recording);
}

static int tell_last(const struct cli_top *top, struct pyspyc_recorder *recorder)
{
	const struct cli_mem mem = { .order = top->order };

	cli_mem_tell(&mem, recorder, true);
	return CLI_OK;
}

static int show(struct cli_mem *mem, const struct cli_arguments *arguments)
{
	struct cli_top top = {
		.order = mem->order,
		.query = { .scope = PYSPYC_SCOPE_ACTIVE,
			   .by_thread = cli_has(arguments, "threads") },
		.view = "memory",
		.delay = mem->delay,
		.duration = mem->order.options.duration,
		.last = tell_last,
	};

	/* The screen stays until the user has seen the end. */
	top.order.options.duration = 0;
	return cli_top_run(&top);
}

static int run(const struct cli_arguments *arguments)
{
	bool file = cli_has(arguments, "output") || cli_has(arguments, "format");
	const struct pyspyc_format *format = NULL;
	struct cli_mem mem = { 0 };
	int status = cli_order_read(&mem.order, COMMAND, arguments, false);

	if (!status)
		status = cli_alarms_read(&mem.alarms, arguments);
	if (!status)
		status = cli_top_delay(arguments, &mem.delay);
	if (!status && file)
		status = cli_formats_choose(&cli_formats_of_memory, arguments, &format);
	if (!status)
		status = check_output(arguments, format);
	if (!status) {
		mem.order.options.live = true;
		mem.order.options.memory = true;
		mem.order.options.mode = PYSPYC_MODE_WALL;
		mem.output.released = cli_has(arguments, "released");
		mem.output.all_lines = cli_has(arguments, "all-lines");
		mem.output.threads = cli_has(arguments, "threads");
		cli_signals_catch();
		if (file)
			status = record(&mem, arguments, format);
		else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
			 !cli_alarms_wanted(&mem.alarms))
			status = show(&mem, arguments);
		else
			status = cli_mem_print(&mem);
	}
	cli_order_free(&mem.order);
	return status;
}

const struct cli_command cli_command_mem = {
	.name = COMMAND,
	.summary = "shows or records memory over time and the lines under which it grew",
	.synopses = (const char *const[]){ "[options] --pid PID",
					   "[options] [--] PROGRAM [ARGUMENT...]", NULL },
	.operand = "program",
	.operands = CLI_OPERANDS_PROGRAM,
	.formats = &cli_formats_of_memory,
	.examples =
		(const char *const[]){
			"pyspyc mem --pid 1234",
			"looks at the memory of a running process",
			"pyspyc mem -o mem.svg -- python3 app.py",
			"starts the program and plots its memory, to its end",
			"pyspyc mem --pid 1234 -d 5m -f lines -o - | less",
			"the source with what each line added in five minutes",
			"pyspyc mem --pid 1234 -s --max-rss 2G --max-growth 50M/min -o leak.svg",
			"waits until it uses or grows by too much, and keeps what led to that",
			NULL,
		},
	.run = run,
};
