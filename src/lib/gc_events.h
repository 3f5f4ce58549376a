/* From readings of a collector's state to the collections that ended in between: pure. */
#ifndef SPY_LIB_GC_EVENTS_H
#define SPY_LIB_GC_EVENTS_H

#include "cpython/gc.h"

/* See struct pyspyc_gc_collection. */
struct spy_gc_event {
	int generation;
	uint64_t count;
	uint64_t end_ns, duration_ns, error_ns;
	int64_t collected, uncollectable;
};

typedef void spy_gc_emit(void *context, const struct spy_gc_event *event);

/* What is kept of one interpreter between two readings. Zero-initialise. */
struct spy_gc_tracker {
	bool primed;
	bool busy;	   /* a collection ran at the last reading */
	bool tail;	   /* perhaps only the callbacks of one that has been counted already */
	uint64_t start_ns; /* then: when it began, give or take start_error_ns */
	uint64_t start_error_ns;
	uint64_t last_from_ns, last_to_ns; /* of the last reading */
	struct spy_gc_totals seen[SPY_GC_GENERATIONS];
	double durations[SPY_GC_GENERATIONS]; /* 3.15: the sums of what was seen */
	int32_t counts[SPY_GC_GENERATIONS];   /* 2.7: when no collection ran last */
	/* Sums since the first reading. */
	uint64_t collections, unseen, paused_ns;
};

/*
 * Takes a reading that was made between from_ns and to_ns (CLOCK_MONOTONIC) and emits the
 * collections that ended since the one before; the first emits nothing. has_ring as in struct
 * spy_gc_place.
 */
void spy_gc_track(struct spy_gc_tracker *tracker, const struct spy_gc_state *state, bool has_ring,
		  uint64_t from_ns, uint64_t to_ns, spy_gc_emit *emit, void *context);

#endif
