/* What is in a text, for tests of formats. */
#ifndef TESTS_UNIT_TEXTS_H
#define TESTS_UNIT_TEXTS_H

#include <stddef.h>
#include <string.h>

/* How often part is in text. */
static inline size_t count_in(const char *text, const char *part)
{
	size_t found = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		found++;
	return found;
}

#endif
