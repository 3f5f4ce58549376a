/*
 * What an output format of a recording of memory is: a const descriptor in a file of its own,
 * listed in memory_formats.c.
 */
#ifndef SPY_SINK_MEMORY_H
#define SPY_SINK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buffer.h"
#include "profile/history.h"
#include "sink/sink.h"

/* Where a source file's text comes from; sinks read no files themselves. */
struct spy_sources {
	/*
	 * The file with this path (co_filename) as it is now: *text, of *size bytes, which the caller
	 * frees; false when it cannot be read.
	 */
	bool (*read)(void *context, const char *path, char **text, size_t *size);
	void *context;
};

struct spy_memory_recording {
	const struct spy_history *history;
	/* Its nodes have the columns of profile/live.h; roots are processes, then threads. */
	const struct pyspyc_profile *profile;
	struct spy_sources sources;
	bool released;	/* stacks: bytes released, not grown */
	bool threads;	/* stacks: each thread a root */
	bool all_lines; /* lines: all of a file */
};

struct spy_memory_sink {
	struct pyspyc_format format;
	/* Writes it to file; write errors are the caller's. */
	int (*write)(const struct spy_memory_recording *memory, FILE *file, struct pyspyc_error *err);
	/* Or, with write NULL: the format of profiles that bytes per stack are written in. */
	const struct spy_sink *stacks;
};

extern const struct spy_memory_sink spy_memory_sink_plot;  /* .svg, the default */
extern const struct spy_memory_sink spy_memory_sink_mprof; /* .dat */
extern const struct spy_memory_sink spy_memory_sink_csv;
extern const struct spy_memory_sink spy_memory_sink_json;
extern const struct spy_memory_sink spy_memory_sink_lines; /* .txt */

/* Appends the line of truth: "RSS grew by 12.3 MiB and shrank by 0 B; 100 samples in 1.0 s …". */
void spy_memory_truth(struct spy_buffer *buffer, const struct spy_memory_recording *memory);

/* Writes a recording to file in full, in a format of memory_formats.c. -PYSPYC_EIO. */
int spy_memory_write(const struct spy_memory_recording *memory, const struct pyspyc_format *format,
		     FILE *file, struct pyspyc_error *err);

#endif
