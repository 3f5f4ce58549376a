#include "cpython/layout.h"

#include <stdio.h>

#include "base/error.h"
#include "cpython/layout_table.h"

/* No struct that is read here is larger in any build. */
#define OFFSET_LIMIT (1u << 20)

static bool same_minor(const struct spy_layout_row *row, const struct spy_version *version)
{
	return row->major == version->major && row->minor == version->minor;
}

/* "2.7, 3.6, 3.7", from the table; cut when it does not fit. */
static const char *known_versions(char *buffer, size_t size)
{
	unsigned last = 0;
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < spy_layout_table_size && used < size; i++) {
		const struct spy_layout_row *row = &spy_layout_table[i];
		unsigned minor = (unsigned)row->major << 8 | row->minor;

		/* The rows of a version need not be neighbours, but versions ascend. */
		if (minor <= last)
			continue;
		used += (size_t)snprintf(buffer + used, size - used, "%s%u.%u", last ? ", " : "",
					 row->major, row->minor);
		last = minor;
	}
	return buffer;
}

static int no_row(const struct spy_version *version, bool minor_known, struct pyspyc_error *err)
{
	char name[32], known[256];

	spy_version_format(version, name, sizeof(name));
	if (!minor_known)
		return spy_fail(err, PYSPYC_EVERSION,
				"CPython %s is not known to this pyspyc, which reads %s", name,
				known_versions(known, sizeof(known)));
	return spy_fail(
		err, PYSPYC_EVERSION,
		"CPython %s is a build (%s%s%s) whose layout is not known: use a release build",
		name, version->free_threaded ? "free-threaded" : "",
		version->free_threaded && version->debug ? ", " : "",
		version->debug ? "debug" : "");
}

static bool fits(const struct spy_layout_row *row, const struct spy_version *version,
		 enum spy_arch arch)
{
	return same_minor(row, version) && version->micro >= row->micro_low &&
	       version->micro <= row->micro_high && row->arch == arch &&
	       row->debug == version->debug && row->free_threaded == version->free_threaded;
}

/* How many micro versions a row is for, less one: of those that fit the smallest counts. */
static unsigned range_of(const struct spy_layout_row *row)
{
	return (unsigned)(row->micro_high - row->micro_low);
}

int spy_layout_find(const struct spy_version *version, enum spy_arch arch, struct spy_layout *ret,
		    struct pyspyc_error *err)
{
	const struct spy_layout_row *best = NULL;
	bool minor_known = false;
	char name[32];

	for (size_t i = 0; i < spy_layout_table_size; i++)
		minor_known |= same_minor(&spy_layout_table[i], version);
	/* Structs still move between alphas and betas, and stand still from the candidates on. */
	if (minor_known && version->level != 'f' && version->level != 'c')
		return spy_fail(err, PYSPYC_EVERSION,
				"CPython %s is a pre-release whose layout is not known: "
				"use a release candidate or a release",
				spy_version_format(version, name, sizeof(name)));
	for (size_t i = 0; i < spy_layout_table_size; i++) {
		const struct spy_layout_row *row = &spy_layout_table[i];

		if (fits(row, version, arch) && (!best || range_of(row) < range_of(best)))
			best = row;
	}
	if (best) {
		*ret = best->layout;
		return 0;
	}
	return no_row(version, minor_known, err);
}

/* A field of width bytes inside a struct of size bytes, or none. */
static bool inside(uint32_t offset, uint32_t width, uint32_t size)
{
	return offset == SPY_NO_FIELD || (offset <= size && width <= size - offset);
}

static bool sane_size(uint32_t size)
{
	return size > 0 && size < OFFSET_LIMIT;
}

/* More than any build has: 88 and 56 bytes; traced references included. */
#define FRAME_LIMIT 1024
#define HEAD_LIMIT 96

static bool beyond(uint32_t offset)
{
	return offset != SPY_NO_FIELD && offset > HEAD_LIMIT;
}

bool spy_layout_sane(const struct spy_layout *layout)
{
#define CHECK_OFFSET(name)                                                \
	if (layout->name != SPY_NO_FIELD && layout->name >= OFFSET_LIMIT) \
		return false;
	SPY_LAYOUT_FIELDS(CHECK_OFFSET)
#undef CHECK_OFFSET
	if (layout->runtime_size == 0 || !sane_size(layout->interp_size) ||
	    !sane_size(layout->tstate_size) || !sane_size(layout->frame_size) ||
	    !sane_size(layout->code_size) || !sane_size(layout->object_size))
		return false;
	/* Frames and the heads of objects are read into buffers of a fixed size. */
	if (layout->frame_size > FRAME_LIMIT || layout->object_size > HEAD_LIMIT ||
	    beyond(layout->var_size) || beyond(layout->bytes_data) ||
	    beyond(layout->unicode_length) || beyond(layout->unicode_ascii_data))
		return false;
	return inside(layout->runtime_interpreters_head, 8, layout->runtime_size) &&
	       inside(layout->interp_next, 8, layout->interp_size) &&
	       inside(layout->interp_threads_head, 8, layout->interp_size) &&
	       inside(layout->tstate_next, 8, layout->tstate_size) &&
	       inside(layout->tstate_thread_id, 8, layout->tstate_size) &&
	       inside(layout->frame_back, 8, layout->frame_size) &&
	       inside(layout->frame_code, 8, layout->frame_size) &&
	       inside(layout->code_filename, 8, layout->code_size) &&
	       inside(layout->code_name, 8, layout->code_size) &&
	       inside(layout->object_type, 8, layout->object_size);
}
