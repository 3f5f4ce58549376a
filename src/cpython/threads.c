#include "cpython/threads.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpython/frames.h"

/* The fields of a thread state that the list needs lie in one window of this size. */
#define WINDOW_LIMIT 2048
#define ATTACHED 1 /* _Py_THREAD_ATTACHED, Include/internal/pycore_pystate.h, 3.13 */

struct window {
	uint32_t start, size;
};

/* What one walk over the lists sees, and what it needs on the way. */
struct walk {
	const struct spy_heap *heap;
	const struct spy_python *python;
	struct window window;
	struct spy_thread_states *ret;
	uint64_t holder; /* to 3.11: the thread state that holds the GIL */
};

static void widen(struct window *window, uint32_t offset, uint32_t size)
{
	uint32_t end = window->start + window->size;

	if (offset == SPY_NO_FIELD)
		return;
	if (!window->size) {
		*window = (struct window){ offset, size };
		return;
	}
	if (offset + size > end)
		end = offset + size;
	if (offset < window->start)
		window->start = offset;
	window->size = end - window->start;
}

static struct window thread_window(const struct spy_layout *layout)
{
	struct window window = { 0, 0 };

	widen(&window, layout->tstate_next, 8);
	widen(&window, layout->tstate_interp, 8);
	widen(&window, layout->tstate_thread_id, 8);
	widen(&window, layout->tstate_native_thread_id, 8);
	widen(&window, layout->tstate_state, 4);
	return window;
}

static uint64_t field(const struct walk *walk, const uint8_t *bytes, uint32_t offset)
{
	uint64_t word;

	if (offset == SPY_NO_FIELD)
		return 0;
	memcpy(&word, bytes + (offset - walk->window.start), sizeof(word));
	return word;
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
static uint64_t gil_holder(const struct walk *walk, uint64_t interpreter, bool *disabled)
{
	const struct spy_layout *layout = walk->heap->layout;
	struct spy_memory *memory = walk->heap->memory;
	uint64_t gil, holder = 0;
	int32_t locked = 0, enabled = 1;

	if (layout->interp_ceval_gil == SPY_NO_FIELD)
		return walk->holder;
	if (spy_memory_read_word(memory, interpreter + layout->interp_ceval_gil, &gil, NULL) < 0 ||
	    !spy_address_plausible(gil))
		return 0;
	if (layout->gil_enabled != SPY_NO_FIELD &&
	    spy_memory_read_int(memory, gil + layout->gil_enabled, &enabled, NULL) == 0 && !enabled)
		*disabled = true;
	if (spy_memory_read_int(memory, gil + layout->gil_locked, &locked, NULL) < 0 ||
	    locked <= 0 ||
	    spy_memory_read_word(memory, gil + layout->gil_last_holder, &holder, NULL) < 0)
		return 0;
	return holder;
}

static int walk_threads(struct walk *walk, uint64_t interpreter, int64_t id,
			struct pyspyc_error *err)
{
	const struct spy_layout *layout = walk->heap->layout;
	size_t first = walk->ret->count, left, right;
	uint8_t bytes[WINDOW_LIMIT];
	bool disabled = false;
	uint64_t address, holder;

	if (spy_memory_read_word(walk->heap->memory, interpreter + layout->interp_threads_head,
				 &address, err) < 0)
		return -PYSPYC_EFAULT;
	holder = gil_holder(walk, interpreter, &disabled);
	walk->ret->gil_disabled |= disabled;
	while (address) {
		struct spy_thread_state thread = { address, interpreter, id, 0, 0, false };
		uint64_t state;

		if (walk->ret->count >= SPY_THREADS_LIMIT || !spy_address_plausible(address) ||
		    spy_memory_read(walk->heap->memory, address + walk->window.start, bytes,
				    walk->window.size, NULL) < 0 ||
		    field(walk, bytes, layout->tstate_interp) != interpreter)
			return spy_fail(err, PYSPYC_EAGAIN, "the list of threads makes no sense");
		thread.ident = field(walk, bytes, layout->tstate_thread_id);
		thread.native_id = field(walk, bytes, layout->tstate_native_thread_id);
		state = layout->tstate_state == SPY_NO_FIELD
			? 0 : *(const uint32_t *)(bytes + layout->tstate_state - walk->window.start);
		thread.gil = disabled ? state == ATTACHED : address == holder;
		if (!append(walk->ret, &thread))
			return spy_nomem(err);
		address = field(walk, bytes, layout->tstate_next);
	}
	/* The newest is first in CPython's list. */
	for (left = first, right = walk->ret->count; left + 1 < right; left++, right--) {
		struct spy_thread_state swap = walk->ret->items[left];

		walk->ret->items[left] = walk->ret->items[right - 1];
		walk->ret->items[right - 1] = swap;
	}
	return 0;
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

static int walk_interpreters(struct walk *walk, struct pyspyc_error *err)
{
	const struct spy_python *python = walk->python;
	struct spy_memory *memory = walk->heap->memory;
	uint64_t address, count = 0;
	int result;

	walk->ret->count = 0;
	walk->ret->gil_disabled = false;
	result = spy_memory_read_word(memory, python->interpreters_head, &address, err);
	if (result < 0)
		return result;
	if (!address)
		return spy_fail(err, PYSPYC_ENOTREADY, "the process has no Python interpreter now");
	if (python->tstate_current &&
	    spy_memory_read_word(memory, python->tstate_current, &walk->holder, NULL) < 0)
		walk->holder = 0;
	for (; address; count++) {
		if (count >= SPY_INTERPRETERS_LIMIT || !spy_address_plausible(address))
			return spy_fail(err, PYSPYC_EAGAIN, "the list of interpreters makes no sense");
		result = walk_threads(walk, address, interpreter_id(walk, address, (int64_t)count),
				      err);
		if (result < 0)
			return result;
		result = spy_memory_read_word(memory, address + walk->heap->layout->interp_next,
					      &address, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int compare_interpreters(const void *left, const void *right)
{
	const struct spy_thread_state *a = left, *b = right;

	return (a->interpreter_id > b->interpreter_id) - (a->interpreter_id < b->interpreter_id);
}

/* Stable, for the order of threads is to be kept; there are few interpreters. */
static void sort_by_interpreter(struct spy_thread_states *threads)
{
	size_t i, j;

	for (i = 1; i < threads->count; i++) {
		struct spy_thread_state thread = threads->items[i];

		for (j = i; j > 0 && compare_interpreters(&threads->items[j - 1], &thread) > 0; j--)
			threads->items[j] = threads->items[j - 1];
		threads->items[j] = thread;
	}
}

int spy_threads_read(const struct spy_heap *heap, const struct spy_python *python,
		     struct spy_thread_states *ret, struct pyspyc_error *err)
{
	struct walk walk = { heap, python, thread_window(heap->layout), ret, 0 };
	int tries, result = 0;

	if (walk.window.size > WINDOW_LIMIT)
		return spy_fail(err, PYSPYC_EVERSION, "the layout of thread states makes no sense");
	for (tries = 0; tries < 5; tries++) {
		result = walk_interpreters(&walk, err);
		if (result == 0) {
			sort_by_interpreter(ret);
			return 0;
		}
		if (result != -PYSPYC_EAGAIN && result != -PYSPYC_EFAULT)
			break;
	}
	return result;
}

void spy_threads_free(struct spy_thread_states *threads)
{
	free(threads->items);
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
