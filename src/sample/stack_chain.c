/* Whether the chain of frames at hand counts, and what it tells of its thread. */
#include "base/bytes.h"
#include "base/map.h"
#include "sample/stack_copy.h"

/* A thread that runs Python code, but for so many readings in a row, is not in the collector. */
#define MOVES 3

/*
 * So often in a row a new chain of frames must read the same. Up to 3.10 frames are objects here
 * and there on the heap: copying them takes longer than a call of a tiny function does, and in
 * some of a hundred cases two copies agree on a stack that mixes two such calls. 3.11 and 3.12
 * lead to the frames through one more struct: there it is one in some ten thousand; later, and
 * where copying is slow, one in some hundred thousand.
 */
static unsigned confirmations(const struct spy_layout *layout)
{
	return layout->frames == SPY_FRAME_OBJECTS ? 4 : 2;
}

/*
 * A chain that ended at another root than ever before may have been cut by the target's own
 * doing between two reads: it counts once the same root was seen twice.
 */
static bool root_stands(struct spy_stack_memory *memory)
{
	const struct spy_stack_view *copy = &memory->views[memory->now];
	uint64_t root = copy->count ? copy->frames[copy->count - 1].address : 0;

	if (copy->truncated)
		return true;
	if (root == memory->root) {
		memory->candidate = root; /* any other is seen twice in a row, or not at all */
		return true;
	}
	if (root != memory->candidate) {
		memory->candidate = root;
		return false;
	}
	memory->root = root;
	return true;
}

/*
 * A generator's frame without a caller waits to be resumed, it runs nothing. One that is resumed
 * again and again is often found like this in both copies, and 3.12's YIELD_VALUE
 * (Python/bytecodes.c) takes the caller away, as compiled, before it makes another frame the
 * innermost: even a stop shows it. From 3.12 on an entry frame calls each; before, C code may,
 * and then its stops, one sample after the other, show the same.
 */
static bool ends_in_waiting(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_view *copy = &memory->views[memory->now];
	const struct spy_raw_frame *root = copy->count ? &copy->frames[copy->count - 1] : NULL;

	if (!root || root->back || root->owner != SPY_OWNED_BY_GENERATOR) {
		memory->lone = 0;
		return false;
	}
	/* Up to 3.10 one that throw() passes through has no caller meanwhile (gen_throw, genobject.c). */
	if (reader->heap.layout->frames == SPY_FRAME_OBJECTS && copy->count > 1)
		return false;
	if (spy_version_minor(&reader->heap.version) >= 0x030c || !memory->pause.attached)
		return true;
	if (memory->lone != root->address) {
		memory->lone = root->address;
		memory->lone_since = reader->planned;
	}
	return memory->lone_since == reader->planned;
}

bool spy_stack_ends_well(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	return !ends_in_waiting(reader, memory) && root_stands(memory);
}

/* A hash of which frames call which, and where; the innermost one may move on. */
static uint64_t hash_chain(const struct spy_stack_view *view)
{
	uint64_t hash = view->count;
	size_t i;

	for (i = 0; i < view->count; i++) {
		const struct spy_raw_frame *frame = &view->frames[i];

		hash = spy_mix(hash + frame->address) ^ spy_mix(hash ^ frame->code);
		if (i)
			hash = spy_mix(hash + frame->instr);
	}
	return hash;
}

bool spy_stack_is_known(const struct spy_stack_memory *memory, size_t same)
{
	const struct spy_stack_view *view = &memory->views[memory->now];
	const struct spy_stack_view *last = &memory->views[!memory->now];

	return view->count == last->count && same + 1 >= view->count &&
	       (!view->count || (view->frames[0].address == last->frames[0].address &&
				 view->frames[0].code == last->frames[0].code));
}

enum spy_confirmed spy_stack_confirm(const struct spy_stack_reader *reader,
				     struct spy_stack_memory *memory, size_t same)
{
	unsigned needed = confirmations(reader->heap.layout);
	uint64_t chain;

	if (memory->pause.attached || memory->still || spy_stack_is_known(memory, same))
		return SPY_CONFIRMED;
	chain = hash_chain(&memory->views[memory->now]);
	if (memory->repeated_ns != reader->now_ns)
		memory->repeated = 0;
	memory->repeated_ns = reader->now_ns;
	if (chain != memory->chain) {
		bool first = !memory->repeated;

		memory->chain = chain;
		memory->repeated = 1;
		return first ? SPY_UNCONFIRMED : SPY_CHANGED;
	}
	return ++memory->repeated < needed ? SPY_UNCONFIRMED : SPY_CONFIRMED;
}

/*
 * Both copies of the innermost frame differ in where it is, or in its variables: it runs. Behind the
 * data stack's top lies what the functions that a collector calls from C leave there.
 */
static bool runs(const struct spy_stack_reader *reader, const struct spy_stack_memory *memory,
		 size_t second)
{
	const struct spy_layout *layout = reader->heap.layout;
	const struct spy_stack_view *view = &memory->views[memory->now];
	const struct spy_raw_frame *frame = &view->frames[0];
	uint64_t from = layout->frame_localsplus, top;

	if (memory->still || !view->count || layout->tstate_datastack_top == SPY_NO_FIELD)
		return false;
	if (spy_stack_frame_moved(reader, memory, second, frame, layout->frame_instr_ptr, 8))
		return true;
	top = spy_word_at(view->bytes, layout->tstate_datastack_top - reader->window_start);
	return top > frame->address + from && top - frame->address < SPY_PAGE &&
	       spy_stack_frame_moved(reader, memory, second, frame, from,
				     (size_t)(top - frame->address - from));
}

bool spy_stack_collects(const struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			const struct spy_thread_state *state, size_t same, size_t second)
{
	bool moved = runs(reader, memory, second), collects = state->collecting;

	if (memory->collecting_at && state->gil) {
		if (!memory->asked && !(moved && spy_stack_is_known(memory, same)) &&
		    spy_memory_read(reader->heap.memory, memory->collecting_at,
				    &memory->collecting, sizeof(memory->collecting), NULL) < 0)
			memory->collecting = 0;
		collects = memory->collecting != 0;
	}
	if (collects)
		memory->moves = 0;
	else if (moved)
		memory->moves = MOVES;
	else if (memory->moves)
		memory->moves--;
	return collects;
}
