/*
 * A copy of parts of a target's memory: noted while they are read, taken all at once while the
 * target stands, and read at leisure when it goes on.
 */
#ifndef SPY_TARGET_MEMORY_COPY_H
#define SPY_TARGET_MEMORY_COPY_H

#include "target/memory.h"

/* How reads are served. */
enum spy_copying {
	SPY_COPY_NOTES,	  /* by the target; their pages are noted */
	SPY_COPY_EXTENDS, /* by the copy, and what it does not have is copied now; noted as well */
	SPY_COPY_KEEPS,	  /* by the copy alone: -PYSPYC_EFAULT for the rest, which is noted */
};

/* Pages of the target, next to each other. */
struct spy_copied {
	uint64_t address;
	size_t size; /* bytes */
	uint8_t *bytes;
};

/* In it, memory comes first: its address is what others read through. */
struct spy_copy {
	struct spy_memory memory;
	struct spy_memory *target; /* borrowed */
	enum spy_copying copying;  /* the caller sets it */
	struct spy_copied *pages;  /* by address, once prepared; without bytes: noted since */
	size_t count;
	size_t capacity;
	size_t prepared; /* so many of these are to be copied */
	size_t last;	 /* where the last read began */
	size_t united;	 /* so many were left when those that were noted were last united */
	uint8_t *bytes;	 /* of all that are prepared */
	size_t size;
	struct spy_copied *more; /* copied while extending, in the order of arrival */
	size_t more_count;
	size_t more_capacity;
};

/* Begins with nothing noted. target must outlive the copy. */
void spy_copy_open(struct spy_copy *copy, struct spy_memory *target);

void spy_copy_close(struct spy_copy *copy);

/*
 * Makes room, of pages that are there already, for all that was noted, so that the copy takes no
 * longer than it must. -PYSPYC_ENOMEM, also for more than a few gigabytes.
 */
int spy_copy_prepare(struct spy_copy *copy, struct pyspyc_error *err);

/*
 * Copies all that was prepared; pages that are gone are filled with zeros. -PYSPYC_EAGAIN when the
 * clock (spy_clock_now) passes deadline.
 */
int spy_copy_take(struct spy_copy *copy, uint64_t deadline, struct pyspyc_error *err);

#endif
