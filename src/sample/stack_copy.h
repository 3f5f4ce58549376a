/* The parts of a reading: planning, copying, walking. Internal to sample/. */
#ifndef SPY_SAMPLE_STACK_COPY_H
#define SPY_SAMPLE_STACK_COPY_H

#include "sample/stack.h"

#define SPY_PAGE 4096u

/* --- copying --- */

/* A new reading: no range planned yet. */
void spy_stack_begin(struct spy_stack_reader *reader);

/* Plans reader->gil_words[which]. False without memory. */
bool spy_stack_plan_gil(struct spy_stack_reader *reader, unsigned which);

/*
 * Plans a thread's words. Those of many, one after the other, are often one piece of memory. False
 * without memory.
 */
bool spy_stack_plan_window(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			   const struct spy_thread_state *state);

/*
 * Plans both copies of a thread's words and spans, and between them the fingerprints that are
 * due; of a thread that is still, whose words are planned already, there is no second copy, and in
 * a light reading there is one of a part only (memory->twice_from).
 * *second is where the second copy will lie in reader->second. False without memory.
 */
bool spy_stack_plan(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		    const struct spy_thread_state *state, size_t *second);

/* Where in a copy of the spans what the thread's _PyCFrame holds is; right behind: in none of them. */
size_t spy_stack_top_offset(const struct spy_stack_reader *reader,
			    const struct spy_stack_memory *memory);

/*
 * Of entry frames there is one copy: it is put into the second copies as well. What is no entry frame
 * any more will agree with nothing there; when readings have disagreed, spy_stack_doubt_once sees to
 * it that of such there are two from now on.
 */
void spy_stack_repeat_once(const struct spy_stack_reader *reader,
			   const struct spy_stack_memory *memory, size_t second);
void spy_stack_doubt_once(const struct spy_stack_reader *reader, struct spy_stack_memory *memory);

/* Reads what was planned. */
int spy_stack_fetch(struct spy_stack_reader *reader, struct pyspyc_error *err);

/*
 * The address fault->address could not be read: changes the plan accordingly and returns
 * -PYSPYC_EAGAIN, or another error when it was the thread state itself.
 */
int spy_stack_forget(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		     uint64_t tstate, const struct pyspyc_error *fault, struct pyspyc_error *err);

/* --- what the copies say --- */

enum spy_walk {
	SPY_WALK_DONE,
	SPY_WALK_MISS,	   /* a frame lies outside the copy: *missing names it */
	SPY_WALK_DISAGREE, /* the copies differ, or the bytes make no sense */
	SPY_WALK_GONE,	   /* the thread state belongs to nobody, or to another */
	SPY_WALK_MOVED,	   /* it leads elsewhere: read again */
	SPY_WALK_NOMEM,
};

/*
 * Follows the frames of the first copy and compares each with the second one: the innermost
 * may have moved on, the others may not. *same is how many of the outermost are as in the
 * thread's last stack.
 */
enum spy_walk spy_stack_walk(const struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			     const struct spy_thread_state *state, size_t second, size_t *same,
			     uint64_t *missing);

/*
 * True when the two copies of a frame on the data stack differ in [from, from + size): the thread runs
 * Python code, for nobody else writes there. Never up to 3.10.
 */
bool spy_stack_frame_moved(const struct spy_stack_reader *reader,
			   const struct spy_stack_memory *memory, size_t second,
			   const struct spy_raw_frame *frame, size_t from, size_t size);

/* The words that lead to the innermost frame, in the first and in the second copy. */
void spy_stack_tops(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		    const uint8_t *second, uint64_t tops[2]);

/* --- whether that counts: stack_chain.c --- */

/* Whether the chain of frames is the one that was read last: it needs no confirmation. */
bool spy_stack_is_known(const struct spy_stack_memory *memory, size_t same);

/* Whether its outermost frame can be one. */
bool spy_stack_ends_well(const struct spy_stack_reader *reader, struct spy_stack_memory *memory);

/* A new chain of frames counts when several readings in a row have shown it. */
enum spy_confirmed {
	SPY_CONFIRMED,
	SPY_UNCONFIRMED, /* so far */
	SPY_CHANGED,	 /* it is another than in the reading before */
};

enum spy_confirmed spy_stack_confirm(const struct spy_stack_reader *reader,
				     struct spy_stack_memory *memory, size_t same);

/*
 * Whether the collector runs in the thread. It does not where one that is read lightly has run Python
 * code from one copy to the other, in the chain of frames of which that is known. Where that was
 * expected, and is not so, it is read after the stack.
 */
bool spy_stack_collects(const struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			const struct spy_thread_state *state, size_t same, size_t second);

/* --- who could run meanwhile: stack_gil.c --- */

/* Whether the GIL has been in the same hands from the first range to the last. */
bool spy_stack_gil_stayed(const struct spy_stack_reader *reader);

/* Whether these were not the hands of the thread that is at hand. */
bool spy_stack_was_still(const struct spy_stack_reader *reader,
			 const struct spy_stack_memory *memory, uint64_t tstate);

/* --- what readings that disagree have in common: stack_outer.c --- */

/* A stack is to be read: what was noted before is of another. */
void spy_stack_outer_begin(struct spy_stack_memory *memory);

/* The reading at hand disagrees. Without memory for it nothing is noted. */
void spy_stack_outer_note(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			  size_t second);

/*
 * True when the thread has left the frames that all of several readings found, in the stack that
 * was read at last: they are the stack then.
 */
bool spy_stack_outer_left(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			  struct spy_stack *stack);

void spy_stack_outer_free(struct spy_stack_outer *outer);

/* --- planning the next one --- */

/* Follows the chain from address, outside any copy, and adds what it meets to the spans. */
int spy_stack_discover(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		       uint64_t address, struct pyspyc_error *err);

/* Plans the next copy by the frames just read, when the present plan copies far too much. */
void spy_stack_replan(struct spy_stack_reader *reader, struct spy_stack_memory *memory);

/* --- code objects --- */

/* Begins a stack: lists what the last one's code objects need to be checked for. */
bool spy_stack_due_begin(struct spy_stack_reader *reader, const struct spy_stack_memory *memory);

/* The next reading checks the code objects of these frames as well; what memory allows. */
void spy_stack_due_frames(struct spy_stack_reader *reader, const struct spy_raw_frame *frames,
			  size_t count);

/* Books the fingerprints that were just read; false when one no longer holds. */
bool spy_stack_due_check(struct spy_stack_reader *reader);

/*
 * Puts a decoded code object to every frame of the view at hand. 0 when all are known to
 * hold, -PYSPYC_EAGAIN when the next copy has to check some more (they are listed then).
 */
int spy_stack_resolve(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		      size_t *same, bool *provisional, struct pyspyc_error *err);

/*
 * The code object of a frame that is not of the view at hand, NULL for an entry frame; false when
 * it is not one that may be relied on until the window ends.
 */
bool spy_stack_vouch(struct spy_stack_reader *reader, const struct spy_raw_frame *frame,
		     struct spy_known_code **ret);

/* Takes a code object out of use. */
void spy_stack_retire(struct spy_stack_reader *reader, struct spy_known_code *code);

#endif
