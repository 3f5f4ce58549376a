/* pyspyc: the machine's Python processes, and their sources. */
#ifndef PYSPYC_PROCESSES_H
#define PYSPYC_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pyspyc/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pyspyc_process_info {
	pid_t pid, parent;
	uid_t uid;
	char *command;	    /* valid UTF-8, may hold control characters */
	char *version;	    /* "3.12.1", or "3.12" where it cannot be read, or "?" */
	bool readable;	    /* the caller may look into it */
	uint64_t cpu_ns;    /* since it started */
	uint64_t rss;	    /* bytes */
	int64_t started_at; /* seconds since the epoch, 0 when not known */
};

/*
 * Processes of this machine (this PID namespace) that run a CPython, in order of pid, this
 * process left out, in *ret, an array of *count. The caller frees it with pyspyc_processes_free.
 */
int pyspyc_processes(struct pyspyc_process_info **ret, size_t *count, struct pyspyc_error *err);

void pyspyc_processes_free(struct pyspyc_process_info *processes, size_t count);

/* No more of a source file than this is read. */
#define PYSPYC_SOURCE_MAX ((size_t)4 << 20)

/*
 * A source file as process pid sees it: inside its root, relative names from its working
 * directory, regular files only. With pid 0 as pyspyc sees it itself. *ret, of *size bytes and
 * NUL-terminated, is the caller's.
 * -PYSPYC_EIO when it cannot be had; the message says why.
 */
int pyspyc_source_read(pid_t pid, const char *path, char **ret, size_t *size,
		       struct pyspyc_error *err);

#ifdef __cplusplus
}
#endif

#endif
