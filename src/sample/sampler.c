#include "sample/sampler.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "sample/sampler_look.h"

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
#define PEEK_FROM 64u

void spy_sampler_free_thread(struct spy_thread *thread)
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
	sampler->task_fd = -1;
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
		spy_sampler_free_thread(sampler->threads[i]);
	if (sampler->task_fd >= 0)
		close(sampler->task_fd);
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

bool spy_sampler_jobs_room(struct spy_sampler *sampler)
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
	reader->often = pass->often;
	if (spy_stack_due(reader))
		spy_sampler_settle(sampler, pass);
	if (sampler->stale || pass->select == SPY_SELECT_GIL || !sampler->thread_count ||
	    pass->now_ns - sampler->listed_ns >= LIST_EVERY_NS) {
		result = spy_sampler_look(sampler, pass, err);
		if (result < 0)
			return result;
	}
	if (!spy_sampler_jobs_room(sampler))
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

bool spy_sampler_peeks(const struct spy_sampler *sampler, uint64_t before_ns)
{
	return before_ns / SPY_PEEK_EVERY_NS <= sampler->thread_count / PEEK_FROM &&
	       spy_stack_peeks(&sampler->reader);
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
