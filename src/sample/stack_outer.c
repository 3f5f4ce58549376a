/*
 * The outer part of a stack whose inner part changes too fast to be read. By the time that a
 * reading succeeds, or the thread stands still, some ten microseconds have passed. Had it left the
 * function by then in which all readings found it, and were the later stack taken, functions that
 * are hard to read would be seen too seldom and those that follow them too often.
 */
#include <stdlib.h>
#include <string.h>

#include "sample/stack_copy.h"

/* Deeper stacks are taken as they are found later. */
#define DEPTH_LIMIT 512
/* So many readings, the first ones, must have found it: it is no function of a microsecond. */
#define READINGS 2

/* The frames that each copy of a reading leads to, innermost first. */
struct spy_stack_chains {
	struct spy_raw_frame frames[2][DEPTH_LIMIT];
	size_t counts[2];
};

struct spy_stack_outer {
	struct spy_raw_frame frames[DEPTH_LIMIT]; /* what all have in common, innermost first */
	struct spy_known_code *codes[DEPTH_LIMIT];
	size_t count;
	unsigned readings; /* that found it; 0: none so far */
};

void spy_stack_outer_free(struct spy_stack_outer *outer)
{
	free(outer);
}

void spy_stack_outer_begin(struct spy_stack_memory *memory)
{
	if (memory->outer)
		memory->outer->readings = 0;
}

/* False when it leaves the copy, or does not end. */
static bool follow(const struct spy_stack_reader *reader, const struct spy_spans *spans,
		   const uint8_t *bytes, uint64_t address, struct spy_raw_frame *frames, size_t *count)
{
	const struct spy_span *span = NULL;

	for (*count = 0; address; address = frames[(*count)++].back) {
		if (*count == DEPTH_LIMIT || !spy_address_plausible(address))
			return false;
		span = spy_spans_find(spans, address, reader->extent, span);
		if (!span)
			return false;
		spy_frame_decode(reader->heap.layout, address,
				 bytes + span->offset + (address - span->start), &frames[*count]);
	}
	return *count > 0;
}

/* The same frame, in the same function, at two moments. Where it was may have changed. */
static bool is_same(const struct spy_raw_frame *left, const struct spy_raw_frame *right)
{
	return left->address == right->address && left->code == right->code &&
	       left->back == right->back && left->owner == right->owner;
}

/*
 * How many of the outermost frames two chains share. A frame that has called another since waits
 * elsewhere: what it called before is over, and only the last of those that are shared may have
 * moved on.
 */
static size_t shared(const struct spy_raw_frame *left, size_t left_count,
		     const struct spy_raw_frame *right, size_t right_count)
{
	size_t least = left_count < right_count ? left_count : right_count, i;

	for (i = 0; i < least; i++) {
		const struct spy_raw_frame *one = &left[left_count - 1 - i];
		const struct spy_raw_frame *other = &right[right_count - 1 - i];

		if (!is_same(one, other))
			return i;
		if (one->instr != other->instr)
			return i + 1;
	}
	return i;
}

/* What both copies of the reading at hand have in common, as a part of the first; or NULL. */
static const struct spy_raw_frame *common(const struct spy_stack_reader *reader,
					  const struct spy_stack_memory *memory, size_t second,
					  size_t *count)
{
	const struct spy_stack_view *view = &memory->views[memory->now];
	const uint8_t *bytes[2] = { view->bytes + reader->head, reader->second + second };
	struct spy_stack_chains *chains = reader->chains;
	uint64_t tops[2];
	int i;

	if (view->plan != memory->plan) /* the bytes are laid out otherwise than the spans by now */
		return NULL;
	spy_stack_tops(reader, memory, bytes[1], tops);
	for (i = 0; i < 2; i++)
		if (!follow(reader, &memory->spans, bytes[i], tops[i], chains->frames[i],
			    &chains->counts[i]))
			return NULL;
	*count = shared(chains->frames[0], chains->counts[0], chains->frames[1], chains->counts[1]);
	return *count ? chains->frames[0] + (chains->counts[0] - *count) : NULL;
}

/* Without memory nothing is noted. */
static bool begin(struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	if (!reader->chains)
		reader->chains = calloc(1, sizeof(*reader->chains));
	if (!memory->outer)
		memory->outer = calloc(1, sizeof(*memory->outer));
	return reader->chains && memory->outer;
}

void spy_stack_outer_note(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			  size_t second)
{
	struct spy_stack_outer *outer;
	const struct spy_raw_frame *found;
	size_t count = 0;

	/* Up to 3.10 frames lie about the heap, and two copies are no proof. */
	if (!reader->outer || reader->heap.layout->frames == SPY_FRAME_OBJECTS ||
	    !begin(reader, memory))
		return;
	outer = memory->outer;
	if (outer->readings == READINGS)
		return;
	found = common(reader, memory, second, &count);
	if (!found || found[count - 1].address != memory->root) {
		outer->count = 0;
	} else if (!outer->readings) {
		memcpy(outer->frames, found, count * sizeof(*found));
		outer->count = count;
		/* Between this reading and the next they are there, and so is what they run. */
		spy_stack_due_frames(reader, found, count);
	} else {
		size_t kept = shared(outer->frames, outer->count, found, count);

		memmove(outer->frames, outer->frames + (outer->count - kept),
			kept * sizeof(*found));
		outer->count = kept;
	}
	outer->readings++;
}

bool spy_stack_outer_left(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			  struct spy_stack *stack)
{
	struct spy_stack_outer *outer = memory->outer;
	size_t i;

	if (!outer || outer->readings < READINGS || !outer->count || stack->truncated ||
	    outer->frames[0].owner >= SPY_OWNED_BY_INTERPRETER ||
	    shared(outer->frames, outer->count, stack->frames, stack->count) == outer->count)
		return false;
	for (i = 0; i < outer->count; i++)
		if (!spy_stack_vouch(reader, &outer->frames[i], &outer->codes[i]))
			return false;
	/* The stack numbered before the next one is that which was read, and nobody gets to see. */
	stack->sequence = ++memory->sequence;
	memory->sequence++;
	stack->frames = outer->frames;
	stack->codes = outer->codes;
	stack->count = outer->count;
	stack->same = 0;
	stack->provisional = true;
	reader->counters.partial++;
	return true;
}
