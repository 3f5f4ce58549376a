/* The CPython runtime inside a process: where it is, which one it is. */
#ifndef SPY_CPYTHON_PYTHON_H
#define SPY_CPYTHON_PYTHON_H

#include "cpython/layout.h"
#include "target/process.h"

/*
 * Addresses of the collector's static variables in Modules/gcmodule.c, to 3.6; 0 where they could
 * not be found.
 */
struct spy_gc_statics {
	uint64_t enabled, debug, generations, stats, garbage;
	uint64_t long_lived_total, long_lived_pending;
};

struct spy_python {
	struct spy_version version;
	struct spy_layout layout;
	char *binary;		    /* the executable or libpython that holds it, as mapped */
	uint64_t runtime;	    /* address of _PyRuntime; 0 up to 3.6 */
	uint64_t interpreters_head; /* address of the word that points to the first interpreter */
	/*
	 * Address of the word that points to the thread state that holds the GIL
	 * (_PyThreadState_Current to 3.6, gilstate.tstate_current to 3.11); 0 from 3.12 and
	 * where it could not be found.
	 */
	uint64_t tstate_current;
	/*
	 * Address of the int that is not 0 while the collector runs, where it is the process'
	 * (to 3.8); 0 from 3.9, where interpreters have it, and where it could not be found.
	 */
	uint64_t collecting;
	/*
	 * Where the mutexes and conditions lie on which threads wait for the GIL, to 3.11; 0
	 * from 3.12 (see struct spy_interpreter) and where they could not be found. In 2.7 it
	 * is the address of the word that points to the lock, and gil_is_lock is set.
	 */
	uint64_t gil;
	uint32_t gil_size;
	bool gil_is_lock;
	struct spy_gc_statics gc;
};

/*
 * Finds the runtime of process, whose mappings must be fresh. -PYSPYC_ENOTPYTHON when there
 * is none, -PYSPYC_EIMPL for PyPy and other implementations (named in the message),
 * -PYSPYC_EVERSION when the version is not known, -PYSPYC_ENOTREADY when a CPython is
 * mapped but has not created its first interpreter (or has already torn it down). The
 * caller closes ret with spy_python_close, also after -PYSPYC_ENOTREADY.
 */
int spy_python_find(const struct spy_process *process, struct spy_python *ret,
		    struct pyspyc_error *err);

void spy_python_close(struct spy_python *python);

/* Where the ELF header of python->binary is mapped; 0 when that is not among the mappings. */
uint64_t spy_python_base(const struct spy_process *process, const struct spy_python *python);

#endif
