/* What a reading asks for, in which order: copies that tell whether anything changed meanwhile. */
#include "sample/stack_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define PAGE 4096u
/* How long it is known what the outermost frame is. */
#define ROOT_NS (1u * SPY_NSEC_PER_MSEC)

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

static size_t size_of(const struct spy_span *span)
{
	return (size_t)(span->end - span->start);
}

static void add_span(struct spy_stack_reader *reader, const struct spy_span *span, uint8_t *copy)
{
	add(reader, span->start, copy + span->offset, size_of(span));
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

static size_t find_top(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
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
	const struct spy_span *span = &memory->spans.items[memory->top];

	return memory->top == memory->spans.count
		? memory->spans.bytes
		: span->offset + (size_t)(memory->cframe +
					  reader->heap.layout->cframe_current_frame - span->start);
}

/*
 * The entry frame at the root of a thread stays as it is as long as there is Python code above it,
 * and all other frames lie deeper in the C stack: of a program that calls Python anew each time, the
 * root may be elsewhere, but hardly there. At high rates it is not read again and again.
 */
static bool knows_root(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	const struct spy_raw_frame *root = last->count ? &last->frames[last->count - 1] : NULL;

	return root && root->owner >= SPY_OWNED_BY_INTERPRETER && root->address == memory->root &&
	       !root->back && last->plan == memory->plan && !memory->pause.attached &&
	       reader->now_ns - memory->root_ns < ROOT_NS;
}

/* Of what is copied once: the thread's outermost frame, which is known. */
static bool is_known_root(const struct spy_stack_memory *memory, size_t i)
{
	const struct spy_span *span = &memory->spans.items[i];

	return memory->rooted && span->once && span->start == memory->root;
}

/*
 * A chain of frames that is as it was is copied once, but for the page of the innermost frame: had the
 * thread been elsewhere in between, that would have had to change, and to become the same again.
 */
static void find_twice(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	const struct spy_raw_frame *inner = last->count ? &last->frames[0] : NULL;
	const struct spy_span *span = NULL;
	uint64_t page;

	memory->twice_from = 0;
	memory->twice_to = memory->spans.bytes;
	if (inner && memory->calm && !memory->still && last->plan == memory->plan && !memory->pause.attached &&
	    reader->heap.layout->frames != SPY_FRAME_OBJECTS)
		span = spy_spans_find(&memory->spans, inner->address, reader->extent, NULL);
	if (!span || span->once || span == memory->spans.items + memory->top)
		return;
	page = inner->address & ~(uint64_t)(PAGE - 1);
	memory->twice_from = span->offset + (page > span->start ? (size_t)(page - span->start) : 0);
	memory->twice_to = span->offset + size_of(span);
}

bool spy_stack_is_brief(const struct spy_stack_memory *memory)
{
	return memory->twice_to - memory->twice_from < memory->spans.bytes;
}

/* In which span they are that a brief first copy is of. */
static size_t find_inner(const struct spy_stack_memory *memory)
{
	const struct spy_spans *spans = &memory->spans;
	size_t i = 0;

	while (spans->items[i].offset + size_of(&spans->items[i]) != memory->twice_to)
		i++;
	return i;
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

/* The first copy, of what is copied twice; what leads to the innermost frame before all else. */
static void add_first(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		      uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;
	bool brief = spy_stack_is_brief(memory);
	const struct spy_span *inner = brief ? &spans->items[find_inner(memory)] : NULL;
	size_t i;

	if (memory->top < spans->count)
		add_span(reader, &spans->items[memory->top], copy);
	if (brief)
		add(reader, inner->start + (memory->twice_from - inner->offset),
		    copy + memory->twice_from, memory->twice_to - memory->twice_from);
	for (i = 0; !brief && i < spans->count; i++)
		if (i != memory->top && !spans->items[i].once)
			add_span(reader, &spans->items[i], copy);
}

/*
 * The second copy, of everything, the innermost frame last. Frames on the C stack, by which C code
 * enters Python's, are not written to again as long as what they called is there: that is copied
 * before and after.
 */
static void add_second(struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		       uint8_t *copy)
{
	const struct spy_spans *spans = &memory->spans;
	size_t i, inner = spy_stack_is_brief(memory) ? find_inner(memory) : spans->count;

	for (i = 0; i < spans->count; i++)
		if (i != memory->top && spans->items[i].once && !is_known_root(memory, i))
			add_span(reader, &spans->items[i], copy);
	for (i = 0; i < spans->count; i++)
		if (i != memory->top && i != inner && !spans->items[i].once)
			add_span(reader, &spans->items[i], copy);
	if (inner < spans->count)
		add_span(reader, &spans->items[inner], copy);
	if (memory->top < spans->count)
		add_span(reader, &spans->items[memory->top], copy);
}

bool spy_stack_complete(const struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			size_t second)
{
	const uint8_t *last = memory->views[!memory->now].bytes + reader->head;
	uint8_t *bytes = memory->views[memory->now].bytes + reader->head;
	struct spy_spans *spans = &memory->spans;
	bool complete = true;
	size_t i;

	for (i = 0; !memory->still && i < spans->count; i++) {
		struct spy_span *span = &spans->items[i];
		struct spy_raw_frame frame;

		if (!span->once || i == memory->top)
			continue;
		if (is_known_root(memory, i))
			memcpy(bytes + span->offset, last + span->offset, reader->extent);
		spy_frame_decode(reader->heap.layout, span->start, bytes + span->offset, &frame);
		span->once = frame.owner >= SPY_OWNED_BY_INTERPRETER;
		complete &= span->once;
		memcpy(reader->second + second + span->offset, bytes + span->offset, reader->extent);
	}
	return complete;
}

void spy_stack_fill(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		    size_t second)
{
	const uint8_t *bytes = memory->views[memory->now].bytes + reader->head;
	uint8_t *copy = reader->second + second;
	size_t i;

	for (i = 0; i < memory->spans.count; i++) {
		const struct spy_span *span = &memory->spans.items[i];
		size_t from = span->offset, to = from + size_of(span);

		if (i == memory->top || memory->still)
			continue;
		if (to == memory->twice_to)
			to = memory->twice_from;
		if (from < memory->twice_from || from >= memory->twice_to)
			memcpy(copy + from, bytes + from, to - from);
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

	memory->top = find_top(reader, memory);
	memory->rooted = !memory->still && knows_root(reader, memory);
	find_twice(reader, memory);
	memory->asked = memory->collecting_at && state->gil && !memory->moves;
	memory->collecting = 0;
	if ((!memory->still && !spy_stack_plan_window(reader, memory, state)) ||
	    !ranges_room(reader, 2 * spans->count + SPY_PRINT_RANGES * reader->due_count + 4) ||
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
		add_first(reader, memory, bytes);
	for (i = 0; i < reader->due_count; i++)
		reader->range_count += spy_print_ranges(
			&reader->heap, reader->due[i], &reader->prints[i],
			reader->ranges + reader->range_count);
	if (memory->still)
		return true;
	add_second(reader, memory, view->bytes + reader->head);
	if (memory->top == spans->count)
		add_top(reader, memory, state->address, bytes + spans->bytes);
	reader->second_used += spans->bytes + 8;
	return true;
}
