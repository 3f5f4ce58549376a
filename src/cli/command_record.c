/* pyspyc record: what was ordered, checked before anything is touched. */
#include <string.h>

#include "cli/alarms.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/recording.h"

#define COMMAND "record"

/* Time and bytes in one file: not every format can hold both. */
static int set_memory(struct cli_recording *recording)
{
	struct pyspyc_recorder_options *options = &recording->order.options;

	if (!strcmp(recording->format->name, "folded"))
		return cli_usage(COMMAND,
				 "--memory: folded stacks hold one figure; take the format "
				 "flamegraph or speedscope, or mem -f folded for bytes alone");
	options->live = options->memory = true;
	options->timeline = false;
	return CLI_OK;
}

/* Alarms are about memory, so there has to be some. */
static int set_alarms(struct cli_alarms *alarms, const struct cli_arguments *arguments)
{
	int status = cli_alarms_read(alarms, arguments);

	if (!status && cli_alarms_wanted(alarms) && !cli_has(arguments, "memory"))
		return cli_usage(COMMAND, "--max-rss and --max-growth are for record --memory, and "
					  "for mem");
	return status;
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_alarms alarms = { 0 };
	struct cli_recording recording = {
		.output = cli_value(arguments, "output"),
		.progress = !cli_has(arguments, "hideprogress"),
		.what = &cli_recorded_profile,
	};
	int status = cli_order_read(&recording.order, COMMAND, arguments, false);

	if (!status)
		status = set_alarms(&alarms, arguments);
	if (!status)
		status = cli_formats_choose(&cli_formats_of_profiles, arguments, &recording.format);
	if (!status) {
		recording.order.options.timeline = recording.format->needs_timeline;
		if (cli_has(arguments, "memory"))
			status = set_memory(&recording);
		if (cli_alarms_wanted(&alarms))
			recording.alarms = &alarms;
	}
	if (!status)
		status = cli_recording_run(&recording);
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
	.formats = &cli_formats_of_profiles,
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
