/* pyspyc/memory.h: a recording of memory in a file. */
#include "base/export.h"
#include "lib/memory_sources.h"
#include "lib/recorder_parts.h"
#include "pyspyc/memory.h"
#include "sink/memory.h"

PYSPYC_EXPORT int pyspyc_memory_write(struct pyspyc_recorder *recorder,
				      const struct pyspyc_format *format,
				      const struct pyspyc_memory_output *output, FILE *file,
				      struct pyspyc_error *err)
{
	struct spy_memory_recording memory = {
		.history = recorder->history,
		.sources = { .read = spy_memory_source, .context = recorder },
		.released = output->released,
		.threads = output->threads,
		.all_lines = output->all_lines,
	};
	int result = spy_memory_check(recorder, err);

	if (result < 0)
		return result;
	spy_recorder_settle(recorder);
	memory.profile = pyspyc_recorder_profile(recorder);
	return spy_memory_write(&memory, format, file, err);
}
