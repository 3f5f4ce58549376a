#include "cli/recording.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/values.h"
#include "pyspyc/process.h"

#define DESCRIPTORS 65536

struct recording {
	const struct cli_order *order;
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
	{ "speedscope", "; open it at https://www.speedscope.app" },
};

static const char *hint_of(const struct pyspyc_format *format)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (!strcmp(hints[i].format, format->name))
			return hints[i].hint;
	return "";
}

static bool interrupted(void *context)
{
	(void)context;
	return cli_signals_ended() != 0;
}

/* PROGRAM-PID-TIME and the format's extension. */
static bool set_default_name(struct recording *recording, pid_t pid)
{
	const struct cli_order *order = recording->order;
	char *program = order->program ? cli_program_name(order->program) : cli_process_name(pid);
	time_t now = time(NULL);
	struct tm local;
	char clock[32];
	char *name = NULL;
	bool done;

	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%Y%m%d-%H%M%S", &local);
	if (!program ||
	    asprintf(&name, "%s-%d-%s%s", program, (int)pid, clock,
		     order->format->extensions[0] ? order->format->extensions[0] : "") < 0) {
		free(program);
		cli_error("out of memory");
		return false;
	}
	free(program);
	done = cli_output_set_name(&recording->output, name);
	free(name);
	return done;
}

/* SIGUSR1: what there is so far. */
static void flush_so_far(struct recording *recording)
{
	const struct pyspyc_profile *profile = pyspyc_recorder_profile(recording->recorder);
	char size[32];

	cli_progress_clear(&recording->progress);
	if (recording->output.stream >= 0) {
		cli_note("%s is written once, at the end", recording->output.path);
		return;
	}
	if (cli_output_write(&recording->output, profile, recording->order->format))
		cli_note("wrote %s (%s) with %" PRIu64 " samples so far; recording goes on",
			 recording->output.path,
			 cli_format_size(recording->output.size, size, sizeof(size)),
			 pyspyc_profile_samples(profile));
}

static enum pyspyc_next tick(void *context, const struct pyspyc_recorder_stats *stats)
{
	struct recording *recording = context;

	if (cli_signals_flush())
		flush_so_far(recording);
	if (cli_signals_ended())
		return PYSPYC_STOP;
	cli_progress_draw(&recording->progress, stats);
	return PYSPYC_CONTINUE;
}

static int fail(const struct pyspyc_error *err)
{
	return cli_error("%s", err->message);
}

/* A number alone is a forgotten --pid rather than a program. */
static int fail_to_start(const struct cli_order *order, const struct pyspyc_error *err)
{
	pid_t pid;

	if (!order->program[1] && !cli_parse_pid(order->program[0], &pid))
		return cli_error("%s (to record process %d: --pid %d)", err->message, (int)pid,
				 (int)pid);
	return fail(err);
}

/* Adds the processes, or starts the program. Returns the exit status so far. */
static int begin(struct recording *recording)
{
	const struct cli_order *order = recording->order;
	struct pyspyc_error err = { 0 };
	pid_t first = order->pid_count ? order->pids[0] : 0;

	if (order->program) {
		if (pyspyc_child_start(order->program, &recording->child, &err))
			return fail_to_start(order, &err);
		first = pyspyc_child_pid(recording->child);
		if (pyspyc_recorder_add(recording->recorder, first, true, interrupted, NULL, &err))
			return fail(&err);
	}
	for (size_t i = 0; i < order->pid_count; i++) {
		if (!pyspyc_recorder_add(recording->recorder, order->pids[i], false, interrupted,
					 NULL, &err))
			continue;
		if (cli_signals_ended())
			return cli_error("interrupted while waiting for process %d",
					 (int)order->pids[i]);
		return fail(&err);
	}
	if (!order->output && !set_default_name(recording, first))
		return CLI_FAILED;
	return CLI_OK;
}

/* What to look at when nothing was recorded. */
static const char *why_empty(const struct pyspyc_recorder_options *options,
			     const struct pyspyc_recorder_stats *stats)
{
	if (stats->unreadable + stats->dropped > 0)
		return "; no stack could be read";
	if (options->threads || options->include || options->exclude)
		return "; it is empty: nothing that ran passed --thread, --include and --exclude";
	if (options->mode == PYSPYC_MODE_GIL)
		return "; it is empty: no thread was seen to hold the GIL";
	return options->mode == PYSPYC_MODE_WALL
		       ? "; it is empty"
		       : "; it is empty: all threads were idle (see --idle)";
}

/* Writes the file and tells the truth about it. */
static int finish(struct recording *recording)
{
	const struct cli_order *order = recording->order;
	const struct cli_output *output = &recording->output;
	const struct pyspyc_recorder_stats *stats = pyspyc_recorder_stats(recording->recorder);
	const struct pyspyc_profile *profile = pyspyc_recorder_profile(recording->recorder);
	const char *hint = hint_of(order->format);
	char size[32];

	if (!pyspyc_profile_samples(profile))
		hint = why_empty(&order->options, stats);
	if (!cli_output_write(&recording->output, profile, order->format))
		return CLI_FAILED;
	cli_progress_summary(stats, order->options.rate);
	if (output->stream >= 0)
		cli_note("wrote the %s to %s%s", order->format->name, output->path,
			 pyspyc_profile_samples(profile) ? "" : hint);
	else
		cli_note("wrote %s (%s)%s", output->path,
			 cli_format_size(output->size, size, sizeof(size)), hint);
	return CLI_OK;
}

/*
 * Waits for the launched program, which is never killed. A first signal was for the
 * recording; a second one ends this wait in its handler.
 */
static int wait_for_child(struct pyspyc_child *child)
{
	const int again = -(int)PYSPYC_EAGAIN;
	int status = CLI_FAILED;
	int ret = pyspyc_child_status(child, false, &status);

	if (ret == again && isatty(STDERR_FILENO))
		cli_note("waiting for the program (process %d) to end; Ctrl-C%s leaves it running",
			 (int)pyspyc_child_pid(child), cli_signals_ended() ? "" : " twice");
	while (ret == again)
		ret = pyspyc_child_status(child, true, &status);
	return ret ? cli_error("cannot learn how the program ended") : status;
}

/* Some are kept open for each thread. A program that was started has its own limit by now. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int record(struct recording *recording)
{
	struct pyspyc_error err = { 0 };
	int status = begin(recording);

	if (status)
		return status;
	allow_descriptors();
	if (pyspyc_recorder_run(recording->recorder, tick, recording, &err)) {
		cli_progress_clear(&recording->progress);
		status = fail(&err);
		if (!pyspyc_profile_samples(pyspyc_recorder_profile(recording->recorder)))
			return status;
	}
	cli_progress_clear(&recording->progress);
	return finish(recording) ? CLI_FAILED : status;
}

int cli_recording_run(const struct cli_order *order)
{
	struct recording recording = { .order = order, .output = CLI_OUTPUT_NONE };
	const char *term = getenv("TERM");
	struct pyspyc_error err = { 0 };
	int status = CLI_FAILED;
	int program_status;

	cli_signals_catch();
	/* A program that was started has the terminal for itself. */
	recording.progress.wanted = order->progress && !order->program && isatty(STDERR_FILENO) &&
				    term && strcmp(term, "dumb") != 0;
	if (cli_output_open(&recording.output, order->output)) {
		if (pyspyc_recorder_new(&order->options, &recording.recorder, &err))
			status = fail(&err);
		else
			status = record(&recording);
	}
	pyspyc_recorder_free(recording.recorder);
	cli_output_close(&recording.output);
	if (recording.child) {
		program_status = wait_for_child(recording.child);
		status = status ? status : program_status;
		pyspyc_child_free(recording.child);
	}
	return status;
}
