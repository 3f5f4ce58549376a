#include "cli/recording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/targets.h"

struct recording {
	const struct cli_recording *wanted;
	struct pyspyc_recorder *recorder;
	struct pyspyc_child *child;
	struct cli_output output;
	struct cli_progress progress;
};

/* How to look at a file, by the name of its format; formats without a row need no hint. */
static const struct {
	const char *format;
	const char *hint;
} hints[] = {
	{ "flamegraph", "; open it in a web browser" },
	{ "plot", "; open it in a web browser" },
	{ "mprof", "; mprof plot draws it" },
	{ "speedscope", "; open it at https://www.speedscope.app" },
};

static const char *hint_of(const struct pyspyc_format *format)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (!strcmp(hints[i].format, format->name))
			return hints[i].hint;
	return "";
}

/* PROGRAM-PID-TIME and the format's extension. */
static bool set_default_name(struct recording *recording, pid_t pid)
{
	const struct cli_recording *wanted = recording->wanted;
	const char *extension = wanted->format->extensions[0];
	char *stem = cli_targets_stem(&wanted->order, pid);
	time_t now = time(NULL);
	struct tm local;
	char clock[32];
	char *name = NULL;
	bool done;

	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%Y%m%d-%H%M%S", &local);
	if (!stem || asprintf(&name, "%s-%s%s", stem, clock, extension ? extension : "") < 0) {
		free(stem);
		cli_error("out of memory");
		return false;
	}
	free(stem);
	done = cli_output_set_name(&recording->output, name);
	free(name);
	return done;
}

static int write_it(const void *context, FILE *file, struct pyspyc_error *err)
{
	const struct recording *recording = context;

	return recording->wanted->what->write(recording->wanted, recording->recorder, file, err);
}

/* SIGUSR1: what there is so far. */
static void flush_so_far(struct recording *recording)
{
	char size[32];

	cli_progress_clear(&recording->progress);
	if (recording->output.stream >= 0) {
		cli_note("%s is written once, at the end", recording->output.path);
		return;
	}
	if (cli_output_write_by(&recording->output, write_it, recording))
		cli_note("wrote %s (%s) with %" PRIu64 " samples so far; recording goes on",
			 recording->output.path,
			 cli_format_size(recording->output.size, size, sizeof(size)),
			 pyspyc_recorder_stats(recording->recorder)->samples);
}

/* Whether the recording is to go on. */
static bool heed_alarms(struct recording *recording)
{
	const struct cli_recording *wanted = recording->wanted;
	const struct cli_alarm_scene scene = {
		.order = &wanted->order,
		.pid = cli_targets_first(&wanted->order, recording->child),
		.output = &recording->output,
		.format = wanted->format,
		.write = write_it,
		.context = recording,
	};
	struct pyspyc_memory_now now;
	enum cli_alarm alarm;

	if (!wanted->alarms)
		return true;
	alarm = cli_alarms_due(wanted->alarms, recording->recorder, &now);
	if (alarm != CLI_ALARM_NONE) {
		cli_progress_clear(&recording->progress);
		cli_alarms_give(wanted->alarms, &scene, alarm, &now);
	}
	return !cli_alarms_ended(wanted->alarms);
}

static enum pyspyc_next tick(void *context, const struct pyspyc_recorder_stats *stats)
{
	struct recording *recording = context;
	const struct cli_recorded *what = recording->wanted->what;
	char figure[32] = "";

	if (cli_signals_flush())
		flush_so_far(recording);
	if (cli_signals_ended() || !heed_alarms(recording))
		return PYSPYC_STOP;
	if (what->figure && recording->progress.wanted)
		what->figure(recording->recorder, figure, sizeof(figure));
	cli_progress_draw(&recording->progress, stats, figure);
	return PYSPYC_CONTINUE;
}

static int fail(const struct pyspyc_error *err)
{
	return cli_error("%s", err->message);
}

/* Adds the processes, or starts the program. Returns the exit status so far. */
static int begin(struct recording *recording)
{
	const struct cli_order *order = &recording->wanted->order;
	int status = cli_targets_add(order, recording->recorder, &recording->child);

	if (!status)
		cli_targets_tell(order, recording->recorder, "is recorded");
	if (!status && !recording->wanted->output &&
	    !set_default_name(recording, cli_targets_first(order, recording->child)))
		return CLI_FAILED;
	return status;
}

/* Writes the file and tells the truth about it. */
static int finish(struct recording *recording)
{
	const struct cli_recording *wanted = recording->wanted;
	const struct cli_output *output = &recording->output;
	const char *empty = wanted->what->empty(wanted, recording->recorder);
	char size[32];

	if (!cli_output_write_by(&recording->output, write_it, recording))
		return CLI_FAILED;
	wanted->what->tell(wanted, recording->recorder);
	if (output->stream >= 0)
		cli_note("wrote %s (%s) to %s%s", wanted->what->noun, wanted->format->name,
			 output->path, empty ? empty : "");
	else
		cli_note("wrote %s (%s)%s", output->path,
			 cli_format_size(output->size, size, sizeof(size)),
			 empty ? empty : hint_of(wanted->format));
	return CLI_OK;
}

static int record(struct recording *recording)
{
	struct pyspyc_error err = { 0 };
	int status = begin(recording);

	if (status)
		return status;
	if (pyspyc_recorder_run(recording->recorder, tick, recording, &err)) {
		cli_progress_clear(&recording->progress);
		status = fail(&err);
		if (recording->wanted->what->empty(recording->wanted, recording->recorder))
			return status;
	}
	cli_progress_clear(&recording->progress);
	return finish(recording) ? CLI_FAILED : status;
}

int cli_recording_run(const struct cli_recording *wanted)
{
	struct recording recording = { .wanted = wanted, .output = CLI_OUTPUT_NONE };
	const char *term = getenv("TERM");
	struct pyspyc_error err = { 0 };
	int status = CLI_FAILED;

	cli_signals_catch();
	/* A program that was started has the terminal for itself. */
	recording.progress.wanted = wanted->progress && !wanted->order.program &&
				    isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	if (cli_output_open(&recording.output, wanted->output)) {
		if (pyspyc_recorder_new(&wanted->order.options, &recording.recorder, &err))
			status = fail(&err);
		else
			status = record(&recording);
	}
	if (wanted->alarms)
		status = cli_alarms_finish(wanted->alarms, status);
	pyspyc_recorder_free(recording.recorder);
	cli_output_close(&recording.output);
	return cli_targets_end(recording.child, status);
}
