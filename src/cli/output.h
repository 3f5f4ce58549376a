/* The file that a recording goes to: checked before, written whole afterwards. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pyspyc/error.h"

struct cli_output {
	char *path;	  /* as the user gave it; "standard output" for - */
	const char *name; /* its last component, in path */
	int directory;	  /* the file's directory; -1 for a stream */
	int stream;	  /* a pipe, device or open descriptor, written to directly; else -1 */
	bool spent;	  /* the stream has been written to */
	uint64_t size;	  /* bytes of the last file; 0 for a stream */
};

#define CLI_OUTPUT_NONE ((struct cli_output){ .directory = -1, .stream = -1 })

/*
 * Checks that path can be written ("-" is standard output) and opens what it takes. NULL is
 * a file in the current directory whose name is not known yet (see cli_output_set_name). A
 * named pipe is opened, which waits for its reader. False when it cannot be written; the
 * reason has then been printed, but for standard output that nobody reads any more.
 */
bool cli_output_open(struct cli_output *output, const char *path);

/* The name of a file that was opened as NULL. */
bool cli_output_set_name(struct cli_output *output, const char *name);

/* Writes to file; 0, or a negated code with err filled in. */
typedef int cli_writer(const void *context, FILE *file, struct pyspyc_error *err);

/*
 * Writes what `write` makes of context: a file in full or not at all, in place of what has its
 * name now. May be called again, except for streams. False when it failed, which has then been
 * printed, with the same exception.
 */
bool cli_output_write_by(struct cli_output *output, cli_writer *write, const void *context);

void cli_output_close(struct cli_output *output);

#endif
