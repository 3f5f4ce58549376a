#include "sample/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "sample/stack_copy.h"

/* Readings that disagree before the thread is stopped, or given up (--nonblocking). */
#define TRIES_BEFORE_STOP 3
#define TRIES_WITHOUT_STOP 64
/* Readings that only widened the plan: a deep stack is found in a few. */
#define EXTENSIONS 64
#define STOPS 4
#define CODES_REMEMBERED 1024
/* Fingerprints planned for one stack; code that changes all the time would add up. */
#define DUE_LIMIT 4096

void spy_stack_memory_free(struct spy_stack_memory *memory)
{
	spy_spans_free(&memory->spans);
	free(memory->codes);
	spy_pause_finish(&memory->pause);
}

void spy_stack_reader_init(struct spy_stack_reader *reader, const struct spy_heap *heap, pid_t pid,
			   enum pyspyc_blocking blocking)
{
	*reader = (struct spy_stack_reader){ .heap = *heap, .pid = pid, .blocking = blocking };
	reader->extent = spy_frame_extent(heap->layout);
	reader->steady = spy_frame_steady(heap->layout);
}

void spy_stack_reader_deinit(struct spy_stack_reader *reader)
{
	int i;

	for (i = 0; i < 2; i++) {
		free(reader->copies[i].bytes);
		free(reader->copies[i].frames);
	}
	free(reader->ranges);
	free(reader->due);
	free(reader->prints);
	free(reader->known);
	spy_codes_free(&reader->codes);
}

static bool add_due(struct spy_stack_reader *reader, struct spy_known_code *code)
{
	if (code->planned == reader->plan)
		return true;
	if (reader->due_count == reader->due_capacity) {
		size_t capacity = reader->due_capacity ? reader->due_capacity * 2 : 32;
		struct spy_known_code **due = realloc(reader->due, capacity * sizeof(*due));
		struct spy_print *prints;

		if (!due)
			return false;
		reader->due = due;
		prints = realloc(reader->prints, capacity * sizeof(*prints));
		if (!prints)
			return false;
		reader->prints = prints;
		reader->due_capacity = capacity;
	}
	code->planned = reader->plan;
	reader->due[reader->due_count++] = code;
	return true;
}

static void begin_plan(struct spy_stack_reader *reader)
{
	reader->plan++;
	reader->due_count = 0;
}

/* Books the fingerprints that were just read; false when one no longer holds. */
static bool check_prints(struct spy_stack_reader *reader)
{
	size_t i, kept = 0;

	for (i = 0; i < reader->due_count; i++) {
		struct spy_known_code *code = reader->due[i];

		if (spy_print_holds(&reader->heap, code, &reader->prints[i])) {
			code->seen = reader->reading;
			reader->due[kept++] = code;
		} else {
			spy_codes_retire(&reader->codes, code);
		}
	}
	i = reader->due_count;
	reader->due_count = kept;
	return kept == i;
}

static bool known_room(struct spy_stack_reader *reader, size_t count)
{
	struct spy_known_code **known;

	if (count <= reader->known_capacity)
		return true;
	known = realloc(reader->known, count * 2 * sizeof(*known));
	if (!known)
		return false;
	reader->known = known;
	reader->known_capacity = count * 2;
	return true;
}

/*
 * Puts a decoded code object to every frame. 0 when all are there and were seen to hold in
 * this very reading, -PYSPYC_EAGAIN when the next one has to check some more (they are in
 * `due` then).
 */
static int resolve(struct spy_stack_reader *reader, struct pyspyc_error *err)
{
	const struct spy_stack_copy *copy = &reader->copies[0];
	uint64_t last = 0;
	bool all = true;
	size_t i;

	if (reader->due_count > DUE_LIMIT)
		begin_plan(reader);

	if (!known_room(reader, copy->count))
		return spy_nomem(err);
	for (i = 0; i < copy->count; i++) {
		const struct spy_raw_frame *frame = &copy->frames[i];
		struct spy_known_code *code;
		int result;

		reader->known[i] = NULL;
		if (frame->owner >= SPY_OWNED_BY_INTERPRETER)
			continue;
		if (i && frame->code == last && reader->known[i - 1]) { /* recursion */
			reader->known[i] = reader->known[i - 1];
			continue;
		}
		last = frame->code;
		code = spy_codes_find(&reader->codes, frame->code);
		if (!code) {
			result = spy_codes_load(&reader->codes, &reader->heap, frame->code, &code,
						err);
			/* -PYSPYC_EAGAIN is the callers' word for "read again, nothing is lost". */
			if (result < 0)
				return result == -PYSPYC_EAGAIN ? -PYSPYC_ECORRUPT : result;
		}
		reader->known[i] = code;
		if (code->seen == reader->reading)
			continue;
		all = false;
		if (!add_due(reader, code))
			return spy_nomem(err);
	}
	return all ? 0 : -PYSPYC_EAGAIN;
}

/*
 * A chain that ended at another root than ever before may have been cut by the target's own
 * doing between two reads: it counts once the same root was seen twice.
 */
static bool root_stands(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_copy *copy = &reader->copies[0];
	uint64_t root = copy->count ? copy->frames[copy->count - 1].address : 0;

	if (copy->truncated || root == memory->root)
		return true;
	if (root != memory->candidate) {
		memory->candidate = root;
		return false;
	}
	memory->root = root;
	return true;
}

enum outcome {
	OUTCOME_STACK,
	OUTCOME_EXTENDED, /* the plan grew: read again */
	OUTCOME_DISAGREED,
	OUTCOME_FAILED,
};

/* One reading, and what it came to. */
static enum outcome attempt(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			    uint64_t tstate, struct pyspyc_error *err)
{
	uint64_t missing = 0;
	enum spy_walk walk;
	bool hold;
	int i, result = spy_stack_copy(reader, memory, tstate, err);

	if (result < 0)
		return result == -PYSPYC_EAGAIN ? OUTCOME_EXTENDED : OUTCOME_FAILED;
	hold = check_prints(reader);
	for (i = 0; i < 2; i++) {
		walk = spy_stack_walk(reader, memory, &reader->copies[i], &missing);
		if (walk == SPY_WALK_NOMEM) {
			spy_nomem(err);
			return OUTCOME_FAILED;
		}
		if (walk == SPY_WALK_BAD)
			return OUTCOME_DISAGREED;
		if (walk == SPY_WALK_MISS) {
			result = spy_stack_discover(reader, memory, missing, err);
			if (result == -PYSPYC_ENOPROC || result == -PYSPYC_ENOMEM ||
			    result == -PYSPYC_ECORRUPT)
				return OUTCOME_FAILED;
			return result < 0 ? OUTCOME_DISAGREED : OUTCOME_EXTENDED;
		}
	}
	if (!hold || !spy_stack_agree(reader, memory))
		return OUTCOME_DISAGREED;
	result = resolve(reader, err);
	if (result == -PYSPYC_EAGAIN)
		return OUTCOME_EXTENDED;
	if (result == -PYSPYC_ENOPROC || result == -PYSPYC_ENOMEM)
		return OUTCOME_FAILED;
	if (result < 0)
		return OUTCOME_DISAGREED;
	return root_stands(reader, memory) ? OUTCOME_STACK : OUTCOME_EXTENDED;
}

/* Tries without stopping the thread, until `tries` readings have disagreed. */
static enum outcome read_running(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
				 uint64_t tstate, unsigned tries, struct pyspyc_error *err)
{
	unsigned extensions = 0, disagreed = 0;

	while (disagreed < tries && extensions < EXTENSIONS) {
		enum outcome outcome = attempt(reader, memory, tstate, err);

		if (outcome == OUTCOME_EXTENDED) {
			extensions++;
			continue;
		}
		if (outcome != OUTCOME_DISAGREED)
			return outcome;
		reader->counters.retried++;
		disagreed++;
	}
	return OUTCOME_DISAGREED;
}

/*
 * Readings with the thread stopped, until everything that was missing is fetched. Two copies
 * here as well: should tid not be this thread's any more, the one that runs on shows.
 */
static enum outcome read_stopped(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
				 uint64_t tstate, pid_t tid, struct pyspyc_error *err)
{
	uint64_t start = spy_clock_now();
	enum outcome outcome = OUTCOME_EXTENDED;
	unsigned extensions;
	int result = spy_pause_begin(reader->pid, tid, &memory->pause, err);

	if (result == -PYSPYC_ENOPROC)
		return OUTCOME_FAILED;
	if (result < 0)
		return OUTCOME_DISAGREED;
	for (extensions = 0; outcome == OUTCOME_EXTENDED && extensions < EXTENSIONS; extensions++)
		outcome = attempt(reader, memory, tstate, err);
	spy_pause_end(&memory->pause);
	reader->counters.stopped++;
	reader->counters.stopped_ns += spy_clock_now() - start;
	return outcome == OUTCOME_EXTENDED ? OUTCOME_DISAGREED : outcome;
}

static enum outcome read_any(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
			     uint64_t tstate, pid_t tid, struct pyspyc_error *err)
{
	enum outcome outcome = OUTCOME_DISAGREED;
	unsigned stops;

	if (reader->blocking != PYSPYC_BLOCKING_ALWAYS || !tid)
		outcome = read_running(reader, memory, tstate,
				       reader->blocking == PYSPYC_BLOCKING_NEVER || !tid
					       ? TRIES_WITHOUT_STOP
					       : TRIES_BEFORE_STOP,
				       err);
	if (outcome != OUTCOME_DISAGREED || reader->blocking == PYSPYC_BLOCKING_NEVER || !tid)
		return outcome;
	for (stops = 0; stops < STOPS && outcome == OUTCOME_DISAGREED; stops++) {
		outcome = read_stopped(reader, memory, tstate, tid, err);
		if (memory->pause.attached)
			return outcome; /* its stop is still to come */
	}
	/* A tracer has it, or it cannot be stopped: the long way round. */
	if (outcome == OUTCOME_DISAGREED)
		outcome = read_running(reader, memory, tstate, TRIES_WITHOUT_STOP, err);
	return outcome;
}

/* Remembers whose fingerprints the next reading of this thread will have to check. */
static void remember_codes(const struct spy_stack_reader *reader, struct spy_stack_memory *memory)
{
	const struct spy_stack_copy *copy = &reader->copies[0];
	size_t i;

	memory->code_count = 0;
	for (i = 0; i < copy->count && memory->code_count < CODES_REMEMBERED; i++) {
		struct spy_known_code *code = reader->known[i];

		if (!code || code->listed == reader->plan)
			continue;
		code->listed = reader->plan;
		if (memory->code_count == memory->code_capacity) {
			size_t capacity = memory->code_capacity ? memory->code_capacity * 2 : 16;
			uint64_t *codes = realloc(memory->codes, capacity * sizeof(*codes));

			if (!codes)
				return;
			memory->codes = codes;
			memory->code_capacity = capacity;
		}
		memory->codes[memory->code_count++] = code->address;
	}
}

static void plan_prints(struct spy_stack_reader *reader, const struct spy_stack_memory *memory)
{
	size_t i;

	begin_plan(reader);
	for (i = 0; i < memory->code_count; i++) {
		struct spy_known_code *code = spy_codes_find(&reader->codes, memory->codes[i]);

		if (code && !add_due(reader, code))
			return;
	}
}

int spy_stack_read(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   uint64_t tstate, pid_t tid, struct spy_stack *ret, struct pyspyc_error *err)
{
	const struct spy_stack_copy *copy = &reader->copies[0];
	struct pyspyc_error failure = { 0 };
	enum outcome outcome;

	plan_prints(reader, memory);
	if (memory->pause.attached && reader->blocking != PYSPYC_BLOCKING_ALWAYS &&
	    !spy_pause_settle(&memory->pause)) /* it has not run since: no need to stop it */
		outcome = read_running(reader, memory, tstate, TRIES_WITHOUT_STOP, &failure);
	else
		outcome = read_any(reader, memory, tstate, tid, &failure);
	if (outcome == OUTCOME_DISAGREED) {
		reader->counters.dropped++;
		return spy_fail(err, PYSPYC_EAGAIN,
				"the stack changed faster than it could be read");
	}
	if (outcome == OUTCOME_FAILED) {
		reader->counters.unreadable++;
		if (err)
			*err = failure;
		return failure.code ? -(int)failure.code : -PYSPYC_EFAULT;
	}
	if (copy->truncated)
		reader->counters.truncated++;
	*ret = (struct spy_stack){ copy->frames, reader->known, copy->count, copy->truncated };
	remember_codes(reader, memory);
	spy_stack_replan(reader, memory);
	return 0;
}
