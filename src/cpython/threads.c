#include "cpython/threads.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpython/frames.h"

#define ATTACHED 1 /* _Py_THREAD_ATTACHED, Include/internal/pycore_pystate.h, 3.13 */

/* What one walk over the lists sees, and what it needs on the way. */
struct walk {
	const struct spy_heap *heap;
	const struct spy_python *python;
	uint32_t start, size; /* the window of a thread state */
	struct spy_thread_states *ret;
	uint64_t holder; /* to 3.11: the thread state that holds the GIL */
};

static void widen(uint32_t *start, uint32_t *size, uint32_t offset, uint32_t width)
{
	uint32_t end = *start + *size;

	if (offset == SPY_NO_FIELD)
		return;
	if (!*size) {
		*start = offset;
		*size = width;
		return;
	}
	if (offset + width > end)
		end = offset + width;
	if (offset < *start)
		*start = offset;
	*size = end - *start;
}

void spy_thread_window(const struct spy_layout *layout, uint32_t *start, uint32_t *size)
{
	*start = *size = 0;
	widen(start, size, layout->tstate_next, 8);
	widen(start, size, layout->tstate_interp, 8);
	widen(start, size, layout->tstate_thread_id, 8);
	widen(start, size, layout->tstate_native_thread_id, 8);
	widen(start, size, layout->tstate_state, 4);
}

static uint64_t field(const uint8_t *window, uint32_t start, uint32_t offset, size_t size)
{
	uint64_t word = 0;

	if (offset != SPY_NO_FIELD)
		memcpy(&word, window + (offset - start), size);
	return word;
}

void spy_thread_decode(const struct spy_layout *layout, const uint8_t *window,
		       struct spy_thread_fields *ret)
{
	uint32_t start, size;

	spy_thread_window(layout, &start, &size);
	ret->next = field(window, start, layout->tstate_next, 8);
	ret->interpreter = field(window, start, layout->tstate_interp, 8);
	ret->ident = field(window, start, layout->tstate_thread_id, 8);
	ret->native_id = field(window, start, layout->tstate_native_thread_id, 8);
	ret->attached = field(window, start, layout->tstate_state, 4) == ATTACHED;
}

static bool append(struct spy_thread_states *threads, const struct spy_thread_state *thread)
{
	if (threads->count == threads->capacity) {
		size_t capacity = threads->capacity ? threads->capacity * 2 : 16;
		struct spy_thread_state *items = realloc(threads->items, capacity * sizeof(*items));

		if (!items)
			return false;
		threads->items = items;
		threads->capacity = capacity;
	}
	threads->items[threads->count++] = *thread;
	return true;
}

/* Who holds the GIL of one interpreter, from 3.12 on; 0 for nobody. */
static uint64_t gil_holder(const struct walk *walk, struct spy_interpreter *interpreter,
			   bool *disabled)
{
	const struct spy_layout *layout = walk->heap->layout;
	struct spy_memory *memory = walk->heap->memory;
	uint64_t gil, holder = 0;
	int32_t locked = 0, enabled = 1;

	if (layout->interp_ceval_gil == SPY_NO_FIELD)
		return walk->holder;
	if (spy_memory_read_word(memory, interpreter->address + layout->interp_ceval_gil, &gil,
				 NULL) < 0 ||
	    !spy_address_plausible(gil))
		return 0;
	interpreter->gil = gil;
	if (layout->gil_enabled != SPY_NO_FIELD &&
	    spy_memory_read_int(memory, gil + layout->gil_enabled, &enabled, NULL) == 0 && !enabled)
		*disabled = true;
	if (spy_memory_read_int(memory, gil + layout->gil_locked, &locked, NULL) < 0 ||
	    locked <= 0 ||
	    spy_memory_read_word(memory, gil + layout->gil_last_holder, &holder, NULL) < 0)
		return 0;
	return holder;
}

/* The newest is first in CPython's list, the oldest in ours. */
static void reverse(struct spy_thread_state *first, size_t count)
{
	size_t left, right;

	for (left = 0, right = count; left + 1 < right; left++, right--) {
		struct spy_thread_state swap = first[left];

		first[left] = first[right - 1];
		first[right - 1] = swap;
	}
}

void spy_threads_collecting(struct spy_thread_states *threads, size_t index)
{
	struct spy_thread_state *collector = NULL;
	size_t holders = 0;
	size_t i;

	for (i = 0; i < threads->count; i++) {
		struct spy_thread_state *thread = &threads->items[i];

		if (thread->interpreter_index != index || !thread->gil)
			continue;
		collector = thread;
		holders++;
	}
	if (holders == 1)
		collector->collecting = true;
}

/* Whether the collector of one interpreter runs; also fills in where that stands. */
static bool is_collecting(const struct walk *walk, struct spy_interpreter *interpreter)
{
	const struct spy_layout *layout = walk->heap->layout;
	int32_t collecting = 0;

	interpreter->collecting = layout->interp_gc_collecting != SPY_NO_FIELD
					  ? interpreter->address + layout->interp_gc_collecting
					  : walk->python->collecting;
	return interpreter->collecting &&
	       spy_memory_read_int(walk->heap->memory, interpreter->collecting, &collecting,
				   NULL) == 0 &&
	       collecting != 0;
}

static int walk_threads(struct walk *walk, size_t index, struct pyspyc_error *err)
{
	const struct spy_layout *layout = walk->heap->layout;
	struct spy_interpreter *interpreter = &walk->ret->interpreters[index];
	uint8_t window[SPY_THREAD_WINDOW_LIMIT];
	size_t first = walk->ret->count;
	bool disabled = false;
	uint64_t address, holder;
	int result;

	result = spy_memory_read_word(walk->heap->memory,
				      interpreter->address + layout->interp_threads_head, &address,
				      err);
	if (result < 0)
		return result;
	interpreter->newest = address;
	holder = gil_holder(walk, interpreter, &disabled);
	walk->ret->gil_disabled |= disabled;
	while (address) {
		struct spy_thread_state thread = { .address = address,
						   .interpreter = interpreter->address,
						   .interpreter_index = (uint32_t)index,
						   .interpreter_id = interpreter->id };
		struct spy_thread_fields fields;

		if (walk->ret->count >= SPY_THREADS_LIMIT || !spy_address_plausible(address))
			return spy_fail(err, PYSPYC_EAGAIN, "the list of threads makes no sense");
		result = spy_memory_read(walk->heap->memory, address + walk->start, window,
					 walk->size, err);
		if (result < 0)
			return result;
		spy_thread_decode(layout, window, &fields);
		if (fields.interpreter != interpreter->address)
			return spy_fail(err, PYSPYC_EAGAIN, "the list of threads makes no sense");
		thread.ident = fields.ident;
		thread.native_id = fields.native_id;
		thread.gil = disabled ? fields.attached : address == holder;
		if (!append(walk->ret, &thread))
			return spy_nomem(err);
		address = fields.next;
	}
	reverse(walk->ret->items + first, walk->ret->count - first);
	if (is_collecting(walk, interpreter))
		spy_threads_collecting(walk->ret, index);
	return 0;
}

static struct spy_interpreter *append_interpreter(struct spy_thread_states *threads)
{
	if (threads->interpreter_count == threads->interpreter_capacity) {
		size_t capacity = threads->interpreter_capacity * 2 + 1;
		struct spy_interpreter *larger =
			realloc(threads->interpreters, capacity * sizeof(*larger));

		if (!larger)
			return NULL;
		threads->interpreters = larger;
		threads->interpreter_capacity = capacity;
	}
	return &threads->interpreters[threads->interpreter_count++];
}

static int64_t interpreter_id(const struct walk *walk, uint64_t interpreter, int64_t otherwise)
{
	uint64_t id;

	if (walk->heap->layout->interp_id == SPY_NO_FIELD ||
	    spy_memory_read_word(walk->heap->memory, interpreter + walk->heap->layout->interp_id,
				 &id, NULL) < 0)
		return otherwise;
	return (int64_t)id;
}

static int list_interpreters(struct walk *walk, struct pyspyc_error *err)
{
	struct spy_memory *memory = walk->heap->memory;
	uint64_t address;
	int result;

	result = spy_memory_read_word(memory, walk->python->interpreters_head, &address, err);
	if (result < 0)
		return result;
	if (!address)
		return spy_fail(err, PYSPYC_ENOTREADY, "the process has no Python interpreter now");
	while (address) {
		struct spy_interpreter *interpreter;

		if (walk->ret->interpreter_count >= SPY_INTERPRETERS_LIMIT ||
		    !spy_address_plausible(address))
			return spy_fail(err, PYSPYC_EAGAIN, "the list of interpreters makes no sense");
		interpreter = append_interpreter(walk->ret);
		if (!interpreter)
			return spy_nomem(err);
		*interpreter = (struct spy_interpreter){ .address = address };
		result = spy_memory_read_word(memory, address + walk->heap->layout->interp_next,
					      &address, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int walk_interpreters(struct walk *walk, struct pyspyc_error *err)
{
	const struct spy_python *python = walk->python;
	size_t i;
	int result;

	walk->ret->count = walk->ret->interpreter_count = 0;
	walk->ret->gil_disabled = false;
	result = list_interpreters(walk, err);
	if (result < 0)
		return result;
	if (python->tstate_current &&
	    spy_memory_read_word(walk->heap->memory, python->tstate_current, &walk->holder,
				 NULL) < 0)
		walk->holder = 0;
	/* CPython puts new ones in front of its list: the main one is at its end. */
	for (i = walk->ret->interpreter_count; i-- > 0;) {
		struct spy_interpreter *interpreter = &walk->ret->interpreters[i];
		size_t age = walk->ret->interpreter_count - 1 - i;

		interpreter->id = interpreter_id(walk, interpreter->address, (int64_t)age);
		result = walk_threads(walk, i, err);
		if (result < 0)
			return result;
	}
	return 0;
}

int spy_threads_read(const struct spy_heap *heap, const struct spy_python *python,
		     struct spy_thread_states *ret, struct pyspyc_error *err)
{
	struct walk walk = { .heap = heap, .python = python, .ret = ret };
	int tries, result = 0;

	if (spy_threads_again(heap, python, ret))
		return 0;
	spy_thread_window(heap->layout, &walk.start, &walk.size);
	if (walk.size > SPY_THREAD_WINDOW_LIMIT)
		return spy_fail(err, PYSPYC_EVERSION, "the layout of thread states makes no sense");
	for (tries = 0; tries < 5; tries++) {
		walk.holder = 0;
		result = walk_interpreters(&walk, err);
		if (result == 0)
			return 0;
		if (result != -PYSPYC_EAGAIN && result != -PYSPYC_EFAULT)
			break;
	}
	ret->count = ret->interpreter_count = 0;
	return result;
}

void spy_threads_free(struct spy_thread_states *threads)
{
	free(threads->items);
	free(threads->interpreters);
	free(threads->ranges);
	free(threads->bytes);
	*threads = (struct spy_thread_states){ 0 };
}

/*
 * Where the C library's thread descriptor keeps the tid: glibc's struct pthread (nptl/descr.h)
 * has it behind the TCB header and the list of stacks; musl's (src/internal/pthread_impl.h)
 * behind sysinfo, canary and a few pointers. ident is the descriptor's address.
 */
static const uint32_t tid_offsets[] = {
#if defined(__x86_64__)
	0x2d0, /* glibc 2.x */
	0x30,  /* musl 1.2 */
	0x38,  /* musl 1.1 */
#elif defined(__aarch64__)
	0xd0, /* glibc 2.x */
	0x28, /* musl */
	0x30,
#endif
};

pid_t spy_thread_tid(struct spy_memory *memory, const struct spy_thread_state *thread,
		     bool (*accept)(void *context, pid_t tid), void *context)
{
	size_t i;

	if (thread->native_id && thread->native_id < INT32_MAX &&
	    accept(context, (pid_t)thread->native_id))
		return (pid_t)thread->native_id;
	if (!spy_address_plausible(thread->ident))
		return 0;
	for (i = 0; i < sizeof(tid_offsets) / sizeof(tid_offsets[0]); i++) {
		int32_t tid;

		if (spy_memory_read_int(memory, thread->ident + tid_offsets[i], &tid, NULL) == 0 &&
		    tid > 0 && accept(context, tid))
			return tid;
	}
	return 0;
}
