/* What a reading asks for, in which order: copies that tell whether anything changed meanwhile. */
#include "sample/stack_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* What was read is known for so long. */
#define LIGHT_NS (1u * SPY_NSEC_PER_MSEC)

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

/* --- pieces --- */

static void add(struct spy_stack_reader *reader, uint64_t address, void *buffer, size_t size)
{
	reader->ranges[reader->range_count++] = (struct spy_range){ address, buffer, size };
}

static size_t span_size(const struct spy_span *span)
{
	return (size_t)(span->end - span->start);
}

static void add_span(struct spy_stack_reader *reader, const struct spy_span *span, uint8_t *copy)
{
	add(reader, span->start, copy + span->offset, span_size(span));
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

/* --- what is known already --- */

static size_t find_top_span(const struct spy_stack_reader *reader,
			    const struct spy_stack_memory *memory)
{
	const struct spy_layout *layout = reader->heap.layout;
	const struct spy_spans *spans = &memory->spans;
	const struct spy_span *span = NULL;

	if (layout->frames == SPY_FRAME_CFRAME && memory->cframe)
		span = spy_spans_find(spans, memory->cframe + layout->cframe_current_frame, 8, NULL);
	return span ? (size_t)(span - spans->items) : spans->count;
}

size_t spy_stack_top_offset(const struct spy_stack_reader *reader,
			    const struct spy_stack_memory *memory)
{
	const struct spy_span *span;

	if (memory->top == memory->spans.count)
		return memory->spans.bytes;
	span = &memory->spans.items[memory->top];
	return span->offset + (size_t)(memory->cframe + reader->heap.layout->cframe_current_frame -
				       span->start);
}

/*
 * The entry frame at the root of a thread stays as it is as long as there is Python code above it, and
 * what calls Python anew from there has its entry frame elsewhere in the C stack. From 3.15 on there
 * are two: the thread state has one of its own that all others end at (base_frame, cpython/pystate.h).
 * A program that calls Python again once all of it has returned may have the frame at the same place:
 * hence for so long only. Returns how many of the last stack's outermost frames are known for that.
 */
static unsigned count_known(const struct spy_stack_reader *reader,
			    const struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	const struct spy_raw_frame *root = &last->frames[last->count - 1];

	if (root->owner < SPY_OWNED_BY_INTERPRETER || root->address != memory->root || root->back ||
	    reader->now_ns - memory->root_ns >= LIGHT_NS)
		return 0;
	return reader->heap.layout->tstate_base_frame != SPY_NO_FIELD && last->count > 1 &&
			       root[-1].owner >= SPY_OWNED_BY_INTERPRETER ? 2 : 1;
}

/* Of what is copied once: one of the thread's outermost frames, which are known. */
static bool is_known_root(const struct spy_stack_memory *memory, size_t i)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	const struct spy_span *span = &memory->spans.items[i];
	unsigned known = span->once ? memory->rooted : 0;

	while (known && last->frames[last->count - known].address != span->start)
		known--;
	return known != 0;
}

/* What of the last stack may not have changed meanwhile, and where it was; false when unknown. */
static bool find_inner(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	const struct spy_raw_frame *inner = &last->frames[0], *caller = inner + 1;
	const struct spy_span *span =
		spy_spans_find(&memory->spans, inner->address, reader->extent, NULL);
	uint64_t from = inner->address & ~(uint64_t)(SPY_PAGE - 1);

	if (!span || span->once || span == memory->spans.items + memory->top)
		return false;
	while (caller < last->frames + last->count && caller->owner >= SPY_OWNED_BY_INTERPRETER)
		caller++;
	if (caller < last->frames + last->count) {
		if (caller->address < span->start || caller->address >= span->end)
			return false;
		from = caller->address < from ? caller->address : from;
	}
	memory->inner = (size_t)(span - memory->spans.items);
	memory->twice_from = span->offset + (from > span->start ? (size_t)(from - span->start) : 0);
	memory->twice_to = span->offset + span_size(span);
	return true;
}

/*
 * Above 1 kHz a thread that was found with the same chain of frames twice in a row is read lightly.
 * What is copied twice is the innermost frame and its caller, which is in the same page as a rule; the
 * others once, in between. Had the thread been elsewhere, these would have had to change and become
 * the same again.
 */
static void find_light(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];

	memory->twice_from = 0;
	memory->twice_to = memory->spans.bytes;
	memory->light = reader->often && memory->calm && !memory->still &&
			!memory->pause.attached && last->count && last->plan == memory->plan &&
			reader->heap.layout->frames != SPY_FRAME_OBJECTS &&
			reader->now_ns - memory->read_ns < LIGHT_NS && find_inner(reader, memory);
	memory->rooted = memory->light ? count_known(reader, memory) : 0;
}

/* --- the copies --- */

/* In any order, for nothing moves: the span behind the top of the stack right after that. */
static void add_still(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		      uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;
	size_t i, first = 0;

	while (first < spans->count && spans->items[first].end <= memory->cframe)
		first++;
	for (i = 0; i < spans->count; i++)
		add_span(reader, &spans->items[(first + i) % spans->count], copy);
}

static void add_part(struct spy_stack_reader *reader, const struct spy_span *span, size_t from,
		     size_t to, uint8_t *copy)
{
	if (from < to)
		add(reader, span->start + (from - span->offset), copy + from, to - from);
}

/* One copy of what is copied twice, but for what leads to the innermost frame. */
static void add_twice(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		      uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;
	size_t i;

	if (memory->light)
		add_part(reader, &spans->items[memory->inner], memory->twice_from,
			 memory->twice_to, copy);
	for (i = 0; !memory->light && i < spans->count; i++)
		if (i != memory->top && !spans->items[i].once)
			add_span(reader, &spans->items[i], copy);
}

/* The first copy; what leads to the innermost frame before all else. */
static void add_first(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		      uint8_t *copy)
{
	if (memory->top < memory->spans.count)
		add_span(reader, &memory->spans.items[memory->top], copy);
	add_twice(reader, memory, copy);
}

/*
 * What is copied once. Entry frames, by which C code enters Python's, are not written to again as long
 * as what they called is there: that is copied before and after.
 */
static void add_once(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		     uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;
	size_t i;

	for (i = 0; i < spans->count; i++)
		if (i != memory->top && spans->items[i].once && !is_known_root(memory, i))
			add_span(reader, &spans->items[i], copy);
	for (i = 0; memory->light && i < spans->count; i++)
		if (i != memory->top && i != memory->inner && !spans->items[i].once)
			add_span(reader, &spans->items[i], copy);
	if (memory->light)
		add_part(reader, &spans->items[memory->inner], spans->items[memory->inner].offset,
			 memory->twice_from, copy);
}

/* The second copy; what leads to the innermost frame after all else. */
static void add_second(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		       uint64_t tstate, uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;

	add_twice(reader, memory, copy);
	if (memory->top < spans->count)
		add_span(reader, &spans->items[memory->top], copy);
	else
		add_top(reader, memory, tstate, copy + spans->bytes);
}

static bool is_entry(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		     const struct spy_span *span)
{
	struct spy_raw_frame frame;

	spy_frame_decode(reader->heap.layout, span->start,
			 memory->views[memory->now].bytes + reader->head + span->offset, &frame);
	return frame.owner >= SPY_OWNED_BY_INTERPRETER;
}

void spy_stack_repeat_once(const struct spy_stack_reader *reader,
			   const struct spy_stack_memory *memory, size_t second)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	uint8_t *bytes = memory->views[memory->now].bytes + reader->head;
	const struct spy_spans *spans = &memory->spans;
	size_t i, j;

	for (i = 0; !memory->still && i < spans->count; i++) {
		const struct spy_span *span = &spans->items[i];
		uint8_t *copy = reader->second + second + span->offset, differs;

		if (!span->once || i == memory->top)
			continue;
		if (is_known_root(memory, i))
			memcpy(bytes + span->offset, last->bytes + reader->head + span->offset,
			       reader->extent);
		differs = is_entry(reader, memory, span) ? 0 : 0xff;
		for (j = 0; !memory->light && j < reader->extent; j++)
			copy[j] = bytes[span->offset + j] ^ differs;
	}
}

void spy_stack_doubt_once(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	size_t i;

	for (i = 0; i < memory->spans.count; i++) {
		struct spy_span *span = &memory->spans.items[i];

		if (span->once && i != memory->top)
			span->once = is_entry(reader, memory, span);
	}
}

/* --- the plan --- */

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

bool spy_stack_plan(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		    const struct spy_thread_state *state, size_t *second)
{
	bool apart = reader->heap.layout->frames == SPY_FRAME_CFRAME;
	const struct spy_spans *spans = &memory->spans;
	struct spy_stack_view *view = &memory->views[memory->now];
	uint8_t *bytes;
	size_t i;

	memory->top = find_top_span(reader, memory);
	find_light(reader, memory);
	memory->asked = memory->collecting_at && state->gil && !(memory->light && memory->moves);
	memory->collecting = 0;
	if ((!memory->still && !spy_stack_plan_window(reader, memory, state)) ||
	    !ranges_room(reader, 2 * spans->count + SPY_PRINT_RANGES * reader->due_count + 5) ||
	    (!memory->still && !second_room(reader, spans->bytes + 8)))
		return false;
	bytes = reader->second + reader->second_used;
	*second = reader->second_used;
	if (memory->asked)
		add(reader, memory->collecting_at, &memory->collecting, sizeof(memory->collecting));
	if (apart && memory->top == spans->count)
		add_top(reader, memory, state->address, view->bytes + reader->head - 8);
	if (memory->still)
		add_still(reader, memory, view->bytes + reader->head);
	else
		add_first(reader, memory, view->bytes + reader->head);
	for (i = 0; i < reader->due_count; i++)
		reader->range_count += spy_print_ranges(
			&reader->heap, reader->due[i], &reader->prints[i],
			reader->ranges + reader->range_count);
	if (memory->still)
		return true;
	add_once(reader, memory, view->bytes + reader->head);
	add_second(reader, memory, state->address, bytes);
	reader->second_used += spans->bytes + 8;
	return true;
}
