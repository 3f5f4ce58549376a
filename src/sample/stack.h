/*
 * One thread's stack, read so that it existed. Without stopping the thread: its frames are
 * copied twice in one system call and count only when both copies tell the same stack. Where
 * readings go on to disagree, the thread is stopped for one reading. A sample costs by what
 * changed since the thread's last one: frames whose bytes are the same are not decoded again.
 */
#ifndef SPY_SAMPLE_STACK_H
#define SPY_SAMPLE_STACK_H

#include "cpython/frames.h"
#include "cpython/threads.h"
#include "pyspyc/snapshot.h"
#include "sample/codes.h"
#include "sample/ostate.h"
#include "sample/spans.h"
#include "target/pause.h"

struct spy_counters {
	uint64_t retried;
	uint64_t stopped;
	uint64_t stopped_ns;
	uint64_t dropped;
	uint64_t unreadable;
	uint64_t truncated;
	uint64_t partial; /* stacks of which only the outer part is known */
	uint64_t waiting; /* not read: since the thread was stopped it has not got a CPU */
};

/* A stack as one reading saw it: the bytes copied, and the frames found in them. */
struct spy_stack_view {
	uint8_t *bytes; /* head, then the spans */
	size_t size;	/* room in bytes */
	struct spy_raw_frame *frames; /* innermost first */
	struct spy_known_code **codes; /* one per frame, NULL for entry frames */
	uint32_t *offsets; /* of each frame in bytes */
	size_t count, capacity;
	uint64_t plan;	/* of spans: offsets hold while it is the memory's; 0: no stack here */
	uint64_t epoch; /* of reader: codes hold while it is the reader's */
	uint64_t vouched, vouched_ns; /* in which window, and until when, all codes are relied on */
	bool truncated;
};

/* Of a GIL: they tell whether it has changed hands. */
struct spy_gil_words {
	uint64_t last_holder; /* a thread state */
	uint64_t locked;
	uint64_t switch_number;
};

/* Who has had the GIL since the last look, in turn. */
#define SPY_GIL_HOLDERS 16
struct spy_gil_turns {
	uint64_t holders[SPY_GIL_HOLDERS]; /* thread states */
	unsigned count;			   /* 0: not known */
	uint64_t switch_number;		   /* when the last of them was noted */
	bool lost;			   /* there were others */
	bool moved;			   /* before the last look it changed hands */
	uint64_t gil;			   /* of which this is known */
	unsigned failed, pause;		   /* looks in a row when it was lost; without peeks, to come */
};

/* What is remembered of a thread from reading to reading. Zero-initialise. */
struct spy_stack_memory {
	struct spy_spans spans;	  /* where its frames were */
	uint64_t plan;		  /* number of the spans' present layout */
	uint64_t cframe;	  /* where its _PyCFrame was, 3.11 and 3.12 */
	size_t top;		  /* of the spans, the one with what that holds; none: their count */
	uint64_t root, candidate; /* its outermost frame, and one seen once only */
	uint64_t root_ns;	  /* when the root was read last */
	uint64_t lone, lone_since; /* a generator's frame found without a caller, and when first */
	uint64_t chain;		  /* a hash of the frames read last, and how often in a row: */
	unsigned repeated;
	uint64_t repeated_ns;	  /* at this moment */
	uint64_t collecting_at;	  /* where it stands whether the collector runs; 0: not known */
	int32_t collecting;	  /* that, while the thread holds the GIL */
	uint64_t read_ns;	  /* when its stack was read last */
	bool calm;		  /* with the same chain of frames as the time before */
	unsigned moves;		  /* in so many light readings to come, collecting will not be needed */
	bool light;		  /* of the reading at hand: a chain other than the last does not count */
	bool asked;		  /* collecting is a part of it */
	unsigned rooted;	  /* so many of the outermost frames are not */
	size_t inner;		  /* the span with the innermost frame; which part of all spans' */
	size_t twice_from, twice_to; /* bytes is copied twice */
	struct spy_stack_view views[2];
	unsigned now;		  /* the view that is being read; the other is the last stack */
	uint64_t sequence;	  /* stacks read */
	bool still;		  /* it could not run while it was copied: there is one copy only */
	bool current;		  /* cleared by the caller when the thread may have run since */
	bool unturned;		  /* it has not: see spy_stack_turns; cleared by the caller */
	uint64_t window;	  /* in which the last one was read, when it was provisional */
	struct spy_stack_outer *outer; /* stack_outer.c; NULL until it is needed */
	struct spy_pause pause;
	struct spy_ostate *ostate; /* of the thread, by which it is known to run; NULL: not known */
	const struct spy_runs *runs; /* and how often; NULL: not known */
	bool stood;		     /* it was stopped, after so many turns on a CPU, until: */
	uint64_t turns, let_go_ns;
};

void spy_stack_memory_free(struct spy_stack_memory *memory);

/* The reader of one process; its buffers serve all threads in turn. */
struct spy_stack_reader {
	struct spy_heap heap;
	struct spy_codes codes;
	pid_t pid; /* whose threads may be stopped */
	enum pyspyc_blocking blocking;
	uint64_t gil; /* set by the caller: spy_stack_sole_gil */
	struct spy_gil_words gil_words[2]; /* of a reading, in front of all copies and behind them */
	struct spy_gil_turns turns;
	bool outer; /* set by the caller: see spy_stack.partial */
	bool often; /* set by the caller before each pass: what is known need not be read each time */
	const struct spy_stack_memory *ahead; /* set by the caller: see spy_stack_ahead */
	struct spy_stack_chains *chains; /* stack_outer.c; NULL until they are needed */
	struct spy_counters counters;
	size_t extent, steady;	      /* of a frame */
	bool unique;		      /* spy_print_unique */
	uint32_t list_start;		    /* spy_thread_window, which is a part of: */
	uint32_t window_start, window_size; /* what is read of a thread state */
	size_t head;		      /* bytes of a view in front of the spans' */
	struct spy_range *ranges;
	size_t range_count, range_capacity;
	uint8_t *second; /* the second copies of the reading under way */
	size_t second_size, second_used;
	uint64_t plans;	  /* numbers given to layouts of spans so far */
	uint64_t reading; /* number of the copy at hand: what it showed is known for it alone */
	uint64_t epoch;	  /* advances whenever a code object is retired */
	uint64_t now_ns;  /* set by the caller before each pass */
	uint64_t window;  /* number of the period in which code objects are checked once */
	uint64_t window_ns; /* when it began */
	uint64_t planned; /* number of the stack being read */
	struct spy_known_code **due; /* codes whose fingerprints the next copy checks */
	size_t due_count, due_capacity;
	struct spy_print *prints;
	size_t print_count; /* for so many there is room */
	struct spy_known_code **touched; /* codes that provisional stacks rely on */
	size_t touched_count, touched_capacity;
	bool lost; /* one of them has been retired meanwhile */
};

void spy_stack_reader_init(struct spy_stack_reader *reader, const struct spy_heap *heap, pid_t pid,
			   enum pyspyc_blocking blocking);
void spy_stack_reader_deinit(struct spy_stack_reader *reader);

/* A stack that existed. Valid until the thread's next reading. */
struct spy_stack {
	const struct spy_raw_frame *frames; /* innermost first, entry frames included */
	struct spy_known_code *const *codes; /* one per frame; NULL for entry frames */
	size_t count;
	size_t same;	   /* so many of the outermost are as in the stack numbered sequence - 1 */
	uint64_t sequence; /* of this thread's stacks */
	bool provisional;  /* counts once spy_stack_settle has said so */
	bool truncated;	   /* frames at the root end were left out */
	/*
	 * The readings disagreed but for this outer part, and the thread has left it since: what
	 * it called in there is not known.
	 */
	bool partial;
	bool collecting;   /* the garbage collector runs in this thread */
};

/*
 * Reads the stack of one thread. tid may be 0 when not known: it cannot be stopped then.
 * -PYSPYC_EAGAIN when no consistent reading could be had (counted as dropped),
 * -PYSPYC_ENOTREADY when the thread state is no longer that thread's (not counted),
 * -PYSPYC_EFAULT and others when it could not be read at all (counted as unreadable).
 */
int spy_stack_read(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   const struct spy_thread_state *state, pid_t tid, struct spy_stack *ret,
		   struct pyspyc_error *err);

/*
 * Plans the first reading of a thread's stack for a caller who has something else to read in the
 * same call: it is in reader->ranges then, until the next reading is planned. Once it has been read,
 * reader->ahead = memory makes spy_stack_read begin with it, in the same pass. False when it cannot
 * be planned yet.
 */
bool spy_stack_ahead(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		     const struct spy_thread_state *state);

/*
 * True when what was read ahead shows that this thread runs: in the two copies, its innermost frames
 * on the data stack differ, to which nobody else writes. Never up to 3.10.
 */
bool spy_stack_moved(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory);

/*
 * The address at which the GIL of a process with one interpreter is looked at, to copy the stacks
 * of those who wait for it once only; 0 where it takes two copies all the same: without a GIL, with
 * several, and up to 3.11.
 */
uint64_t spy_stack_sole_gil(const struct spy_layout *layout, const struct spy_thread_states *states);

/* One of several threads to be read in the same system call. */
struct spy_stack_job {
	struct spy_stack_memory *memory;
	const struct spy_thread_state *state;
	size_t second; /* where its second copy lies */
	struct spy_stack stack;
	bool done; /* stack is there; otherwise spy_stack_read has to be asked */
};

/*
 * Finds out who of the process's threads (jobs, their memory and state) cannot have run Python code
 * since this was asked last, or since its stack was read after that: sets memory->unturned. From 3.12
 * a thread runs Python code only with its interpreter's GIL, and each time that another one takes it
 * is counted: where there was none since the last look or peek, or one, it is known who had it. Each
 * thread state must be of an OS thread of its own. Sets nobody's where it is not known: without
 * reader->gil, or when the GIL changes hands too often.
 */
void spy_stack_turns(struct spy_stack_reader *reader, const struct spy_stack_job *jobs, size_t count);

/*
 * Who has the GIL now, between two looks. It helps while spy_stack_peeks, and as long as no two
 * threads take it between two peeks.
 */
bool spy_stack_peeks(const struct spy_stack_reader *reader);
void spy_stack_peek(struct spy_stack_reader *reader);

/*
 * The stack of a thread that has not run since its last one was read: that, without a look.
 * Sets job->done unless it cannot be had.
 */
void spy_stack_again(struct spy_stack_reader *reader, struct spy_stack_job *job);

/*
 * Reads all (that are not done) that can be read at once without a look at any code object;
 * spy_stack_refresh looks at all of their last stacks' ones before.
 */
void spy_stack_refresh(struct spy_stack_reader *reader, struct spy_stack_job *jobs, size_t count);
void spy_stack_read_many(struct spy_stack_reader *reader, struct spy_stack_job *jobs, size_t count);

/*
 * A code object that has lived for a while is not looked at for every sample, but at the
 * end of a short window; the stacks read meanwhile are provisional. True when it is time to
 * settle.
 */
bool spy_stack_due(const struct spy_stack_reader *reader);

/*
 * Checks all code objects that provisional stacks relied on, and opens the next window. False
 * when one of them is another by now: the provisional stacks must not be counted.
 */
bool spy_stack_settle(struct spy_stack_reader *reader);

#endif
