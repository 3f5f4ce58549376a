/* What readings need: the reader of a process, what is remembered of a thread. */
#include <stdlib.h>
#include <string.h>

#include "sample/stack_copy.h"

/* By so many of the innermost frames, and so many bytes of each, it is seen that a thread runs. */
#define MOVING 4
#define MOVING_BYTES 256

void spy_stack_memory_free(struct spy_stack_memory *memory)
{
	int i;

	for (i = 0; i < 2; i++) {
		free(memory->views[i].bytes);
		free(memory->views[i].frames);
		free(memory->views[i].codes);
		free(memory->views[i].offsets);
	}
	spy_spans_free(&memory->spans);
	spy_stack_outer_free(memory->outer);
	spy_pause_finish(&memory->pause);
}

/*
 * The thread state from its list words to the word that leads to the frames, and to the one that tells
 * where the innermost one ends.
 */
static void find_window(struct spy_stack_reader *reader)
{
	const struct spy_layout *layout = reader->heap.layout;
	uint32_t start, size, end, top = layout->tstate_current_frame;

	if (layout->frames == SPY_FRAME_OBJECTS)
		top = layout->tstate_frame;
	else if (layout->frames == SPY_FRAME_CFRAME)
		top = layout->tstate_cframe;
	spy_thread_window(layout, &start, &size);
	reader->list_start = start;
	end = start + size > top + 8 ? start + size : top + 8;
	if (layout->tstate_datastack_top != SPY_NO_FIELD && layout->tstate_datastack_top + 8 > end)
		end = layout->tstate_datastack_top + 8;
	reader->window_start = start < top ? start : top;
	reader->window_size = end - reader->window_start;
	/* Behind the window, the word that a _PyCFrame holds. */
	reader->head = ((reader->window_size + 7) & ~(size_t)7) + 8;
}

void spy_stack_reader_init(struct spy_stack_reader *reader, const struct spy_heap *heap, pid_t pid,
			   enum pyspyc_blocking blocking)
{
	*reader = (struct spy_stack_reader){ .heap = *heap, .pid = pid, .blocking = blocking,
					     .epoch = 1, .window = 1 };
	reader->extent = spy_frame_extent(heap->layout);
	reader->steady = spy_frame_steady(heap->layout);
	reader->unique = spy_print_unique(heap);
	find_window(reader);
}

void spy_stack_reader_deinit(struct spy_stack_reader *reader)
{
	free(reader->chains);
	free(reader->ranges);
	free(reader->second);
	free(reader->due);
	free(reader->prints);
	free(reader->touched);
	spy_codes_clear(&reader->codes);
}

bool spy_stack_ahead(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		     const struct spy_thread_state *state)
{
	size_t second;

	/* Who did not have the GIL may have it by now, and then it matters whether it collects. */
	if (memory->collecting_at && !state->gil)
		return false;
	memory->still = false;
	if (!memory->spans.count || !spy_stack_due_begin(reader, memory))
		return false;
	spy_stack_begin(reader);
	reader->reading++;
	return spy_stack_plan(reader, memory, state, &second);
}

bool spy_stack_frame_moved(const struct spy_stack_reader *reader,
			   const struct spy_stack_memory *memory, size_t second,
			   const struct spy_raw_frame *frame, size_t from, size_t size)
{
	const struct spy_span *span;
	size_t offset, left;

	/* Behind any other frame lies memory that everybody may write to. */
	if (frame->owner != SPY_OWNED_BY_THREAD || reader->heap.layout->frames == SPY_FRAME_OBJECTS)
		return false;
	span = spy_spans_find(&memory->spans, frame->address, reader->extent, NULL);
	if (!span || span->once)
		return false;
	left = (size_t)(span->end - frame->address);
	if (from >= left)
		return false;
	offset = span->offset + (size_t)(frame->address - span->start) + from;
	size = size < left - from ? size : left - from;
	return offset >= memory->twice_from && offset + size <= memory->twice_to &&
	       memcmp(memory->views[memory->now].bytes + reader->head + offset,
		      reader->second + second + offset, size) != 0;
}

bool spy_stack_moved(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	size_t i;

	for (i = 0; reader->ahead == memory && i < last->count && i < MOVING; i++)
		if (spy_stack_frame_moved(reader, memory, 0, &last->frames[i], 0, MOVING_BYTES))
			return true;
	return false;
}
