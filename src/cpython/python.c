/* Finding the CPython in a process, by ever more costly means. */
#include "cpython/python.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/find.h"

/* What a search has come to: the runtime, or the most telling failure so far. */
struct search {
	const struct spy_process *process;
	struct spy_python best;
	const char *binary; /* borrowed */
	struct pyspyc_error error;
	int result; /* -PYSPYC_ENOTPYTHON until something has been found */
};

/* True when the search is over: a runtime that is up, or an error that ends everything. */
static bool try_candidate(struct search *search, struct spy_candidate *candidate,
			  enum spy_depth depth)
{
	struct pyspyc_error error = { 0 };
	struct spy_python python = { 0 };
	int r = spy_candidate_find(candidate, depth, &python, &error);

	if (r == -PYSPYC_ENOTPYTHON)
		return false;
	if (r == 0 || search->result == -PYSPYC_ENOTPYTHON) {
		search->best = python;
		search->binary = candidate->mapping->path;
		search->error = error;
		search->result = r;
	}
	if (r == -PYSPYC_ENOPROC || r == -PYSPYC_EPERM || r == -PYSPYC_ENOMEM) {
		search->error = error;
		search->result = r;
		return true;
	}
	return r == 0;
}

/* By symbols in memory; by all means where something hints at a CPython without symbols. */
static bool search_named(struct search *search, struct spy_candidates *named)
{
	size_t i;
	int depth;

	for (i = 0; i < named->count; i++)
		if (try_candidate(search, &named->items[i], SPY_DEPTH_MEMORY))
			return true;
	for (i = 0; i < named->count; i++) {
		struct spy_candidate *candidate = &named->items[i];

		if (candidate->located || !spy_candidate_hints(candidate))
			continue;
		for (depth = SPY_DEPTH_SECTION; depth <= SPY_DEPTH_SCAN && !candidate->located;
		     depth++)
			if (try_candidate(search, candidate, (enum spy_depth)depth))
				return true;
	}
	return false;
}

static bool search_others(struct search *search, struct spy_candidates *others)
{
	size_t i;

	for (i = 0; i < others->count; i++)
		if (try_candidate(search, &others->items[i], SPY_DEPTH_MEMORY))
			return true;
	for (i = 0; i < others->count; i++)
		if (!others->items[i].located &&
		    try_candidate(search, &others->items[i], SPY_DEPTH_SECTION))
			return true;
	return false;
}

/*
 * The program's own definition of a variable takes the place of the library's (a copy
 * relocation), which then stays as it was.
 */
static void prefer_program(struct search *search, struct spy_candidates *named)
{
	uint64_t address;

	if (search->result < 0 || search->best.runtime || !named->count || !named->items[0].is_exe)
		return;
	address = spy_candidate_symbol(&named->items[0], SPY_DEPTH_MEMORY,
				       "_PyThreadState_Current");
	if (address)
		search->best.tstate_current = address;
}

/* Why there is no CPython in the process: the one place that words it. */
static int explain(struct search *search, struct spy_candidates *named)
{
	const struct spy_process *process = search->process;
	struct pyspyc_error *err = &search->error;
	int pid = (int)process->pid;
	char exe[256], library[64], shown[64];

	spy_printable(process->exe, exe, sizeof(exe));
	if (!spy_process_alive(process))
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has exited", pid);
	if (!spy_process_same_image(process))
		return spy_fail(err, PYSPYC_EAGAIN, "process %d has just called exec: try again",
				pid);
	if (named->count && named->items[0].is_exe &&
	    spy_image_needs(&named->items[0].image, "libpython", library, sizeof(library)))
		return spy_fail(err, PYSPYC_ENOTREADY,
				"process %d (%s) has not loaded %s yet, or it cannot be read there",
				pid, exe, spy_printable(library, shown, sizeof(shown)));
	return spy_fail(err, PYSPYC_ENOTPYTHON,
			"process %d (%s) is not a Python process: name one that is, or use "
			"--subprocesses if it is one's parent",
			pid, exe);
}

static int search_process(struct search *search)
{
	spy_cleanup(spy_candidates_free) struct spy_candidates named = { 0 }, others = { 0 };
	const char *other;
	int r;

	r = spy_candidates_list(search->process, false, &named, &search->error);
	if (r < 0)
		return r;
	if (search_named(search, &named)) {
		prefer_program(search, &named);
		return search->result;
	}
	other = spy_implementation_of_process(search->process);
	if (other)
		return spy_fail(&search->error, PYSPYC_EIMPL,
				"process %d runs %s, not CPython: pyspyc reads CPython only",
				(int)search->process->pid, other);
	if (search->result == -PYSPYC_ENOTPYTHON) {
		r = spy_candidates_list(search->process, true, &others, &search->error);
		if (r < 0)
			return r;
		search_others(search, &others);
	}
	if (search->result == -PYSPYC_ENOTPYTHON)
		search->result = explain(search, &named);
	return search->result;
}

int spy_python_find(const struct spy_process *process, struct spy_python *ret,
		    struct pyspyc_error *err)
{
	struct search search = { .process = process, .result = -PYSPYC_ENOTPYTHON };
	int r = search_process(&search);

	*ret = search.best;
	if (search.binary) {
		ret->binary = strdup(search.binary);
		if (!ret->binary)
			return spy_nomem(err);
	}
	if (r < 0 && err)
		*err = search.error;
	return r;
}

void spy_python_close(struct spy_python *python)
{
	free(python->binary);
	*python = (struct spy_python){ 0 };
}

uint64_t spy_python_base(const struct spy_process *process, const struct spy_python *python)
{
	size_t i;

	for (i = 0; i < process->maps.count; i++)
		if (!process->maps.items[i].offset &&
		    strcmp(process->maps.items[i].path, python->binary) == 0)
			return process->maps.items[i].start;
	return 0;
}
