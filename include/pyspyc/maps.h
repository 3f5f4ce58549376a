/* pyspyc: what a process uses its memory for, by segment. */
#ifndef PYSPYC_MAPS_H
#define PYSPYC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "pyspyc/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What memory is used for. Each byte of a process' address space is of exactly one kind. */
enum pyspyc_map_kind {
	PYSPYC_MAP_CODE,	/* the program's file: code and constants */
	PYSPYC_MAP_DATA,	/* the program's variables: .data and .bss */
	PYSPYC_MAP_LIBRARIES,	/* each shared library: code, constants and variables */
	PYSPYC_MAP_ARENAS,	/* CPython's small objects (obmalloc's arenas) */
	PYSPYC_MAP_MIMALLOC,	/* CPython's mimalloc: free-threaded builds, PYTHONMALLOC=mimalloc */
	PYSPYC_MAP_DATA_STACKS, /* Python's frames, from 3.11, of each thread */
	PYSPYC_MAP_HEAP,	/* malloc's main heap, the program break's */
	PYSPYC_MAP_MALLOC,	/* glibc malloc's other heaps, and large blocks mapped for themselves */
	PYSPYC_MAP_STACKS,	/* each thread's */
	PYSPYC_MAP_FILES,	/* other files, each */
	PYSPYC_MAP_SHARED,	/* shared memory: POSIX, System V, memfd, shared anonymous */
	PYSPYC_MAP_ANONYMOUS,	/* other private memory */
	PYSPYC_MAP_RESERVED,	/* no access: guard pages, addresses set aside */
	PYSPYC_MAP_KERNEL,	/* vdso, vvar and the like */
};
#define PYSPYC_MAP_KINDS 14

/* Bytes. */
struct pyspyc_map_sizes {
	uint64_t size; /* of the address range */
	uint64_t rss;  /* in memory */
	uint64_t pss;  /* the same, each page divided by how many processes have it */
	uint64_t uss;  /* in memory of this process alone */
	uint64_t dirty; /* in memory, written to */
	uint64_t swap;
};

/* Adds up figures of several parts, kinds or processes. */
static inline void pyspyc_map_sizes_add(struct pyspyc_map_sizes *sum,
					const struct pyspyc_map_sizes *more)
{
	sum->size += more->size;
	sum->rss += more->rss;
	sum->pss += more->pss;
	sum->uss += more->uss;
	sum->dirty += more->dirty;
	sum->swap += more->swap;
}

/* All of a kind that has one name: a library, a file, a thread's stack. */
struct pyspyc_map_item {
	enum pyspyc_map_kind kind;
	const char *name; /* a path as the process sees it, a thread's name, else what it is; valid
			     UTF-8, may hold control characters */
	pid_t tid;	  /* stacks: of which thread, 0 when not known */
	bool deleted;	  /* the file has been unlinked or replaced */
	bool about;	  /* shares a mapping with other kinds: pss, uss, dirty and swap (rss as well where
			     the page map cannot be read) are in proportion */
	size_t ranges;	  /* mappings, and parts of mappings */
	struct pyspyc_map_sizes sizes;
};

/* One mapping, or the part of one that is of a kind. */
struct pyspyc_map_range {
	uint64_t start, end;
	uint64_t offset;     /* in the file */
	char permissions[5]; /* "rw-p" */
	bool about;
	size_t item;
	struct pyspyc_map_sizes sizes;
};

struct pyspyc_map_kind_sum {
	struct pyspyc_map_sizes sizes;
	bool about;
	size_t first_item, item_count;
};

struct pyspyc_maps {
	pid_t pid;
	const char *command;
	const char *version; /* "3.12.1", NULL when no Python was found in it */
	struct pyspyc_map_sizes total;
	struct pyspyc_map_kind_sum kinds[PYSPYC_MAP_KINDS];
	size_t item_count;
	const struct pyspyc_map_item *items; /* kind by kind, the largest rss first */
	size_t range_count;
	const struct pyspyc_map_range *ranges; /* in order of address */
	size_t note_count;
	const char *const *notes; /* what could not be told apart, and why: sentences without a full stop */
};

/* A kind's name for programs ("data-stacks") and for people ("Python's frames"). */
const char *pyspyc_map_kind_name(enum pyspyc_map_kind kind);
const char *pyspyc_map_kind_title(enum pyspyc_map_kind kind);

/*
 * Looks at one process, which need not be a Python (version is NULL then). Nothing of it is
 * stopped. The caller frees *ret with pyspyc_maps_free.
 */
int pyspyc_maps_take(pid_t pid, struct pyspyc_maps **ret, struct pyspyc_error *err);

void pyspyc_maps_free(struct pyspyc_maps *maps);

/* Writes count processes as one self-contained SVG. Write errors are the caller's. */
int pyspyc_maps_picture(const struct pyspyc_maps *const *maps, size_t count, FILE *file,
			struct pyspyc_error *err);

#ifdef __cplusplus
}
#endif

#endif
