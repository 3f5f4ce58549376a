/* Which code objects a stack's frames run, and how it is made sure that they are the ones. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "sample/stack_copy.h"

/* Fingerprints planned for one stack; code that changes all the time would add up. */
#define DUE_LIMIT 4096
/* Code objects younger than this may be of a program that makes and frees them all the time. */
#define YOUNG_NS (50u * SPY_NSEC_PER_MSEC)
/*
 * How long a look at a code object is trusted, and stacks stay provisional. Where fingerprints
 * are not unique, an object might make place for another and come back meanwhile; an old one
 * will not do so within a millisecond.
 */
#define WINDOW_NS (5u * SPY_NSEC_PER_MSEC)
#define WINDOW_OTHERS_NS (1u * SPY_NSEC_PER_MSEC)
#define CODES_AT_ONCE 64
#define CODES_LIMIT 16384

static uint64_t window(const struct spy_stack_reader *reader)
{
	return reader->unique ? WINDOW_NS : WINDOW_OTHERS_NS;
}

static bool append(struct spy_known_code ***items, size_t *count, size_t *capacity,
		   struct spy_known_code *code)
{
	if (*count == *capacity) {
		size_t larger = *capacity ? *capacity * 2 : 32;
		struct spy_known_code **moved =
			realloc(*items, larger * sizeof(struct spy_known_code *));

		if (!moved)
			return false;
		*items = moved;
		*capacity = larger;
	}
	(*items)[(*count)++] = code;
	return true;
}

void spy_stack_retire(struct spy_stack_reader *reader, struct spy_known_code *code)
{
	reader->lost |= code->touched == reader->window;
	reader->epoch++;
	spy_codes_retire(&reader->codes, code);
}

/* Room for the fingerprints of one reading. Moves them: none must be in use. */
static bool prints_room(struct spy_stack_reader *reader, size_t count)
{
	struct spy_print *prints;

	if (count <= reader->print_count)
		return true;
	prints = realloc(reader->prints, 2 * count * sizeof(*prints));
	if (!prints)
		return false;
	reader->prints = prints;
	reader->print_count = 2 * count;
	return true;
}

/* --- in the reading itself --- */

static bool add_due(struct spy_stack_reader *reader, struct spy_known_code *code)
{
	if (code->planned == reader->planned)
		return true;
	if (!prints_room(reader, reader->due_count + 1) ||
	    !append(&reader->due, &reader->due_count, &reader->due_capacity, code))
		return false;
	code->planned = reader->planned;
	return true;
}

/* True when the object need not be looked at in the reading, but at the window's end. */
static bool is_trusted(const struct spy_stack_reader *reader, const struct spy_known_code *code)
{
	return reader->now_ns - code->loaded_ns >= YOUNG_NS &&
	       reader->now_ns - code->checked_ns < window(reader);
}

/* Whether nothing that the last stack runs needs a look: each was trusted, and still is. */
static bool is_vouched(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];

	return last->epoch == reader->epoch && last->vouched == reader->window &&
	       reader->now_ns < last->vouched_ns;
}

bool spy_stack_due_begin(struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	const struct spy_known_code *former = NULL;
	size_t i;

	reader->planned++;
	reader->due_count = 0;
	if (last->epoch != reader->epoch) /* they are found again by their addresses */
		return true;
	if (is_vouched(reader, memory))
		return true;
	for (i = 0; i < last->count && reader->due_count < DUE_LIMIT; i++) {
		struct spy_known_code *code = last->codes[i];

		if (!code || code == former)
			continue;
		former = code;
		if (!is_trusted(reader, code) && !add_due(reader, code))
			return false;
	}
	return true;
}

static void holds(const struct spy_stack_reader *reader, struct spy_known_code *code)
{
	code->seen = reader->reading;
	code->checked_ns = reader->now_ns;
}

bool spy_stack_due_check(struct spy_stack_reader *reader)
{
	size_t i, kept = 0;

	for (i = 0; i < reader->due_count; i++) {
		struct spy_known_code *code = reader->due[i];

		if (spy_print_holds(&reader->heap, code, &reader->prints[i])) {
			holds(reader, code);
			reader->due[kept++] = code;
		} else {
			spy_stack_retire(reader, code);
		}
	}
	i = reader->due_count;
	reader->due_count = kept;
	return kept == i;
}

static int find_code(struct spy_stack_reader *reader, uint64_t address, struct spy_known_code **ret,
		     struct pyspyc_error *err)
{
	int result;

	*ret = spy_codes_find(&reader->codes, address);
	if (*ret)
		return 0;
	result = spy_codes_load(&reader->codes, &reader->heap, address, ret, err);
	if (result == 0)
		(*ret)->loaded_ns = reader->now_ns;
	/* -PYSPYC_EAGAIN is the callers' word for "read again, nothing is lost". */
	return result == -PYSPYC_EAGAIN ? -PYSPYC_ECORRUPT : result;
}

/* Relies on code until the window ends. */
static bool touch(struct spy_stack_reader *reader, struct spy_known_code *code)
{
	if (code->touched == reader->window)
		return true;
	if (!append(&reader->touched, &reader->touched_count, &reader->touched_capacity, code))
		return false;
	code->touched = reader->window;
	return true;
}

void spy_stack_due_frames(struct spy_stack_reader *reader, const struct spy_raw_frame *frames,
			  size_t count)
{
	size_t i;

	for (i = 0; i < count && reader->due_count < DUE_LIMIT; i++) {
		struct spy_known_code *code = spy_codes_find(&reader->codes, frames[i].code);

		if (code && !is_trusted(reader, code) && !add_due(reader, code))
			return;
	}
}

bool spy_stack_vouch(struct spy_stack_reader *reader, const struct spy_raw_frame *frame,
		     struct spy_known_code **ret)
{
	*ret = NULL;
	if (frame->owner >= SPY_OWNED_BY_INTERPRETER)
		return true;
	*ret = spy_codes_find(&reader->codes, frame->code);
	return *ret && is_trusted(reader, *ret) && touch(reader, *ret);
}

int spy_stack_resolve(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		      size_t *same, bool *provisional, struct pyspyc_error *err)
{
	struct spy_stack_view *view = &memory->views[memory->now];
	const struct spy_stack_view *last = &memory->views[!memory->now];
	bool known = last->epoch == reader->epoch, all = true;
	struct spy_known_code *former = NULL;
	uint64_t checked_ns = reader->now_ns;
	size_t i;

	if (reader->due_count > DUE_LIMIT) {
		reader->planned++;
		reader->due_count = 0;
	}
	if (!known)
		*same = 0;
	view->epoch = reader->epoch;
	*provisional = view->count && spy_stack_is_known(memory, *same) &&
		       is_vouched(reader, memory);
	if (*provisional) {
		view->codes[0] = last->codes[0];
		view->vouched = last->vouched;
		view->vouched_ns = last->vouched_ns;
		return 0;
	}
	for (i = 0; i < view->count; i++) {
		struct spy_known_code *code = known ? view->codes[i] : NULL;

		if (view->frames[i].owner >= SPY_OWNED_BY_INTERPRETER) {
			view->codes[i] = NULL;
			continue;
		}
		if (former && former->address == view->frames[i].code) {
			view->codes[i] = former;
			continue;
		}
		if (!code) {
			int result = find_code(reader, view->frames[i].code, &code, err);

			if (result < 0)
				return result;
		}
		view->codes[i] = former = code;
		if (code->seen == reader->reading) {
			checked_ns = 0; /* in this one only */
			continue;
		}
		if (is_trusted(reader, code)) {
			*provisional = true;
			if (!touch(reader, code))
				return spy_nomem(err);
			if (code->checked_ns < checked_ns)
				checked_ns = code->checked_ns;
			continue;
		}
		all = false;
		if (!add_due(reader, code))
			return spy_nomem(err);
	}
	view->vouched = reader->window;
	view->vouched_ns = all && checked_ns ? checked_ns + window(reader) : 0;
	return all ? 0 : -PYSPYC_EAGAIN;
}

/* --- at the window's end --- */

bool spy_stack_due(const struct spy_stack_reader *reader)
{
	return reader->now_ns - reader->window_ns >= window(reader);
}

/* Checks some of the touched code objects in one read; false when they cannot be read. */
static bool check_some(struct spy_stack_reader *reader, struct spy_known_code **codes,
		       size_t count, bool *hold)
{
	struct spy_range ranges[CODES_AT_ONCE * SPY_PRINT_RANGES];
	size_t i, used = 0;

	for (i = 0; i < count; i++)
		used += spy_print_ranges(&reader->heap, codes[i], &reader->prints[i], ranges + used);
	if (spy_memory_readv(reader->heap.memory, ranges, used, NULL) < 0)
		return false;
	for (i = 0; i < count; i++) {
		if (spy_print_holds(&reader->heap, codes[i], &reader->prints[i])) {
			codes[i]->checked_ns = reader->now_ns;
		} else {
			spy_stack_retire(reader, codes[i]);
			*hold = false;
		}
	}
	return true;
}

/* Checks code objects in few reads; false when one of them is another by now. */
static bool check_all(struct spy_stack_reader *reader, struct spy_known_code **codes, size_t total)
{
	bool hold = true;
	size_t i, count;

	if (total && reader->print_count < CODES_AT_ONCE && !prints_room(reader, CODES_AT_ONCE))
		return false;
	for (i = 0; hold && i < total; i += count) {
		count = total - i < CODES_AT_ONCE ? total - i : CODES_AT_ONCE;
		if (!check_some(reader, codes + i, count, &hold)) {
			/* One of them lies in memory that has gone: whichever, all are met anew. */
			for (; count > 0; count--)
				spy_stack_retire(reader, codes[i + count - 1]);
			hold = false;
		}
	}
	return hold;
}

bool spy_stack_settle(struct spy_stack_reader *reader)
{
	bool hold = !reader->lost && check_all(reader, reader->touched, reader->touched_count);

	reader->touched_count = 0;
	reader->lost = false;
	reader->window++;
	reader->window_ns = reader->now_ns;
	spy_codes_sweep(&reader->codes);
	/* A program that goes on making code: what is still in use is decoded again. */
	if (reader->codes.index.count > CODES_LIMIT) {
		spy_codes_clear(&reader->codes);
		reader->epoch++;
	}
	return hold;
}

void spy_stack_refresh(struct spy_stack_reader *reader, struct spy_stack_job *jobs, size_t count)
{
	size_t i, j;

	reader->planned++;
	reader->due_count = 0;
	for (i = 0; i < count; i++) {
		const struct spy_stack_view *last = &jobs[i].memory->views[!jobs[i].memory->now];
		const struct spy_known_code *former = NULL;

		for (j = 0; !jobs[i].done && last->epoch == reader->epoch && j < last->count; j++) {
			struct spy_known_code *code = last->codes[j];

			if (!code || code == former || code->planned == reader->planned)
				continue;
			former = code;
			code->planned = reader->planned;
			if (reader->now_ns - code->loaded_ns >= YOUNG_NS &&
			    !is_trusted(reader, code) &&
			    !append(&reader->due, &reader->due_count, &reader->due_capacity, code))
				return;
		}
	}
	check_all(reader, reader->due, reader->due_count);
	reader->due_count = 0;
}
