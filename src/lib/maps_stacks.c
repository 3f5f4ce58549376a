/* Threads' stacks, C's and Python's. */
#include <stdlib.h>
#include <string.h>

#include "cpython/names.h"
#include "lib/maps_parts.h"
#include "target/stacks.h"

/* A thread's descriptor is smaller. */
#define DESCRIPTOR_SIZE 4096
/* From a sleeping thread's stack pointer to the top of its stack, as far as is looked. */
#define USED_SIZE ((size_t)1 << 20)
/* Chunks of one thread's frames. */
#define CHUNKS_LIMIT 65536
#define CHUNK_LIMIT (UINT64_C(1) << 32)
/* A guard is some pages; one of more than this is something else (musl's largest has 64 KiB). */
#define GUARD_LIMIT (UINT64_C(1) << 20)
/* The top of a stack of no known thread, which has its descriptor and thread-local variables. */
#define TOP_SIZE 65536

struct threads {
	struct spy_maps_look *look;
	struct spy_tasks tasks;
	struct spy_thread_names names; /* of threading, of the main interpreter */
	bool *known;		       /* for each task: its stack has been found */
};

/* tasks->count when there is none. */
static size_t index_of(const struct spy_tasks *tasks, pid_t ns_tid)
{
	size_t i;

	for (i = 0; i < tasks->count; i++)
		if (tasks->items[i].ns_tid == ns_tid)
			break;
	return i;
}

static bool has_task(void *context, pid_t ns_tid)
{
	const struct spy_tasks *tasks = context;

	return index_of(tasks, ns_tid) < tasks->count;
}

/* The index of the task that a thread state belongs to; tasks.count when there is none. */
static size_t task_of(struct threads *threads, const struct spy_thread_state *state)
{
	pid_t ns_tid = spy_thread_tid(threads->look->process->memory, state, has_task,
				      &threads->tasks);

	return ns_tid ? index_of(&threads->tasks, ns_tid) : threads->tasks.count;
}

/* threading's name, else the operating system's. */
static uint32_t name_of(struct threads *threads, uint64_t ident, pid_t tid)
{
	struct spy_stat stat;
	size_t i;

	for (i = 0; ident && i < threads->names.count; i++)
		if (threads->names.items[i].ident == ident)
			return spy_look_name(threads->look, threads->names.items[i].name);
	if (tid && spy_stat_read(threads->look->process->pid, tid, &stat, NULL) == 0)
		return spy_look_name(threads->look, stat.command);
	return spy_look_name(threads->look, "thread");
}

static void claim_stack(struct threads *threads, const struct spy_stack_bounds *bounds,
			uint32_t name, pid_t tid)
{
	spy_look_claim(threads->look, bounds->start, bounds->end, PYSPYC_MAP_STACKS, name, tid);
}

/* Python's frames from 3.11 on: struct _stack_chunk (Include/cpython/pystate.h). */
static void claim_chunks(struct threads *threads, const struct spy_thread_state *state,
			 uint32_t name, pid_t tid)
{
	struct spy_maps_look *look = threads->look;
	const struct spy_layout *layout = &look->python.layout;
	struct {
		uint64_t previous;
		uint64_t size;
	} chunk;
	unsigned count;
	uint64_t address;

	if (layout->tstate_datastack_chunk == SPY_NO_FIELD ||
	    spy_memory_read_word(look->process->memory,
				 state->address + layout->tstate_datastack_chunk, &address,
				 NULL) < 0)
		return;
	for (count = 0; address && count < CHUNKS_LIMIT; count++, address = chunk.previous) {
		const struct spy_smap *smap = spy_smaps_find(&look->smaps, address);

		if (!smap || !spy_look_is_plain(&smap->mapping) || address % 4096 ||
		    spy_memory_read(look->process->memory, address, &chunk, sizeof(chunk), NULL) <
			    0 ||
		    chunk.size % 4096 || chunk.size > CHUNK_LIMIT ||
		    chunk.size > smap->mapping.end - address)
			return;
		spy_look_claim(look, address, address + chunk.size, PYSPYC_MAP_DATA_STACKS, name,
			       tid);
	}
}

static void look_at_python(struct threads *threads)
{
	struct spy_maps_look *look = threads->look;
	size_t i;

	for (i = 0; i < look->states.count; i++) {
		const struct spy_thread_state *state = &look->states.items[i];
		size_t task = task_of(threads, state);
		pid_t tid = task < threads->tasks.count ? threads->tasks.items[task].tid : 0;
		uint32_t name = name_of(threads, state->ident, tid);
		struct spy_stack_bounds bounds;

		claim_chunks(threads, state, name, tid);
		if (tid == look->process->pid || (tid && threads->known[task]) ||
		    !spy_stack_find(look->process->memory, &look->smaps, state->ident,
				    DESCRIPTOR_SIZE, &bounds))
			continue;
		claim_stack(threads, &bounds, name, tid);
		if (tid)
			threads->known[task] = true;
	}
}

/* Threads that Python does not know. */
static void look_at_others(struct threads *threads)
{
	struct spy_maps_look *look = threads->look;
	size_t i, unknown = 0;

	for (i = 0; i < threads->tasks.count; i++) {
		pid_t tid = threads->tasks.items[i].tid;
		struct spy_stack_bounds bounds;
		uint64_t pointer;

		if (threads->known[i] || tid == look->process->pid)
			continue;
		if (spy_stack_pointer_read(look->process->pid, tid, &pointer) &&
		    spy_stack_find(look->process->memory, &look->smaps, pointer, USED_SIZE,
				   &bounds))
			claim_stack(threads, &bounds, name_of(threads, 0, tid), tid);
		else
			unknown++;
	}
	if (unknown)
		spy_look_note(look,
			      "of %zu thread%s the stack could not be told apart: it is of no known "
			      "thread, or among other private memory",
			      unknown, unknown == 1 ? "" : "s");
}

/*
 * Behind guard pages that no thread claims, with a descriptor at its top: a stack that glibc keeps
 * for the next thread, or that of a thread that runs right now.
 */
static void look_at_rest(struct threads *threads)
{
	struct spy_maps_look *look = threads->look;
	uint32_t name = spy_look_name(look, "of no known thread");
	size_t i, next = 0;

	spy_look_sort_claims(look);
	for (i = 1; i < look->smaps.count; i++) {
		const struct spy_mapping *guard = &look->smaps.items[i - 1].mapping;
		const struct spy_mapping *mapping = &look->smaps.items[i].mapping;
		uint64_t size = mapping->end - mapping->start;
		struct spy_stack_bounds bounds;

		while (next < look->claims.count && look->claims.items[next].end <= mapping->start)
			next++;
		if (guard->end != mapping->start || *guard->path || *mapping->path ||
		    guard->flags & (SPY_MAP_READ | SPY_MAP_WRITE | SPY_MAP_EXEC) ||
		    guard->end - guard->start > GUARD_LIMIT || !spy_look_is_plain(mapping) ||
		    (next < look->claims.count && look->claims.items[next].start < mapping->end))
			continue;
		if (spy_stack_find(look->process->memory, &look->smaps,
				   size > TOP_SIZE ? mapping->end - TOP_SIZE : mapping->start,
				   TOP_SIZE, &bounds))
			claim_stack(threads, &bounds, name, 0);
	}
}

void spy_look_stacks(struct spy_maps_look *look)
{
	struct threads threads = { .look = look };
	struct spy_heap heap = { look->process->memory, &look->python.layout,
				 look->python.version };

	if (spy_process_tasks(look->process, &threads.tasks, NULL) < 0)
		return;
	threads.known = calloc(threads.tasks.count + 1, sizeof(*threads.known));
	if (!threads.known) {
		look->failed = true;
	} else {
		if (look->is_python && look->states.count &&
		    spy_thread_names_read(&heap, look->states.items[0].interpreter, &threads.names,
					  NULL) < 0)
			threads.names = (struct spy_thread_names){ 0 };
		if (look->is_python)
			look_at_python(&threads);
		look_at_others(&threads);
		look_at_rest(&threads);
	}
	free(threads.known);
	spy_thread_names_free(&threads.names);
	spy_tasks_free(&threads.tasks);
}
