/* All of a recording of memory as JSON; docs/memory-schema.json describes it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "sink/escape.h"
#include "sink/memory_text.h"

#define VERSION 1 /* of the schema: goes up when old readers would fail */
#define MOST_PEAKS 16
#define MOST_CLIMBS 16

/* A recording on its way to a file. */
struct writer {
	struct spy_memory_text out;
	const struct spy_memory_recording *memory;
	uint32_t *frames; /* per frame of the profile: 1 + its number in the file, 0: not there */
	uint32_t *files;  /* per string: 1 + its number in the file's list of paths */
	uint32_t *used;	  /* frames in the order of the file */
	uint32_t used_count;
};

static struct spy_buffer *begin(struct writer *writer)
{
	spy_memory_flush(&writer->out);
	return &writer->out.piece;
}

static void put_text(struct writer *writer, const char *text)
{
	spy_escape_json(&writer->out.piece, spy_memory_visible(&writer->out, text ? text : ""));
}

static void put_seconds(struct writer *writer, uint64_t ns)
{
	spy_memory_put_seconds(&writer->out, ns);
}

/* A number in one of the file's lists; null for none. */
static void put_index(struct writer *writer, uint32_t index, uint32_t count)
{
	if (index < count)
		spy_buffer_printf(&writer->out.piece, "%" PRIu32, index);
	else
		spy_buffer_puts(&writer->out.piece, "null");
}

/* --- what it is --- */

static void put_head(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	const struct pyspyc_profile *profile = writer->memory->profile;
	struct spy_buffer *piece = begin(writer);

	spy_buffer_printf(piece,
			  "{\"schema\":\"pyspyc-memory\",\"version\":%d,\n\"title\":", VERSION);
	put_text(writer, profile->title);
	spy_buffer_puts(piece, ",\n\"summary\":");
	put_text(writer, profile->summary);
	spy_buffer_printf(piece,
			  ",\n\"started_at\":%" PRId64 ",\"duration\":", profile->started_at);
	put_seconds(writer, profile->duration_ns);
	spy_buffer_puts(piece, ",\"resolution\":");
	put_seconds(writer, history->resolution_ns);
	spy_buffer_puts(piece, ",\n\"limit\":");
	if (history->limit) {
		spy_buffer_printf(piece, "{\"bytes\":%" PRIu64 ",\"group\":", history->limit);
		put_text(writer, history->limit_name);
		spy_buffer_putc(piece, '}');
	} else {
		spy_buffer_puts(piece, "null");
	}
	spy_buffer_printf(piece, ",\n\"peak\":{\"rss\":%" PRIu64 ",\"time\":", history->peak_rss);
	put_seconds(writer, history->peak_ns);
	spy_buffer_printf(piece, "},\n\"fault_events\":%s",
			  history->fault_events ? "true" : "false");
}

static void put_processes(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	struct spy_buffer *piece = begin(writer);
	uint32_t i;

	spy_buffer_puts(piece, ",\n\"processes\":[");
	for (i = 0; i < history->process_count; i++) {
		const struct spy_history_process *process = &history->processes[i];

		begin(writer);
		spy_buffer_printf(piece, "%s\n{\"pid\":%d,\"parent\":%d,\"command\":", i ? "," : "",
				  (int)process->pid, (int)process->parent);
		put_text(writer, process->command);
		spy_buffer_puts(piece, ",\"python\":");
		put_text(writer, process->version);
		spy_buffer_puts(piece, ",\"since\":");
		put_seconds(writer, process->since_ns);
		spy_buffer_puts(piece, ",\"until\":");
		put_seconds(writer, process->until_ns);
		spy_buffer_printf(piece,
				  ",\"ended\":%s,\"first_rss\":%" PRIu64 ",\"peak_rss\":%" PRIu64
				  ",\"seen_rss\":%" PRIu64 "}",
				  process->ended ? "true" : "false", process->first_rss,
				  process->peak_rss, process->seen_rss);
	}
	spy_buffer_puts(piece, "\n]");
}

/* --- stacks --- */

/* Numbers the frames that stacks have, and writes the paths of their files. */
static bool number_frames(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	const struct pyspyc_profile *profile = writer->memory->profile;
	struct spy_buffer *piece = begin(writer);
	uint32_t files = 0, i;

	writer->frames = calloc((size_t)profile->frame_count + 1, sizeof(*writer->frames));
	writer->files = calloc((size_t)profile->strings.count + 1, sizeof(*writer->files));
	writer->used = calloc((size_t)profile->frame_count + 1, sizeof(*writer->used));
	if (!writer->frames || !writer->files || !writer->used)
		return false;
	spy_buffer_puts(piece, ",\n\"files\":[");
	for (i = 0; i < history->frame_count; i++) {
		uint32_t number = history->frames[i], path;

		if (number >= profile->frame_count || writer->frames[number])
			continue;
		writer->used[writer->used_count++] = number;
		writer->frames[number] = writer->used_count;
		path = profile->frames[number].path;
		if (profile->frames[number].kind != SPY_FRAME_PYTHON || writer->files[path])
			continue;
		begin(writer);
		spy_buffer_puts(piece, files ? ",\n" : "\n");
		put_text(writer, spy_profile_text(profile, path));
		writer->files[path] = ++files;
	}
	spy_buffer_puts(piece, "\n]");
	return true;
}

static void put_frames(struct writer *writer)
{
	const struct pyspyc_profile *profile = writer->memory->profile;
	struct spy_buffer *piece = begin(writer);
	uint32_t i;

	spy_buffer_puts(piece, ",\n\"frames\":[");
	for (i = 0; i < writer->used_count; i++) {
		const struct spy_frame *frame = &profile->frames[writer->used[i]];

		begin(writer);
		spy_buffer_puts(piece, i ? ",\n" : "\n");
		spy_buffer_puts(piece, "{\"function\":");
		put_text(writer, spy_profile_text(profile, frame->name));
		spy_buffer_puts(piece, ",\"file\":");
		put_index(writer,
			  frame->kind == SPY_FRAME_PYTHON ? writer->files[frame->path] - 1
							  : UINT32_MAX,
			  UINT32_MAX);
		spy_buffer_printf(piece, ",\"line\":%d,\"first_line\":%d}",
				  (int)(frame->line > 0 ? frame->line : 0),
				  (int)(frame->first_line > 0 ? frame->first_line : 0));
	}
	spy_buffer_puts(piece, "\n]");
}

static void put_stacks(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	struct spy_buffer *piece = begin(writer);
	uint32_t i, j;

	spy_buffer_puts(piece, ",\n\"stacks\":[");
	for (i = 0; i < history->stack_count; i++) {
		const struct spy_history_stack *stack = &history->stacks[i];
		const char *separator = "";

		begin(writer);
		spy_buffer_puts(piece, i ? ",\n[" : "\n[");
		for (j = 0; j < stack->count; j++) {
			uint32_t frame = history->frames[stack->first + j];

			if (frame >= writer->memory->profile->frame_count)
				continue;
			spy_buffer_printf(piece, "%s%" PRIu32, separator,
					  writer->frames[frame] - 1);
			separator = ",";
		}
		spy_buffer_putc(piece, ']');
	}
	spy_buffer_puts(piece, "\n]");
}

/* --- against time --- */

static void put_points(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	struct spy_buffer *piece = begin(writer);
	uint32_t i;

	spy_buffer_puts(piece,
			",\n\"columns\":[\"time\",\"process\",\"rss\",\"pss\",\"uss\",\"swap\","
			"\"minor_faults\",\"major_faults\",\"stack\"],\n\"points\":[");
	for (i = 0; i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i];

		begin(writer);
		spy_buffer_puts(piece, i ? ",\n[" : "\n[");
		put_seconds(writer, point->at_ns);
		spy_buffer_printf(piece,
				  ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
				  ",%" PRIu64 ",%" PRIu64 ",",
				  point->process, point->rss, point->pss, point->uss, point->swap,
				  point->minor, point->major);
		put_index(writer, point->stack, history->stack_count);
		spy_buffer_putc(piece, ']');
	}
	spy_buffer_puts(piece, "\n]");
}

static void put_peaks(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	struct spy_history_peak peaks[MOST_PEAKS];
	struct spy_buffer *piece = begin(writer);
	size_t count = spy_history_peaks(history, SPY_ALL_PROCESSES, MOST_PEAKS, peaks), i;

	spy_buffer_puts(piece, ",\n\"peaks\":[");
	for (i = 0; i < count; i++) {
		spy_buffer_puts(piece, i ? ",\n{\"time\":" : "\n{\"time\":");
		put_seconds(writer, peaks[i].at_ns);
		spy_buffer_printf(piece, ",\"rss\":%" PRIu64 ",\"stack\":", peaks[i].rss);
		put_index(writer, peaks[i].stack, history->stack_count);
		spy_buffer_putc(piece, '}');
	}
	spy_buffer_puts(piece, "\n]");
}

static bool put_climbs(struct writer *writer)
{
	const struct spy_history *history = writer->memory->history;
	struct spy_history_climb climbs[MOST_CLIMBS];
	struct spy_buffer *piece = begin(writer);
	long count = spy_history_climbs(history, SPY_ALL_PROCESSES, MOST_CLIMBS, climbs), i;

	spy_buffer_puts(piece, ",\n\"climbs\":[");
	for (i = 0; i < count; i++) {
		spy_buffer_puts(piece, i ? ",\n{\"from\":" : "\n{\"from\":");
		put_seconds(writer, climbs[i].from_ns);
		spy_buffer_puts(piece, ",\"to\":");
		put_seconds(writer, climbs[i].to_ns);
		spy_buffer_printf(piece,
				  ",\"from_rss\":%" PRIu64 ",\"to_rss\":%" PRIu64
				  ",\"grown\":%" PRIu64 ",\"stack\":",
				  climbs[i].from_rss, climbs[i].to_rss, climbs[i].grown);
		put_index(writer, climbs[i].stack, history->stack_count);
		spy_buffer_printf(piece, ",\"of_stack\":%" PRIu64 "}", climbs[i].of_stack);
	}
	spy_buffer_puts(piece, "\n]}\n");
	return count >= 0;
}

static int write_json(const struct spy_memory_recording *memory, FILE *file,
		      struct pyspyc_error *err)
{
	struct writer writer = { .out.file = file, .memory = memory };
	bool made;
	int ret;

	put_head(&writer);
	put_processes(&writer);
	made = number_frames(&writer);
	if (made) {
		put_frames(&writer);
		put_stacks(&writer);
		put_points(&writer);
		put_peaks(&writer);
		made = put_climbs(&writer);
	}
	ret = spy_memory_end(&writer.out, err);
	free(writer.frames);
	free(writer.files);
	free(writer.used);
	return ret || made ? ret : spy_nomem(err);
}

const struct spy_memory_sink spy_memory_sink_json = {
	.format = {
		.name = "json",
		.aliases = (const char *const[]){ NULL },
		.extensions = (const char *const[]){ ".json", NULL },
		.description = "all of it for scripts: points, stacks, peaks, climbs, processes",
	},
	.write = write_json,
};
