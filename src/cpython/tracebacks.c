/* Tracebacks of traces: how many frames, which, and the names of their files. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cpython/gather.h"
#include "cpython/head.h"
#include "cpython/tracemalloc.h"

/* Frames kept of all tracebacks; the tracebacks beyond are as those that cannot be read. */
#define FRAMES_LIMIT (UINT64_C(1) << 26)
/* traceback_t up to its frames. */
#define HEAD_LIMIT 64
#define FRAME_LIMIT 16 /* so that one with 65535 frames is no larger than SPY_PIECE_LIMIT */
/* Frames that are read at a time, in bytes. */
#define BYTES_AT_ONCE (16u << 20)
/* From 3.15: names are text, which ends in NUL; longer ones are cut. */
#define TEXT_LIMIT 65536

/* tracemalloc's own name for a file that it does not know. */
#define UNKNOWN "<unknown>"

struct resolving {
	const struct spy_heap *heap;
	uint64_t deadline;
	struct spy_traces *traces;
	struct spy_map files; /* a name's address to its number in traces->files */
	struct pyspyc_error *err;
};

static uint16_t half_at(const uint8_t *bytes, size_t offset)
{
	uint16_t half;

	memcpy(&half, bytes + offset, sizeof(half));
	return half;
}

/* The number of frames that a traceback's head tells. */
static uint32_t frames_of(const struct spy_layout *layout, const uint8_t *head)
{
	return layout->tracemalloc_tb_total != SPY_NO_FIELD
		       ? half_at(head, layout->tracemalloc_tb_nframe)
		       : (uint32_t)spy_int_at(head, layout->tracemalloc_tb_nframe);
}

/* Reads the heads; a traceback that cannot be has no frames then. */
static int read_heads(struct resolving *resolving)
{
	const struct spy_layout *layout = resolving->heap->layout;
	struct spy_traces *traces = resolving->traces;
	size_t size = layout->tracemalloc_tb_frames, i;
	spy_autofree struct spy_piece *pieces = calloc(traces->traceback_count + 1,
						       sizeof(*pieces));
	spy_autofree uint8_t *bytes = calloc(traces->traceback_count + 1, size);
	uint32_t most = traces->state.max_nframe ? traces->state.max_nframe : UINT16_MAX;
	int result;

	if (!pieces || !bytes)
		return spy_nomem(resolving->err);
	for (i = 0; i < traces->traceback_count; i++)
		pieces[i] = (struct spy_piece){ .address = traces->tracebacks[i].address,
						.to = bytes + i * size,
						.size = (uint32_t)size,
						.index = (uint32_t)i };
	result = spy_gather(resolving->heap->memory, pieces, traces->traceback_count,
			    resolving->deadline, resolving->err);
	for (i = 0; i < traces->traceback_count && result == 0; i++) {
		struct spy_traceback *traceback = &traces->tracebacks[pieces[i].index];
		uint32_t frames = pieces[i].to ? frames_of(layout, pieces[i].to) : 0;

		if (!frames || frames > most || frames > UINT16_MAX ||
		    traces->frame_count + frames > FRAMES_LIMIT)
			continue;
		traceback->count = (uint16_t)frames;
		traceback->total = layout->tracemalloc_tb_total == SPY_NO_FIELD
					   ? traceback->count
					   : half_at(pieces[i].to, layout->tracemalloc_tb_total);
		traceback->first = traces->frame_count;
		traces->frame_count += frames;
	}
	return result;
}

static int intern(struct resolving *resolving, const char *text, uint32_t *ret)
{
	*ret = spy_strings_intern(&resolving->traces->files, text);
	return *ret == SPY_NO_STRING ? spy_nomem(resolving->err) : 0;
}

/* A file's name as text, as much of it as can be read up to its NUL. */
static int read_text(struct resolving *resolving, uint64_t address, struct spy_buffer *ret)
{
	char piece[256];
	size_t done = 0, size, length;
	int result;

	while (done < TEXT_LIMIT) {
		size = sizeof(piece) - (size_t)((address + done) % sizeof(piece));
		result = spy_memory_read(resolving->heap->memory, address + done, piece, size,
					 resolving->err);
		if (result < 0)
			return result;
		length = strnlen(piece, size);
		spy_utf8_append(ret, piece, length);
		if (length < size)
			break;
		done += size;
	}
	return ret->failed ? spy_nomem(resolving->err) : 0;
}

static int file_of(struct resolving *resolving, uint64_t address, uint32_t *ret)
{
	const struct spy_heap *heap = resolving->heap;
	spy_autobuffer struct spy_buffer name = { 0 };
	uint64_t *known = spy_map_find(&resolving->files, address);
	int result;

	if (known) {
		*ret = (uint32_t)*known;
		return 0;
	}
	result = heap->layout->tracemalloc_frame_text == SPY_NO_FIELD
			 ? spy_string_read(heap, address, &name, resolving->err)
			 : read_text(resolving, address, &name);
	if (result == -PYSPYC_EFAULT || result == -PYSPYC_ECORRUPT) {
		resolving->traces->lost++;
		spy_buffer_clear(&name);
		spy_buffer_puts(&name, UNKNOWN);
		result = 0;
	}
	if (result == 0)
		result = intern(resolving, spy_buffer_text(&name), ret);
	known = result == 0 ? spy_map_insert(&resolving->files, address, NULL) : NULL;
	if (result == 0 && !known)
		return spy_nomem(resolving->err);
	if (known)
		*known = *ret;
	return result;
}

/* One frame stands for a traceback that could not be read. */
static int take_unknown(struct resolving *resolving, struct spy_traceback *traceback)
{
	struct spy_traces *traces = resolving->traces;
	struct spy_traced_frame *frame = &traces->frames[traces->frame_count];

	traces->lost++;
	traceback->first = traces->frame_count++;
	traceback->count = traceback->total = 1;
	frame->line = 0;
	return intern(resolving, UNKNOWN, &frame->file);
}

static int take_frames(struct resolving *resolving, const struct spy_traceback *traceback,
		       const uint8_t *bytes)
{
	const struct spy_layout *layout = resolving->heap->layout;
	uint32_t name_at = layout->tracemalloc_frame_text == SPY_NO_FIELD
				   ? layout->tracemalloc_frame_object
				   : layout->tracemalloc_frame_text;
	unsigned i;

	for (i = 0; i < traceback->count; i++) {
		const uint8_t *frame = bytes + (size_t)i * layout->tracemalloc_frame_size;
		struct spy_traced_frame *ret = &resolving->traces->frames[traceback->first + i];
		int result;

		ret->line = (uint32_t)spy_int_at(frame, layout->tracemalloc_frame_line);
		result = file_of(resolving, spy_word_at(frame, name_at), &ret->file);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Reads the frames, size bytes in sum, of the tracebacks from first up to end. */
static int read_frames(struct resolving *resolving, uint32_t first, uint32_t end, size_t size)
{
	const struct spy_layout *layout = resolving->heap->layout;
	struct spy_traceback *tracebacks = resolving->traces->tracebacks;
	spy_autofree struct spy_piece *pieces = calloc(end - first, sizeof(*pieces));
	spy_autofree uint8_t *bytes = calloc(1, size + 1);
	size_t count = 0, used = 0;
	uint32_t i;
	int result = 0;

	if (!pieces || !bytes)
		return spy_nomem(resolving->err);
	for (i = first; i < end; i++) {
		if (!tracebacks[i].count) {
			result = take_unknown(resolving, &tracebacks[i]);
			continue;
		}
		pieces[count] = (struct spy_piece){
			.address = tracebacks[i].address + layout->tracemalloc_tb_frames,
			.to = bytes + used,
			.size = tracebacks[i].count * layout->tracemalloc_frame_size,
			.index = i,
		};
		used += pieces[count++].size;
	}
	if (result == 0)
		result = spy_gather(resolving->heap->memory, pieces, count, resolving->deadline,
				    resolving->err);
	for (i = 0; i < count && result == 0; i++) {
		struct spy_traceback *traceback = &tracebacks[pieces[i].index];

		result = pieces[i].to ? take_frames(resolving, traceback, pieces[i].to)
				      : take_unknown(resolving, traceback);
	}
	return result;
}

static int read_all_frames(struct resolving *resolving)
{
	struct spy_traces *traces = resolving->traces;
	size_t size = 0, more;
	uint32_t first = 0, i;
	int result = 0;

	/* One more for each that turns out not to be readable. */
	traces->frames = calloc(traces->frame_count + traces->traceback_count + 1,
				sizeof(*traces->frames));
	if (!traces->frames)
		return spy_nomem(resolving->err);
	for (i = 0; i < traces->traceback_count && result == 0; i++) {
		more = (size_t)traces->tracebacks[i].count *
		       resolving->heap->layout->tracemalloc_frame_size;
		if (i > first && size + more > BYTES_AT_ONCE) {
			result = read_frames(resolving, first, i, size);
			first = i;
			size = 0;
		}
		size += more;
	}
	if (result == 0 && first < traces->traceback_count)
		result = read_frames(resolving, first, traces->traceback_count, size);
	return result;
}

int spy_traces_resolve(const struct spy_heap *heap, uint64_t deadline, struct spy_traces *traces,
		       struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	struct resolving resolving = {
		.heap = heap, .deadline = deadline, .traces = traces, .err = err
	};
	int result;

	if (layout->tracemalloc_tb_frames > HEAD_LIMIT || layout->tracemalloc_tb_frames < 12 ||
	    layout->tracemalloc_frame_size > FRAME_LIMIT)
		return spy_corrupt(err, "traceback", 0);
	result = read_heads(&resolving);
	if (result == 0)
		result = read_all_frames(&resolving);
	spy_map_free(&resolving.files);
	return result;
}
