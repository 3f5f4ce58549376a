/* Where the state of the collector and of the GIL is, in versions that keep it for the process. */
#include "cpython/find.h"

/*
 * 3.6's GIL (Python/ceval_gil.h) is static variables, which the linker puts near each other.
 * pthread_cond_t, the largest of them, has 48 bytes.
 */
#define GIL_SPREAD 1024
#define GIL_VARIABLE 48

uint64_t spy_candidate_static(struct spy_candidate *candidate, const char *name)
{
	uint64_t address = spy_candidate_symbol(candidate, SPY_DEPTH_FILE, name);

	return address ? address : spy_candidate_symbol(candidate, SPY_DEPTH_DEBUG, name);
}

static void find_gil_36(struct spy_candidate *candidate, struct spy_python *ret)
{
	static const char *const names[] = { "gil_cond", "gil_mutex", "switch_cond",
					     "switch_mutex" };
	uint64_t first = spy_candidate_static(candidate, names[0]), last = first;

	if (!first)
		return;
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t address = spy_candidate_static(candidate, names[i]);

		if (!address || address + GIL_SPREAD < first || address > last + GIL_SPREAD)
			continue;
		first = address < first ? address : first;
		last = address > last ? address : last;
	}
	ret->gil = first;
	ret->gil_size = (uint32_t)(last - first) + GIL_VARIABLE;
}

/* Modules/gcmodule.c, to 3.6: the rest of what struct _gc_runtime_state has later. */
static void find_gc_36(struct spy_candidate *candidate, struct spy_gc_statics *ret)
{
	ret->generations = spy_candidate_static(candidate, "generations");
	if (!ret->generations)
		return;
	ret->enabled = spy_candidate_static(candidate, "enabled");
	ret->debug = spy_candidate_static(candidate, "debug");
	ret->stats = spy_candidate_static(candidate, "generation_stats"); /* from 3.4 */
	ret->garbage = spy_candidate_static(candidate, "garbage");
	ret->long_lived_total = spy_candidate_static(candidate, "long_lived_total");
	ret->long_lived_pending = spy_candidate_static(candidate, "long_lived_pending");
}

void spy_candidate_statics(struct spy_candidate *candidate, struct spy_python *ret)
{
	const struct spy_layout *layout = &ret->layout;

	ret->collecting = ret->gil = ret->gil_size = 0;
	ret->gil_is_lock = false;
	ret->gc = (struct spy_gc_statics){ 0 };
	if (ret->runtime) {
		if (layout->runtime_gc_collecting != SPY_NO_FIELD)
			ret->collecting = ret->runtime + layout->runtime_gc_collecting;
		if (layout->runtime_gil != SPY_NO_FIELD) {
			ret->gil = ret->runtime + layout->runtime_gil;
			ret->gil_size = layout->gil_size;
		}
		return;
	}
	/* Modules/gcmodule.c, to 3.6. */
	ret->collecting = spy_candidate_static(candidate, "collecting");
	find_gc_36(candidate, &ret->gc);
	if (ret->version.major > 2) {
		find_gil_36(candidate, ret);
		return;
	}
	/* A pointer to a sem_t (Python/ceval.c, thread_pthread.h); NULL before threads start. */
	ret->gil = spy_candidate_static(candidate, "interpreter_lock");
	ret->gil_size = sizeof(uint64_t);
	ret->gil_is_lock = ret->gil != 0;
}
