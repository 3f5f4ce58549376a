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

/* --- buffers --- */

static bool ranges_room(struct spy_stack_reader *reader, size_t more)
{
	size_t capacity = (reader->range_count + more) * 2;
	struct spy_range *larger;

	if (reader->range_count + more <= reader->range_capacity)
		return true;
	larger = realloc(reader->ranges, capacity * sizeof(*larger));
	if (!larger)
		return false;
	reader->ranges = larger;
	reader->range_capacity = capacity;
	return true;
}

static bool view_room(struct spy_stack_view *view, size_t size)
{
	uint8_t *bytes;

	if (size <= view->size)
		return true;
	size += size / 4;
	bytes = realloc(view->bytes, size);
	if (!bytes)
		return false;
	view->bytes = bytes;
	view->size = size;
	return true;
}

/*
 * Room for one more second copy. The ranges planned so far name places in it, so they move
 * with it.
 */
static bool second_room(struct spy_stack_reader *reader, size_t more)
{
	size_t size = (reader->second_used + more) * 2, i;
	uint8_t *former = reader->second, *bytes;

	if (reader->second_used + more <= reader->second_size)
		return true;
	bytes = malloc(size);
	if (!bytes)
		return false;
	for (i = 0; i < reader->range_count; i++) {
		uint8_t *buffer = reader->ranges[i].buffer;

		if (former && buffer >= former && buffer < former + reader->second_size)
			reader->ranges[i].buffer = bytes + (buffer - former);
	}
	free(former);
	reader->second = bytes;
	reader->second_size = size;
	return true;
}

/* --- copying --- */

static void add(struct spy_stack_reader *reader, uint64_t address, void *buffer, size_t size)
{
	reader->ranges[reader->range_count++] = (struct spy_range){ address, buffer, size };
}

static void add_spans(struct spy_stack_reader *reader, const struct spy_spans *spans, uint8_t *copy)
{
	spy_spans_ranges(spans, copy, reader->ranges + reader->range_count);
	reader->range_count += spans->count;
}

/* The word that leads to the innermost frame, where it is not a part of the thread state. */
static void add_top(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		    uint64_t tstate, uint8_t *buffer)
{
	const struct spy_layout *layout = reader->heap.layout;

	switch (layout->frames) {
	case SPY_FRAME_OBJECTS:
		add(reader, tstate + layout->tstate_frame, buffer, 8);
		return;
	case SPY_FRAME_CFRAME:
		if (memory->cframe)
			add(reader, memory->cframe + layout->cframe_current_frame, buffer, 8);
		return;
	case SPY_FRAME_CURRENT:
		add(reader, tstate + layout->tstate_current_frame, buffer, 8);
		return;
	}
}

void spy_stack_begin(struct spy_stack_reader *reader)
{
	reader->range_count = 0;
	reader->second_used = 0;
}

bool spy_stack_plan_gil(struct spy_stack_reader *reader, unsigned which)
{
	if (!ranges_room(reader, 1))
		return false;
	add(reader, reader->gil, &reader->gil_words[which], sizeof(reader->gil_words[which]));
	return true;
}

bool spy_stack_plan_window(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			   const struct spy_thread_state *state)
{
	struct spy_stack_view *view = &memory->views[memory->now];

	if (!ranges_room(reader, 1) || !view_room(view, reader->head + memory->spans.bytes))
		return false;
	add(reader, state->address + reader->window_start, view->bytes, reader->window_size);
	return true;
}

/* In any order, for nothing moves: the span behind the top of the stack right after that. */
static void add_still(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		      uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;
	size_t i, first = 0;

	while (first < spans->count && spans->items[first].start < memory->cframe)
		first++;
	for (i = 0; i < spans->count; i++) {
		const struct spy_span *span = &spans->items[(first + i) % spans->count];

		add(reader, span->start, copy + span->offset, (size_t)(span->end - span->start));
	}
}

bool spy_stack_plan(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		    const struct spy_thread_state *state, size_t *second)
{
	uint64_t tstate = state->address;
	const struct spy_spans *spans = &memory->spans;
	struct spy_stack_view *view = &memory->views[memory->now];
	uint8_t *bytes;
	size_t i;

	if ((!memory->still && !spy_stack_plan_window(reader, memory, state)) ||
	    !ranges_room(reader, 2 * spans->count + SPY_PRINT_RANGES * reader->due_count + 4) ||
	    (!memory->still && !second_room(reader, spans->bytes + 8)))
		return false;
	bytes = reader->second + reader->second_used;
	*second = reader->second_used;
	if (reader->heap.layout->frames == SPY_FRAME_CFRAME)
		add_top(reader, memory, tstate, view->bytes + reader->head - 8);
	if (memory->collecting_at && state->gil)
		add(reader, memory->collecting_at, &memory->collecting, sizeof(memory->collecting));
	if (memory->still)
		add_still(reader, memory, view->bytes + reader->head);
	else
		add_spans(reader, spans, view->bytes + reader->head);
	for (i = 0; i < reader->due_count; i++)
		reader->range_count += spy_print_ranges(
			&reader->heap, reader->due[i], &reader->prints[i],
			reader->ranges + reader->range_count);
	if (memory->still)
		return true;
	add_spans(reader, spans, bytes);
	add_top(reader, memory, tstate, bytes + spans->bytes);
	reader->second_used += spans->bytes + 8;
	return true;
}

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
			if (result < 0 && !count)
				return result;
			if (result < 0)
				break;
		}
		if (spy_spans_find(&planned, address, reader->extent, NULL))
			break;
		spy_frame_decode(reader->heap.layout, address, bytes + (address - page), &frame);
		if (!spy_spans_add(&memory->spans, address, reader->extent)) {
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
static bool add_frames(const struct spy_stack_reader *reader,
		       const struct spy_stack_view *copy, struct spy_spans *spans)
{
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
	const struct spy_stack_view *copy = &memory->views[memory->now];
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
	memory->plan = ++reader->plans;
	spy_spans_clear(&memory->spans);
	if (!add_frames(reader, copy, &memory->spans))
		spy_spans_clear(&memory->spans);
}
