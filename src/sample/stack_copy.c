#include "sample/stack_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define PAGE 4096u
/* A stack grows by a frame or two at a time: some bytes more than were in use last time. */
#define SLACK 256u
/* Plans this small are left alone even when most of it is not in use. */
#define SPANS_KEPT 128u
#define BYTES_KEPT 1024u

static uint32_t top_offset(const struct spy_layout *layout)
{
	switch (layout->frames) {
	case SPY_FRAME_OBJECTS:
		return layout->tstate_frame;
	case SPY_FRAME_CFRAME:
		return layout->tstate_cframe;
	case SPY_FRAME_CURRENT:
		break;
	}
	return layout->tstate_current_frame;
}

static bool make_room(struct spy_stack_reader *reader, const struct spy_spans *spans)
{
	size_t ranges = 2 * spans->count + SPY_PRINT_RANGES * reader->due_count + 8;
	int i;

	if (ranges > reader->range_capacity) {
		struct spy_range *larger = realloc(reader->ranges, ranges * 2 * sizeof(*larger));

		if (!larger)
			return false;
		reader->ranges = larger;
		reader->range_capacity = ranges * 2;
	}
	if (spans->bytes <= reader->copy_size)
		return true;
	for (i = 0; i < 2; i++) {
		uint8_t *bytes = realloc(reader->copies[i].bytes, spans->bytes * 2);

		if (!bytes)
			return false;
		reader->copies[i].bytes = bytes;
	}
	reader->copy_size = spans->bytes * 2;
	return true;
}

/* The words that lead to the innermost frame. */
static struct spy_range *plan_top(const struct spy_stack_reader *reader,
				  const struct spy_stack_memory *memory, uint64_t tstate,
				  struct spy_stack_copy *copy, struct spy_range *range)
{
	const struct spy_layout *layout = reader->heap.layout;
	uint64_t address = tstate + top_offset(layout);

	if (layout->frames != SPY_FRAME_CFRAME) {
		*range++ = (struct spy_range){ address, &copy->top, 8 };
		return range;
	}
	*range++ = (struct spy_range){ address, &copy->cframe, 8 };
	if (memory->cframe)
		*range++ = (struct spy_range){ memory->cframe + layout->cframe_current_frame,
					       &copy->top, 8 };
	return range;
}

/* Something of the plan could not be read: leave it out of the next one. */
static int forget(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		  uint64_t tstate, const struct pyspyc_error *fault, struct pyspyc_error *err)
{
	const struct spy_layout *layout = reader->heap.layout;
	uint64_t address = fault->address;
	size_t i;

	if (spy_spans_drop(&memory->spans, address))
		return -PYSPYC_EAGAIN;
	if (memory->cframe && address == memory->cframe + layout->cframe_current_frame) {
		memory->cframe = 0;
		return -PYSPYC_EAGAIN;
	}
	for (i = 0; i < reader->due_count; i++) {
		struct spy_known_code *code = reader->due[i];

		if (spy_print_covers(code, address)) {
			spy_codes_retire(&reader->codes, code);
			reader->due[i] = reader->due[--reader->due_count];
			return -PYSPYC_EAGAIN;
		}
	}
	return spy_fault(err, address, "the thread state at 0x%llx cannot be read",
			 (unsigned long long)tstate);
}

int spy_stack_copy(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   uint64_t tstate, struct pyspyc_error *err)
{
	const struct spy_spans *spans = &memory->spans;
	struct pyspyc_error fault = { 0 };
	struct spy_range *range;
	size_t i;
	int result;

	if (!make_room(reader, spans))
		return spy_nomem(err);
	reader->copies[0].top = reader->copies[1].top = 0;
	range = plan_top(reader, memory, tstate, &reader->copies[0], reader->ranges);
	spy_spans_ranges(spans, reader->copies[0].bytes, range);
	range += spans->count;
	for (i = 0; i < reader->due_count; i++, range += SPY_PRINT_RANGES)
		spy_print_ranges(&reader->heap, reader->due[i], &reader->prints[i], range);
	spy_spans_ranges(spans, reader->copies[1].bytes, range);
	range += spans->count;
	range = plan_top(reader, memory, tstate, &reader->copies[1], range);
	reader->reading++;
	result = spy_memory_readv(reader->heap.memory, reader->ranges,
				  (size_t)(range - reader->ranges), &fault);
	if (result == -PYSPYC_EFAULT)
		return forget(reader, memory, tstate, &fault, err);
	if (result < 0) {
		if (err)
			*err = fault;
		return result;
	}
	if (reader->heap.layout->frames == SPY_FRAME_CFRAME &&
	    reader->copies[0].cframe != memory->cframe) {
		if (!spy_address_plausible(reader->copies[0].cframe))
			return spy_fault(err, reader->copies[0].cframe,
					 "the thread state at 0x%llx makes no sense",
					 (unsigned long long)tstate);
		memory->cframe = reader->copies[0].cframe;
		return -PYSPYC_EAGAIN;
	}
	return 0;
}

static bool frames_room(struct spy_stack_copy *copy)
{
	size_t capacity = copy->capacity ? copy->capacity * 2 : 128;
	struct spy_raw_frame *frames;

	if (copy->count < copy->capacity)
		return true;
	frames = realloc(copy->frames, capacity * sizeof(*frames));
	if (!frames)
		return false;
	copy->frames = frames;
	copy->capacity = capacity;
	return true;
}

/* Up to 3.10 a frame is an object: one that has been freed waits in a list, its caller gone. */
static bool is_freed(const struct spy_stack_reader *reader, const uint8_t *frame)
{
	int64_t references;

	if (reader->heap.layout->frames != SPY_FRAME_OBJECTS)
		return false;
	/* ob_refcnt and ob_type end PyObject, debug builds' links come before them. */
	memcpy(&references, frame + reader->heap.layout->object_size - 16, sizeof(references));
	return references <= 0;
}

enum spy_walk spy_stack_walk(const struct spy_stack_reader *reader,
			     const struct spy_stack_memory *memory, struct spy_stack_copy *copy,
			     uint64_t *missing)
{
	const struct spy_span *span = NULL;
	uint64_t address = copy->top, anchor = 0;
	size_t next_anchor = 1;

	copy->count = 0;
	copy->truncated = false;
	while (address) {
		const uint8_t *bytes;

		if (copy->count == SPY_DEPTH_LIMIT) {
			copy->truncated = true;
			break;
		}
		if (!spy_address_plausible(address))
			return SPY_WALK_BAD;
		span = spy_spans_find(&memory->spans, address, reader->extent, span);
		if (!span) {
			*missing = address;
			return SPY_WALK_MISS;
		}
		if (!frames_room(copy))
			return SPY_WALK_NOMEM;
		bytes = copy->bytes + span->offset + (address - span->start);
		if (is_freed(reader, bytes))
			return SPY_WALK_BAD;
		spy_frame_decode(reader->heap.layout, address, bytes, &copy->frames[copy->count]);
		address = copy->frames[copy->count++].back;
		/* No stack runs in a circle (Brent): frames of two moments may. */
		if (address && address == anchor)
			return SPY_WALK_BAD;
		if (copy->count == next_anchor) {
			anchor = address;
			next_anchor *= 2;
		}
	}
	return SPY_WALK_DONE;
}

/*
 * How many bytes of a waiting frame to compare: up to the frame that it called when that
 * lies behind it on the data stack, locals and evaluation stack included, else its head.
 */
static size_t steady_size(const struct spy_stack_reader *reader, const struct spy_span *span,
			  uint64_t address, uint64_t callee)
{
	if (reader->heap.layout->frames != SPY_FRAME_OBJECTS && callee > address &&
	    callee <= span->end)
		return (size_t)(callee - address);
	return reader->extent;
}

bool spy_stack_agree(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
{
	const struct spy_stack_copy *a = &reader->copies[0], *b = &reader->copies[1];
	const struct spy_span *span = NULL;
	size_t i;

	if (a->top != b->top || a->cframe != b->cframe || a->count != b->count ||
	    a->truncated != b->truncated)
		return false;
	for (i = 0; i < a->count; i++) {
		const struct spy_raw_frame *x = &a->frames[i], *y = &b->frames[i];
		size_t offset, size;

		if (x->address != y->address || x->back != y->back || x->code != y->code)
			return false;
		if (i == 0)
			continue;
		span = spy_spans_find(&memory->spans, x->address, reader->extent, span);
		offset = span->offset + (size_t)(x->address - span->start);
		size = steady_size(reader, span, x->address, a->frames[i - 1].address);
		if (memcmp(a->bytes + offset + reader->steady, b->bytes + offset + reader->steady,
			   size - reader->steady) != 0)
			return false;
	}
	return true;
}

int spy_stack_discover(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		       uint64_t address, struct pyspyc_error *err)
{
	struct spy_memory *target = reader->heap.memory;
	size_t settled = memory->spans.count, count;
	uint64_t page = 0;
	uint8_t bytes[2 * PAGE];

	for (count = 0; address && count < SPY_DEPTH_LIMIT; count++) {
		/* What was planned before; the additions are not in order yet. */
		struct spy_spans planned = { .items = memory->spans.items, .count = settled };
		struct spy_raw_frame frame;
		int result;

		if (!spy_address_plausible(address))
			break;
		/* A page at a time, for frames lie close; a frame may reach into the next. */
		if (!page || address < page || address + reader->extent > page + PAGE) {
			page = address & ~(uint64_t)(PAGE - 1);
			result = spy_memory_read(target, page, bytes, PAGE, err);
			if (result == 0 && address + reader->extent > page + PAGE)
				result = spy_memory_read(target, page + PAGE, bytes + PAGE, PAGE,
							 err);
			if (result < 0)
				return count ? 0 : result;
		}
		if (spy_spans_find(&planned, address, reader->extent, NULL))
			break;
		spy_frame_decode(reader->heap.layout, address, bytes + (address - page), &frame);
		if (!spy_spans_add(&memory->spans, address, reader->extent))
			return spy_nomem(err);
		address = frame.back;
	}
	if (!spy_spans_settle(&memory->spans))
		return spy_fail(err, PYSPYC_ECORRUPT, "the stack is too large to be copied");
	return 0;
}

/* The bytes that the next copy needs for the frames just read. */
static bool add_frames(const struct spy_stack_reader *reader, struct spy_spans *spans)
{
	const struct spy_stack_copy *copy = &reader->copies[0];
	size_t i;

	for (i = 0; i < copy->count; i++) {
		uint64_t start = copy->frames[i].address;
		size_t size = reader->extent;

		/* Frames on the data stack: the callee's comes next, but never beyond the page. */
		if (i == 0 && reader->heap.layout->frames != SPY_FRAME_OBJECTS) {
			uint64_t page_end = (start + size + PAGE - 1) & ~(uint64_t)(PAGE - 1);

			size += page_end - start - size < SLACK ? page_end - start - size : SLACK;
		}
		if (!spy_spans_add(spans, start, size))
			return false;
	}
	return spy_spans_settle(spans);
}

void spy_stack_replan(struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_copy *copy = &reader->copies[0];
	size_t used = 0, i;

	if (memory->spans.count <= SPANS_KEPT) {
		for (i = 0; i < copy->count; i++) {
			uint64_t inner = i ? copy->frames[i - 1].address : 0;
			uint64_t gap = inner - copy->frames[i].address;

			used += inner > copy->frames[i].address && gap < PAGE ? gap : reader->extent;
		}
		if (memory->spans.bytes <= 2 * used + BYTES_KEPT ||
		    reader->heap.layout->frames == SPY_FRAME_OBJECTS)
			return;
	}
	spy_spans_clear(&memory->spans);
	if (!add_frames(reader, &memory->spans))
		spy_spans_clear(&memory->spans);
}
