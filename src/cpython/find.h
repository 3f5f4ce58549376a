/* The parts of spy_python_find; for python.c, find_*.c and implementation.c. */
#ifndef SPY_CPYTHON_FIND_H
#define SPY_CPYTHON_FIND_H

#include "cpython/python.h"
#include "elf/file.h"
#include "elf/image.h"

/* How far a search in one image goes; each level costs more than the one before. */
enum spy_depth {
	SPY_DEPTH_MEMORY,  /* the dynamic symbols in the target's memory */
	SPY_DEPTH_SECTION, /* the file's section headers */
	SPY_DEPTH_FILE,	   /* the file's full symbol table */
	SPY_DEPTH_DEBUG,   /* a separate debug file */
	SPY_DEPTH_SCAN,	   /* a validated search through the data segments */
};

/* One image of the process that may hold a CPython. */
struct spy_candidate {
	const struct spy_process *process;
	const struct spy_mapping *mapping; /* its first */
	struct spy_image image;
	struct spy_elf *file; /* NULL when not opened or not to be had */
	struct spy_elf *debug;
	bool file_tried;
	bool debug_tried;
	bool named; /* python3.9, libpython3.9.so.1.0, … */
	bool is_exe;
	bool located; /* a runtime has been found in it, initialised or not */
};

struct spy_candidates {
	struct spy_candidate *items;
	size_t count;
};

/*
 * The images of the process: the executable and then those named like CPython's, or all the
 * others. A CPython for another machine is -PYSPYC_EVERSION.
 */
int spy_candidates_list(const struct spy_process *process, bool others, struct spy_candidates *ret,
			struct pyspyc_error *err);
void spy_candidates_free(struct spy_candidates *candidates);

/* The last part of a path. */
const char *spy_basename(const char *path);

/* Whether a file's name is that of CPython's program or library. */
bool spy_named_python(const char *path);

/*
 * The version (as spy_version_minor) that a name such as libpython3.9.so or python2.7 says; 0
 * when it says none.
 */
unsigned spy_minor_of_name(const char *path);

/* The address in the target of a symbol, looked for at one depth; 0 when there is none. */
uint64_t spy_candidate_symbol(struct spy_candidate *candidate, enum spy_depth depth,
			      const char *name);

/* The address of a static variable: only a full symbol table has it. */
uint64_t spy_candidate_static(struct spy_candidate *candidate, const char *name);

/* The candidate's file; NULL when it is not to be had. */
struct spy_elf *spy_candidate_file(struct spy_candidate *candidate);

/* Its separate debug file; NULL when there is none. */
struct spy_elf *spy_candidate_debug(struct spy_candidate *candidate);

/* True when name, constants or symbols tell that CPython is linked into the candidate. */
bool spy_candidate_hints(struct spy_candidate *candidate);

/*
 * Looks for an initialised runtime in candidate at exactly depth. 0 when ret holds one;
 * -PYSPYC_ENOTREADY when there is one that has no interpreter, -PYSPYC_ENOTPYTHON when there
 * is none, and as spy_python_find for the others.
 */
int spy_candidate_find(struct spy_candidate *candidate, enum spy_depth depth,
		       struct spy_python *ret, struct pyspyc_error *err);

/*
 * The version of the CPython in candidate, of one that publishes no debug offsets, whose
 * symbols are found at depth. -PYSPYC_EVERSION when nothing tells it, -PYSPYC_EIMPL when the
 * text of its version names another implementation.
 */
int spy_candidate_version(struct spy_candidate *candidate, enum spy_depth depth,
			  struct spy_version *ret, struct pyspyc_error *err);

/*
 * Fills in where ret, whose layout and runtime are known, has the collector's and the GIL's
 * state; leaves 0 what the symbols do not tell.
 */
void spy_candidate_statics(struct spy_candidate *candidate, struct spy_python *ret);

/* Whether the CPython in candidate was built with Py_DEBUG; symbols are found at depth. */
bool spy_candidate_debug_build(struct spy_candidate *candidate, enum spy_depth depth);

/* Where a validated search found the runtime; addresses are 0 where it did not. */
struct spy_scan {
	uint64_t runtime;	    /* from 3.7 */
	uint64_t interpreters_head; /* to 3.6 */
};

/* The address of a struct _Py_DebugOffsets (3.13 and later) in the data segments, or 0. */
uint64_t spy_scan_cookie(const struct spy_candidate *candidate);

/* Whether address is a word's, in memory that can be written. */
bool spy_writable_pointer(const struct spy_process *process, uint64_t address);

/* Searches the data segments for the runtime of an older version. */
void spy_scan_words(const struct spy_candidate *candidate, const struct spy_layout *layout,
		    struct spy_scan *ret);

/*
 * True when address is that of an interpreter's struct: with a thread state that points back
 * to it and a dict for sys.
 */
bool spy_plausible_interpreter(const struct spy_process *process, const struct spy_layout *layout,
			       uint64_t address);

/*
 * The address that PyInterpreterState_Head loads, from size bytes of its code at address;
 * 0 when the code is of no known form.
 */
uint64_t spy_decode_head(const uint8_t *code, size_t size, uint64_t address, enum spy_arch arch);

/* The other implementation of Python that the process runs, such as "PyPy", or NULL. */
const char *spy_implementation_of_process(const struct spy_process *process);

/* The other implementation that the text of sys.version names, or NULL. */
const char *spy_implementation_of_text(const char *text);

/* A path as it may stand in a message: control characters replaced; returns buffer. */
const char *spy_printable(const char *text, char *buffer, size_t size);

#endif
