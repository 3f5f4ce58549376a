/* /proc/PID/smaps: what each mapping of a process takes of memory. */
#ifndef SPY_TARGET_SMAPS_H
#define SPY_TARGET_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "target/maps.h"

/* Bytes of a mapping, as smaps gives them (proc(5)); 0 for what a kernel does not tell. */
struct spy_smap_sizes {
	uint64_t rss;
	uint64_t pss;
	uint64_t private_bytes; /* resident in no other process: clean, dirty and in huge pages */
	uint64_t dirty;		/* shared and private */
	uint64_t swap;
};

struct spy_smap {
	struct spy_mapping mapping; /* its path is one of struct spy_smaps' */
	struct spy_smap_sizes sizes;
};

struct spy_smaps {
	struct spy_smap *items; /* in order of address, never overlapping */
	size_t count;
	bool torn; /* mappings changed while they were read: some memory is in two of them */
};

/* A line of smaps is a path of 4096 bytes, of which each may be written as \012, and little else. */
#define SPY_SMAPS_LINE_LIMIT 20480

/*
 * The text is parsed as it is read, piece by piece, since that of a process with 100,000
 * mappings has 80 MB. Zero-initialise to start.
 */
struct spy_smaps_parser {
	struct spy_smap *items;
	size_t count, capacity;
	bool torn;
	struct spy_buffer rest; /* of a line that has not ended yet */
};

/*
 * Takes size more bytes of text. -PYSPYC_ECORRUPT for lines that make no sense, empty mappings,
 * mappings not in order and more than SPY_MAPS_LIMIT; the parser is then to be freed.
 */
int spy_smaps_feed(struct spy_smaps_parser *parser, const char *text, size_t size,
		   struct pyspyc_error *err);

/* The text has ended: *ret is the caller's, the parser is empty again, also after an error. */
int spy_smaps_finish(struct spy_smaps_parser *parser, struct spy_smaps *ret,
		     struct pyspyc_error *err);

void spy_smaps_parser_free(struct spy_smaps_parser *parser);

void spy_smaps_free(struct spy_smaps *smaps);

/*
 * Reads a process' smaps, once. The kernel walks the page tables for it and holds off, a few
 * mappings at a time, what would change them. -PYSPYC_ENOPROC when the process has gone or has no
 * memory (any more), -PYSPYC_EPERM.
 */
int spy_smaps_read(pid_t pid, struct spy_smaps *ret, struct pyspyc_error *err);

/* The item that contains address, or NULL. */
const struct spy_smap *spy_smaps_find(const struct spy_smaps *smaps, uint64_t address);

#endif
