/* --max-rss, --max-growth and what follows: files, a command, the end. */
#ifndef CLI_ALARMS_H
#define CLI_ALARMS_H

#include <stdbool.h>

#include "cli/alarm_rules.h"
#include "cli/arguments.h"
#include "cli/execute.h"
#include "cli/ordering.h"
#include "cli/output.h"

struct cli_alarms {
	struct cli_alarm_rules rules;
	const char *command; /* of --exec, or NULL */
	bool keep_going;
	unsigned int given; /* how many so far */
	struct cli_execute execute;
	char **variables; /* for the command: of the alarm that ended it all */
};

/* What the alarm is about. */
struct cli_alarm_scene {
	const struct cli_order *order;
	pid_t pid; /* the process, or the first of them */
	/* The file that is written in the end, in which format and by whom; NULL: none is. */
	const struct cli_output *output;
	const struct pyspyc_format *format;
	cli_writer *write;
	const void *context;
};

/* The options. Returns the exit status. */
int cli_alarms_read(struct cli_alarms *alarms, const struct cli_arguments *arguments);

/* Whether there is any. */
bool cli_alarms_wanted(const struct cli_alarms *alarms);

/* At each tick: the alarm that is to be given now, *now being how things are. */
enum cli_alarm cli_alarms_due(struct cli_alarms *alarms, struct pyspyc_recorder *recorder,
			      struct pyspyc_memory_now *now);

/*
 * Gives an alarm: says it, writes the stacks, and when all goes on the profile so far, and starts
 * the command.
 */
void cli_alarms_give(struct cli_alarms *alarms, const struct cli_alarm_scene *scene,
		     enum cli_alarm alarm, const struct pyspyc_memory_now *now);

/* Whether an alarm has been given and ends the recording. */
bool cli_alarms_ended(const struct cli_alarms *alarms);

/*
 * After all has been written: starts the command of the alarm that ended it, and waits for it for
 * a while. Returns status, or CLI_ALARMED in place of CLI_OK.
 */
int cli_alarms_finish(struct cli_alarms *alarms, int status);

#endif
