/* What a copy says: the frames, compared with the second copy and with the last stack. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sample/stack_copy.h"

/* So many frames that the last stack had more at its inner end are looked behind. */
#define PASSED_BY 32

/* One walk over the frames of a view. */
struct walk {
	const struct spy_stack_reader *reader;
	const struct spy_stack_memory *memory;
	struct spy_stack_view *view;
	const struct spy_stack_view *last; /* NULL when its offsets no longer hold */
	const uint8_t *second;
	const struct spy_span *span; /* of the last frame found */
	size_t in_last;		     /* how far the last stack has been followed */
	size_t run;		     /* since this frame all were the last stack's, one by one */
};

static bool room(struct spy_stack_view *view)
{
	size_t capacity = view->capacity ? view->capacity * 2 : 32;
	struct spy_raw_frame *frames;
	struct spy_known_code **codes;
	uint32_t *offsets;

	if (view->count < view->capacity)
		return true;
	frames = realloc(view->frames, capacity * sizeof(*frames));
	if (!frames)
		return false;
	view->frames = frames;
	codes = realloc(view->codes, capacity * sizeof(struct spy_known_code *));
	if (!codes)
		return false;
	view->codes = codes;
	offsets = realloc(view->offsets, capacity * sizeof(*offsets));
	if (!offsets)
		return false;
	view->offsets = offsets;
	view->capacity = capacity;
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

/* Where address lies in the view: as in the last stack, or wherever its span is. */
static bool locate(struct walk *walk, uint64_t address, uint32_t *offset)
{
	const struct spy_stack_view *last = walk->last;

	if (last && walk->in_last < last->count && last->frames[walk->in_last].address == address) {
		*offset = last->offsets[walk->in_last];
		return true;
	}
	walk->span = spy_spans_find(&walk->memory->spans, address, walk->reader->extent,
				    walk->span);
	if (!walk->span)
		return false;
	*offset = (uint32_t)(walk->reader->head + walk->span->offset +
			     (address - walk->span->start));
	return true;
}

/* Inner frames of the last stack that have returned are passed by. */
static size_t pass_by(const struct walk *walk, uint64_t address)
{
	const struct spy_stack_view *last = walk->last;
	size_t at = walk->in_last,
	       end = at + PASSED_BY < last->count ? at + PASSED_BY : last->count;

	while (at < end && last->frames[at].address != address)
		at++;
	return at < end ? at : walk->in_last;
}

/*
 * Takes the frame from the last stack when its bytes are the same: true. The last stack is
 * followed at the same pace, after what it had more of at its inner end.
 */
static bool take_last(struct walk *walk, uint64_t address, uint32_t offset)
{
	const struct spy_stack_view *last = walk->last;
	struct spy_stack_view *view = walk->view;
	size_t at = walk->in_last, count = view->count;

	view->codes[count] = NULL;
	if (!last) {
		walk->run = count + 1;
		return false;
	}
	if (count == walk->run)
		at = pass_by(walk, address);
	if (at < last->count && last->frames[at].address == address &&
	    last->offsets[at] == offset) {
		walk->in_last = at + 1;
		if (memcmp(view->bytes + offset + walk->reader->steady,
			   last->bytes + offset + walk->reader->steady,
			   walk->reader->extent - walk->reader->steady) == 0) {
			view->frames[count] = last->frames[at];
			view->codes[count] = last->codes[at];
			return true;
		}
	} else {
		walk->in_last = at;
	}
	walk->run = count + 1;
	return false;
}

/*
 * Compares a frame with the second copy: the innermost one's links, the others up to the
 * frame that they called when that lies behind them on the data stack, locals and evaluation
 * stack included, else their heads.
 */
static bool stands(const struct walk *walk, size_t i)
{
	const struct spy_stack_view *view = walk->view;
	const struct spy_raw_frame *frame = &view->frames[i];
	uint32_t offset = view->offsets[i];
	const uint8_t *second = walk->second + offset - walk->reader->head;
	size_t size = walk->reader->extent;
	struct spy_raw_frame other;

	if (walk->memory->still)
		return true;
	if (i == 0) {
		if (is_freed(walk->reader, second))
			return false;
		spy_frame_decode(walk->reader->heap.layout, frame->address, second, &other);
		return frame->back == other.back && frame->code == other.code &&
		       frame->owner == other.owner;
	}
	if (walk->reader->heap.layout->frames != SPY_FRAME_OBJECTS &&
	    view->offsets[i - 1] > offset &&
	    view->offsets[i - 1] - offset == view->frames[i - 1].address - frame->address)
		size = view->offsets[i - 1] - offset;
	return memcmp(view->bytes + offset + walk->reader->steady, second + walk->reader->steady,
		      size - walk->reader->steady) == 0;
}

static enum spy_walk follow(struct walk *walk, uint64_t address, uint64_t *missing)
{
	const struct spy_stack_reader *reader = walk->reader;
	struct spy_stack_view *view = walk->view;
	size_t next_anchor = 1;
	uint64_t anchor = 0;

	while (address) {
		uint32_t offset;

		if (view->count == SPY_DEPTH_LIMIT) {
			view->truncated = true;
			break;
		}
		if (!spy_address_plausible(address))
			return SPY_WALK_DISAGREE;
		if (!locate(walk, address, &offset)) {
			*missing = address;
			return SPY_WALK_MISS;
		}
		if (!room(view))
			return SPY_WALK_NOMEM;
		if (is_freed(reader, view->bytes + offset))
			return SPY_WALK_DISAGREE;
		view->offsets[view->count] = offset;
		if (!take_last(walk, address, offset))
			spy_frame_decode(reader->heap.layout, address, view->bytes + offset,
					 &view->frames[view->count]);
		if (!stands(walk, view->count))
			return SPY_WALK_DISAGREE;
		address = view->frames[view->count++].back;
		/* No stack runs in a circle (Brent): frames of two moments may. */
		if (address && address == anchor)
			return SPY_WALK_DISAGREE;
		if (view->count == next_anchor) {
			anchor = address;
			next_anchor *= 2;
		}
	}
	return SPY_WALK_DONE;
}

void spy_stack_tops(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		    const uint8_t *second, uint64_t tops[2])
{
	const struct spy_layout *layout = reader->heap.layout;
	const uint8_t *window = memory->views[memory->now].bytes;

	if (layout->frames == SPY_FRAME_CFRAME)
		tops[0] = spy_word_at(window, reader->head - 8);
	else
		tops[0] = spy_word_at(window, (layout->frames == SPY_FRAME_OBJECTS
						       ? layout->tstate_frame
						       : layout->tstate_current_frame) -
						      reader->window_start);
	tops[1] = memory->still ? tops[0] : spy_word_at(second, memory->spans.bytes);
}

/* The innermost frame, if both copies agree on it. */
static enum spy_walk find_top(const struct spy_stack_reader *reader,
			      struct spy_stack_memory *memory, const uint8_t *second, uint64_t *top)
{
	const struct spy_layout *layout = reader->heap.layout;
	const uint8_t *window = memory->views[memory->now].bytes;
	uint64_t cframe, tops[2];

	if (layout->frames == SPY_FRAME_CFRAME) {
		cframe = spy_word_at(window, layout->tstate_cframe - reader->window_start);
		if (!spy_address_plausible(cframe))
			return SPY_WALK_GONE;
		if (cframe != memory->cframe) {
			memory->cframe = cframe;
			return SPY_WALK_MOVED;
		}
	}
	spy_stack_tops(reader, memory, second, tops);
	*top = tops[0];
	return tops[0] == tops[1] ? SPY_WALK_DONE : SPY_WALK_DISAGREE;
}

static bool same_thread(const struct spy_stack_reader *reader,
			const struct spy_stack_memory *memory, const struct spy_thread_state *state)
{
	struct spy_thread_fields fields;

	spy_thread_decode(reader->heap.layout,
			  memory->views[memory->now].bytes + reader->list_start -
				  reader->window_start,
			  &fields);
	return fields.interpreter == state->interpreter && fields.ident == state->ident &&
	       fields.native_id == state->native_id;
}

enum spy_walk spy_stack_walk(const struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			     const struct spy_thread_state *state, size_t second, size_t *same,
			     uint64_t *missing)
{
	const struct spy_stack_view *last = &memory->views[!memory->now];
	struct walk walk = {
		.reader = reader,
		.memory = memory,
		.view = &memory->views[memory->now],
		.last = last->plan == memory->plan ? last : NULL,
		.second = reader->second + second,
	};
	enum spy_walk result;
	uint64_t top;

	walk.view->count = 0;
	walk.view->truncated = false;
	walk.view->plan = memory->plan;
	*same = 0;
	if (!same_thread(reader, memory, state))
		return SPY_WALK_GONE;
	result = find_top(reader, memory, walk.second, &top);
	if (result == SPY_WALK_DONE)
		result = follow(&walk, top, missing);
	if (result != SPY_WALK_DONE || !walk.last || walk.view->truncated || last->truncated)
		return result;
	/* Only where the last stack was followed to its end are both the same from the root on. */
	if (walk.in_last == last->count && walk.view->count - walk.run <= last->count)
		*same = walk.view->count - walk.run;
	return result;
}
