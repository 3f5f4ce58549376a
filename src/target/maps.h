/* /proc/PID/maps. */
#ifndef SPY_TARGET_MAPS_H
#define SPY_TARGET_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyspyc/error.h"

enum spy_map_flags {
	SPY_MAP_READ = 1,
	SPY_MAP_WRITE = 2,
	SPY_MAP_EXEC = 4,
	SPY_MAP_SHARED = 8,
	SPY_MAP_DELETED = 16, /* the file has been unlinked or replaced */
};

struct spy_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, in bytes */
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	unsigned flags; /* enum spy_map_flags */
	char *path;	/* as the target sees it, " (deleted)" taken off; "" when anonymous */
};

struct spy_maps {
	struct spy_mapping *items; /* in order of address */
	size_t count;
};

/*
 * Parses one line of maps or smaps, without its newline. The caller frees ret->path. False when it
 * makes no sense or memory ran out; there is then nothing to free.
 */
bool spy_mapping_parse(const char *line, size_t size, struct spy_mapping *ret);

/* More mappings than this are an error: Linux's own limit is 65,530 by default. */
#define SPY_MAPS_LIMIT 1000000

/*
 * Parses the text of a maps file (proc(5)), size bytes that need not end in NUL. Lines that
 * make no sense are an error, -PYSPYC_ECORRUPT. The caller frees ret.
 */
int spy_maps_parse(const char *text, size_t size, struct spy_maps *ret, struct pyspyc_error *err);

void spy_maps_free(struct spy_maps *maps);

/* Takes root (without a trailing slash) off the paths that begin with it. */
void spy_maps_strip(struct spy_maps *maps, const char *root);

/* path without root before it, or path itself; points into path. */
const char *spy_path_strip(const char *path, const char *root);

/* The mapping that contains address, or NULL. */
const struct spy_mapping *spy_maps_find(const struct spy_maps *maps, uint64_t address);

#endif
