/* pyspyc top: the live view, or its figures as text. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/program.h"
#include "cli/signals.h"
#include "cli/targets.h"
#include "cli/top.h"
#include "cli/values.h"
#include "tui/top.h"

#define COMMAND "top"
#define DELAY_LEAST 0.1

int cli_top_delay(const struct cli_arguments *arguments, double *ret)
{
	const char *text = cli_value(arguments, "delay");
	const char *wrong = cli_parse_duration(text, ret);

	if (!wrong && *ret == 0)
		wrong = "is not a time such as 1, 0.5 or 500ms";
	if (!wrong && *ret < DELAY_LEAST)
		wrong = "is too short: the least is 100ms";
	return wrong ? cli_usage(arguments->command, "the delay '%s' %s", text, wrong) : CLI_OK;
}

static int set_batch(struct cli_top *top, const struct cli_arguments *arguments)
{
	const char *text = cli_value(arguments, "batch");
	const char *wrong;

	top->json = cli_has(arguments, "json");
	top->refreshes = cli_has(arguments, "once");
	top->print = top->json || top->refreshes || text || !isatty(STDIN_FILENO) ||
		     !isatty(STDOUT_FILENO);
	if (!text)
		return CLI_OK;
	wrong = cli_parse_count(text, &top->refreshes);
	return wrong ? cli_usage(COMMAND, "the number of refreshes '%s' %s", text, wrong) : CLI_OK;
}

static void set_query(struct cli_top *top, const struct cli_arguments *arguments)
{
	enum pyspyc_mode mode = top->order.options.mode;

	top->query.scope = mode == PYSPYC_MODE_WALL  ? PYSPYC_SCOPE_ALL
			   : mode == PYSPYC_MODE_GIL ? PYSPYC_SCOPE_GIL
						     : PYSPYC_SCOPE_ACTIVE;
	top->query.own_only = cli_has(arguments, "own");
	top->query.by_thread = cli_has(arguments, "threads");
	top->view = cli_value(arguments, "view");
	top->table = top->view && !strcmp(top->view, "lines") ? PYSPYC_TABLE_LINES
							      : PYSPYC_TABLE_FUNCTIONS;
}

/* Without a target the user chooses one, where there is a screen to choose on. */
static int choose(struct cli_top *top)
{
	struct pyspyc_error err = { 0 };
	int signal = 0;
	pid_t pid = 0;

	if (top->order.pid_count || top->order.program)
		return CLI_OK;
	if (top->print)
		return cli_usage(COMMAND, "no process: give one with --pid PID or a program to "
					  "start; a list to choose from takes a terminal");
	if (tui_pick(&pid, &signal, &err))
		return cli_error("%s", err.message);
	cli_signals_note(signal);
	if (!pid)
		return CLI_OK;
	top->order.pids = calloc(1, sizeof(*top->order.pids));
	if (!top->order.pids)
		return cli_error("out of memory");
	top->order.pids[0] = pid;
	top->order.pid_count = 1;
	return CLI_OK;
}

/* The command line or the pids, for the header. The caller frees it. */
static char *make_title(const struct cli_order *order)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return NULL;
	for (size_t i = 0; order->program && order->program[i]; i++)
		fprintf(memory, "%s%s", i ? " " : "", order->program[i]);
	for (size_t i = 0; i < order->pid_count; i++)
		fprintf(memory, "%s%d", i ? ", " : "", (int)order->pids[i]);
	fclose(memory);
	return text;
}

/* Whether the time was over before anybody ended it: what there was to see is then printed. */
static bool seen_through(const struct cli_top *top, struct pyspyc_recorder *recorder)
{
	return top->duration > 0 && !cli_signals_ended() &&
	       (double)pyspyc_recorder_stats(recorder)->elapsed_ns >= top->duration * 1e9;
}

struct pyspyc_snapshot_options cli_top_dump(const struct cli_top *top)
{
	const struct pyspyc_recorder_options *options = &top->order.options;

	return (struct pyspyc_snapshot_options){
		.names = options->names,
		.blocking = options->blocking,
		.full_filenames = options->full_filenames,
		.no_gc = options->no_gc,
	};
}

static int show(const struct cli_top *top, struct pyspyc_recorder *recorder,
		struct pyspyc_child *child, struct cli_capture *capture)
{
	const struct pyspyc_recorder_options *options = &top->order.options;
	char *stem = cli_targets_stem(&top->order, cli_targets_first(&top->order, child));
	char *title = make_title(&top->order);
	const struct tui_options wanted = {
		.delay = top->delay,
		.query = top->query,
		.view = top->view,
		.title = title,
		.child = child,
		.rate = options->rate,
		.duration = top->duration,
		.file_stem = stem,
		.dump = cli_top_dump(top),
		.threads = options->threads,
		.include = options->include,
		.exclude = options->exclude,
		.output = cli_capture_last,
		.context = capture,
	};
	struct pyspyc_error err = { 0 };
	int status = CLI_OK;
	int signal = 0;
	bool failed = !stem || !title;

	if (failed)
		cli_error("out of memory");
	else if ((failed = tui_run(recorder, &wanted, &status, &signal, &err) != 0))
		cli_error("%s", err.message);
	cli_signals_note(signal);
	free(stem);
	free(title);
	if (failed)
		return CLI_FAILED;
	if (top->last)
		return top->last(top, recorder);
	return seen_through(top, recorder) ? cli_top_last(top, recorder) : CLI_OK;
}

/* Adds or starts what is to be looked at, and looks at it. */
static int look(const struct cli_top *top, struct pyspyc_recorder *recorder,
		struct pyspyc_child **child, struct cli_capture *capture)
{
	int status;

	if (!top->print && top->order.program && !cli_capture_begin(capture))
		return CLI_FAILED;
	status = cli_targets_add(&top->order, recorder, child);
	cli_capture_end(capture);
	if (status)
		return status;
	/* Seen as text, and where there was a screen, when it is left. */
	cli_targets_tell(&top->order, recorder, "is looked at");
	return top->print ? cli_top_print(top, recorder) : show(top, recorder, *child, capture);
}

int cli_top_run(struct cli_top *top)
{
	struct cli_capture capture = CLI_CAPTURE_NONE;
	struct pyspyc_recorder *recorder = NULL;
	struct pyspyc_child *child = NULL;
	struct pyspyc_error err = { 0 };
	int status = CLI_OK;
	int program_status;

	if (pyspyc_recorder_new(&top->order.options, &recorder, &err))
		return cli_error("%s", err.message);
	status = look(top, recorder, &child, &capture);
	pyspyc_recorder_free(recorder);
	cli_capture_show(&capture);
	if (child) {
		program_status = cli_targets_wait(child, capture.file < 0 ? NULL : cli_capture_show,
						  &capture);
		cli_capture_show(&capture);
		status = status ? status : program_status;
		pyspyc_child_free(child);
	}
	cli_capture_close(&capture);
	return status;
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_top top = { 0 };
	int status = cli_order_read(&top.order, COMMAND, arguments, true);

	if (!status)
		status = cli_top_delay(arguments, &top.delay);
	if (!status)
		status = set_batch(&top, arguments);
	if (!status) {
		set_query(&top, arguments);
		if (top.print && top.view && strcmp(top.view, "functions") &&
		    strcmp(top.view, "lines"))
			cli_note("--view %s is for the screen: as text, the functions are shown",
				 top.view);
		top.order.options.live = true;
		top.order.options.memory = true;
		top.order.options.mode = PYSPYC_MODE_WALL;
		if (!top.print) { /* the screen stays until the user has seen the end */
			top.duration = top.order.options.duration;
			top.order.options.duration = 0;
		}
		cli_signals_catch();
		status = choose(&top);
	}
	if (!status && (top.order.pid_count || top.order.program))
		status = cli_top_run(&top);
	cli_order_free(&top.order);
	return status;
}

const struct cli_command cli_command_top = {
	.name = COMMAND,
	.summary = "shows live where a program spends its time, what its threads do and how its "
		   "memory grows",
	.synopses = (const char *const[]){ "[options]", "[options] --pid PID",
					   "[options] [--] PROGRAM [ARGUMENT...]", NULL },
	.operand = "program",
	.operands = CLI_OPERANDS_PROGRAM,
	.examples =
		(const char *const[]){
			"pyspyc top",
			"lets choose one of the Python processes",
			"pyspyc top --pid 1234",
			"looks at a running process; ? tells the keys",
			"pyspyc top -s -- python3 app.py",
			"starts the program and looks at it and its children",
			"pyspyc top --pid 1234 --once",
			"where the time of one second went, as text",
			NULL,
		},
	.run = run,
};
