#include "tui/match.h"

#include <stdlib.h>
#include <string.h>

/* Compiling a{99}{99}{99} would take all memory, looking for it all time: what may repeat in all. */
#define MOST_REPEATS 100

static bool repeats_too_much(const char *pattern)
{
	unsigned long product = 1;

	for (const char *at = strchr(pattern, '{'); at; at = strchr(at + 1, '{')) {
		char *end;
		unsigned long most = strtoul(at + 1, &end, 10);

		if (*end == ',') {
			unsigned long second = strtoul(end + 1, NULL, 10);

			most = second > most ? second : most;
		}
		if (most > MOST_REPEATS)
			return true;
		product *= most > 1 ? most : 1;
		if (product > MOST_REPEATS)
			return true;
	}
	return false;
}

/* \1 to \9, which glibc knows here as well: looking for them may take for ever. */
static bool refers_back(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern != '\\')
			continue;
		pattern++;
		if (*pattern >= '1' && *pattern <= '9')
			return true;
		if (!*pattern)
			break;
	}
	return false;
}

static bool is_plain(const char *pattern)
{
	for (; *pattern; pattern++)
		if ((unsigned char)*pattern >= 0x80 || strchr(".[]()*+?{}|^$\\", *pattern))
			return false;
	return true;
}

int tui_match_set(struct tui_match *match, const char *pattern)
{
	bool plain;
	regex_t regex;

	if (!pattern || !*pattern) {
		tui_match_free(match);
		return 0;
	}
	if (strlen(pattern) >= sizeof(match->text) || repeats_too_much(pattern) ||
	    refers_back(pattern))
		return -1;
	plain = is_plain(pattern);
	if (!plain && regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE))
		return -1;
	tui_match_free(match);
	match->on = true;
	match->plain = plain;
	memcpy(match->text, pattern, strlen(pattern) + 1);
	if (!plain)
		match->regex = regex;
	return 0;
}

void tui_match_free(struct tui_match *match)
{
	if (match->on && !match->plain)
		regfree(&match->regex);
	match->on = false;
	match->text[0] = '\0';
}

bool tui_match_find(const struct tui_match *match, const char *text, bool inside, size_t *begin,
		    size_t *end)
{
	regmatch_t place = { 0 };

	if (!match->on)
		return false;
	if (match->plain) {
		const char *found = strcasestr(text, match->text);

		if (!found)
			return false;
		place.rm_so = (regoff_t)(found - text);
		place.rm_eo = place.rm_so + (regoff_t)strlen(match->text);
	} else if (regexec(&match->regex, text, begin || end ? 1 : 0, &place,
			   inside ? REG_NOTBOL : 0)) {
		/* Where it is takes much longer to find than whether it is. */
		return false;
	}
	if (begin)
		*begin = (size_t)place.rm_so;
	if (end)
		*end = (size_t)place.rm_eo;
	return true;
}
