/* Which of many processes run a CPython, and which one: at a glance, for lists of processes. */
#ifndef SPY_LIB_PYTHONS_H
#define SPY_LIB_PYTHONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a program's files are told by, as /proc shows them. */
struct spy_pythons_key {
	uint64_t device, inode;			/* of the executable */
	uint64_t library_device, library_inode; /* of the libpython that is mapped; 0 for none */
};

struct spy_pythons_known {
	struct spy_pythons_key key;
	bool is_python;
	char version[32];
};

/*
 * What is known of programs so far: processes that run the same files run the same Python, so
 * that of a server with many workers only the first is attached to. Zero-initialise, but for
 * the limit.
 */
struct spy_pythons {
	struct spy_pythons_known *known;
	size_t count;
	/*
	 * When the calling thread has used so much CPU time, nobody is attached to any more: names
	 * have to do. Not by the clock on the wall, for on a busy machine versions would come and go.
	 */
	uint64_t limit_ns;
};

void spy_pythons_free(struct spy_pythons *pythons);

struct spy_pythons_answer {
	char version[32]; /* "3.12.1"; "3.12" as a file's name says it; "?" */
	bool readable;	  /* its memory can be read */
};

/*
 * True when process pid runs a CPython: its executable is called python…, a libpython is mapped,
 * or the executable itself holds one. A process that may not be looked into is judged by its
 * command line. Kernel threads, zombies and processes that are gone are none, and neither are
 * other implementations of Python.
 */
bool spy_pythons_ask(struct spy_pythons *pythons, pid_t pid, struct spy_pythons_answer *ret);

#endif
