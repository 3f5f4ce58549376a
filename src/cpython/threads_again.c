/* The list of threads once more, in one read: most of the time nothing of it has changed. */
#include <stdlib.h>
#include <string.h>

#include "cpython/frames.h"
#include "cpython/threads.h"

/* Fields of one struct this near each other are read in one range: copying is the cheaper. */
#define NEAR 512

/* Bytes of a struct, read in one range. */
struct span {
	uint32_t start, size; /* size 0: none */
	uint32_t at;	      /* where in the buffer */
};

/* The spans that hold a struct's fields; there are at most four fields. */
struct plan {
	struct span spans[4];
	size_t count;
	uint32_t bytes; /* of all spans */
};

/* What is read of the process; then come each interpreter, its GIL and each thread. */
struct process_words {
	uint64_t head, holder;
	int32_t collecting;
};

/* Decoded. */
struct interpreter_words {
	uint64_t next, newest, gil, last_holder;
	bool locked, enabled, collecting;
};

struct reading {
	const struct spy_layout *layout;
	struct spy_thread_states *threads;
	struct plan interpreter, gil;
	uint32_t start, size; /* the window of a thread state */
	struct process_words process;
	uint8_t *interpreters; /* each interpreter.bytes and gil.bytes */
	uint8_t *windows;
};

static void plan_field(struct plan *plan, uint32_t offset, uint32_t size)
{
	uint32_t end = offset + size;
	size_t i;

	if (offset == SPY_NO_FIELD)
		return;
	for (i = 0; i < plan->count; i++) {
		struct span *span = &plan->spans[i];
		uint32_t span_end = span->start + span->size;

		if (end + NEAR < span->start || offset > span_end + NEAR)
			continue;
		if (offset < span->start)
			span->start = offset;
		span->size = (end > span_end ? end : span_end) - span->start;
		return;
	}
	plan->spans[plan->count++] = (struct span){ offset, size, 0 };
}

static void plan_end(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->count; i++) {
		plan->spans[i].at = plan->bytes;
		plan->bytes += (plan->spans[i].size + 7) & ~7u;
	}
}

static void make_plans(struct reading *reading)
{
	const struct spy_layout *layout = reading->layout;

	plan_field(&reading->interpreter, layout->interp_next, 8);
	plan_field(&reading->interpreter, layout->interp_threads_head, 8);
	plan_field(&reading->interpreter, layout->interp_ceval_gil, 8);
	plan_field(&reading->interpreter, layout->interp_gc_collecting, 4);
	plan_end(&reading->interpreter);
	if (layout->interp_ceval_gil != SPY_NO_FIELD) {
		plan_field(&reading->gil, layout->gil_last_holder, 8);
		plan_field(&reading->gil, layout->gil_locked, 4);
		plan_field(&reading->gil, layout->gil_enabled, 4);
		plan_end(&reading->gil);
	}
	spy_thread_window(layout, &reading->start, &reading->size);
}

static uint64_t planned(const struct plan *plan, const uint8_t *bytes, uint32_t offset, size_t size)
{
	uint64_t word = 0;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct span *span = &plan->spans[i];

		if (offset >= span->start && offset - span->start + size <= span->size)
			memcpy(&word, bytes + span->at + (offset - span->start), size);
	}
	return word;
}

static size_t interpreter_bytes(const struct reading *reading)
{
	return reading->interpreter.bytes + reading->gil.bytes;
}

static bool make_room(struct reading *reading)
{
	struct spy_thread_states *threads = reading->threads;
	size_t ranges = 3 + 8 * threads->interpreter_count + threads->count + threads->also_count;

	if (ranges > threads->range_capacity) {
		size_t bytes = (reading->size + interpreter_bytes(reading)) * ranges;
		struct spy_range *larger = realloc(threads->ranges, ranges * sizeof(*larger));
		uint8_t *more;

		if (!larger)
			return false;
		threads->ranges = larger;
		more = realloc(threads->bytes, bytes);
		if (!more)
			return false;
		threads->bytes = more;
		threads->range_capacity = ranges;
	}
	reading->interpreters = threads->bytes;
	reading->windows =
		threads->bytes + interpreter_bytes(reading) * threads->interpreter_count;
	return true;
}

static struct spy_range *add_ranges(const struct plan *plan, uint64_t address, uint8_t *bytes,
				    struct spy_range *range)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		*range++ = (struct spy_range){ address + plan->spans[i].start,
					       bytes + plan->spans[i].at, plan->spans[i].size };
	return range;
}

static bool read_all(struct reading *reading, const struct spy_heap *heap,
		     const struct spy_python *python)
{
	struct spy_thread_states *threads = reading->threads;
	struct process_words *process = &reading->process;
	struct spy_range *range = threads->ranges;
	size_t i;

	*range++ = (struct spy_range){ python->interpreters_head, &process->head, 8 };
	if (python->tstate_current)
		*range++ = (struct spy_range){ python->tstate_current, &process->holder, 8 };
	if (python->collecting)
		*range++ = (struct spy_range){ python->collecting, &process->collecting, 4 };
	for (i = 0; i < threads->interpreter_count; i++) {
		const struct spy_interpreter *interpreter = &threads->interpreters[i];
		uint8_t *bytes = reading->interpreters + i * interpreter_bytes(reading);

		range = add_ranges(&reading->interpreter, interpreter->address, bytes, range);
		if (interpreter->gil)
			range = add_ranges(&reading->gil, interpreter->gil,
					   bytes + reading->interpreter.bytes, range);
	}
	for (i = 0; i < threads->count; i++)
		*range++ = (struct spy_range){ threads->items[i].address + reading->start,
					       reading->windows + i * reading->size, reading->size };
	if (threads->also_count)
		memcpy(range, threads->also, threads->also_count * sizeof(*range));
	range += threads->also_count;
	return spy_memory_readv(heap->memory, threads->ranges, (size_t)(range - threads->ranges),
				NULL) == 0;
}

static void decode_interpreter(const struct reading *reading, size_t index,
			       struct interpreter_words *ret)
{
	const struct spy_layout *layout = reading->layout;
	const uint8_t *bytes = reading->interpreters + index * interpreter_bytes(reading);
	const uint8_t *gil = bytes + reading->interpreter.bytes;

	*ret = (struct interpreter_words){
		.next = planned(&reading->interpreter, bytes, layout->interp_next, 8),
		.newest = planned(&reading->interpreter, bytes, layout->interp_threads_head, 8),
		/* Also where none was known: an interpreter gets its GIL after its first thread. */
		.gil = planned(&reading->interpreter, bytes, layout->interp_ceval_gil, 8),
		.enabled = true,
	};
	if (layout->interp_gc_collecting != SPY_NO_FIELD)
		ret->collecting = planned(&reading->interpreter, bytes,
					  layout->interp_gc_collecting, 4) != 0;
	else
		ret->collecting = reading->process.collecting != 0;
	if (!reading->threads->interpreters[index].gil)
		return;
	ret->last_holder = planned(&reading->gil, gil, layout->gil_last_holder, 8);
	ret->locked = (int32_t)planned(&reading->gil, gil, layout->gil_locked, 4) > 0;
	if (layout->gil_enabled != SPY_NO_FIELD)
		ret->enabled = planned(&reading->gil, gil, layout->gil_enabled, 4) != 0;
}

/* The thread that comes after items[i] in CPython's list: the one before it in ours. */
static uint64_t expected_next(const struct spy_thread_states *threads, size_t i)
{
	return i && threads->items[i - 1].interpreter == threads->items[i].interpreter
		? threads->items[i - 1].address : 0;
}

static bool same_interpreters(const struct reading *reading)
{
	const struct spy_thread_states *threads = reading->threads;
	uint64_t expected = reading->process.head;
	struct interpreter_words words;
	size_t i;

	for (i = 0; i < threads->interpreter_count; i++) {
		const struct spy_interpreter *interpreter = &threads->interpreters[i];

		decode_interpreter(reading, i, &words);
		if (expected != interpreter->address || words.newest != interpreter->newest ||
		    words.gil != interpreter->gil)
			return false;
		expected = words.next;
	}
	return expected == 0;
}

static bool same_threads(const struct reading *reading)
{
	struct spy_thread_states *threads = reading->threads;
	struct interpreter_words words = { 0 };
	size_t i;

	for (i = 0; i < threads->count; i++) {
		struct spy_thread_state *thread = &threads->items[i];
		struct spy_thread_fields fields;

		/* An interpreter's threads follow each other. */
		if (!i || thread->interpreter_index != thread[-1].interpreter_index)
			decode_interpreter(reading, thread->interpreter_index, &words);
		spy_thread_decode(reading->layout, reading->windows + i * reading->size, &fields);
		if (fields.next != expected_next(threads, i) ||
		    fields.interpreter != thread->interpreter || fields.ident != thread->ident ||
		    fields.native_id != thread->native_id)
			return false;
		if (!words.gil)
			thread->gil = thread->address == reading->process.holder;
		else if (!words.enabled)
			thread->gil = fields.attached;
		else
			thread->gil = words.locked && thread->address == words.last_holder;
		thread->collecting = false;
	}
	return true;
}

bool spy_threads_again(const struct spy_heap *heap, const struct spy_python *python,
		       struct spy_thread_states *threads)
{
	struct reading reading = { .layout = heap->layout, .threads = threads };
	struct interpreter_words words;
	size_t i;

	threads->also_read = false;
	if (!threads->interpreter_count)
		return false;
	make_plans(&reading);
	if (!make_room(&reading) || !read_all(&reading, heap, python) ||
	    !same_interpreters(&reading) || !same_threads(&reading))
		return false;
	threads->gil_disabled = false;
	for (i = 0; i < threads->interpreter_count; i++) {
		decode_interpreter(&reading, i, &words);
		threads->gil_disabled |= !words.enabled;
		if (words.collecting)
			spy_threads_collecting(threads, i);
	}
	threads->also_read = threads->also_count > 0;
	return true;
}
