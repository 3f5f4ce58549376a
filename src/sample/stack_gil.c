/* Whether the threads that wait for the GIL could have run Python code while they were copied. */
#include <string.h>

#include "sample/stack_copy.h"

/*
 * From 3.12 a thread runs Python code only with its interpreter's GIL. Whoever takes it becomes
 * last_holder first, and where that was another, switch_number goes up (take_gil, Python/ceval_gil.c):
 * with both as they were, in front of some copies and behind them, none but last_holder has run.
 */

/* last_holder, locked, switch_number of struct _gil_runtime_state, which follow each other. */
#define LOCKED_AT 8
/* 3.12's PyThreadState._status comes after interp (Include/cpython/pystate.h). */
#define STATUS_AT 8
#define STATUS_ACTIVE (1u << 4)

uint64_t spy_stack_sole_gil(const struct spy_layout *layout, const struct spy_thread_states *states)
{
	if (states->interpreter_count != 1 || states->gil_disabled ||
	    layout->gil_enabled != SPY_NO_FIELD || layout->gil_last_holder == SPY_NO_FIELD ||
	    layout->gil_locked != layout->gil_last_holder + LOCKED_AT || !states->interpreters[0].gil)
		return 0;
	return states->interpreters[0].gil + layout->gil_last_holder;
}

bool spy_stack_gil_stayed(const struct spy_stack_reader *reader)
{
	const struct spy_gil_words *before = &reader->gil_words[0], *after = &reader->gil_words[1];

	return before->last_holder == after->last_holder &&
	       before->switch_number == after->switch_number;
}

/*
 * PyThreadState_Swap lets another state of a thread run, and up to 3.12 the GIL stays as it is: the
 * state that runs is said to be active. Later the GIL is given away and taken.
 */
static bool is_swapped_in(const struct spy_stack_reader *reader,
			  const struct spy_stack_memory *memory)
{
	const struct spy_layout *layout = reader->heap.layout;
	uint32_t status;

	if (layout->frames != SPY_FRAME_CFRAME)
		return false;
	memcpy(&status, memory->views[memory->now].bytes + layout->tstate_interp + STATUS_AT -
				reader->window_start, sizeof(status));
	return status & STATUS_ACTIVE;
}

bool spy_stack_was_still(const struct spy_stack_reader *reader,
			 const struct spy_stack_memory *memory, uint64_t tstate)
{
	return reader->gil_words[0].last_holder != tstate && !is_swapped_in(reader, memory);
}
