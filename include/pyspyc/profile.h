/* pyspyc: a profile, and the formats it can be written in. */
#ifndef PYSPYC_PROFILE_H
#define PYSPYC_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pyspyc/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Samples aggregated into a call tree. Made by a recorder, which owns it (or see live.h). */
struct pyspyc_profile;

/* An output format. */
struct pyspyc_format {
	const char *name;		/* as -f takes it: "flamegraph" */
	const char *const *aliases;	/* NULL-terminated: py-spy's names */
	const char *const *extensions;	/* NULL-terminated, first is the default: ".svg" */
	const char *description;	/* one line for --help */
	bool needs_timeline;		/* wants the samples in order, not only their sums */
};

/* All formats, NULL-terminated; the first is the default. */
const struct pyspyc_format *const *pyspyc_formats(void);

/* The format called name (or an alias), or NULL. */
const struct pyspyc_format *pyspyc_format_by_name(const char *name);

/* The format whose extension path ends in, or NULL. */
const struct pyspyc_format *pyspyc_format_by_path(const char *path);

/* Writes profile to file in full. -PYSPYC_EIO when the file could not take it. */
int pyspyc_profile_write(const struct pyspyc_profile *profile, const struct pyspyc_format *format,
			 FILE *file, struct pyspyc_error *err);

/* Samples in the profile. */
uint64_t pyspyc_profile_samples(const struct pyspyc_profile *profile);

/* Frees a profile that is the caller's own; a recorder's is not. */
void pyspyc_profile_free(struct pyspyc_profile *profile);

#ifdef __cplusplus
}
#endif

#endif
