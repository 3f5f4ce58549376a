/* A look at a process: the list of its threads, what each does, and whose stack is as it was. */
#include "sample/sampler_look.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "sample/identity.h"
#include "sample/waits.h"

/* Whether it is still the same program; whatever cannot be read is reason enough to look. */
#define IMAGE_EVERY_NS (50u * SPY_NSEC_PER_MSEC)
/* Of at most so many threads it is asked whether they all rest. */
#define RESTING 8

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
			spy_sampler_free_thread(old[i]);
	spy_identity_tids(sampler);
	sampler->apart = spy_identity_apart(sampler);
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

/*
 * Whose stacks are what they were: those need not be looked at, nor what the OS says of them. Not
 * where all_rest has asked: who had not run by then may have had the GIL by now.
 */
static void look_at_turns(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	bool tells = sampler->apart && sampler->thread_count > RESTING && pass->stacks_only &&
		     sampler->reader.blocking != PYSPYC_BLOCKING_ALWAYS &&
		     spy_sampler_jobs_room(sampler);
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

/*
 * First whether the thread has run, then whether it sleeps, and only then its stack: if it slept and
 * has not run the next time this is asked, the stack is still the same.
 */
static void ask(const struct spy_sampler *sampler, const struct spy_pass *pass,
		struct spy_thread *thread, bool asks)
{
	bool same = thread->memory.unturned;

	if (thread->asked_ns == sampler->reader.now_ns)
		return;
	thread->asked_ns = sampler->reader.now_ns;
	thread->due = !same && (!pass->stacks_only || spy_runs_due(&thread->runs));
	thread->rested = same || (asks && thread->due && !spy_runs_again(&thread->runs) &&
				  sleeps(thread->os_state));
	if (!thread->rested)
		thread->memory.current = thread->listed = false;
}

static void look_at_state(const struct spy_sampler *sampler, const struct spy_pass *pass,
			  struct spy_thread *thread)
{
	if (thread->looked_ns == sampler->reader.now_ns)
		return;
	thread->looked_ns = sampler->reader.now_ns;
	if (spy_stack_moved(&sampler->reader, &thread->memory))
		thread->os_state = 'R';
	/* Without a native_id, only this tells the next thread from one that has ended. */
	else if (!thread->rested && (thread->due || !thread->state.native_id))
		thread->os_state = pass->select == SPY_SELECT_ALL && thread->os_state
					   ? spy_ostate_glance(&thread->ostate)
					   : spy_ostate_read(&thread->ostate);
}

/*
 * Whether nothing has run in the process since the list was read last, so that all is as it was: it
 * has a few threads, which slept before that, and no others. Where somebody asks what the threads do,
 * that is looked at only right before their stacks.
 */
static bool all_rest(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	size_t i, count = sampler->thread_count;
	bool rest = true;

	if (sampler->stale || !sampler->apart || !count || count > RESTING)
		return false;
	for (i = 0; i < count; i++)
		if (!sampler->threads[i]->tid || !sleeps(sampler->threads[i]->os_state))
			return false;
	for (i = 0; i < count; i++) {
		struct spy_thread *thread = sampler->threads[i];

		ask(sampler, pass, thread, true);
		if (pass->stacks_only)
			look_at_state(sampler, pass, thread);
		rest &= thread->rested && thread->listed;
	}
	return rest && spy_ostate_threads(sampler->process->pid, &sampler->task_fd) == count;
}

static void look_at_states(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	const struct spy_thread_states *states = &sampler->states;
	uint64_t now = sampler->reader.now_ns;
	size_t i;

	for (i = 0; i < sampler->thread_count; i++) {
		struct spy_thread *thread = sampler->threads[i];

		/* What is known of one that sleeps is older than the list. */
		thread->listed = thread->asked_ns == now &&
				 (thread->rested || thread->looked_ns == now);
		ask(sampler, pass, thread, pass->select == SPY_SELECT_ALL);
		look_at_state(sampler, pass, thread);
		thread->memory.unturned = false;
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

/*
 * A single thread that ran will run, and one that was just found asleep will sleep: its stack is read
 * in the same call as the list, one system call instead of two.
 */
static void plan_ahead(struct spy_sampler *sampler, const struct spy_pass *pass)
{
	struct spy_stack_reader *reader = &sampler->reader;
	struct spy_thread *thread = sampler->thread_count == 1 ? sampler->threads[0] : NULL;
	bool slept = thread && thread->looked_ns == reader->now_ns && thread->due &&
		     sleeps(thread->os_state) && !thread->rested;

	sampler->states.also_count = 0;
	if (!thread || !(thread->active || slept) || pass->wanted || sampler->stale ||
	    reader->blocking == PYSPYC_BLOCKING_ALWAYS || thread->memory.pause.attached ||
	    thread->memory.stood)
		return;
	if (slept) /* who sleeps without the GIL collects nothing */
		thread->memory.collecting_at = 0;
	if (!spy_stack_ahead(reader, &thread->memory, &thread->state))
		return;
	sampler->states.also = reader->ranges;
	sampler->states.also_count = reader->range_count;
}

/*
 * Of one that has gone to sleep meanwhile, what it did before that is not its stack; and of one that
 * slept with the GIL it was not read whether it collects.
 */
static void drop_ahead(struct spy_sampler *sampler)
{
	const struct spy_thread *thread = sampler->reader.ahead ? sampler->threads[0] : NULL;

	if (thread && (thread->listed ? thread->state.gil : !thread->active))
		sampler->reader.ahead = NULL;
}

int spy_sampler_look(struct spy_sampler *sampler, const struct spy_pass *pass,
		     struct pyspyc_error *err)
{
	int result;

	if (sampler->stale || sampler->reader.now_ns - sampler->image_ns >= IMAGE_EVERY_NS) {
		if (!spy_process_same_image(sampler->process))
			return spy_fail(err, PYSPYC_ENOPROC,
					"process %d has exited or runs another program",
					(int)sampler->process->pid);
		sampler->image_ns = sampler->reader.now_ns;
	}
	if (all_rest(sampler, pass)) {
		spy_identity_names(sampler);
		sampler->listed_ns = sampler->reader.now_ns;
		return 0;
	}
	plan_ahead(sampler, pass);
	result = spy_threads_read(&sampler->reader.heap, &sampler->python, &sampler->states, err);
	if (result == 0)
		result = match_threads(sampler, err);
	if (result < 0) {
		sampler->stale = true;
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
	drop_ahead(sampler);
	sampler->stale = false;
	sampler->listed_ns = sampler->reader.now_ns;
	return 0;
}
