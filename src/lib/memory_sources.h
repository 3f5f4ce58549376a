/* Where the source files of a recording's processes are read from. */
#ifndef SPY_LIB_MEMORY_SOURCES_H
#define SPY_LIB_MEMORY_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * spy_sources.read for a struct pyspyc_recorder: the file as one of its processes sees it, and when
 * none is left, as this process does.
 */
bool spy_memory_source(void *recorder, const char *path, char **text, size_t *size);

#endif
