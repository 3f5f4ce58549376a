/* What the target's own modules know: thread names, sys.path. */
#ifndef SPY_CPYTHON_NAMES_H
#define SPY_CPYTHON_NAMES_H

#include "cpython/objects.h"

struct spy_thread_name {
	uint64_t ident; /* threading's ident: the thread state's thread_id */
	char *name;	/* valid UTF-8 */
};

struct spy_thread_names {
	struct spy_thread_name *items;
	size_t count;
};

/*
 * The names in threading._active of the interpreter at address; none, without an error,
 * when the program has not imported threading. The caller frees ret.
 */
int spy_thread_names_read(const struct spy_heap *heap, uint64_t interpreter,
			  struct spy_thread_names *ret, struct pyspyc_error *err);

void spy_thread_names_free(struct spy_thread_names *names);

/* Entries of sys.path beyond this many are left out. */
#define SPY_PATHS_LIMIT 1024

struct spy_paths {
	char **items; /* absolute paths without a trailing slash, longest first */
	size_t count;
};

/* sys.path of the interpreter at address, entries that are no absolute path left out. */
int spy_sys_path_read(const struct spy_heap *heap, uint64_t interpreter, struct spy_paths *ret,
		      struct pyspyc_error *err);

void spy_paths_free(struct spy_paths *paths);

/*
 * The part of filename to show: without its longest prefix in paths (or, failing that,
 * without all up to site-packages, dist-packages or pythonX.Y) as "package/module.py"; the
 * whole name when nothing fits, such as "<string>". Points into filename.
 */
const char *spy_shorten_filename(const struct spy_paths *paths, const char *filename);

#endif
