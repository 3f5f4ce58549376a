/* One Python process: its threads, looked at one moment after the other. */
#ifndef SPY_SAMPLE_SAMPLER_H
#define SPY_SAMPLE_SAMPLER_H

#include "cpython/names.h"
#include "sample/ostate.h"
#include "sample/stack.h"

/* A thread state that has been seen. */
struct spy_thread {
	struct spy_thread_state state;
	uint32_t id;	   /* never used again for another thread of this sampler */
	pid_t tid;	   /* as we see it, 0 when not known */
	char *name;	   /* threading's, or NULL */
	char os_name[64];  /* comm */
	char os_state;	   /* at this moment */
	bool active;	   /* at this moment: on a CPU or waiting for one */
	bool gil_wait;	   /* at this moment, if the pass asks: sleeps until it gets the GIL */
	bool shared;	   /* another thread state (of a subinterpreter) has the same tid */
	uint64_t tid_tried_ns;
	bool rested;	   /* its stack is what it was: it has slept since, or not had the GIL */
	bool due;	   /* what it does is to be looked at */
	uint64_t asked_ns, looked_ns; /* when these were settled, and when that was done */
	bool listed;	   /* the list of threads was read after it was known to sleep */
	struct spy_ostate ostate;
	struct spy_runs runs;
	struct spy_stack_memory memory;
};

struct spy_sampler {
	struct spy_process *process;
	struct spy_python python;
	struct spy_stack_reader reader;
	struct spy_thread_states states;
	int task_fd; /* spy_ostate_threads */
	struct spy_thread **threads; /* in the order of states */
	size_t thread_count, thread_capacity;
	uint32_t next_id;
	uint64_t names_read_ns, names_wait_ns;
	bool names_stale;
	uint64_t listed_ns; /* when threads and their states were last looked at */
	uint64_t image_ns;  /* when it was last seen to run the same program */
	size_t wait_turn;   /* the thread whose wait is looked at next, where that may take long */
	bool stale;	    /* the list is known to have changed since */
	bool apart;	    /* no two thread states are of one OS thread */
	struct spy_stack_job *jobs;
	struct spy_thread **chosen;
	size_t job_capacity;
	struct spy_paths paths; /* sys.path, for shortening file names */
	uint64_t paths_read_ns;
};

/*
 * Opens a process and finds its CPython; errors as of spy_process_open and spy_python_find.
 * The caller closes *ret.
 */
int spy_sampler_open(pid_t pid, enum pyspyc_blocking blocking, struct spy_sampler **ret,
		     struct pyspyc_error *err);

void spy_sampler_close(struct spy_sampler *sampler);

static inline void spy_sampler_cleanup(struct spy_sampler **sampler)
{
	spy_sampler_close(*sampler);
}

/* Which threads' stacks a pass reads. */
enum spy_select {
	SPY_SELECT_ALL,
	SPY_SELECT_ACTIVE,
	SPY_SELECT_GIL,
};

struct spy_pass {
	enum spy_select select;
	bool waits; /* find out who waits for the GIL; only with SPY_SELECT_ALL */
	/*
	 * Nobody asks for active, os_state and rested; only with SPY_SELECT_ALL. Of threads that run
	 * all the time they are some looks old then, and of those that wait for the GIL any age.
	 */
	bool stacks_only;
	bool often;	 /* more than 1,000 passes a second: see stack_plan.c */
	bool turns_only; /* leave out who has not got a CPU since it was stopped for a reading */
	uint64_t now_ns;
	void *context;
	/* Which of the selected threads to read; NULL for all. */
	bool (*wanted)(void *context, const struct spy_thread *thread);
	/*
	 * Called for each. stack is NULL when it could not be read, which result and err say, and
	 * with result 0 when it is left out (turns_only): it is as it was.
	 */
	void (*visit)(void *context, const struct spy_thread *thread, const struct spy_stack *stack,
		      int result, const struct pyspyc_error *err);
	/* Called whenever the provisional stacks visited so far count, or (false) must not. */
	void (*settled)(void *context, bool hold);
};

/*
 * Looks at all threads once. The list of threads, who holds the GIL and what the OS says of
 * each are at most a millisecond old. -PYSPYC_ENOPROC when the process has gone or run another
 * program (spy_process_alive tells which), -PYSPYC_ENOTREADY when it has no interpreter now.
 */
int spy_sampler_pass(struct spy_sampler *sampler, const struct spy_pass *pass,
		     struct pyspyc_error *err);

/*
 * Whether it pays to look at who has the GIL before the next pass, every SPY_PEEK_EVERY_NS: threads
 * that do not get it are not looked at then (spy_stack_turns).
 */
#define SPY_PEEK_EVERY_NS (4u * SPY_NSEC_PER_MSEC)
bool spy_sampler_peeks(const struct spy_sampler *sampler, uint64_t before_ns);
void spy_sampler_peek(struct spy_sampler *sampler);

/*
 * Settles the provisional stacks visited so far, now rather than at a later pass (through
 * pass->settled).
 */
void spy_sampler_settle(struct spy_sampler *sampler, const struct spy_pass *pass);

/*
 * The part of a code object's file name to show (spy_shorten_filename by sys.path of the main
 * interpreter, which is read again when a name fits nowhere: programs extend it as they
 * start). Points into filename.
 */
const char *spy_sampler_shorten(struct spy_sampler *sampler, const char *filename);

#endif
