/* A pattern that the user types, and where in a text it is found, upper or lower case. */
#ifndef TUI_MATCH_H
#define TUI_MATCH_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define TUI_PATTERN 256

struct tui_match {
	bool on;
	bool plain;		/* without special characters: quicker to look for */
	char text[TUI_PATTERN]; /* the pattern */
	regex_t regex;
};

/*
 * For a zeroed match: NULL or "" turns it off. -1 when the pattern is no extended regular
 * expression, is too long, repeats too much or refers back to a part of itself; the old one stays.
 */
int tui_match_set(struct tui_match *match, const char *pattern);
void tui_match_free(struct tui_match *match);

/*
 * The first place in text, begin to end in bytes; inside says that text is what follows an earlier
 * place. begin and end may be NULL.
 */
bool tui_match_find(const struct tui_match *match, const char *text, bool inside, size_t *begin,
		    size_t *end);

#endif
