#include "cli/alarms.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dump.h"
#include "cli/message.h"
#include "cli/values.h"
#include "tui/view.h"

#define VARIABLES 7
#define DUMP ".dump.txt"

static const struct {
	const char *option;
	const char *what;
	const char *per;
	const char *(*parse)(const char *text, double *ret);
} kinds[CLI_ALARMS] = {
	[CLI_ALARM_RSS] = { "max-rss", "RSS is", "", cli_parse_size },
	[CLI_ALARM_GROWTH] = { "max-growth", "RSS grows by", " a minute", cli_parse_growth },
};

int cli_alarms_read(struct cli_alarms *alarms, const struct cli_arguments *arguments)
{
	bool any = false;

	*alarms = (struct cli_alarms){
		.command = cli_value(arguments, "exec"),
		.keep_going = cli_has(arguments, "keep-going"),
	};
	for (unsigned int i = 0; i < CLI_ALARMS; i++) {
		const char *text = cli_value(arguments, kinds[i].option);
		const char *wrong = text ? kinds[i].parse(text, &alarms->rules.most[i]) : NULL;

		if (wrong)
			return cli_usage(arguments->command, "--%s '%s' %s", kinds[i].option, text,
					 wrong);
		any = any || text;
	}
	if (!any && (alarms->command || alarms->keep_going))
		return cli_usage(arguments->command,
				 "--%s is about alarms: give --max-rss or --max-growth too",
				 alarms->command ? "exec" : "keep-going");
	return CLI_OK;
}

bool cli_alarms_wanted(const struct cli_alarms *alarms)
{
	return alarms->rules.most[CLI_ALARM_RSS] > 0 || alarms->rules.most[CLI_ALARM_GROWTH] > 0;
}

enum cli_alarm cli_alarms_due(struct cli_alarms *alarms, struct pyspyc_recorder *recorder,
			      struct pyspyc_memory_now *now)
{
	cli_execute_look(&alarms->execute);
	if (!cli_alarms_wanted(alarms) || pyspyc_recorder_memory(recorder, now, NULL))
		return CLI_ALARM_NONE;
	return cli_alarm_next(&alarms->rules, now);
}

/* --- the files --- */

static const char *ending_of(const struct cli_alarm_scene *scene)
{
	const char *ending = scene->format->extensions[0];

	return ending ? ending : "";
}

/* A name beside the output, when that is a file. The caller frees it. */
static char *name_of(const struct cli_alarms *alarms, const struct cli_alarm_scene *scene,
		     const char *ending)
{
	if (!scene->output || scene->output->stream >= 0)
		return NULL;
	return cli_alarm_name(scene->output->path, ending_of(scene),
			      alarms->keep_going ? alarms->given : 0, ending);
}

/* Writes a file of that name; frees the name and returns NULL when that failed. */
static char *write_file(char *name, cli_writer *write, const void *context)
{
	struct cli_output output = CLI_OUTPUT_NONE;
	bool done = name && cli_output_open(&output, name) &&
		    cli_output_write_by(&output, write, context);

	cli_output_close(&output);
	if (done)
		return name;
	free(name);
	return NULL;
}

static int write_dump(const void *context, FILE *file, struct pyspyc_error *err)
{
	const struct cli_alarm_scene *scene = context;
	const struct pyspyc_recorder_options *options = &scene->order->options;
	const struct pyspyc_snapshot_options wanted = {
		.names = options->names,
		.blocking = options->blocking,
		.full_filenames = options->full_filenames,
		.no_gc = options->no_gc,
	};
	const pid_t *pids = scene->order->pid_count ? scene->order->pids : &scene->pid;
	size_t count = scene->order->pid_count ? scene->order->pid_count : 1;

	(void)err;
	cli_dump_all(file, pids, count, options->subprocesses, &wanted);
	return 0;
}

/* The stacks: beside the output, or else on standard error. The file's name, which is freed. */
static char *dump(const struct cli_alarms *alarms, const struct cli_alarm_scene *scene)
{
	char *name = name_of(alarms, scene, DUMP);
	char *text = NULL;
	size_t size;
	FILE *memory;

	if (name)
		return write_file(name, write_dump, scene);
	memory = open_memstream(&text, &size);
	if (memory) {
		write_dump(scene, memory, NULL);
		fclose(memory);
		fwrite(text, 1, size, stderr);
		fflush(stderr);
	}
	free(text);
	return NULL;
}

/* --- the command --- */

static void add_variable(char **variables, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_variable(char **variables, const char *format, ...)
{
	size_t count = 0;
	va_list args;

	while (variables[count])
		count++;
	va_start(args, format);
	if (vasprintf(&variables[count], format, args) < 0)
		variables[count] = NULL;
	va_end(args);
}

static char **make_variables(const struct cli_alarms *alarms, const struct cli_alarm_scene *scene,
			     enum cli_alarm alarm, const struct pyspyc_memory_now *now,
			     const char *const files[2])
{
	char **variables = calloc(VARIABLES + 1, sizeof(*variables));

	if (!variables)
		return NULL;
	add_variable(variables, "PYSPYC_PID=%d", (int)scene->pid);
	add_variable(variables, "PYSPYC_REASON=%s", kinds[alarm].option);
	add_variable(variables, "PYSPYC_LIMIT=%.0f", alarms->rules.most[alarm]);
	add_variable(variables, "PYSPYC_RSS=%" PRIu64, now->rss);
	add_variable(variables, "PYSPYC_GROWTH=%.0f", now->rss_per_minute);
	add_variable(variables, "PYSPYC_FILE=%s", files[0] ? files[0] : "");
	add_variable(variables, "PYSPYC_DUMP=%s", files[1] ? files[1] : "");
	return variables;
}

static void free_variables(char **variables)
{
	for (size_t i = 0; variables && variables[i]; i++)
		free(variables[i]);
	free(variables);
}

void cli_alarms_give(struct cli_alarms *alarms, const struct cli_alarm_scene *scene,
		     enum cli_alarm alarm, const struct pyspyc_memory_now *now)
{
	double figure = cli_alarm_figure(alarm, now);
	char is[32];
	char most[32];
	bool to_file = scene->output && scene->output->stream < 0;
	char *files[2] = { NULL, NULL };

	alarms->given++;
	cli_note("alarm: %s %s%s, more than %s (--%s)", kinds[alarm].what,
		 tui_bytes(figure, is, sizeof(is)), kinds[alarm].per,
		 tui_bytes(alarms->rules.most[alarm], most, sizeof(most)), kinds[alarm].option);
	files[1] = dump(alarms, scene);
	if (to_file && alarms->keep_going)
		files[0] = write_file(name_of(alarms, scene, ending_of(scene)), scene->write,
				      scene->context);
	else if (to_file)
		files[0] = strdup(scene->output->path); /* is written next */
	if (files[1])
		cli_note("wrote %s%s%s", files[1], alarms->keep_going && files[0] ? " and " : "",
			 alarms->keep_going && files[0] ? files[0] : "");
	if (alarms->command) {
		free_variables(alarms->variables);
		alarms->variables = make_variables(alarms, scene, alarm, now,
						   (const char *const[]){ files[0], files[1] });
		if (alarms->keep_going && alarms->variables)
			cli_execute_start(&alarms->execute, alarms->command, alarms->variables);
	}
	free(files[0]);
	free(files[1]);
}

bool cli_alarms_ended(const struct cli_alarms *alarms)
{
	return alarms->given && !alarms->keep_going;
}

int cli_alarms_finish(struct cli_alarms *alarms, int status)
{
	if (cli_alarms_ended(alarms)) {
		if (alarms->command && alarms->variables)
			cli_execute_start(&alarms->execute, alarms->command, alarms->variables);
		status = status ? status : CLI_ALARMED;
	}
	if (alarms->execute.pid)
		cli_execute_wait(&alarms->execute);
	free_variables(alarms->variables);
	alarms->variables = NULL;
	return status;
}
