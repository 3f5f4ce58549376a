/*
 * One thread's stack, read so that it existed. Without stopping the thread: its frames are
 * copied twice in one system call, with the fingerprints of the code objects between the
 * copies, and count only when both copies tell the same stack. Where readings go on to
 * disagree, the thread is stopped for one reading.
 */
#ifndef SPY_SAMPLE_STACK_H
#define SPY_SAMPLE_STACK_H

#include "cpython/frames.h"
#include "cpython/threads.h"
#include "pyspyc/snapshot.h"
#include "sample/codes.h"
#include "sample/spans.h"
#include "target/pause.h"

struct spy_counters {
	uint64_t retried;
	uint64_t stopped;
	uint64_t stopped_ns;
	uint64_t dropped;
	uint64_t unreadable;
	uint64_t truncated;
};

/* What is remembered of a thread from reading to reading. Zero-initialise. */
struct spy_stack_memory {
	struct spy_spans spans;	  /* where its frames were */
	uint64_t cframe;	  /* where its _PyCFrame was, 3.11 and 3.12 */
	uint64_t root, candidate; /* its outermost frame, and one seen once only */
	uint64_t *codes;	  /* the distinct code objects of its last stack */
	size_t code_count, code_capacity;
	struct spy_pause pause;
};

void spy_stack_memory_free(struct spy_stack_memory *memory);

/* A copy of the frames and the walk over it. */
struct spy_stack_copy {
	uint8_t *bytes;
	struct spy_raw_frame *frames;
	size_t capacity; /* of frames */
	size_t count;
	uint64_t top;
	uint64_t cframe;
	bool truncated;
};

/* The reader of one process; its buffers serve all threads in turn. */
struct spy_stack_reader {
	struct spy_heap heap;
	struct spy_codes codes;
	pid_t pid; /* whose threads may be stopped */
	enum pyspyc_blocking blocking;
	struct spy_counters counters;
	size_t extent, steady;
	struct spy_stack_copy copies[2];
	size_t copy_size;
	struct spy_range *ranges;
	size_t range_capacity;
	uint64_t reading; /* number of the copy at hand: what it showed is known for it alone */
	uint64_t plan;	  /* number of the stack being read */
	struct spy_known_code **due; /* codes whose fingerprints the next copy checks */
	struct spy_print *prints;
	size_t due_count, due_capacity;
	struct spy_known_code **known; /* one per frame of the last stack read */
	size_t known_capacity;
};

void spy_stack_reader_init(struct spy_stack_reader *reader, const struct spy_heap *heap, pid_t pid,
			   enum pyspyc_blocking blocking);
void spy_stack_reader_deinit(struct spy_stack_reader *reader);

/* A stack that existed. Valid until the next reading. */
struct spy_stack {
	const struct spy_raw_frame *frames; /* innermost first, entry frames included */
	struct spy_known_code *const *codes; /* one per frame; NULL for entry frames */
	size_t count;
	bool truncated; /* frames at the root end were left out */
};

/*
 * Reads the stack of one thread. tid may be 0 when not known: it cannot be stopped then.
 * -PYSPYC_EAGAIN when no consistent reading could be had (counted as dropped),
 * -PYSPYC_EFAULT and others when it could not be read at all (counted as unreadable).
 */
int spy_stack_read(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   uint64_t tstate, pid_t tid, struct spy_stack *ret, struct pyspyc_error *err);

#endif
