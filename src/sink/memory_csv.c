/* A table of all points: comma-separated values as in RFC 4180, with a header line. */
#include <inttypes.h>
#include <string.h>

#include "sink/memory_text.h"

#define HEADER "time_s,pid,rss,pss,uss,swap,minor_faults,major_faults,function,file,line\r\n"

/*
 * Appends a cell of text, in quotes where it must be. Spreadsheets take what begins with one of
 * =+-@ for a formula, to be worked out on opening the file: an apostrophe makes it text.
 */
static void put_text(struct spy_memory_text *out, const char *text)
{
	const char *visible = spy_memory_visible(out, text);
	bool quoted = strpbrk(visible, ",\"") != NULL;

	if (quoted)
		spy_buffer_putc(&out->piece, '"');
	if (*visible && strchr("=+-@", *visible))
		spy_buffer_putc(&out->piece, '\'');
	for (; *visible; visible++) {
		if (*visible == '"')
			spy_buffer_putc(&out->piece, '"');
		spy_buffer_putc(&out->piece, *visible);
	}
	if (quoted)
		spy_buffer_putc(&out->piece, '"');
}

static void put_frame(struct spy_memory_text *out, const struct spy_memory_recording *memory,
		      const struct spy_frame *frame)
{
	spy_buffer_putc(&out->piece, ',');
	if (frame)
		put_text(out, spy_profile_text(memory->profile, frame->name));
	spy_buffer_putc(&out->piece, ',');
	if (frame && frame->kind == SPY_FRAME_PYTHON)
		put_text(out, spy_profile_text(memory->profile, frame->path));
	spy_buffer_putc(&out->piece, ',');
	if (frame && frame->line > 0)
		spy_buffer_printf(&out->piece, "%d", (int)frame->line);
	spy_buffer_puts(&out->piece, "\r\n");
}

static void put_point(struct spy_memory_text *out, const struct spy_memory_recording *memory,
		      const struct spy_history_point *point)
{
	spy_memory_put_seconds(out, point->at_ns);
	spy_buffer_printf(&out->piece, ",%d,%" PRIu64 ",",
			  (int)memory->history->processes[point->process].pid, point->rss);
	/* A process has a PSS, so 0 is one that was not read yet. */
	if (point->pss)
		spy_buffer_printf(&out->piece, "%" PRIu64 ",%" PRIu64 ",%" PRIu64, point->pss,
				  point->uss, point->swap);
	else
		spy_buffer_puts(&out->piece, ",,");
	spy_buffer_printf(&out->piece, ",%" PRIu64 ",%" PRIu64, point->minor, point->major);
	put_frame(out, memory,
		  spy_memory_innermost(memory->history, memory->profile, point->stack));
}

static int write_csv(const struct spy_memory_recording *memory, FILE *file,
		     struct pyspyc_error *err)
{
	const struct spy_history *history = memory->history;
	struct spy_memory_text out = { .file = file };
	uint32_t i;

	spy_buffer_puts(&out.piece, HEADER);
	for (i = 0; i < history->point_count; i++) {
		put_point(&out, memory, &history->points[i]);
		spy_memory_flush(&out);
	}
	return spy_memory_end(&out, err);
}

const struct spy_memory_sink spy_memory_sink_csv = {
	.format = {
		.name = "csv",
		.aliases = (const char *const[]){ NULL },
		.extensions = (const char *const[]){ ".csv", NULL },
		.description = "what was used at each moment, and the line that ran, as a table",
	},
	.write = write_csv,
};
