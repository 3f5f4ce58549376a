/* What the lists of formats share. */
#ifndef SPY_SINK_FORMATS_H
#define SPY_SINK_FORMATS_H

#include <stdio.h>

#include "pyspyc/profile.h"

/* That of a NULL-terminated list which is called name, or has that alias; NULL: none. */
const struct pyspyc_format *spy_format_by_name(const struct pyspyc_format *const *formats,
					       const char *name);

/* That whose extension path ends in, the longest one; NULL: none. */
const struct pyspyc_format *spy_format_by_path(const struct pyspyc_format *const *formats,
					       const char *path);

/* Sees to it that all that was written to file is there. -PYSPYC_EIO; errno was 0 before. */
int spy_format_finish(const struct pyspyc_format *format, FILE *file, struct pyspyc_error *err);

#endif
