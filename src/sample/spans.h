/* Which parts of a target's memory to copy so that a thread's frames are all in the copy. */
#ifndef SPY_SAMPLE_SPANS_H
#define SPY_SAMPLE_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spy_span {
	uint64_t start;
	uint64_t end;
	size_t offset; /* of its bytes in a copy */
	/* One frame that stays as it was made. Set by whoever adds it, cleared when it is joined. */
	bool once;
};

/* Ordered, not overlapping. Zero-initialise. */
struct spy_spans {
	struct spy_span *items;
	size_t count, capacity;
	size_t bytes; /* in all */
};

/* Copies larger than this are refused. */
#define SPY_SPANS_BYTES_LIMIT (64u << 20)

void spy_spans_free(struct spy_spans *spans);
void spy_spans_clear(struct spy_spans *spans);

/* Adds [start, start + size), in any order; spy_spans_settle must follow before use. */
bool spy_spans_add(struct spy_spans *spans, uint64_t start, size_t size);

/*
 * Sorts, joins neighbours and lays out the copy. False when it would be too large: the spans
 * are empty then.
 */
bool spy_spans_settle(struct spy_spans *spans);

/* Drops the span that contains address; false when there is none. */
bool spy_spans_drop(struct spy_spans *spans, uint64_t address);

/* The span that contains [address, address + size), or NULL. hint is tried first. */
const struct spy_span *spy_spans_find(const struct spy_spans *spans, uint64_t address, size_t size,
				      const struct spy_span *hint);

#endif
