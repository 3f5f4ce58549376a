/* What a thread that does not run waits for: the GIL or something else. */
#ifndef SPY_SAMPLE_WAITS_H
#define SPY_SAMPLE_WAITS_H

#include "cpython/threads.h"

enum spy_wait {
	SPY_WAIT_NONE, /* it runs, or it is not known */
	SPY_WAIT_GIL,
	SPY_WAIT_OTHER,
};

/* A line of /proc/PID/task/TID/syscall. */
struct spy_syscall {
	long number; /* -1: not in a system call, but stopped or waiting for a page */
	uint64_t arguments[6];
};

/*
 * Parses text (NUL-terminated); false for a thread that runs ("running") and for text in
 * another form. Of a line that ends early ("-1 SP PC") the arguments are 0.
 */
bool spy_syscall_parse(const char *text, struct spy_syscall *ret);

/* Addresses in the target on which threads of an interpreter wait for its GIL. */
struct spy_gil_place {
	uint64_t start;
	uint64_t size; /* 0: not known */
};

/*
 * Up to 3.11 the one of python, later the interpreter's own. In 2.7 and 3.6 it takes the full
 * symbol table of the target's binary to know it.
 */
void spy_gil_place_read(const struct spy_heap *heap, const struct spy_python *python,
			const struct spy_interpreter *interpreter, struct spy_gil_place *ret);

/* Of a thread state: that of its interpreter, size 0 where it does not wait for any GIL. */
void spy_gil_place_of(const struct spy_heap *heap, const struct spy_python *python,
		      const struct spy_thread_states *states,
		      const struct spy_thread_state *thread, struct spy_gil_place *ret);

/* Whether a thread in this system call waits for the GIL at place. */
bool spy_waits_at(const struct spy_syscall *call, const struct spy_gil_place *place);

/*
 * What a thread waits for now; pid and tid are as we see them, nothing is kept open. From
 * 3.15 thread states tell that they want the GIL; up to then the kernel tells the futex on
 * which a thread sleeps. (With musl, whose waiters sleep on their own stacks, it is always
 * SPY_WAIT_OTHER up to 3.14.)
 */
enum spy_wait spy_wait_read(const struct spy_heap *heap, const struct spy_python *python,
			    const struct spy_thread_states *states,
			    const struct spy_thread_state *thread, pid_t pid, pid_t tid);

#endif
