/*
 * Traces of one moment, for which the process stands still as shortly as can be. They are read
 * while it goes on, which may do: then nothing of them changed. If it does not, the pages that were
 * read are copied while it stands, in a few large reads, together with the few that what is new
 * leads to; the copy is decoded when it goes on.
 */
#include "lib/tracemalloc_read.h"

#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "target/hold.h"

/* Threads stand no longer than this for one copy; a million traces take a tenth of it. */
#define HOLD_LIMIT_NS ((uint64_t)500 * SPY_NSEC_PER_MSEC)
/* What is new may take so much of it. */
#define NEW_LIMIT_NS ((uint64_t)50 * SPY_NSEC_PER_MSEC)
/* Copies within one stop: threads that slept may have woken during the one before. */
#define COPIES 3
/* So often it is tried with the threads stopped, and without. */
#define HELD_TRIES 6
#define FREE_TRIES 3
/* A thread that is stopped while it changes the tables is let go at once, so often for a copy. */
#define LOCKED_TRIES 100
#define LOCKED_REST_NS (100u * SPY_NSEC_PER_USEC)
/* Between two tries they run for longer each time. */
#define FIRST_REST_NS (2u * SPY_NSEC_PER_MSEC)

static void rest(uint64_t nanoseconds)
{
	struct timespec pause = { 0, (long)nanoseconds };

	nanosleep(&pause, NULL);
}

/* Reads by way of the copy. */
static int read_by(struct spy_traces_taking *taking, enum spy_copying copying,
		   struct spy_traces *ret, struct pyspyc_error *err)
{
	struct spy_heap heap = *taking->heap;

	heap.memory = &taking->copy.memory;
	taking->copy.copying = copying;
	spy_traces_free(ret);
	return spy_traces_read(&heap, taking->variables, spy_clock_now() + SPY_TRACES_READ_LIMIT_NS,
			       &taking->heads, ret, err);
}

/* Adds what is new to a copy. What is not in it then will be missed, and be in the next. */
static void extend(struct spy_traces_taking *taking)
{
	struct spy_heap heap = *taking->heap;

	heap.memory = &taking->copy.memory;
	taking->copy.copying = SPY_COPY_EXTENDS;
	spy_traces_read_new(&heap, taking->variables, spy_clock_now() + NEW_LIMIT_NS,
			    &taking->heads, NULL);
}

/* Copies while the threads of hold stand; *whole: nothing changed meanwhile. */
static int copy_once(struct spy_traces_taking *taking, uint64_t deadline, bool *whole,
		     struct pyspyc_error *err)
{
	struct spy_tracemalloc_state before, after;
	int result = spy_tracemalloc_state_read(taking->heap, taking->variables, &before, err);

	*whole = false;
	if (result == 0)
		result = spy_copy_take(&taking->copy, deadline, err);
	if (result < 0)
		return result;
	extend(taking);
	result = spy_tracemalloc_state_read(taking->heap, taking->variables, &after, err);
	*whole = result == 0 && spy_tracemalloc_state_same(&before, &after) &&
		 !spy_tracemalloc_locked(taking->heap, taking->variables);
	return result;
}

/*
 * One stop, with a copy when no thread was changing the tables: else *locked. A thread that slept
 * when the others were stopped may wake, and allocate: it is stopped as well then.
 */
static int copy_held(struct spy_traces_taking *taking, bool *locked, struct pyspyc_error *err)
{
	struct spy_hold hold = { 0 };
	uint64_t deadline;
	bool whole = false;
	int result, i;

	result = spy_hold_begin(taking->process, &hold, err);
	deadline = spy_clock_now() + HOLD_LIMIT_NS;
	for (i = 0; i < COPIES && result == 0 && !whole; i++) {
		if (i > 0)
			result = spy_hold_begin(taking->process, &hold, err);
		*locked = *locked && spy_tracemalloc_locked(taking->heap, taking->variables);
		if (result < 0 || *locked)
			break;
		result = copy_once(taking, deadline, &whole, err);
	}
	taking->held_ns += spy_hold_end(&hold);
	return result;
}

/* A copy, without regard to the lock in the end: whoever holds it may stand for other reasons. */
static int copy_unlocked(struct spy_traces_taking *taking, struct pyspyc_error *err)
{
	bool locked;
	int result, i = 0;

	do {
		locked = i < LOCKED_TRIES;
		result = copy_held(taking, &locked, err);
		if (result == 0 && locked)
			rest(LOCKED_REST_NS);
		i++;
	} while (result == 0 && locked);
	return result;
}

/* Whether a failed try may be followed by another. */
static bool may_pass(int result)
{
	/* Tables that change as they are read look like anything. */
	return result == 0 || result == -PYSPYC_EFAULT || result == -PYSPYC_ECORRUPT;
}

static bool settled(const struct spy_traces *traces)
{
	return traces->consistent || !traces->state.tracing;
}

/* Decodes a copy; what was read before is better than nothing. */
static int decode(struct spy_traces_taking *taking, struct spy_traces *traces,
		  struct pyspyc_error *err)
{
	struct spy_traces copied = { 0 };
	int result = read_by(taking, SPY_COPY_KEEPS, &copied, err);

	if (result < 0) {
		spy_traces_free(&copied);
		return result;
	}
	spy_traces_free(traces);
	*traces = copied;
	return 0;
}

/* result is that of the reading before. */
static int take_held(struct spy_traces_taking *taking, int result, struct spy_traces *traces,
		     struct pyspyc_error *err)
{
	uint64_t pause = FIRST_REST_NS;
	int i, held;

	for (i = 0; i < HELD_TRIES; i++, pause *= 2) {
		held = spy_copy_prepare(&taking->copy, err);
		if (held == 0)
			held = copy_unlocked(taking, err);
		if (held == 0)
			held = decode(taking, traces, err);
		if (held == 0 && settled(traces))
			return 0;
		if (!may_pass(held)) /* a debugger has it, or it would take too long */
			return held == -PYSPYC_ENOPROC || result < 0 ? held : 0;
		result = held == 0 || result == 0 ? 0 : held;
		rest(pause);
	}
	return result;
}

static int take(struct spy_traces_taking *taking, struct spy_traces *traces,
		struct pyspyc_error *err)
{
	int result = 0, i;

	for (i = 0; i < FREE_TRIES; i++) {
		result = read_by(taking, SPY_COPY_NOTES, traces, err);
		if (!may_pass(result))
			return result;
		if (result == 0 && settled(traces) &&
		    (taking->blocking != PYSPYC_BLOCKING_ALWAYS || !traces->state.tracing))
			return 0;
		if (result == 0 && taking->blocking != PYSPYC_BLOCKING_NEVER)
			break;
	}
	return taking->blocking == PYSPYC_BLOCKING_NEVER ? result
							 : take_held(taking, result, traces, err);
}

int spy_traces_take(struct spy_traces_taking *taking, struct spy_traces *ret,
		    struct pyspyc_error *err)
{
	int result;

	spy_copy_open(&taking->copy, taking->heap->memory);
	result = take(taking, ret, err);
	spy_copy_close(&taking->copy);
	spy_heads_free(&taking->heads);
	return result;
}
