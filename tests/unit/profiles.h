/* Small profiles for tests, and what a format makes of them. */
#ifndef TESTS_UNIT_PROFILES_H
#define TESTS_UNIT_PROFILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"

/* A Python frame whose path is its file. */
static inline uint32_t add_frame(struct pyspyc_profile *profile, const char *name, const char *file,
				 int line, int first_line)
{
	return make_frame(profile, name, file, file, line, first_line);
}

/* The node of frame below parent. */
static inline uint32_t add_node(struct pyspyc_profile *profile, uint32_t parent, const char *name,
				const char *file, int line, int first_line)
{
	return spy_profile_child(profile, parent, add_frame(profile, name, file, line, first_line));
}

/* A node for a process, thread or marker called name. */
static inline uint32_t add_other(struct pyspyc_profile *profile, uint32_t parent, uint8_t kind,
				 const char *name)
{
	return spy_profile_child(profile, parent, make_other(profile, name, kind));
}

/* The profile in a format; the caller frees it. */
static inline char *write_profile(const struct pyspyc_profile *profile, const char *format)
{
	struct pyspyc_error err = { 0 };
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(pyspyc_profile_write(profile, pyspyc_format_by_name(format), file, &err),
			 0);
	fclose(file);
	assert_int_equal(strlen(text), size);
	return text;
}

#endif
