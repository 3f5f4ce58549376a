/* What is read, what becomes of what cannot be read, and which memory the next reading is of. */
#include "sample/stack_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A stack grows by a frame or two at a time: some bytes more than were in use last time. */
#define SLACK 256u
/* Plans this small are left alone even when most of it is not in use. */
#define SPANS_KEPT 128u
#define BYTES_KEPT 1024u
/* A _PyCFrame this near in front of an entry frame is of the same C function. */
#define TOP_NEAR 512u

int spy_stack_fetch(struct spy_stack_reader *reader, struct pyspyc_error *err)
{
	reader->reading++;
	return spy_memory_readv(reader->heap.memory, reader->ranges, reader->range_count, err);
}

int spy_stack_forget(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		     uint64_t tstate, const struct pyspyc_error *fault, struct pyspyc_error *err)
{
	const struct spy_layout *layout = reader->heap.layout;
	uint64_t address = fault->address;
	size_t i;

	if (spy_spans_drop(&memory->spans, address)) {
		memory->plan = ++reader->plans;
		return -PYSPYC_EAGAIN;
	}
	if (address == memory->collecting_at) {
		memory->collecting_at = 0;
		return -PYSPYC_EAGAIN;
	}
	if (memory->cframe && address == memory->cframe + layout->cframe_current_frame) {
		memory->cframe = 0;
		return -PYSPYC_EAGAIN;
	}
	for (i = 0; i < reader->due_count; i++) {
		struct spy_known_code *code = reader->due[i];

		if (spy_print_covers(code, address)) {
			spy_stack_retire(reader, code);
			reader->due[i] = reader->due[--reader->due_count];
			return -PYSPYC_EAGAIN;
		}
	}
	return spy_fault(err, address, "the thread state at 0x%llx cannot be read",
			 (unsigned long long)tstate);
}

/* --- planning the next copy --- */

/*
 * Frames on the data stack: behind the innermost one lie its variables and the callee to come, but
 * never beyond the page is anything sure to be there.
 */
static size_t with_slack(uint64_t start, size_t size)
{
	uint64_t page_end = (start + size + SPY_PAGE - 1) & ~(uint64_t)(SPY_PAGE - 1);
	size_t left = (size_t)(page_end - start) - size;

	return size + (left < SLACK ? left : SLACK);
}

/*
 * Adds a frame, with room behind it for its callee if it is the inner end of what is added. An entry
 * frame is, like the _PyCFrame, a variable of _PyEval_EvalFrameDefault
 * (3.12's Python/ceval.c): that of the innermost one is near by, and read in the same piece.
 */
static bool add_frame(const struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		      const struct spy_raw_frame *frame, bool end)
{
	const struct spy_layout *layout = reader->heap.layout;
	uint64_t start = frame->address, word = memory->cframe + layout->cframe_current_frame;
	bool entry = frame->owner >= SPY_OWNED_BY_INTERPRETER;
	bool grows = end && !entry && layout->frames != SPY_FRAME_OBJECTS;
	struct spy_spans *spans = &memory->spans;

	if (!spy_spans_add(spans, start, grows ? with_slack(start, reader->extent) : reader->extent))
		return false;
	spans->items[spans->count - 1].once = entry;
	if (!entry || !memory->cframe || word > start || start - word > TOP_NEAR)
		return true;
	return spy_spans_add(spans, word, 8);
}

int spy_stack_discover(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		       uint64_t address, struct pyspyc_error *err)
{
	struct spy_memory *target = reader->heap.memory;
	size_t settled = memory->spans.count, count;
	uint64_t page = 0;
	uint8_t bytes[2 * SPY_PAGE];

	for (count = 0; address && count < SPY_DEPTH_LIMIT; count++) {
		/* What was planned before; the additions are not in order yet. */
		struct spy_spans planned = { .items = memory->spans.items, .count = settled };
		struct spy_raw_frame frame;
		int result;

		if (!spy_address_plausible(address))
			break;
		/* A page at a time, for frames lie close; a frame may reach into the next. */
		if (!page || address < page || address + reader->extent > page + SPY_PAGE) {
			page = address & ~(uint64_t)(SPY_PAGE - 1);
			result = spy_memory_read(target, page, bytes, SPY_PAGE, err);
			if (result == 0 && address + reader->extent > page + SPY_PAGE)
				result = spy_memory_read(target, page + SPY_PAGE, bytes + SPY_PAGE, SPY_PAGE,
							 err);
			if (result < 0 && !count)
				return result;
			if (result < 0)
				break;
		}
		if (spy_spans_find(&planned, address, reader->extent, NULL))
			break;
		spy_frame_decode(reader->heap.layout, address, bytes + (address - page), &frame);
		if (!add_frame(reader, memory, &frame, count == 0)) {
			memory->plan = ++reader->plans;
			spy_spans_clear(&memory->spans);
			return spy_nomem(err);
		}
		address = frame.back;
	}
	/* Whatever ended it: what has been added is put in order before it is used. */
	memory->plan = ++reader->plans;
	if (!spy_spans_settle(&memory->spans))
		return spy_fail(err, PYSPYC_ECORRUPT, "the stack is too large to be copied");
	return 0;
}

/* The bytes that the next copy needs for the frames just read. */
static bool add_frames(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_view *copy = &memory->views[memory->now];
	size_t i;

	for (i = 0; i < copy->count; i++)
		if (!add_frame(reader, memory, &copy->frames[i], i == 0))
			return false;
	return spy_spans_settle(&memory->spans);
}

void spy_stack_replan(struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_view *copy = &memory->views[memory->now];
	size_t used = 0, i;

	if (memory->spans.count <= SPANS_KEPT) {
		for (i = 0; i < copy->count; i++) {
			uint64_t inner = i ? copy->frames[i - 1].address : 0;
			uint64_t gap = inner - copy->frames[i].address;

			used += inner > copy->frames[i].address && gap < SPY_PAGE ? gap : reader->extent;
		}
		if (memory->spans.bytes <= 2 * used + BYTES_KEPT ||
		    reader->heap.layout->frames == SPY_FRAME_OBJECTS)
			return;
	}
	memory->plan = ++reader->plans;
	spy_spans_clear(&memory->spans);
	if (!add_frames(reader, memory))
		spy_spans_clear(&memory->spans);
}
