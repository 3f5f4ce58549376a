/* Recordings of memory for tests, and what a format makes of them. */
#ifndef TESTS_UNIT_MEMORIES_H
#define TESTS_UNIT_MEMORIES_H

#include "live_profiles.h"
#include "pyspyc/memory.h"
#include "sink/memory.h"

#define MB UINT64_C(1048576)

/* Books a change of RSS, and a sample, on a node. */
static inline void book_bytes(struct pyspyc_profile *profile, uint32_t node, uint64_t grown,
			      uint64_t released, uint64_t usage)
{
	spy_profile_add(profile, node, UINT32_MAX, 0, 1);
	spy_live_add(profile, node, SPY_LIVE_GROWN, grown);
	spy_live_add(profile, node, SPY_LIVE_RELEASED, released);
	spy_live_usage(profile, node, usage);
}

/*
 * The recording in a format; the caller frees it. Inlined, GCC 12 takes the text for the variable that
 * points to it (-Wdangling-pointer).
 */
__attribute__((noinline, unused)) static char *write_memory(const struct spy_memory_recording *memory, const char *format)
{
	struct pyspyc_error err = { 0 };
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_non_null(pyspyc_memory_format_by_name(format));
	assert_int_equal(spy_memory_write(memory, pyspyc_memory_format_by_name(format), file, &err),
			 0);
	fclose(file);
	assert_int_equal(strlen(text), size);
	return text;
}

#endif
