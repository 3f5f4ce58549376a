/* The formats of a recording of memory. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/export.h"
#include "profile/live.h"
#include "pyspyc/memory.h"
#include "sink/bytes.h"
#include "sink/formats.h"
#include "sink/memory.h"

static const struct spy_memory_sink flamegraph = {
	.format = {
		.name = "flamegraph",
		.aliases = (const char *const[]){ NULL },
		.extensions = (const char *const[]){ ".flame.svg", NULL },
		.description = "interactive flame graph of the bytes by which memory grew and shrank",
	},
	.stacks = &spy_sink_flamegraph,
};

static const struct spy_memory_sink folded = {
	.format = {
		.name = "folded",
		.aliases = (const char *const[]){ "collapsed", NULL },
		.extensions = (const char *const[]){ ".folded", ".collapsed", NULL },
		.description = "stacks and the bytes by which memory grew, one a line",
	},
	.stacks = &spy_sink_folded,
};

static const struct spy_memory_sink speedscope = {
	.format = {
		.name = "speedscope",
		.aliases = (const char *const[]){ NULL },
		.extensions = (const char *const[]){ ".speedscope.json", NULL },
		.description = "the same as JSON for https://www.speedscope.app",
	},
	.stacks = &spy_sink_speedscope,
};

static const struct pyspyc_format *const formats[] = {
	&spy_memory_sink_plot.format,
	&spy_memory_sink_mprof.format,
	&spy_memory_sink_csv.format,
	&spy_memory_sink_json.format,
	&spy_memory_sink_lines.format,
	&flamegraph.format,
	&folded.format,
	&speedscope.format,
	NULL,
};

PYSPYC_EXPORT const struct pyspyc_format *const *pyspyc_memory_formats(void)
{
	return formats;
}

PYSPYC_EXPORT const struct pyspyc_format *pyspyc_memory_format_by_name(const char *name)
{
	return spy_format_by_name(formats, name);
}

PYSPYC_EXPORT const struct pyspyc_format *pyspyc_memory_format_by_path(const char *path)
{
	return spy_format_by_path(formats, path);
}

/* --- bytes per stack --- */

static bool has_several_processes(const struct pyspyc_profile *profile)
{
	uint32_t count = 0, i;

	for (i = 1; i < profile->node_count && count < 2; i++)
		count += profile->nodes[i].parent == SPY_ROOT_NODE &&
			 profile->frames[profile->nodes[i].frame].kind == SPY_FRAME_PROCESS;
	return count > 1;
}

static uint64_t sum_of(const struct pyspyc_profile *profile, enum spy_live_value value)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < profile->node_count; i++)
		sum += spy_profile_values(profile, i)[spy_live_at(value, SPY_LIVE_SINCE)];
	return sum;
}

void spy_memory_truth(struct spy_buffer *buffer, const struct spy_memory_recording *memory)
{
	const char *truth = memory->profile->summary;

	spy_buffer_puts(buffer, "RSS grew by ");
	spy_put_bytes(buffer, sum_of(memory->profile, SPY_LIVE_GROWN));
	spy_buffer_puts(buffer, " and shrank by ");
	spy_put_bytes(buffer, sum_of(memory->profile, SPY_LIVE_RELEASED));
	if (truth && *truth)
		spy_buffer_printf(buffer, "; %s", truth);
}

/* What it is of, and the line of truth. */
static bool name(const struct spy_memory_recording *memory, bool released,
		 struct pyspyc_profile *stacks)
{
	spy_autobuffer struct spy_buffer title = { 0 }, summary = { 0 };
	const char *whose = memory->profile->title;

	spy_buffer_printf(&title, "%s: %s", released ? "Memory released" : "Memory growth",
			  whose && *whose ? whose : "?");
	spy_memory_truth(&summary, memory);
	free(stacks->title);
	stacks->title = spy_buffer_steal(&title);
	stacks->summary = spy_buffer_steal(&summary);
	return stacks->title && stacks->summary;
}

/* A profile of bytes in one direction. */
static int make_stacks(const struct spy_memory_recording *memory, bool released,
		       struct pyspyc_profile **ret_stacks, struct pyspyc_error *err)
{
	struct pyspyc_query query = {
		.scope = PYSPYC_SCOPE_ALL,
		.by_process = has_several_processes(memory->profile),
		.by_thread = memory->threads,
	};
	int ret = spy_live_bytes(memory->profile, &query, released, ret_stacks, err);

	if (ret < 0)
		return ret;
	(*ret_stacks)->duration_ns = memory->profile->duration_ns;
	return name(memory, released, *ret_stacks) ? 0 : spy_nomem(err);
}

/* Formats that can hold several figures have the other direction as well. */
static int write_stacks(const struct spy_memory_recording *memory, const struct spy_sink *sink,
			FILE *file, struct pyspyc_error *err)
{
	struct pyspyc_profile *stacks = NULL;
	int ret = make_stacks(memory, memory->released, &stacks, err);

	if (!ret)
		ret = make_stacks(memory, !memory->released,
				  memory->released ? &stacks->grown : &stacks->released, err);
	if (!ret)
		ret = sink->write(stacks, file, err);
	spy_profile_free(stacks);
	return ret;
}

int spy_memory_write(const struct spy_memory_recording *memory, const struct pyspyc_format *format,
		     FILE *file, struct pyspyc_error *err)
{
	const struct spy_memory_sink *sink =
		(const struct spy_memory_sink *)(const void *)((const char *)format -
							       offsetof(struct spy_memory_sink,
									format));
	int ret;

	errno = 0;
	ret = sink->write ? sink->write(memory, file, err)
			  : write_stacks(memory, sink->stacks, file, err);
	return ret ? ret : spy_format_finish(format, file, err);
}
