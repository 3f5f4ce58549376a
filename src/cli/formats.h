/* The formats that a command writes files in: their names, and which one was ordered. */
#ifndef CLI_FORMATS_H
#define CLI_FORMATS_H

#include "cli/arguments.h"
#include "pyspyc/profile.h"

/* All formats of one kind of recording. */
struct cli_formats {
	const struct pyspyc_format *const *(*all)(void);
	const struct pyspyc_format *(*by_name)(const char *name);
	const struct pyspyc_format *(*by_path)(const char *path);
};

extern const struct cli_formats cli_formats_of_profiles;
extern const struct cli_formats cli_formats_of_memory;

/*
 * The one that --format names, or else the extension of --output, or else the first: in *ret.
 * Returns the exit status.
 */
int cli_formats_choose(const struct cli_formats *formats, const struct cli_arguments *arguments,
		       const struct pyspyc_format **ret);

#endif
