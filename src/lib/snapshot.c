/* What every thread of a process is doing now. */
#include "pyspyc/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/attach.h"
#include "sample/sampler.h"
#include "sample/waits.h"

/* So often a snapshot that contradicts itself is taken. */
#define TRIES 5

/* The public struct and what it points to, all of it owned here. */
struct owned_snapshot {
	struct pyspyc_snapshot snapshot; /* first: the caller holds its address */
	struct pyspyc_thread_info *threads;
	size_t count, capacity;
	struct spy_strings strings; /* every text, each once */
	bool failed;
};

struct visit {
	struct owned_snapshot *owned;
	struct spy_sampler *sampler;
	const struct pyspyc_snapshot_options *options;
};

static const char *keep(struct owned_snapshot *owned, const char *text)
{
	uint32_t number = text ? spy_strings_intern(&owned->strings, text) : SPY_NO_STRING;

	if (!text)
		return NULL;
	if (number == SPY_NO_STRING) {
		owned->failed = true;
		return "";
	}
	return owned->strings.texts[number];
}

static void fill_frames(const struct visit *visit, const struct spy_stack *stack,
			struct pyspyc_thread_info *thread)
{
	const struct spy_heap *heap = &visit->sampler->reader.heap;
	struct pyspyc_frame_info *frames = calloc(stack->count + 2, sizeof(*frames));
	size_t i;

	if (!frames) {
		visit->owned->failed = true;
		return;
	}
	thread->frames = frames;
	thread->truncated = stack->truncated;
	if (stack->collecting && !visit->options->no_gc)
		frames[thread->frame_count++] =
			(struct pyspyc_frame_info){ .name = "<GC>", .file = "", .path = "" };
	for (i = 0; i < stack->count; i++) {
		struct spy_known_code *code = stack->codes[i];
		struct pyspyc_frame_info *frame = &frames[thread->frame_count];
		const char *shown;

		if (!code || spy_frame_incomplete(heap, code, &stack->frames[i], i == 0))
			continue;
		shown = visit->options->full_filenames
			? code->code.filename
			: spy_sampler_shorten(visit->sampler, code->code.filename);
		frame->name = keep(visit->owned, visit->options->names == PYSPYC_NAMES_QUALIFIED &&
							 code->code.qualname
							 ? code->code.qualname
							 : code->code.name);
		frame->file = keep(visit->owned, shown);
		frame->path = keep(visit->owned, code->code.filename);
		frame->line = spy_frame_line(heap, code, &stack->frames[i]);
		frame->first_line = code->code.first_line;
		thread->frame_count++;
	}
}

static bool waits_for_gil(const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	return !thread->active && !thread->shared && !sampler->states.gil_disabled &&
	       spy_wait_read(&sampler->reader.heap, &sampler->python, &sampler->states,
			     &thread->state, sampler->process->pid, thread->tid) == SPY_WAIT_GIL;
}

static void visit_thread(void *context, const struct spy_thread *thread,
			 const struct spy_stack *stack, int result, const struct pyspyc_error *err)
{
	struct visit *visit = context;
	struct owned_snapshot *owned = visit->owned;
	struct pyspyc_thread_info *info;

	if (owned->count == owned->capacity) {
		size_t capacity = owned->capacity ? owned->capacity * 2 : 16;
		struct pyspyc_thread_info *threads =
			realloc(owned->threads, capacity * sizeof(*threads));

		if (!threads) {
			owned->failed = true;
			return;
		}
		owned->threads = threads;
		owned->capacity = capacity;
	}
	info = &owned->threads[owned->count++];
	*info = (struct pyspyc_thread_info){
		.tid = thread->tid,
		.ident = thread->state.ident,
		.name = keep(owned, thread->name),
		.os_name = keep(owned, thread->os_name),
		.interpreter = thread->state.interpreter_id,
		.active = thread->active,
		.gil = thread->state.gil && !visit->sampler->states.gil_disabled,
		.gil_wait = waits_for_gil(visit->sampler, thread),
		.os_state = thread->os_state,
	};
	if (stack) {
		fill_frames(visit, stack, info);
	} else {
		info->error = keep(owned, err->message[0] ? err->message
							  : "the stack could not be read");
		owned->snapshot.consistent = false;
	}
}

static void forget_threads(struct owned_snapshot *owned)
{
	size_t i;

	for (i = 0; i < owned->count; i++)
		free((void *)(uintptr_t)owned->threads[i].frames);
	owned->count = 0;
	owned->snapshot.consistent = true;
}

/* A holder of the GIL that sleeps: real, or the GIL changed hands between two readings. */
static bool is_odd(const struct owned_snapshot *owned)
{
	size_t i;

	for (i = 0; i < owned->count; i++)
		if (owned->threads[i].gil && owned->threads[i].os_state == 'S')
			return true;
	return false;
}

static int take(struct spy_sampler *sampler, const struct pyspyc_snapshot_options *options,
		struct owned_snapshot *owned, struct pyspyc_error *err)
{
	struct visit visit = { owned, sampler, options };
	struct spy_pass pass = { .select = SPY_SELECT_ALL, .now_ns = spy_clock_now(),
				 .context = &visit,
				 .visit = visit_thread };
	struct spy_stat stat;
	char version[32];
	unsigned tries;
	int result;

	owned->snapshot.pid = sampler->process->pid;
	owned->snapshot.command = keep(owned, sampler->process->command);
	owned->snapshot.executable = keep(owned, sampler->process->exe[0] ? sampler->process->exe
								    : sampler->python.binary);
	owned->snapshot.version = keep(owned, spy_version_format(&sampler->python.version, version,
								 sizeof(version)));
	owned->snapshot.consistent = true;
	if (spy_stat_read(sampler->process->pid, 0, &stat, NULL) == 0)
		owned->snapshot.parent = stat.ppid;
	result = spy_sampler_pass(sampler, &pass, err);
	for (tries = 1; result == 0 && tries < TRIES && is_odd(owned); tries++) {
		forget_threads(owned);
		sampler->stale = true; /* look anew at who has the GIL, and at what the OS says */
		pass.now_ns = spy_clock_now();
		result = spy_sampler_pass(sampler, &pass, err);
	}
	owned->snapshot.threads = owned->threads;
	owned->snapshot.thread_count = owned->count;
	return result == 0 && owned->failed ? spy_nomem(err) : result;
}

PYSPYC_EXPORT int pyspyc_snapshot_take(pid_t pid, const struct pyspyc_snapshot_options *options,
				       struct pyspyc_snapshot **ret, struct pyspyc_error *err)
{
	spy_cleanup(spy_sampler_cleanup) struct spy_sampler *sampler = NULL;
	static const struct pyspyc_snapshot_options defaults;
	struct owned_snapshot *owned;
	int result;

	if (!options)
		options = &defaults;
	result = spy_attach_wait(pid, options->blocking, options->wait, NULL, NULL, &sampler, err);
	if (result < 0)
		return result;
	owned = calloc(1, sizeof(*owned));
	if (!owned)
		return spy_nomem(err);
	result = take(sampler, options, owned, err);
	if (result < 0) {
		pyspyc_snapshot_free(&owned->snapshot);
		return result;
	}
	*ret = &owned->snapshot;
	return 0;
}

PYSPYC_EXPORT void pyspyc_snapshot_free(struct pyspyc_snapshot *snapshot)
{
	struct owned_snapshot *owned = (struct owned_snapshot *)snapshot;

	if (!owned)
		return;
	forget_threads(owned);
	free(owned->threads);
	spy_strings_free(&owned->strings);
	free(owned);
}
