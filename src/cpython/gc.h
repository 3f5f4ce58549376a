/* The state of an interpreter's garbage collector, as the module gc tells it. */
#ifndef SPY_CPYTHON_GC_H
#define SPY_CPYTHON_GC_H

#include "cpython/threads.h"

#define SPY_GC_GENERATIONS 3
/* In place of a number that the version does not keep. */
#define SPY_GC_NONE INT64_C(-1)
/* A generation's ring has 11 records at most (GC_YOUNG_STATS_SIZE, 3.15). */
#define SPY_GC_RECORDS_LIMIT 16
/* No struct gc_generation, gc_generation_stats or gc_stats is larger in any build. */
#define SPY_GC_GENERATION_LIMIT 64
#define SPY_GC_STATS_LIMIT 64
#define SPY_GC_RING_LIMIT 2048

/* Where it all lies in the target: addresses, 0 for what the version or build has not. */
struct spy_gc_place {
	uint64_t enabled, debug, collecting, generations, permanent, stats, garbage;
	uint64_t visited_space, long_lived_total, long_lived_pending, freeze_active;
	uint32_t generation_size;
	bool has_ring; /* stats is the address of a pointer to the rings */
	uint64_t ring; /* what that pointer was when it was last read */
};

/* What is copied from there, all in one read. */
struct spy_gc_raw {
	int32_t enabled, debug, collecting, visited_space, freeze_active;
	uint64_t garbage, ring;
	int64_t long_lived_total, long_lived_pending;
	uint8_t generations[SPY_GC_GENERATIONS * SPY_GC_GENERATION_LIMIT];
	uint8_t stats[SPY_GC_GENERATIONS * SPY_GC_STATS_LIMIT];
	uint8_t ring_bytes[SPY_GC_RING_LIMIT];
};

/* Sums over all collections of one generation so far; SPY_GC_NONE up to 3.3. */
struct spy_gc_totals {
	int64_t collections, collected, uncollectable;
};

/* A collection that 3.15 keeps in its ring: the sums with it included, and its own times. */
struct spy_gc_record {
	struct spy_gc_totals totals;
	int64_t start_ns, stop_ns; /* CLOCK_MONOTONIC of the target (PyTime_PerfCounterRaw) */
	double duration;	   /* a sum, too: seconds */
};

struct spy_gc_state {
	bool enabled;
	bool collecting;
	uint32_t debug; /* gc.get_debug() */
	int32_t thresholds[SPY_GC_GENERATIONS], counts[SPY_GC_GENERATIONS];
	struct spy_gc_totals totals[SPY_GC_GENERATIONS];
	int64_t long_lived_total, long_lived_pending;
	int freeze_active; /* whether gc.freeze() was called; -1 when nothing tells */
	uint64_t garbage;  /* address of the list gc.garbage, 0 when there is none yet */
	/* From 3.15: what the rings hold, oldest first. */
	struct spy_gc_record records[SPY_GC_GENERATIONS][SPY_GC_RECORDS_LIMIT];
	size_t record_counts[SPY_GC_GENERATIONS];
};

/*
 * Finds the state of the collector that interpreter (an address) has. -PYSPYC_EVERSION when the
 * layout makes no sense or, of 2.7 and 3.6, nothing tells where their static variables are.
 */
int spy_gc_find(const struct spy_heap *heap, const struct spy_python *python, uint64_t interpreter,
		struct spy_gc_place *ret, struct pyspyc_error *err);

/*
 * Reads it in one go, and again while the sums changed in the midst of it. Errors as of
 * spy_memory_read.
 */
int spy_gc_read(const struct spy_heap *heap, struct spy_gc_place *place, struct spy_gc_state *ret,
		struct pyspyc_error *err);

/* Decodes what was copied; pure. */
void spy_gc_decode(const struct spy_layout *layout, const struct spy_gc_place *place,
		   const struct spy_gc_raw *raw, struct spy_gc_state *ret);

/*
 * The records of one generation's ring, of size bytes, oldest first and each once, without those
 * that are empty or make no sense; at most SPY_GC_RECORDS_LIMIT. Pure.
 */
size_t spy_gc_records(const struct spy_layout *layout, const uint8_t *bytes, size_t size,
		      struct spy_gc_record *ret);

/*
 * How many objects gc.freeze() has put aside (gc.get_freeze_count()), or SPY_GC_NONE where that
 * cannot be told: up to 3.6, which has no gc.freeze(); in free-threaded builds unless there are
 * none; and when the list does not end within some seconds.
 */
int64_t spy_gc_frozen(const struct spy_heap *heap, const struct spy_gc_place *place,
		      const struct spy_gc_state *state);

/* The length of gc.garbage; SPY_GC_NONE when it cannot be read. */
int64_t spy_gc_garbage(const struct spy_heap *heap, const struct spy_gc_state *state);

#endif
