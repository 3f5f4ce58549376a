#include "cli/values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pyspyc/recorder.h"

/*
 * Digits with an optional fraction, and nothing else of what strtod would take (signs,
 * exponents, hexadecimal, inf, nan). Moves *text behind them.
 */
static bool take_number(const char **text, double *ret)
{
	const char *at = *text;
	double value = 0;
	double scale = 1;
	bool any = false;

	for (; isdigit((unsigned char)*at); at++, any = true)
		value = value * 10 + (*at - '0');
	if (*at == '.') {
		for (at++; isdigit((unsigned char)*at); at++, any = true) {
			scale /= 10;
			value += scale * (*at - '0');
		}
	}
	if (!any)
		return false;
	*text = at;
	*ret = value;
	return true;
}

/* The common wrong answers, named for what they are. */
static const char *why_no_number(const char *text)
{
	if (text[0] == '-' && (isdigit((unsigned char)text[1]) || text[1] == '.'))
		return "is negative";
	if (!strcasecmp(text, "inf") || !strcasecmp(text, "infinity"))
		return "is not finite";
	return "is not a number";
}

static bool take_unit(const char **text, double *factor)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "ms", 0.001 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 24 * 3600 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t size = strlen(units[i].name);

		if (!strncmp(*text, units[i].name, size)) {
			*text += size;
			*factor = units[i].seconds;
			return true;
		}
	}
	return false;
}

const char *cli_parse_duration(const char *text, double *ret)
{
	double total = 0;
	double number;
	double factor;
	double above = CLI_DURATION_MAX;

	if (!strcmp(text, "unlimited")) {
		*ret = 0;
		return NULL;
	}
	if (!take_number(&text, &number))
		return why_no_number(text);
	if (!*text) {
		total = number;
	} else {
		for (;;) {
			/* 1h30m: each unit smaller than the one before */
			if (!take_unit(&text, &factor) || factor >= above)
				return "is not a time such as 10, 10s, 5m, 1h30m or unlimited";
			above = factor;
			total += number * factor;
			if (!*text)
				break;
			if (!take_number(&text, &number))
				return "is not a time such as 10, 10s, 5m, 1h30m or unlimited";
		}
	}
	if (!(total > 0))
		return "must be more than 0";
	if (total < CLI_DURATION_MIN)
		return "is too short: the least is 1ms";
	if (total > CLI_DURATION_MAX)
		return "is too long: the most is 366d, or say unlimited";
	*ret = total;
	return NULL;
}

const char *cli_parse_rate(const char *text, double *ret)
{
	double rate;

	if (!take_number(&text, &rate))
		return why_no_number(text);
	if (*text == 'k' || *text == 'K') {
		rate *= 1000;
		text++;
	} else if (*text == 'm' || *text == 'M') {
		rate *= 1000000;
		text++;
	}
	if (*text && strcasecmp(text, "hz") != 0)
		return "is not a rate such as 100, 1k or 10khz";
	if (!(rate > 0))
		return "must be more than 0";
	if (rate < CLI_RATE_MIN)
		return "is too low: the least is 0.001";
	if (rate > PYSPYC_RATE_MAX)
		return "is too high: the most is 1m, a million samples a second";
	*ret = rate;
	return NULL;
}

const char *cli_parse_percent(const char *text, double *ret)
{
	double percent;

	if (!take_number(&text, &percent))
		return why_no_number(text);
	if (*text == '%')
		text++;
	if (*text)
		return "is not a percentage such as 10 or 2.5%";
	if (!(percent >= 0.1 && percent <= 100))
		return "must be from 0.1 to 100";
	*ret = percent;
	return NULL;
}

/* Moves *text behind what begins with a unit of bytes, if anything does. */
static double take_size_unit(const char **text)
{
	static const char powers[] = "kmgt";
	double factor = 1;
	const char *power = **text ? strchr(powers, tolower((unsigned char)**text)) : NULL;
	bool binary;

	if (power) {
		binary = !((*text)[1] == 'b' || (*text)[1] == 'B');
		for (const char *at = powers; at <= power; at++)
			factor *= binary ? 1024 : 1000;
		(*text)++;
		if (**text == 'i')
			(*text)++;
	}
	if (**text == 'b' || **text == 'B')
		(*text)++;
	return factor;
}

#define NO_SIZE "is not a size such as 2G, 512M or 100000"
#define NO_GROWTH "is not a growth such as 50M/min, 2G/h or 100K/s"

static const char *check_size(double size)
{
	if (!(size > 0))
		return "must be more than 0";
	return size > CLI_SIZE_MAX ? "is too much" : NULL;
}

const char *cli_parse_size(const char *text, double *ret)
{
	const char *wrong;
	double size;

	if (!take_number(&text, &size))
		return why_no_number(text);
	size *= take_size_unit(&text);
	wrong = *text ? NO_SIZE : check_size(size);
	if (!wrong)
		*ret = size;
	return wrong;
}

const char *cli_parse_growth(const char *text, double *ret)
{
	static const struct {
		const char *name;
		double a_minute;
	} units[] = { { "", 1 },
		      { "/s", 60 },
		      { "/sec", 60 },
		      { "/m", 1 },
		      { "/min", 1 },
		      { "/minute", 1 },
		      { "/h", 1.0 / 60 },
		      { "/hour", 1.0 / 60 },
		      { "/d", 1.0 / 1440 },
		      { "/day", 1.0 / 1440 } };
	const char *wrong;
	double size;

	if (!take_number(&text, &size))
		return why_no_number(text);
	size *= take_size_unit(&text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		wrong = check_size(size *= units[i].a_minute);
		if (!wrong)
			*ret = size;
		return wrong;
	}
	return NO_GROWTH;
}

const char *cli_parse_count(const char *text, uint64_t *ret)
{
	const char *at = text;
	uint64_t count = 0;

	if (!strcmp(text, "unlimited")) {
		*ret = 0;
		return NULL;
	}
	for (; isdigit((unsigned char)*at); at++) {
		count = count * 10 + (uint64_t)(*at - '0');
		if (count > CLI_COUNT_MAX)
			return "is too much: the most is 1000000000, or say unlimited";
	}
	if (*at || at == text)
		return *at == '.' && at != text ? "is not a whole number" : why_no_number(text);
	*ret = count;
	return NULL;
}

const char *cli_parse_pid(const char *text, pid_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;
	long value;

	if (!(hex ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
		return "is not a process id";
	errno = 0;
	value = strtol(digits, &end, hex ? 16 : 10);
	if (*end)
		return "is not a process id";
	if (errno || value <= 0 || value > INT_MAX)
		return "cannot be a process id";
	*ret = (pid_t)value;
	return NULL;
}
