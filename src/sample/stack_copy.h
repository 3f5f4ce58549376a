/* The parts of a reading: copying, walking, comparing. Internal to sample/. */
#ifndef SPY_SAMPLE_STACK_COPY_H
#define SPY_SAMPLE_STACK_COPY_H

#include "sample/stack.h"

/*
 * Copies the thread's top pointers and spans twice, and between the copies the fingerprints
 * that are due, in one go. -PYSPYC_EAGAIN when what was to be read had gone and the plan has
 * been changed accordingly.
 */
int spy_stack_copy(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   uint64_t tstate, struct pyspyc_error *err);

/* How a walk over a copy ended. */
enum spy_walk {
	SPY_WALK_DONE,
	SPY_WALK_MISS, /* a frame lies outside the copy: *missing names it */
	SPY_WALK_BAD,  /* the bytes make no sense */
	SPY_WALK_NOMEM,
};

enum spy_walk spy_stack_walk(const struct spy_stack_reader *reader,
			     const struct spy_stack_memory *memory, struct spy_stack_copy *copy,
			     uint64_t *missing);

/* True when both copies tell the same stack; the innermost frame may have moved on. */
bool spy_stack_agree(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory);

/* Follows the chain from address, outside any copy, and adds what it meets to the spans. */
int spy_stack_discover(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		       uint64_t address, struct pyspyc_error *err);

/* Plans the next copy by the frames just read, when the present plan copies far too much. */
void spy_stack_replan(struct spy_stack_reader *reader, struct spy_stack_memory *memory);

#endif
