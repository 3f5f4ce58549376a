/* The list of threads once more, in one read: most of the time nothing of it has changed. */
#include <stdlib.h>
#include <string.h>

#include "cpython/frames.h"
#include "cpython/threads.h"

/* What is read of the process, of each interpreter and of each thread, in this order. */
struct process_words {
	uint64_t head, holder;
};

struct interpreter_words {
	uint64_t next, newest, gil, last_holder;
	int32_t locked, enabled;
};

struct reading {
	const struct spy_layout *layout;
	struct spy_thread_states *threads;
	uint32_t start, size; /* the window of a thread state */
	struct process_words process;
	struct interpreter_words *interpreters;
	uint8_t *windows;
};

static bool make_room(struct reading *reading)
{
	struct spy_thread_states *threads = reading->threads;
	size_t ranges = 2 + 6 * threads->interpreter_count + threads->count;

	if (ranges > threads->range_capacity) {
		size_t bytes = (size_t)reading->size * ranges +
			       sizeof(struct interpreter_words) * ranges;
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
	reading->interpreters = (struct interpreter_words *)threads->bytes;
	reading->windows = threads->bytes +
			   sizeof(struct interpreter_words) * threads->interpreter_count;
	return true;
}

static struct spy_range *plan_interpreter(const struct spy_layout *layout,
					  const struct spy_interpreter *interpreter,
					  struct interpreter_words *words, struct spy_range *range)
{
	uint64_t address = interpreter->address, gil = interpreter->gil;

	*words = (struct interpreter_words){ .gil = gil, .enabled = 1 };
	*range++ = (struct spy_range){ address + layout->interp_next, &words->next, 8 };
	*range++ = (struct spy_range){ address + layout->interp_threads_head, &words->newest, 8 };
	if (!gil)
		return range;
	*range++ = (struct spy_range){ address + layout->interp_ceval_gil, &words->gil, 8 };
	*range++ = (struct spy_range){ gil + layout->gil_last_holder, &words->last_holder, 8 };
	*range++ = (struct spy_range){ gil + layout->gil_locked, &words->locked, 4 };
	if (layout->gil_enabled != SPY_NO_FIELD)
		*range++ = (struct spy_range){ gil + layout->gil_enabled, &words->enabled, 4 };
	return range;
}

static bool read_all(struct reading *reading, const struct spy_heap *heap,
		     const struct spy_python *python)
{
	struct spy_thread_states *threads = reading->threads;
	struct spy_range *range = threads->ranges;
	size_t i;

	*range++ = (struct spy_range){ python->interpreters_head, &reading->process.head, 8 };
	if (python->tstate_current)
		*range++ = (struct spy_range){ python->tstate_current, &reading->process.holder, 8 };
	for (i = 0; i < threads->interpreter_count; i++)
		range = plan_interpreter(reading->layout, &threads->interpreters[i],
					 &reading->interpreters[i], range);
	for (i = 0; i < threads->count; i++)
		*range++ = (struct spy_range){ threads->items[i].address + reading->start,
					       reading->windows + i * reading->size, reading->size };
	return spy_memory_readv(heap->memory, threads->ranges, (size_t)(range - threads->ranges),
				NULL) == 0;
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
	size_t i;

	for (i = 0; i < threads->interpreter_count; i++) {
		const struct spy_interpreter *interpreter = &threads->interpreters[i];

		if (expected != interpreter->address ||
		    reading->interpreters[i].newest != interpreter->newest ||
		    reading->interpreters[i].gil != interpreter->gil)
			return false;
		expected = reading->interpreters[i].next;
	}
	return expected == 0;
}

static bool same_threads(const struct reading *reading)
{
	struct spy_thread_states *threads = reading->threads;
	size_t i;

	for (i = 0; i < threads->count; i++) {
		struct spy_thread_state *thread = &threads->items[i];
		const struct interpreter_words *words =
			&reading->interpreters[thread->interpreter_index];
		struct spy_thread_fields fields;

		spy_thread_decode(reading->layout, reading->windows + i * reading->size, &fields);
		if (fields.next != expected_next(threads, i) ||
		    fields.interpreter != thread->interpreter || fields.ident != thread->ident ||
		    fields.native_id != thread->native_id)
			return false;
		if (!words->gil)
			thread->gil = thread->address == reading->process.holder;
		else if (!words->enabled)
			thread->gil = fields.attached;
		else
			thread->gil = words->locked > 0 && thread->address == words->last_holder;
	}
	return true;
}

bool spy_threads_again(const struct spy_heap *heap, const struct spy_python *python,
		       struct spy_thread_states *threads)
{
	struct reading reading = { .layout = heap->layout, .threads = threads };
	size_t i;

	if (!threads->interpreter_count)
		return false;
	spy_thread_window(heap->layout, &reading.start, &reading.size);
	if (!make_room(&reading) || !read_all(&reading, heap, python) ||
	    !same_interpreters(&reading) || !same_threads(&reading))
		return false;
	threads->gil_disabled = false;
	for (i = 0; i < threads->interpreter_count; i++)
		threads->gil_disabled |= !reading.interpreters[i].enabled;
	return true;
}
