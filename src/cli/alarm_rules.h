/* When memory gives the alarm, and what files of it are called. Pure functions. */
#ifndef CLI_ALARM_RULES_H
#define CLI_ALARM_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "pyspyc/memory.h"

enum cli_alarm {
	CLI_ALARM_RSS,
	CLI_ALARM_GROWTH,
	CLI_ALARMS,
	CLI_ALARM_NONE = CLI_ALARMS,
};

struct cli_alarm_rules {
	double most[CLI_ALARMS]; /* bytes, bytes a minute; 0: any */
	bool off[CLI_ALARMS];	 /* has been given, and not been armed again since */
};

/*
 * The alarm that is to be given now. Each is given once and armed again when its figure has fallen
 * below nine tenths of what is allowed.
 */
enum cli_alarm cli_alarm_next(struct cli_alarm_rules *rules, const struct pyspyc_memory_now *now);

/* The figure that alarm is about. */
double cli_alarm_figure(enum cli_alarm alarm, const struct pyspyc_memory_now *now);

/*
 * A file's name beside output, whose ending (".svg", or else whatever follows the last dot of its
 * last component) gives way: "mem.svg" makes "mem.alarm-2.svg" with number 2 and ending ".svg",
 * "mem.dump.txt" with number 0 and ending ".dump.txt". The caller frees it; NULL: out of memory.
 */
char *cli_alarm_name(const char *output, const char *old_ending, unsigned int number,
		     const char *ending);

#endif
