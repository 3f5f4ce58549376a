/* The parts of pyspyc_maps_take; for maps*.c only. */
#ifndef SPY_LIB_MAPS_PARTS_H
#define SPY_LIB_MAPS_PARTS_H

#include "base/map.h"
#include "cpython/python.h"
#include "cpython/threads.h"
#include "pyspyc/maps.h"
#include "target/process.h"
#include "target/smaps.h"

/* A part of private memory of which it is known what it is. */
struct spy_claim {
	uint64_t start;
	uint64_t end;
	enum pyspyc_map_kind kind;
	uint32_t name; /* in spy_maps_look.strings */
	pid_t tid;
	bool deleted;
};

struct spy_claims {
	struct spy_claim *items;
	size_t count, capacity;
};

/* One look at a process, and what it has brought so far. */
struct spy_maps_look {
	struct spy_process *process;
	struct spy_smaps smaps;
	int pagemap; /* -1: not readable */
	bool is_python;
	struct spy_python python;
	struct spy_thread_states states;
	struct spy_map libraries; /* numbers of paths that are libraries' */
	struct spy_strings strings;
	struct spy_claims claims; /* once sorted: in order of address, not overlapping */
	struct spy_buffer notes;  /* each ended by a NUL */
	size_t note_count;
	bool failed; /* memory ran out */
};

/* --- maps_kinds.c: what a mapping is, by itself --- */

/* The number of text in look->strings. */
uint32_t spy_look_name(struct spy_maps_look *look, const char *text);

/* A mapping's path as the process sees it. */
const char *spy_look_path(const struct spy_maps_look *look, const struct spy_mapping *mapping);

/* Finds out which files are libraries. */
void spy_look_libraries(struct spy_maps_look *look);

/* Whether it is the process' program, or a library. */
bool spy_look_is_program(const struct spy_maps_look *look, const struct spy_mapping *mapping);
bool spy_look_is_library(const struct spy_maps_look *look, const struct spy_mapping *mapping);

/* Private, readable and writable, and of no file: where claims are made. */
bool spy_look_is_plain(const struct spy_mapping *mapping);

/* The kind and name of what of a mapping nobody claims; start and end are the mapping's. */
struct spy_claim spy_look_kind(struct spy_maps_look *look, const struct spy_mapping *mapping);

/* --- maps_claims.c, maps_stacks.c, maps_malloc.c: what parts of mappings are --- */

/* Claims [start, end) for a kind. */
void spy_look_claim(struct spy_maps_look *look, uint64_t start, uint64_t end,
		    enum pyspyc_map_kind kind, uint32_t name, pid_t tid);

/* Puts claims in order; of two that overlap, the one that begins first has all of its own. */
void spy_look_sort_claims(struct spy_maps_look *look);

void spy_look_note(struct spy_maps_look *look, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* .bss, CPython's arenas, mimalloc: sorted afterwards. */
int spy_look_claims(struct spy_maps_look *look, struct pyspyc_error *err);

/* Threads' stacks, and Python's frames. */
void spy_look_stacks(struct spy_maps_look *look);

/* glibc's heaps; and, in what nobody else claims (claims are sorted), its blocks: sorted again. */
void spy_look_heaps(struct spy_maps_look *look);
void spy_look_blocks(struct spy_maps_look *look);

/* --- maps_build.c --- */

/* Makes room for one more of *items, of `size` bytes each; false when memory ran out. */
bool spy_look_reserve(void **items, size_t count, size_t *capacity, size_t size);

/* All of a struct pyspyc_maps, owned. */
struct spy_owned_maps {
	struct pyspyc_maps maps; /* first: the caller holds its address */
	struct pyspyc_map_item *items;
	struct pyspyc_map_range *ranges;
	const char **notes;
	struct spy_strings strings;
	size_t item_capacity, range_capacity;
};

/* Makes ranges and items of everything that was looked at; takes look->strings over. */
int spy_look_build(struct spy_maps_look *look, struct spy_owned_maps *owned,
		   struct pyspyc_error *err);

#endif
