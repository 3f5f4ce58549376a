/* What a copy says: the frames, compared with the second copy and with the last stack. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sample/stack_copy.h"

/* So many frames that the last stack had more at its inner end are looked behind. */
#define PASSED_BY 32
/* So often all that is left is compared at once with the last stack before it is done by frame. */
#define AT_ONCE_TRIES 2

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
	unsigned tries;		     /* of take_many that failed */
};

static bool room(struct spy_stack_view *view, size_t more)
{
	size_t capacity = view->count + more > 16 ? (view->count + more) * 2 : 32;
	struct spy_raw_frame *frames;
	struct spy_known_code **codes;
	uint32_t *offsets;

	if (view->count + more <= view->capacity)
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
 * How much of frame i is compared with the second copy: up to the frame that it called when that lies
 * behind it on the data stack, locals and evaluation stack included, else its head.
 */
static size_t size_of(const struct walk *walk, size_t i, uint64_t address, uint32_t offset)
{
	const struct spy_stack_view *view = walk->view;

	return walk->reader->heap.layout->frames != SPY_FRAME_OBJECTS &&
			       view->offsets[i - 1] > offset &&
			       view->offsets[i - 1] - offset == view->frames[i - 1].address - address
		? view->offsets[i - 1] - offset : walk->reader->extent;
}

/* Whether both copies agree, as far as there are two. */
static bool agree(const struct walk *walk, size_t offset, size_t size)
{
	const struct spy_stack_memory *memory = walk->memory;
	size_t head = walk->reader->head, from = offset - head, to = from + size;

	if (from < memory->twice_from)
		from = memory->twice_from;
	if (to > memory->twice_to)
		to = memory->twice_to;
	return from >= to || memory->still ||
	       memcmp(walk->view->bytes + head + from, walk->second + from, to - from) == 0;
}

/* Compares a frame of both copies, of the innermost one only the links. */
static bool stands(const struct walk *walk, size_t i)
{
	const struct spy_stack_view *view = walk->view;
	const struct spy_raw_frame *frame = &view->frames[i];
	uint32_t offset = view->offsets[i];
	const uint8_t *second = walk->second + offset - walk->reader->head;
	struct spy_raw_frame other;

	if (i == 0 && !walk->memory->still) {
		if (is_freed(walk->reader, second))
			return false;
		spy_frame_decode(walk->reader->heap.layout, frame->address, second, &other);
		return frame->back == other.back && frame->code == other.code &&
		       frame->owner == other.owner;
	}
	return i == 0 || agree(walk, offset + walk->reader->steady,
			       size_of(walk, i, frame->address, offset) - walk->reader->steady);
}

/* How many of the last stack's frames, from there on outwards, lie in front of it in the same span. */
static size_t count_in_front(const struct spy_stack_view *last, size_t from)
{
	uint64_t address = last->frames[from].address;
	uint32_t offset = last->offsets[from];
	size_t at = from + 1;

	/* Spans that are apart in memory are not so far apart in the copy. */
	while (at < last->count && last->frames[at].address < last->frames[at - 1].address &&
	       address - last->frames[at].address == offset - last->offsets[at])
		at++;
	return at - from;
}

/*
 * What take_last and stands do, for all frames of a span at once: on the data stack they lie behind
 * one another, and while a thread computes most are what they were. Returns how many were taken.
 */
static size_t take_many(struct walk *walk, uint64_t address)
{
	const struct spy_stack_view *last = walk->last;
	struct spy_stack_view *view = walk->view;
	size_t at, count;
	uint32_t from, to;

	if (!last || !view->count || walk->tries == AT_ONCE_TRIES ||
	    walk->reader->heap.layout->frames == SPY_FRAME_OBJECTS)
		return 0;
	at = view->count == walk->run ? pass_by(walk, address) : walk->in_last;
	if (at == last->count || last->frames[at].address != address)
		return 0;
	count = count_in_front(last, at);
	if (count < 2 || view->count + count > SPY_DEPTH_LIMIT)
		return 0;
	from = last->offsets[at + count - 1];
	to = last->offsets[at];
	if (memcmp(view->bytes + from, last->bytes + from, to + walk->reader->extent - from) != 0 ||
	    !agree(walk, from, to + size_of(walk, view->count, address, to) - from)) {
		walk->tries++;
		return 0;
	}
	if (!room(view, count))
		return 0;
	memcpy(view->frames + view->count, last->frames + at, count * sizeof(*view->frames));
	memcpy(view->codes + view->count, last->codes + at, count * sizeof(*view->codes));
	memcpy(view->offsets + view->count, last->offsets + at, count * sizeof(*view->offsets));
	walk->in_last = at + count;
	view->count += count;
	return count;
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
		if (!room(view, 1))
			return SPY_WALK_NOMEM;
		if (is_freed(reader, view->bytes + offset))
			return SPY_WALK_DISAGREE;
		view->offsets[view->count] = offset;
		if (!take_many(walk, address)) {
			if (!take_last(walk, address, offset))
				spy_frame_decode(reader->heap.layout, address, view->bytes + offset,
						 &view->frames[view->count]);
			if (!stands(walk, view->count++))
				return SPY_WALK_DISAGREE;
		}
		address = view->frames[view->count - 1].back;
		/* No stack runs in a circle (Brent): frames of two moments may. */
		if (address && address == anchor)
			return SPY_WALK_DISAGREE;
		if (view->count >= next_anchor) {
			anchor = address;
			next_anchor = 2 * view->count;
		}
	}
	return SPY_WALK_DONE;
}

void spy_stack_tops(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		    const uint8_t *second, uint64_t tops[2])
{
	const struct spy_layout *layout = reader->heap.layout;
	const uint8_t *window = memory->views[memory->now].bytes;
	size_t at = spy_stack_top_offset(reader, memory);

	if (layout->frames == SPY_FRAME_CFRAME)
		tops[0] = spy_word_at(window, at == memory->spans.bytes ? reader->head - 8
									: reader->head + at);
	else
		tops[0] = spy_word_at(window, (layout->frames == SPY_FRAME_OBJECTS
						       ? layout->tstate_frame
						       : layout->tstate_current_frame) -
						      reader->window_start);
	tops[1] = memory->still ? tops[0] : spy_word_at(second, at);
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
	if (tops[0] != tops[1])
		return SPY_WALK_DISAGREE;
	/* Of the last one's innermost frame there are two copies. */
	return memory->light && *top != memory->views[!memory->now].frames[0].address
		? SPY_WALK_MOVED : SPY_WALK_DONE;
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
