#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/export.h"
#include "sink/formats.h"
#include "sink/sink.h"

static const struct pyspyc_format *const formats[] = {
	&spy_sink_flamegraph.format, /* the default */
	&spy_sink_folded.format,
	&spy_sink_speedscope.format,
	NULL,
};

const struct pyspyc_format *spy_format_by_name(const struct pyspyc_format *const *list,
					       const char *name)
{
	const char *const *alias;

	for (; *list; list++) {
		if (strcmp((*list)->name, name) == 0)
			return *list;
		for (alias = (*list)->aliases; *alias; alias++)
			if (strcmp(*alias, name) == 0)
				return *list;
	}
	return NULL;
}

const struct pyspyc_format *spy_format_by_path(const struct pyspyc_format *const *list,
					       const char *path)
{
	const struct pyspyc_format *ret = NULL;
	size_t size = strlen(path), longest = 0;
	const char *const *extension;

	for (; *list; list++) {
		for (extension = (*list)->extensions; *extension; extension++) {
			size_t length = strlen(*extension);

			if (length > longest && length <= size &&
			    strcasecmp(path + size - length, *extension) == 0) {
				longest = length;
				ret = *list;
			}
		}
	}
	return ret;
}

int spy_format_finish(const struct pyspyc_format *format, FILE *file, struct pyspyc_error *err)
{
	if (fflush(file) || ferror(file))
		return spy_fail_errno(err, PYSPYC_EIO, errno ? errno : EIO,
				      "cannot write the %s output", format->name);
	return 0;
}

PYSPYC_EXPORT const struct pyspyc_format *const *pyspyc_formats(void)
{
	return formats;
}

PYSPYC_EXPORT const struct pyspyc_format *pyspyc_format_by_name(const char *name)
{
	return spy_format_by_name(formats, name);
}

PYSPYC_EXPORT const struct pyspyc_format *pyspyc_format_by_path(const char *path)
{
	return spy_format_by_path(formats, path);
}

PYSPYC_EXPORT int pyspyc_profile_write(const struct pyspyc_profile *profile,
				       const struct pyspyc_format *format, FILE *file,
				       struct pyspyc_error *err)
{
	const struct spy_sink *sink =
		(const struct spy_sink *)(const void *)((const char *)format -
							offsetof(struct spy_sink, format));
	int ret;

	errno = 0;
	ret = sink->write(profile, file, err);
	return ret ? ret : spy_format_finish(format, file, err);
}

PYSPYC_EXPORT uint64_t pyspyc_profile_samples(const struct pyspyc_profile *profile)
{
	return profile->samples;
}
