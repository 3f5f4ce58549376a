#include "sample/stack.h"

#include "base/clock.h"
#include "base/error.h"
#include "sample/stack_copy.h"

/* Readings that disagree before the thread is stopped, or given up (--nonblocking). */
#define TRIES_BEFORE_STOP 3
#define TRIES_WITHOUT_STOP 64
/* Readings that only widened the plan: a deep stack is found in a few. */
#define EXTENSIONS 64
#define STOPS 4
/* For fewer threads the GIL is not looked at: it would cost what it saves. */
#define ONCE_FROM 4

enum outcome {
	OUTCOME_STACK,
	OUTCOME_EXTENDED, /* the plan grew: read again */
	OUTCOME_DISAGREED,
	OUTCOME_UNREADABLE, /* a frame's code object cannot be read: stopping will not help */
	OUTCOME_GONE, /* no such thread any more */
	OUTCOME_FAILED,
};

/* What is asked of a reading, and what it came to. */
struct request {
	struct spy_stack_reader *reader;
	struct spy_stack_memory *memory;
	const struct spy_thread_state *state;
	size_t second;	  /* where the second copy is */
	size_t same;	  /* of the stack read */
	bool provisional;
	struct pyspyc_error *err;
};

static enum outcome failure(int result, enum outcome otherwise)
{
	return result == -PYSPYC_ENOPROC || result == -PYSPYC_ENOMEM ? OUTCOME_FAILED : otherwise;
}

static enum outcome confirm(const struct request *request)
{
	switch (spy_stack_confirm(request->reader, request->memory, request->same)) {
	case SPY_CONFIRMED:
		return OUTCOME_STACK;
	case SPY_UNCONFIRMED:
		return OUTCOME_EXTENDED;
	case SPY_CHANGED:
		break;
	}
	return OUTCOME_DISAGREED;
}

/* What the copies at hand show. */
static enum outcome judge_copies(struct request *request)
{
	struct spy_stack_reader *reader = request->reader;
	bool hold = spy_stack_due_check(reader);
	uint64_t missing = 0;
	int result;

	switch (spy_stack_walk(reader, request->memory, request->state, request->second,
			       &request->same, &missing)) {
	case SPY_WALK_DONE:
		break;
	case SPY_WALK_MOVED:
		return OUTCOME_EXTENDED;
	case SPY_WALK_DISAGREE:
		return OUTCOME_DISAGREED;
	case SPY_WALK_GONE:
		return OUTCOME_GONE;
	case SPY_WALK_NOMEM:
		spy_nomem(request->err);
		return OUTCOME_FAILED;
	case SPY_WALK_MISS:
		result = spy_stack_discover(reader, request->memory, missing, request->err);
		if (result == -PYSPYC_ECORRUPT)
			return OUTCOME_FAILED;
		return result < 0 ? failure(result, OUTCOME_DISAGREED) : OUTCOME_EXTENDED;
	}
	if (!hold)
		return OUTCOME_DISAGREED;
	if (request->memory->light && !spy_stack_is_known(request->memory, request->same))
		return OUTCOME_EXTENDED;
	result = spy_stack_resolve(reader, request->memory, &request->same, &request->provisional,
				   request->err);
	if (result == -PYSPYC_EAGAIN)
		return OUTCOME_EXTENDED;
	if (result < 0)
		return failure(result, result == -PYSPYC_EFAULT ? OUTCOME_UNREADABLE
								: OUTCOME_DISAGREED);
	/* A stopped thread shows the same until it has gone on. */
	if (!spy_stack_ends_well(reader, request->memory))
		return request->memory->pause.attached ? OUTCOME_DISAGREED : OUTCOME_EXTENDED;
	return confirm(request);
}

/* What the copies at hand come to. That a light reading was not enough is no failure. */
static enum outcome judge(struct request *request)
{
	struct spy_stack_memory *memory = request->memory;
	enum outcome outcome;

	spy_stack_repeat_once(request->reader, memory, request->second);
	outcome = judge_copies(request);
	memory->calm &= outcome == OUTCOME_STACK;
	if (outcome != OUTCOME_DISAGREED && outcome != OUTCOME_UNREADABLE)
		return outcome;
	spy_stack_doubt_once(request->reader, memory);
	return memory->light ? OUTCOME_EXTENDED : outcome;
}

/* One reading, and what it came to. */
static enum outcome attempt(struct request *request)
{
	struct spy_stack_reader *reader = request->reader;
	const struct spy_thread_state *state = request->state;
	struct pyspyc_error fault = { 0 };
	int result;

	if (reader->ahead == request->memory) {
		reader->ahead = NULL;
		request->second = 0;
		return judge(request);
	}
	spy_stack_begin(reader);
	if (!spy_stack_plan(reader, request->memory, state, &request->second)) {
		spy_nomem(request->err);
		return OUTCOME_FAILED;
	}
	result = spy_stack_fetch(reader, &fault);
	if (result == 0)
		return judge(request);
	if (result == -PYSPYC_EFAULT) {
		result = spy_stack_forget(reader, request->memory, state->address, &fault,
					  request->err);
		return result == -PYSPYC_EAGAIN ? OUTCOME_EXTENDED : OUTCOME_FAILED;
	}
	if (request->err)
		*request->err = fault;
	return OUTCOME_FAILED;
}

/* Tries without stopping the thread, until `tries` readings have disagreed. */
static enum outcome read_running(struct request *request, unsigned tries)
{
	unsigned extensions = 0, disagreed = 0, unreadable = 0;

	while (disagreed < tries && extensions < EXTENSIONS) {
		enum outcome outcome = attempt(request);

		if (outcome == OUTCOME_EXTENDED) {
			extensions++;
			continue;
		}
		/* Both copies agreed on it, but it may have been freed at once. */
		if (outcome == OUTCOME_UNREADABLE && ++unreadable == TRIES_BEFORE_STOP)
			return OUTCOME_UNREADABLE;
		if (outcome != OUTCOME_DISAGREED && outcome != OUTCOME_UNREADABLE)
			return outcome;
		request->reader->counters.retried++;
		spy_stack_outer_note(request->reader, request->memory, request->second);
		disagreed++;
	}
	return OUTCOME_DISAGREED;
}

/*
 * Readings with the thread stopped, until everything that was missing is fetched. Two copies
 * here as well: should tid not be this thread's any more, the one that runs on shows.
 */
static enum outcome read_stopped(struct request *request, pid_t tid)
{
	struct spy_stack_reader *reader = request->reader;
	struct spy_pause *pause = &request->memory->pause;
	enum outcome outcome = OUTCOME_EXTENDED;
	uint64_t start = spy_clock_now();
	unsigned extensions;
	int result = spy_pause_begin(reader->pid, tid, pause, request->err);

	if (result == -PYSPYC_ENOPROC)
		return OUTCOME_FAILED;
	if (result < 0)
		return OUTCOME_DISAGREED;
	for (extensions = 0; outcome == OUTCOME_EXTENDED && extensions < EXTENSIONS; extensions++)
		outcome = attempt(request);
	request->memory->stood = spy_runs_turns(request->memory->runs, &request->memory->turns);
	spy_pause_end(pause);
	request->memory->let_go_ns = spy_clock_now();
	reader->counters.stopped++;
	reader->counters.stopped_ns += request->memory->let_go_ns - start;
	return outcome == OUTCOME_EXTENDED ? OUTCOME_DISAGREED : outcome;
}

/*
 * A thread that sleeps in a system call is not to be stopped: some calls end early by that
 * (signal(7), "Interruption of system calls"), and nothing moves that would ask for it.
 */
static bool may_stop(const struct spy_stack_memory *memory)
{
	char state = memory->ostate ? spy_ostate_glance(memory->ostate) : 'R';

	return state == 'R' || state == '?';
}

static enum outcome read_any(struct request *request, pid_t tid)
{
	enum pyspyc_blocking blocking = request->reader->blocking;
	enum outcome outcome = OUTCOME_DISAGREED;
	unsigned stops;

	if (blocking != PYSPYC_BLOCKING_ALWAYS || !tid || !may_stop(request->memory))
		outcome = read_running(request, blocking == PYSPYC_BLOCKING_NEVER || !tid
							? TRIES_WITHOUT_STOP
							: TRIES_BEFORE_STOP);
	if (outcome != OUTCOME_DISAGREED || blocking == PYSPYC_BLOCKING_NEVER || !tid)
		return outcome;
	for (stops = 0; stops < STOPS && outcome == OUTCOME_DISAGREED; stops++) {
		if (!may_stop(request->memory)) {
			outcome = read_running(request, TRIES_BEFORE_STOP);
			continue;
		}
		outcome = read_stopped(request, tid);
		if (request->memory->pause.attached)
			return outcome; /* its stop is still to come */
	}
	/* A tracer has it, or it cannot be stopped: the long way round. */
	if (outcome == OUTCOME_DISAGREED)
		outcome = read_running(request, TRIES_WITHOUT_STOP);
	return outcome;
}

/* The view at hand is the thread's stack: hands it out, and keeps it for the next time. */
static void accept(const struct request *request, struct spy_stack *ret)
{
	struct spy_stack_memory *memory = request->memory;
	const struct spy_stack_view *view = &memory->views[memory->now];

	memory->calm = spy_stack_is_known(memory, request->same);
	request->reader->counters.truncated += view->truncated;
	*ret = (struct spy_stack){
		.frames = view->frames,
		.codes = view->codes,
		.count = view->count,
		.same = request->same,
		.sequence = ++memory->sequence,
		.provisional = request->provisional,
		.truncated = view->truncated,
		.collecting = spy_stack_collects(request->reader, memory, request->state,
						 request->same, request->second),
	};
	memory->current = true;
	memory->read_ns = request->reader->now_ns;
	if (!memory->rooted)
		memory->root_ns = memory->read_ns;
	memory->repeated = 0;
	memory->window = request->provisional ? request->reader->window : 0;
	if (!memory->light)
		spy_stack_replan(request->reader, memory);
	memory->now = !memory->now;
}

void spy_stack_again(struct spy_stack_reader *reader, struct spy_stack_job *job)
{
	struct spy_stack_memory *memory = job->memory;
	const struct spy_stack_view *last = &memory->views[!memory->now];

	/* A code object that was found to be another may have been one of these. */
	if (!memory->current || last->epoch != reader->epoch)
		return;
	reader->counters.truncated += last->truncated;
	job->stack = (struct spy_stack){
		.frames = last->frames,
		.codes = last->codes,
		.count = last->count,
		.same = last->truncated ? 0 : last->count,
		.sequence = ++memory->sequence,
		/* As the one before, until that is settled. */
		.provisional = memory->window == reader->window,
		.truncated = last->truncated,
		.collecting = job->state->collecting,
	};
	job->done = true;
}

int spy_stack_read(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   const struct spy_thread_state *state, pid_t tid, struct spy_stack *ret,
		   struct pyspyc_error *err)
{
	struct pyspyc_error cause = { 0 };
	struct request request = { .reader = reader, .memory = memory, .state = state,
				   .err = &cause };
	enum outcome outcome;

	if (reader->ahead != memory && !spy_stack_due_begin(reader, memory))
		return spy_nomem(err);
	memory->still = false;
	spy_stack_outer_begin(memory);
	if (memory->pause.attached && reader->blocking != PYSPYC_BLOCKING_ALWAYS &&
	    !spy_pause_settle(&memory->pause)) /* it has not run since: no need to stop it */
		outcome = read_running(&request, TRIES_WITHOUT_STOP);
	else
		outcome = read_any(&request, tid);
	switch (outcome) {
	case OUTCOME_STACK:
		accept(&request, ret);
		ret->partial = spy_stack_outer_left(reader, memory, ret);
		return 0;
	case OUTCOME_GONE:
		return spy_fail(err, PYSPYC_ENOTREADY, "the thread has ended");
	case OUTCOME_EXTENDED:
	case OUTCOME_DISAGREED:
		reader->counters.dropped++;
		return spy_fail(err, PYSPYC_EAGAIN,
				"the stack changed faster than it could be read");
	case OUTCOME_UNREADABLE:
	case OUTCOME_FAILED:
		break;
	}
	reader->counters.unreadable++;
	if (err)
		*err = cause;
	return cause.code ? -(int)cause.code : -PYSPYC_EFAULT;
}

/* One reading of all of them; once: those who wait for the GIL are copied but once. */
static bool fetch_many(struct spy_stack_reader *reader, struct spy_stack_job *jobs, size_t count,
		       bool once)
{
	size_t i;

	spy_stack_begin(reader);
	reader->due_count = 0;
	reader->planned++;
	if (once && !spy_stack_plan_gil(reader, 0))
		return false;
	for (i = 0; i < count; i++) {
		jobs[i].memory->still = once && !jobs[i].state->gil;
		jobs[i].memory->moves = 0; /* to ask is cheap here */
		if (!jobs[i].done && jobs[i].memory->still &&
		    !spy_stack_plan_window(reader, jobs[i].memory, jobs[i].state))
			return false;
	}
	for (i = 0; i < count; i++) {
		if (jobs[i].done)
			continue;
		if (!spy_stack_plan(reader, jobs[i].memory, jobs[i].state, &jobs[i].second))
			return false;
	}
	if (once && !spy_stack_plan_gil(reader, 1))
		return false;
	return spy_stack_fetch(reader, NULL) == 0;
}

void spy_stack_read_many(struct spy_stack_reader *reader, struct spy_stack_job *jobs, size_t count)
{
	size_t i, left = 0;
	bool once;

	for (i = 0; i < count; i++)
		left += !jobs[i].done;
	once = reader->gil && left >= ONCE_FROM;
	if (!left)
		return;
	/* When one of them cannot be read, each is read on its own. */
	if (!fetch_many(reader, jobs, count, once))
		return;
	/* Whoever has taken the GIL meanwhile may have moved: two copies then. */
	if (once && !spy_stack_gil_stayed(reader) && !fetch_many(reader, jobs, count, false))
		return;
	for (i = 0; i < count; i++) {
		struct request request = { .reader = reader, .memory = jobs[i].memory,
					   .state = jobs[i].state, .second = jobs[i].second };

		if (jobs[i].done || (jobs[i].memory->still &&
				     !spy_stack_was_still(reader, jobs[i].memory, jobs[i].state->address)))
			continue;
		/* What was listed for the stacks before is not theirs to check. */
		reader->due_count = 0;
		reader->planned++;
		jobs[i].done = judge(&request) == OUTCOME_STACK;
		if (jobs[i].done)
			accept(&request, &jobs[i].stack);
	}
}
