#include "sample/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "sample/identity.h"
#include "sample/waits.h"

#define PATHS_EVERY_NS (1u * SPY_NSEC_PER_MSEC)
/* At high rates: how old the list of threads and their states may be. */
#define LIST_EVERY_NS (1u * SPY_NSEC_PER_MSEC)
/*
 * Within this time a thread that is let go gets an idle CPU. That it takes is, like what the stop
 * costs the thread of its own CPU time, a part of what it does there.
 */
#define WAKES_NS (100u * SPY_NSEC_PER_USEC)
/* So many threads are read in one system call: 5 ranges each and a few more. */
#define THREADS_AT_ONCE 64
/* To peek costs waking up, which is as much as it takes to look at so many threads. */
#define PEEK_FROM 64
/* Whether it is still the same program; whatever cannot be read is reason enough to look. */
#define IMAGE_EVERY_NS (50u * SPY_NSEC_PER_MSEC)

static void free_thread(struct spy_thread *thread)
{
	spy_stack_memory_free(&thread->memory);
	spy_ostate_close(&thread->ostate);
	spy_runs_close(&thread->runs);
	free(thread->name);
	free(thread);
}

int spy_sampler_open(pid_t pid, enum pyspyc_blocking blocking, struct spy_sampler **ret,
		     struct pyspyc_error *err)
{
	spy_cleanup(spy_sampler_cleanup) struct spy_sampler *sampler = calloc(1, sizeof(*sampler));
	struct spy_heap heap;
	int result;

	if (!sampler)
		return spy_nomem(err);
	result = spy_process_open(pid, &sampler->process, err);
	if (result < 0)
		return result;
	result = spy_python_find(sampler->process, &sampler->python, err);
	if (result < 0)
		return result;
	heap = (struct spy_heap){ sampler->process->memory, &sampler->python.layout,
				  sampler->python.version };
	spy_stack_reader_init(&sampler->reader, &heap, pid, blocking);
	*ret = spy_steal(sampler);
	return 0;
}

void spy_sampler_close(struct spy_sampler *sampler)
{
	size_t i;

	if (!sampler)
		return;
	for (i = 0; i < sampler->thread_count; i++)
		free_thread(sampler->threads[i]);
	free(sampler->threads);
	free(sampler->jobs);
	free(sampler->chosen);
	spy_threads_free(&sampler->states);
	spy_paths_free(&sampler->paths);
	spy_stack_reader_deinit(&sampler->reader);
	spy_python_close(&sampler->python);
	spy_process_close(sampler->process);
	free(sampler);
}

/* --- the list of threads, matched with those seen before --- */

static bool same_thread(const struct spy_thread *thread, const struct spy_thread_state *state)
{
	/* A thread that has ended may leave both its state and its pthread_t to the next. */
	return thread->state.address == state->address && thread->state.ident == state->ident &&
	       thread->state.native_id == state->native_id && thread->os_state != 'X' &&
	       thread->state.interpreter == state->interpreter;
}

static struct spy_thread *take_known(struct spy_thread **old, size_t count, size_t near,
				     const struct spy_thread_state *state)
{
	size_t i;

	/* Lists change little: start where it was last time. */
	for (i = 0; i < count; i++) {
		size_t at = (near + i) % count;
		struct spy_thread *thread = old[at];

		if (thread && same_thread(thread, state)) {
			old[at] = NULL;
			return thread;
		}
	}
	return NULL;
}

static int match_threads(struct spy_sampler *sampler, struct pyspyc_error *err)
{
	const struct spy_thread_states *states = &sampler->states;
	spy_autofree struct spy_thread **old = NULL;
	size_t i, j, old_count = sampler->thread_count;
	bool changed = old_count != states->count;

	for (i = 0; !changed && i < states->count; i++)
		changed = !same_thread(sampler->threads[i], &states->items[i]);
	if (!changed) {
		for (i = 0; i < states->count; i++)
			sampler->threads[i]->state = states->items[i];
		return 0;
	}
	old = sampler->threads;
	sampler->threads = calloc(states->count + 1, sizeof(*sampler->threads));
	if (!sampler->threads) {
		sampler->threads = spy_steal(old);
		return spy_nomem(err);
	}
	sampler->thread_count = 0;
	for (i = 0; i < states->count; i++) {
		struct spy_thread *thread = take_known(old, old_count, i, &states->items[i]);

		if (!thread) {
			thread = calloc(1, sizeof(*thread));
			if (!thread)
				break;
			thread->id = sampler->next_id++;
			thread->ostate.fd = thread->runs.fd = -1;
			thread->memory.ostate = &thread->ostate;
			thread->memory.runs = &thread->runs;
			sampler->names_stale = true;
		}
		thread->state = states->items[i];
		thread->shared = false;
		sampler->threads[sampler->thread_count++] = thread;
	}
	for (i = 0; i < old_count; i++)
		if (old[i])
			free_thread(old[i]);
	spy_identity_tids(sampler);
	sampler->own = spy_identity_own(sampler);
	for (i = 0; i < sampler->thread_count; i++)
		for (j = 0; states->items[i].interpreter_id && j < i; j++)
			if (sampler->threads[i]->tid &&
			    sampler->threads[i]->tid == sampler->threads[j]->tid)
				sampler->threads[i]->shared = sampler->threads[j]->shared = true;
	return 0;
}

static bool sleeps(char os_state)
{
	return os_state == 'S' || os_state == 'D' || os_state == 'T';
}

static bool jobs_room(struct spy_sampler *sampler)
{
	struct spy_thread **chosen;
	struct spy_stack_job *jobs;

	if (sampler->thread_count <= sampler->job_capacity)
		return true;
	jobs = realloc(sampler->jobs, sampler->thread_count * sizeof(*jobs));
	if (!jobs)
		return false;
	sampler->jobs = jobs;
	chosen = realloc(sampler->chosen, sampler->thread_count * sizeof(struct spy_thread *));
	if (!chosen)
		return false;
	sampler->chosen = chosen;
	sampler->job_capacity = sampler->thread_count;
	return true;
}

/* Whose stacks are what they were: those need not be looked at, nor what the OS says of them. */
static void look_at_turns(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	bool tells = sampler->own && pass->stacks_only && pass->select == SPY_SELECT_ALL &&
		     sampler->reader.blocking != PYSPYC_BLOCKING_ALWAYS && jobs_room(sampler);
	size_t i, count = tells ? sampler->thread_count : 0;

	for (i = 0; i < sampler->thread_count; i++) {
		sampler->threads[i]->memory.unturned = false;
		if (tells)
			sampler->jobs[i] = (struct spy_stack_job){
				.memory = &sampler->threads[i]->memory,
				.state = &sampler->threads[i]->state,
			};
	}
	spy_stack_turns(&sampler->reader, sampler->jobs, count);
}

static void look_at_states(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	const struct spy_thread_states *states = &sampler->states;
	bool all = pass->select == SPY_SELECT_ALL;
	size_t i;

	for (i = 0; i < sampler->thread_count; i++) {
		struct spy_thread *thread = sampler->threads[i];
		bool same = thread->memory.unturned;
		bool due = !same && (!pass->stacks_only || spy_runs_due(&thread->runs));

		/*
		 * First whether it has run, then whether it sleeps, and only then its stack: if it
		 * slept and has not run the next time this is asked, the stack is still the same.
		 */
		thread->rested = same || (all && due && !spy_runs_again(&thread->runs) &&
					  sleeps(thread->os_state));
		if (!thread->rested)
			thread->memory.current = false;
		if (spy_stack_moved(&sampler->reader, &thread->memory))
			thread->os_state = 'R';
		/* Without a native_id, only this tells the next thread from one that has ended. */
		else if (!thread->rested && (due || !thread->state.native_id))
			thread->os_state = all && thread->os_state
						   ? spy_ostate_glance(&thread->ostate)
						   : spy_ostate_read(&thread->ostate);
		/* Without a GIL it takes a look at all threads to know who collects. */
		thread->memory.collecting_at =
			states->gil_disabled
				? 0 : states->interpreters[thread->state.interpreter_index].collecting;
		/* Of several thread states on one OS thread, only the one with the GIL runs. */
		thread->active = thread->os_state == 'R' && (!thread->shared || thread->state.gil);
	}
}

/*
 * Which of the threads that sleep wait for the GIL: by where they sleep, which the look at their
 * states has shown already. One that has not run since waits for what it did. Where it takes
 * another look, which may last a clock tick (spy_ostate_slow_kernel), one thread at a time has it.
 */
static void look_at_waits(struct spy_sampler *sampler)
{
	const struct spy_thread_state *placed = NULL;
	struct spy_gil_place place = { 0 };
	size_t i, turn = sampler->wait_turn;

	for (i = 0; i < sampler->thread_count; i++) {
		size_t at = (turn + i) % sampler->thread_count;
		struct spy_thread *thread = sampler->threads[at];
		bool may = !thread->active && !thread->shared && !thread->state.gil &&
			   sleeps(thread->os_state);
		struct spy_syscall call;

		if (thread->rested)
			continue;
		if (may && thread->ostate.by_stat) {
			if (sampler->wait_turn != turn)
				continue;
			sampler->wait_turn = at + 1;
		}
		thread->gil_wait = false;
		if (!may || !spy_syscall_parse(spy_ostate_call(&thread->ostate), &call))
			continue;
		if (!placed || placed->interpreter_index != thread->state.interpreter_index) {
			placed = &thread->state;
			spy_gil_place_of(&sampler->reader.heap, &sampler->python, &sampler->states,
					 &thread->state, &place);
		}
		thread->gil_wait = spy_waits_at(&call, &place);
	}
}

static bool selected(const struct spy_thread *thread, enum spy_select select)
{
	switch (select) {
	case SPY_SELECT_ACTIVE:
		return thread->active;
	case SPY_SELECT_GIL:
		return thread->state.gil;
	case SPY_SELECT_ALL:
		break;
	}
	return true;
}

/*
 * A single thread that ran will run: its stack is read in the same call as the list, one system call
 * instead of two.
 */
static void plan_ahead(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	struct spy_stack_reader *reader = &sampler->reader;
	struct spy_thread *thread = sampler->thread_count == 1 ? sampler->threads[0] : NULL;

	sampler->states.also_count = 0;
	if (!thread || !thread->active || pass->wanted || sampler->stale ||
	    reader->blocking == PYSPYC_BLOCKING_ALWAYS || thread->memory.pause.attached ||
	    thread->memory.stood || !spy_stack_ahead(reader, &thread->memory, &thread->state))
		return;
	sampler->states.also = reader->ranges;
	sampler->states.also_count = reader->range_count;
}

/* The list of threads, their names, and what the OS says of each. */
static int look(struct spy_sampler *sampler, const struct spy_pass *pass, struct pyspyc_error *err)
{
	int result;

	if (sampler->stale || sampler->reader.now_ns - sampler->image_ns >= IMAGE_EVERY_NS) {
		if (!spy_process_same_image(sampler->process))
			return spy_fail(err, PYSPYC_ENOPROC,
					"process %d has exited or runs another program",
					(int)sampler->process->pid);
		sampler->image_ns = sampler->reader.now_ns;
	}
	plan_ahead(sampler, pass);
	result = spy_threads_read(&sampler->reader.heap, &sampler->python, &sampler->states, err);
	if (result == 0)
		result = match_threads(sampler, err);
	if (result < 0) {
		sampler->image_ns = 0;
		return result;
	}
	sampler->reader.gil = spy_stack_sole_gil(&sampler->python.layout, &sampler->states);
	if (sampler->states.also_read)
		sampler->reader.ahead = &sampler->threads[0]->memory;
	spy_identity_tids(sampler);
	spy_identity_names(sampler);
	look_at_turns(sampler, pass);
	look_at_states(sampler, pass);
	if (pass->waits)
		look_at_waits(sampler);
	/* Of one that sleeps by now, what it did before it went to sleep is not its stack. */
	if (sampler->reader.ahead && !sampler->threads[0]->active)
		sampler->reader.ahead = NULL;
	sampler->stale = false;
	sampler->listed_ns = sampler->reader.now_ns;
	return 0;
}

/*
 * A thread that is let go after a stop has lost its turn. Where others want the CPU, it waits for
 * the next one in that place: in code that is hard to read, which would seem to take that time.
 */
static bool lost_its_turn(struct spy_thread *thread, uint64_t now_ns)
{
	struct spy_stack_memory *memory = &thread->memory;
	uint64_t turns;

	if (memory->stood && now_ns < memory->let_go_ns + WAKES_NS)
		return false;
	if (memory->stood && (thread->os_state != 'R' || !spy_runs_turns(&thread->runs, &turns) ||
			      turns != memory->turns))
		memory->stood = false;
	return memory->stood;
}

/* It may have stopped, and lost its turn, at any time until now. */
static void let_go(struct spy_thread *thread)
{
	struct spy_stack_memory *memory = &thread->memory;
	uint64_t turns;
	bool told = spy_runs_turns(&thread->runs, &turns);

	if (!spy_pause_settle(&memory->pause))
		return;
	memory->stood = told;
	memory->turns = told ? turns : 0;
	memory->let_go_ns = spy_clock_now();
}

/* Which threads this pass reads. */
static size_t choose(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	bool looked = sampler->listed_ns == pass->now_ns &&
		      sampler->reader.blocking != PYSPYC_BLOCKING_ALWAYS;
	size_t i, count = 0;

	for (i = 0; i < sampler->thread_count; i++) {
		struct spy_thread *thread = sampler->threads[i];

		/* A stop that came late, of a thread that nobody may look at now. */
		if (thread->memory.pause.attached)
			let_go(thread);
		if (!selected(thread, pass->select) ||
		    (pass->wanted && !pass->wanted(pass->context, thread)))
			continue;
		if (pass->turns_only && lost_its_turn(thread, pass->now_ns)) {
			sampler->reader.counters.waiting++;
			pass->visit(pass->context, thread, NULL, 0, NULL);
			continue;
		}
		sampler->chosen[count] = thread;
		sampler->jobs[count] = (struct spy_stack_job){ .memory = &thread->memory,
							       .state = &thread->state };
		if (looked && thread->rested)
			spy_stack_again(&sampler->reader, &sampler->jobs[count]);
		count++;
	}
	return count;
}

static void read_one(struct spy_sampler *sampler, const struct spy_pass *pass, size_t i)
{
	struct spy_thread *thread = sampler->chosen[i];
	struct spy_stack_job *job = &sampler->jobs[i];
	struct pyspyc_error failure = { 0 };
	int result = 0;

	if (!job->done)
		result = spy_stack_read(&sampler->reader, &thread->memory, &thread->state,
					thread->tid, &job->stack, &failure);
	if (result < 0)
		sampler->stale = true;
	/* A thread that has ended, or begun anew: nothing is lost. */
	if (result != -PYSPYC_ENOTREADY)
		pass->visit(pass->context, thread, result < 0 ? NULL : &job->stack, result,
			    &failure);
}

void spy_sampler_settle(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	bool hold;

	sampler->reader.now_ns = pass->now_ns;
	hold = spy_stack_settle(&sampler->reader);
	if (pass->settled)
		pass->settled(pass->context, hold);
}

int spy_sampler_pass(struct spy_sampler *sampler, const struct spy_pass *pass,
		     struct pyspyc_error *err)
{
	struct spy_stack_reader *reader = &sampler->reader;
	size_t i, j, count;
	int result;

	reader->now_ns = pass->now_ns;
	reader->ahead = NULL;
	if (spy_stack_due(reader))
		spy_sampler_settle(sampler, pass);
	if (sampler->stale || pass->select == SPY_SELECT_GIL || !sampler->thread_count ||
	    pass->now_ns - sampler->listed_ns >= LIST_EVERY_NS) {
		result = look(sampler, pass, err);
		if (result < 0)
			return result;
	}
	if (!jobs_room(sampler))
		return spy_nomem(err);
	count = choose(sampler, pass);
	if (count > 1 && reader->blocking != PYSPYC_BLOCKING_ALWAYS)
		spy_stack_refresh(reader, sampler->jobs, count);
	for (i = 0; i < count; i = j) {
		j = i + THREADS_AT_ONCE < count ? i + THREADS_AT_ONCE : count;
		if (j - i > 1 && reader->blocking != PYSPYC_BLOCKING_ALWAYS)
			spy_stack_read_many(reader, sampler->jobs + i, j - i);
		for (; i < j; i++)
			read_one(sampler, pass, i);
	}
	return 0;
}

bool spy_sampler_peeks(const struct spy_sampler *sampler)
{
	return sampler->thread_count >= PEEK_FROM && spy_stack_peeks(&sampler->reader);
}

void spy_sampler_peek(struct spy_sampler *sampler)
{
	spy_stack_peek(&sampler->reader);
}

static void read_paths(struct spy_sampler *sampler)
{
	struct spy_paths paths = { 0 };

	sampler->paths_read_ns = spy_clock_now();
	if (!sampler->states.count ||
	    spy_sys_path_read(&sampler->reader.heap, sampler->states.items[0].interpreter, &paths,
			      NULL) < 0)
		return;
	spy_paths_free(&sampler->paths);
	sampler->paths = paths;
}

const char *spy_sampler_shorten(struct spy_sampler *sampler, const char *filename)
{
	const char *shown = spy_shorten_filename(&sampler->paths, filename);

	if (shown != filename || *filename != '/' ||
	    (sampler->paths_read_ns && spy_clock_now() - sampler->paths_read_ns < PATHS_EVERY_NS))
		return shown;
	read_paths(sampler);
	return spy_shorten_filename(&sampler->paths, filename);
}
