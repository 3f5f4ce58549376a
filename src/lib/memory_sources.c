#include "lib/memory_sources.h"

#include "lib/recorder_parts.h"
#include "pyspyc/processes.h"

/* So many processes are asked for a file. */
#define MOST_ASKED 16

/*
 * Whether this process has under that name what the recorded ones had, now that they have ended: not
 * if they lived in a container, and of names relative to a folder only if that was this one.
 */
static bool may_be_ours(const struct pyspyc_recorder *recorder, const char *path)
{
	bool launched = false;
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++) {
		if (recorder->tracked[i]->foreign)
			return false;
		launched |= recorder->tracked[i]->launched;
	}
	return path[0] == '/' || launched;
}

bool spy_memory_source(void *context, const char *path, char **text, size_t *size)
{
	const struct pyspyc_recorder *recorder = context;
	unsigned asked = 0;
	size_t i;

	for (i = 0; i < recorder->tracked_count && asked < MOST_ASKED; i++) {
		const struct spy_sampler *sampler = recorder->tracked[i]->sampler;

		if (!sampler || !spy_process_alive(sampler->process))
			continue;
		asked++;
		if (pyspyc_source_read(sampler->process->pid, path, text, size, NULL) == 0)
			return true;
	}
	return !asked && may_be_ours(recorder, path) &&
	       pyspyc_source_read(0, path, text, size, NULL) == 0;
}
