/*
 * memory_profiler's table, one per source file (memory_profiler.py 0.61, show_results): its columns
 * and their widths. Mem usage is the highest RSS seen while the line was on a stack, Increment what
 * it added with all that it called, Occurrences the samples with the line on their stack.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/line_growth.h"
#include "sink/bytes.h"
#include "sink/escape.h"
#include "sink/memory.h"

#define MIB 1048576.0
#define LEAST (1048576 / 10) /* bytes that a line has grown or released to count */
#define MOST_BYTES 2000	     /* of a source line, and characters: */
#define MOST_CHARACTERS 300
#define MOST_NAME 1000
#define MOST_WHOLE (1u << 20) /* lines of files that are shown whole, together */
#define MOST_DECORATED 20     /* lines from a function's first decorator to its name */
#define TAB 8
#define NO_LINE UINT32_MAX

/* A file's text, gone through once. */
struct text {
	char *bytes; /* NULL: cannot be read */
	size_t size, at;
	int32_t line; /* that begins at `at` */
};

/* A row of a table. */
struct row {
	int32_t line;
	uint32_t known; /* its growth's number, or NO_LINE */
};

/* A recording on its way to a file. */
struct writer {
	const struct spy_memory_recording *memory;
	struct spy_line_growths growths;
	struct row *rows; /* of the table under way */
	size_t row_count, row_capacity;
	uint32_t whole; /* lines that may still be shown for being there */
	struct spy_buffer out;
};

static bool counts(uint64_t grown, uint64_t released)
{
	return grown >= LEAST || released >= LEAST;
}

/* --- a source file --- */

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Moves to the line behind. */
static void next_line(struct text *text)
{
	const char *bytes = text->bytes;

	while (text->at < text->size && bytes[text->at] != '\n' && bytes[text->at] != '\r')
		text->at++;
	if (text->at + 1 < text->size && bytes[text->at] == '\r' && bytes[text->at + 1] == '\n')
		text->at++;
	if (text->at < text->size)
		text->at++;
	text->line++;
}

static void rewind_text(struct text *text)
{
	text->at = text->size >= 3 && memcmp(text->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	text->line = 1;
}

/* Moves to a line at or behind the one that it is at; false when there is none. */
static bool go_to(struct text *text, int32_t line)
{
	while (text->line < line && text->at < text->size)
		next_line(text);
	return text->line == line && text->at < text->size;
}

/* Whether the line that it is at begins with that, but for blanks. */
static bool begins_with(const struct text *text, const char *word)
{
	size_t at = text->at, length = strlen(word);

	while (at < text->size && (text->bytes[at] == ' ' || text->bytes[at] == '\t'))
		at++;
	return text->size - at >= length && memcmp(text->bytes + at, word, length) == 0;
}

/* Lines, as far as most. */
static uint32_t count_lines(struct text *text, uint32_t most)
{
	uint32_t count = 0;

	for (rewind_text(text); text->at < text->size && count < most; count++)
		next_line(text);
	rewind_text(text);
	return count;
}

static void open_text(const struct writer *writer, const char *path, struct text *text)
{
	const struct spy_sources *sources = &writer->memory->sources;

	*text = (struct text){ 0 };
	if (!sources->read || !sources->read(sources->context, path, &text->bytes, &text->size)) {
		text->bytes = NULL;
		return;
	}
	if (memchr(text->bytes, 0, text->size)) {
		free(text->bytes);
		*text = (struct text){ 0 };
		return;
	}
	rewind_text(text);
}

/* Appends a line as it can be shown: tabs as spaces, cut when it is long. Lines come in order. */
static void put_contents(struct spy_buffer *out, struct text *text, int32_t line)
{
	spy_autobuffer struct spy_buffer plain = { 0 };
	size_t column = 0, from, at;

	if (!go_to(text, line))
		return;
	from = text->at;
	for (at = from; at < text->size && at - from < MOST_BYTES; at++) {
		char byte = text->bytes[at];

		if (byte == '\n' || byte == '\r')
			break;
		if (byte == '\t') {
			do
				spy_buffer_putc(&plain, ' ');
			while (++column % TAB);
			continue;
		}
		column += !is_continuation(byte);
		spy_buffer_putc(&plain, byte == '\f' ? ' ' : byte);
	}
	/* A character is kept whole or not at all. */
	if (at - from == MOST_BYTES && at < text->size && is_continuation(text->bytes[at])) {
		while (plain.size && is_continuation(plain.data[plain.size - 1]))
			plain.data[--plain.size] = '\0';
		if (plain.size && (unsigned char)plain.data[plain.size - 1] >= 0xc0)
			plain.data[--plain.size] = '\0';
	}
	while (plain.size && plain.data[plain.size - 1] == ' ')
		plain.data[--plain.size] = '\0';
	if (plain.failed)
		out->failed = true;
	spy_escape_visible(out, spy_buffer_text(&plain), MOST_CHARACTERS);
}

/* --- which lines to show --- */

static bool add_row(struct writer *writer, int32_t line, uint32_t known)
{
	if (writer->row_count == writer->row_capacity) {
		size_t capacity = writer->row_capacity ? 2 * writer->row_capacity : 256;
		struct row *rows = realloc(writer->rows, capacity * sizeof(*rows));

		if (!rows)
			return false;
		writer->rows = rows;
		writer->row_capacity = capacity;
	}
	writer->rows[writer->row_count++] = (struct row){ line, known };
	return true;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	/* The one with figures stays. */
	return left->known < right->known ? -1 : left->known > right->known;
}

static void sort_rows(struct writer *writer)
{
	size_t kept = 0, i;

	if (writer->row_count)
		qsort(writer->rows, writer->row_count, sizeof(*writer->rows), compare_rows);
	for (i = 0; i < writer->row_count; i++)
		if (!kept || writer->rows[kept - 1].line != writer->rows[i].line)
			writer->rows[kept++] = writer->rows[i];
	writer->row_count = kept;
}

/* Every line of the file, and those that code has and the file has not. */
static bool take_all(struct writer *writer, const struct spy_file_growth *file, struct text *text)
{
	uint32_t count = text->bytes ? count_lines(text, writer->whole) : 0, i;

	for (i = 0; i < file->count; i++)
		if (!add_row(writer, writer->growths.lines[file->first + i].line, file->first + i))
			return false;
	for (i = 0; i < count; i++)
		if (!add_row(writer, (int32_t)i + 1, NO_LINE))
			return false;
	writer->whole -= count;
	return true;
}

/* Where a function begins with a decorator, the lines from there to its name as well. */
static bool take_decorated(struct writer *writer, struct text *text)
{
	size_t count = writer->row_count, at;
	int32_t line, end;

	for (at = 0; at < count && text->bytes; at++) {
		line = writer->rows[at].line;
		if (writer->rows[at].known != NO_LINE || !go_to(text, line) ||
		    !begins_with(text, "@") || line > INT32_MAX - MOST_DECORATED)
			continue;
		for (end = line + MOST_DECORATED; ++line < end && go_to(text, line);) {
			if (!add_row(writer, line, NO_LINE))
				return false;
			if (begins_with(text, "def ") || begins_with(text, "async ") ||
			    begins_with(text, "class "))
				break;
		}
	}
	if (text->bytes)
		rewind_text(text);
	sort_rows(writer);
	return true;
}

/*
 * The lines that count, and where their functions begin. A line between two of these is shown as
 * well: it takes no more room than to say that it is left out.
 */
static bool take_some(struct writer *writer, const struct spy_file_growth *file, struct text *text)
{
	const struct spy_line_growth *lines = writer->growths.lines;
	size_t count, at;
	uint32_t i;

	for (i = file->first; i < file->first + file->count; i++) {
		if (!counts(lines[i].grown, lines[i].released))
			continue;
		if (!add_row(writer, lines[i].line, i) ||
		    (lines[i].first_line > 1 && !add_row(writer, lines[i].first_line, NO_LINE)))
			return false;
	}
	sort_rows(writer);
	if (!take_decorated(writer, text))
		return false;
	for (at = 1, count = writer->row_count; at < count; at++)
		if (writer->rows[at].line - writer->rows[at - 1].line == 2 &&
		    !add_row(writer, writer->rows[at].line - 1, NO_LINE))
			return false;
	return true;
}

/* Gives the rows without figures theirs, where there are some. */
static void find_figures(struct writer *writer, const struct spy_file_growth *file)
{
	const struct spy_line_growth *lines = writer->growths.lines;
	uint32_t line = file->first, end = file->first + file->count;
	size_t at;

	for (at = 0; at < writer->row_count; at++) {
		struct row *row = &writer->rows[at];

		while (line < end && lines[line].line < row->line)
			line++;
		if (line < end && lines[line].line == row->line)
			row->known = line;
	}
}

static bool is_shown(const struct writer *writer, const struct spy_file_growth *file)
{
	uint32_t i;

	/* Through a library's code much else passes that is told of elsewhere. */
	if (file->origin != SPY_ORIGIN_OWN)
		return counts(file->own_grown, file->own_released);
	if (writer->memory->all_lines)
		return true;
	for (i = file->first; i < file->first + file->count; i++)
		if (counts(writer->growths.lines[i].grown, writer->growths.lines[i].released))
			return true;
	return false;
}

/* --- the tables --- */

static void put_mib(struct spy_buffer *out, double bytes)
{
	char text[32];
	double mib = bytes / MIB;

	/* There is no -0.0. */
	snprintf(text, sizeof(text), "%5.1f MiB", mib > -0.05 && mib < 0 ? 0.0 : mib);
	spy_buffer_printf(out, " %12s", text);
}

static void put_row(struct writer *writer, const struct row *row, struct text *text)
{
	struct spy_buffer *out = &writer->out;

	spy_buffer_printf(out, "%6d", (int)row->line);
	if (row->known == NO_LINE) {
		spy_buffer_printf(out, " %12s %12s  %10s   ", "", "", "");
	} else {
		const struct spy_line_growth *line = &writer->growths.lines[row->known];

		if (line->usage)
			put_mib(out, (double)line->usage);
		else
			spy_buffer_printf(out, " %12s", "");
		put_mib(out, (double)line->grown - (double)line->released);
		spy_buffer_printf(out, "  %10" PRIu64 "   ", line->samples);
	}
	if (text->bytes)
		put_contents(out, text, row->line);
	while (out->size && !out->failed && out->data[out->size - 1] == ' ')
		out->data[--out->size] = '\0';
	spy_buffer_putc(out, '\n');
}

static void put_table(struct writer *writer, const char *path, struct text *text, FILE *file)
{
	struct spy_buffer *out = &writer->out;
	size_t width, i;

	spy_buffer_puts(out, "Filename: ");
	spy_escape_visible(out, path, MOST_NAME);
	spy_buffer_puts(out, text->bytes ? "\n\n" : "\nIts source could not be read.\n\n");
	width = out->size;
	spy_buffer_printf(out, "%6s %12s %12s  %10s   %s", "Line #", "Mem usage", "Increment",
			  "Occurrences", "Line Contents");
	width = out->size - width;
	spy_buffer_putc(out, '\n');
	for (i = 0; i < width; i++)
		spy_buffer_putc(out, '=');
	spy_buffer_putc(out, '\n');
	for (i = 0; i < writer->row_count && !ferror(file); i++) {
		if (i && writer->rows[i].line - writer->rows[i - 1].line > 1)
			spy_buffer_puts(out, "     …\n");
		put_row(writer, &writer->rows[i], text);
		if (out->size > 65536 && !out->failed) {
			fwrite(out->data, 1, out->size, file);
			spy_buffer_clear(out);
		}
	}
	spy_buffer_puts(out, "\n\n");
}

static bool put_file(struct writer *writer, const struct spy_file_growth *file, FILE *stream)
{
	const char *path = spy_profile_text(writer->memory->profile, file->path);
	struct text text;
	bool taken;

	open_text(writer, path, &text);
	writer->row_count = 0;
	taken = writer->memory->all_lines ? take_all(writer, file, &text)
					  : take_some(writer, file, &text);
	if (taken) {
		sort_rows(writer);
		find_figures(writer, file);
		put_table(writer, path, &text, stream);
	}
	free(text.bytes);
	return taken;
}

/* What was recorded, and what no line can be told of. */
static void put_head(struct writer *writer)
{
	const struct spy_line_growths *growths = &writer->growths;
	const char *title = writer->memory->profile->title;
	struct spy_buffer *out = &writer->out;

	if (title && *title) {
		spy_escape_visible(out, title, MOST_NAME);
		spy_buffer_putc(out, '\n');
	}
	spy_memory_truth(out, writer->memory);
	spy_buffer_putc(out, '\n');
	if (growths->unknown_grown || growths->unknown_released) {
		spy_buffer_puts(out, "Of these ");
		spy_put_bytes(out, growths->unknown_grown);
		spy_buffer_puts(out, " and ");
		spy_put_bytes(out, growths->unknown_released);
		spy_buffer_puts(out, " while no line was seen to run.\n");
	}
	spy_buffer_putc(out, '\n');
}

static void end(struct writer *writer)
{
	spy_line_growths_free(&writer->growths);
	spy_buffer_free(&writer->out);
	free(writer->rows);
}

static int write_lines(const struct spy_memory_recording *memory, FILE *file,
		       struct pyspyc_error *err)
{
	spy_cleanup(end) struct writer writer = { .memory = memory, .whole = MOST_WHOLE };
	bool any = false;
	uint32_t i;
	int ret = spy_line_growths_make(memory->profile, &writer.growths, err);

	if (ret < 0)
		return ret;
	put_head(&writer);
	for (i = 0; i < writer.growths.file_count && !ferror(file); i++) {
		if (!is_shown(&writer, &writer.growths.files[i]))
			continue;
		any = true;
		if (!put_file(&writer, &writer.growths.files[i], file))
			return spy_nomem(err);
	}
	if (!any)
		spy_buffer_puts(&writer.out, "No line grew or released 0.1 MiB.\n");
	if (writer.out.failed)
		return spy_nomem(err);
	fwrite(writer.out.data, 1, writer.out.size, file);
	return 0;
}

const struct spy_memory_sink spy_memory_sink_lines = {
	.format = {
		.name = "lines",
		.aliases = (const char *const[]){ NULL },
		.extensions = (const char *const[]){ ".txt", NULL },
		.description = "memory_profiler's table of each source file",
	},
	.write = write_lines,
};
