/*
 * What memory_profiler's `mprof run -M` writes (mprof.py and memory_profiler.py 0.61, memory_usage):
 * "CMDLINE command", then "MEM MiB seconds" of the first process and "CHLD pid MiB seconds" of
 * others, seconds since the epoch. Its FUNC lines, calls of decorated functions, are not known from
 * outside.
 */
#include "sink/memory_text.h"

#define MIB 1048576.0

static void put_point(struct spy_memory_text *out, const struct spy_memory_recording *memory,
		      const struct spy_history_point *point)
{
	uint64_t ns = point->at_ns % 1000000000;
	int64_t seconds = memory->profile->started_at + (int64_t)(point->at_ns / 1000000000);

	if (point->process)
		spy_buffer_printf(&out->piece, "CHLD %d",
				  (int)memory->history->processes[point->process].pid);
	else
		spy_buffer_puts(&out->piece, "MEM");
	spy_buffer_printf(&out->piece, " %.6f %lld.%04u\n", (double)point->rss / MIB,
			  (long long)seconds, (unsigned)(ns / 100000));
}

static int write_mprof(const struct spy_memory_recording *memory, FILE *file,
		       struct pyspyc_error *err)
{
	const struct spy_history *history = memory->history;
	struct spy_memory_text out = { .file = file };
	uint32_t i;

	spy_buffer_puts(&out.piece, "CMDLINE ");
	if (history->process_count)
		spy_buffer_puts(&out.piece, spy_memory_visible(&out, history->processes->command));
	spy_buffer_putc(&out.piece, '\n');
	for (i = 0; i < history->point_count; i++) {
		put_point(&out, memory, &history->points[i]);
		spy_memory_flush(&out);
	}
	return spy_memory_end(&out, err);
}

const struct spy_memory_sink spy_memory_sink_mprof = {
	.format = {
		.name = "mprof",
		.aliases = (const char *const[]){ "dat", NULL },
		.extensions = (const char *const[]){ ".dat", NULL },
		.description = "RSS against time, for memory_profiler's `mprof plot`",
	},
	.write = write_mprof,
};
