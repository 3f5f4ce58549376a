/* Traces added up by line, file or traceback, of one moment or of two. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/tracemalloc.h"

/* A row in the making: what it is named after is that of one of its tracebacks. */
struct sum {
	const struct spy_tracemalloc_owner *owner;
	uint32_t traceback;
	uint64_t size, count;
	uint64_t size_before, count_before;
};

struct adding {
	enum pyspyc_traces_by by;
	struct sum *sums;
	uint32_t count;
	uint32_t capacity;
	struct spy_map rows; /* a hash of frames to the row's number */
	/* Files of the moment before, by their numbers in the other's or behind these. */
	const struct spy_tracemalloc_owner *before;
	uint32_t *files;
};

/* The public struct and what it points to. */
struct owned_table {
	struct pyspyc_traces_table table; /* first: the caller holds its address */
	struct pyspyc_traces_row *rows;
	struct pyspyc_traced_frame *frames;
};

/* The frames of a traceback that count. */
static size_t frames_of(const struct adding *adding, const struct spy_tracemalloc_owner *owner,
			uint32_t traceback, const struct spy_traced_frame **ret)
{
	const struct spy_traceback *found = &owner->raw.tracebacks[traceback];

	*ret = &owner->raw.frames[found->first];
	return adding->by == PYSPYC_TRACES_BY_TRACEBACK || !found->count ? found->count : 1;
}

static uint32_t file_of(const struct adding *adding, const struct spy_tracemalloc_owner *owner,
			const struct spy_traced_frame *frame)
{
	return owner == adding->before ? adding->files[frame->file] : frame->file;
}

static uint32_t line_of(const struct adding *adding, const struct spy_traced_frame *frame)
{
	return adding->by == PYSPYC_TRACES_BY_FILE ? 0 : frame->line;
}

static bool same_frames(const struct adding *adding, const struct sum *sum,
			const struct spy_tracemalloc_owner *owner, uint32_t traceback)
{
	const struct spy_traced_frame *mine, *other;
	size_t count = frames_of(adding, owner, traceback, &mine), i;

	if (frames_of(adding, sum->owner, sum->traceback, &other) != count)
		return false;
	for (i = 0; i < count; i++)
		if (file_of(adding, owner, &mine[i]) != file_of(adding, sum->owner, &other[i]) ||
		    line_of(adding, &mine[i]) != line_of(adding, &other[i]))
			return false;
	return true;
}

static uint64_t hash_frames(const struct adding *adding, const struct spy_tracemalloc_owner *owner,
			    uint32_t traceback)
{
	const struct spy_traced_frame *frames;
	size_t count = frames_of(adding, owner, traceback, &frames), i;
	uint64_t hash = count;

	for (i = 0; i < count; i++)
		hash = spy_mix(hash ^ ((uint64_t)file_of(adding, owner, &frames[i]) << 32 |
				       line_of(adding, &frames[i])));
	return hash;
}

/* The number of the row for a traceback, a new one when there is none. */
static int row_of(struct adding *adding, const struct spy_tracemalloc_owner *owner,
		  uint32_t traceback, uint32_t *ret, struct pyspyc_error *err)
{
	uint64_t hash = hash_frames(adding, owner, traceback), *number;
	bool inserted;

	for (;; hash++) {
		number = spy_map_insert(&adding->rows, hash, &inserted);
		if (!number)
			return spy_nomem(err);
		if (inserted)
			break;
		*ret = (uint32_t)*number;
		if (same_frames(adding, &adding->sums[*ret], owner, traceback))
			return 0;
	}
	if (adding->count == adding->capacity) {
		uint32_t larger = adding->capacity ? adding->capacity * 2 : 256;
		void *grown = reallocarray(adding->sums, larger, sizeof(*adding->sums));

		if (!grown || larger < adding->capacity)
			return spy_nomem(err);
		adding->sums = grown;
		adding->capacity = larger;
	}
	*number = *ret = adding->count;
	adding->sums[adding->count++] = (struct sum){ .owner = owner, .traceback = traceback };
	return 0;
}

static int add_moment(struct adding *adding, const struct spy_tracemalloc_owner *owner,
		      struct pyspyc_error *err)
{
	const struct spy_traces *raw = &owner->raw;
	spy_autofree uint32_t *rows = calloc((size_t)raw->traceback_count + 1, sizeof(*rows));
	uint32_t i;
	size_t k;
	int result = rows ? 0 : spy_nomem(err);

	for (i = 0; i < raw->traceback_count && result == 0; i++)
		result = row_of(adding, owner, i, &rows[i], err);
	for (k = 0; k < raw->count && result == 0; k++) {
		const struct spy_trace *trace = &raw->items[k];
		struct sum *sum = &adding->sums[rows[trace->traceback]];

		if (owner == adding->before) {
			sum->size_before += trace->size;
			sum->count_before++;
		} else {
			sum->size += trace->size;
			sum->count++;
		}
	}
	return result;
}

/* Numbers for the files of the moment before. */
static int unite_files(struct adding *adding, const struct spy_tracemalloc_owner *owner,
		       struct pyspyc_error *err)
{
	const struct spy_strings *files = &adding->before->raw.files;
	uint32_t i;

	adding->files = calloc((size_t)files->count + 1, sizeof(*adding->files));
	if (!adding->files)
		return spy_nomem(err);
	for (i = 0; i < files->count; i++) {
		uint32_t found = spy_strings_find(&owner->raw.files, files->texts[i]);

		adding->files[i] = found == SPY_NO_STRING ? owner->raw.files.count + i : found;
	}
	return 0;
}

/* --- the table --- */

static uint64_t magnitude(int64_t number)
{
	return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

static int descending(uint64_t left, uint64_t right)
{
	return (left < right) - (left > right);
}

static int compare_rows(const void *left, const void *right)
{
	const struct pyspyc_traces_row *a = left, *b = right;
	int order = descending(magnitude(a->size_diff), magnitude(b->size_diff));

	order = order ? order : descending(a->size, b->size);
	order = order ? order : descending(magnitude(a->count_diff), magnitude(b->count_diff));
	order = order ? order : descending(a->count, b->count);
	for (size_t i = 0; !order && i < a->frame_count && i < b->frame_count; i++) {
		order = strcmp(a->frames[i].path, b->frames[i].path);
		order = order ? order : -descending(a->frames[i].line, b->frames[i].line);
	}
	return order ? order : -descending(a->frame_count, b->frame_count);
}

static void fill_row(const struct adding *adding, const struct sum *sum,
		     struct pyspyc_traced_frame *place, struct pyspyc_traces_row *row)
{
	const struct spy_traced_frame *frames;
	size_t count = frames_of(adding, sum->owner, sum->traceback, &frames), i;

	*row = (struct pyspyc_traces_row){
		.size = sum->size,
		.count = sum->count,
		.frame_count = count,
		.frames = place,
	};
	if (adding->before) {
		row->size_diff = (int64_t)(sum->size - sum->size_before);
		row->count_diff = (int64_t)(sum->count - sum->count_before);
	}
	for (i = 0; i < count; i++)
		place[i] = (struct pyspyc_traced_frame){
			.file = sum->owner->shown[frames[i].file],
			.path = sum->owner->raw.files.texts[frames[i].file],
			.line = line_of(adding, &frames[i]),
		};
}

static int make_table(const struct adding *adding, struct pyspyc_traces_table **ret,
		      struct pyspyc_error *err)
{
	struct owned_table *owned = calloc(1, sizeof(*owned));
	const struct spy_traced_frame *frames;
	size_t total = 0;
	uint32_t i;

	if (!owned)
		return spy_nomem(err);
	for (i = 0; i < adding->count; i++)
		total += frames_of(adding, adding->sums[i].owner, adding->sums[i].traceback,
				   &frames);
	owned->rows = calloc((size_t)adding->count + 1, sizeof(*owned->rows));
	owned->frames = calloc(total + 1, sizeof(*owned->frames));
	owned->table.rows = owned->rows;
	owned->table.count = adding->count;
	if (!owned->rows || !owned->frames) {
		pyspyc_traces_table_free(&owned->table);
		return spy_nomem(err);
	}
	for (i = 0, total = 0; i < adding->count; i++) {
		fill_row(adding, &adding->sums[i], &owned->frames[total], &owned->rows[i]);
		total += owned->rows[i].frame_count;
	}
	qsort(owned->rows, adding->count, sizeof(*owned->rows), compare_rows);
	*ret = &owned->table;
	return 0;
}

PYSPYC_EXPORT int pyspyc_tracemalloc_table(const struct pyspyc_tracemalloc *traces,
					   const struct pyspyc_tracemalloc *before,
					   enum pyspyc_traces_by by,
					   struct pyspyc_traces_table **ret,
					   struct pyspyc_error *err)
{
	const struct spy_tracemalloc_owner *owner = spy_tracemalloc_owner(traces);
	struct adding adding = { .by = by, .before = spy_tracemalloc_owner(before) };
	int result = adding.before ? unite_files(&adding, owner, err) : 0;

	if (result == 0)
		result = add_moment(&adding, owner, err);
	if (result == 0 && adding.before)
		result = add_moment(&adding, adding.before, err);
	if (result == 0)
		result = make_table(&adding, ret, err);
	free(adding.sums);
	free(adding.files);
	spy_map_free(&adding.rows);
	return result;
}

PYSPYC_EXPORT void pyspyc_traces_table_free(struct pyspyc_traces_table *table)
{
	struct owned_table *owned = (struct owned_table *)table;

	if (!owned)
		return;
	free(owned->rows);
	free(owned->frames);
	free(owned);
}
