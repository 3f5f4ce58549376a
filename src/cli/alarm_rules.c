#include "cli/alarm_rules.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ARM_AGAIN 0.9

double cli_alarm_figure(enum cli_alarm alarm, const struct pyspyc_memory_now *now)
{
	return alarm == CLI_ALARM_RSS ? (double)now->rss : now->rss_per_minute;
}

enum cli_alarm cli_alarm_next(struct cli_alarm_rules *rules, const struct pyspyc_memory_now *now)
{
	enum cli_alarm next = CLI_ALARM_NONE;

	for (unsigned int i = 0; i < CLI_ALARMS; i++) {
		double figure = cli_alarm_figure((enum cli_alarm)i, now);

		if (!(rules->most[i] > 0))
			continue;
		if (rules->off[i] && figure < rules->most[i] * ARM_AGAIN)
			rules->off[i] = false;
		if (!rules->off[i] && figure > rules->most[i] && next == CLI_ALARM_NONE) {
			rules->off[i] = true;
			next = (enum cli_alarm)i;
		}
	}
	return next;
}

/* How much of output is left without its ending. */
static int stem_of(const char *output, const char *ending)
{
	const char *base = strrchr(output, '/');
	size_t size = strlen(output);
	size_t length = strlen(ending);
	const char *dot;

	base = base ? base + 1 : output;
	if (length && strlen(base) > length && !strcasecmp(output + size - length, ending))
		return (int)(size - length);
	dot = *base ? strrchr(base + 1, '.') : NULL; /* not the one of a hidden file */
	return (int)(dot ? (size_t)(dot - output) : size);
}

char *cli_alarm_name(const char *output, const char *old_ending, unsigned int number,
		     const char *ending)
{
	char numbered[32] = "";
	char *name = NULL;

	if (number)
		snprintf(numbered, sizeof(numbered), ".alarm-%u", number);
	if (asprintf(&name, "%.*s%s%s", stem_of(output, old_ending), output, numbered, ending) < 0)
		return NULL;
	return name;
}
