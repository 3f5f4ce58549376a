/* Reading thousands of small structs: sorted, and together with what lies between neighbours. */
#include "cpython/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/* Pieces no farther apart than this, in bytes, are read as one run: a page costs as much. */
#define GAP_LIMIT 4096
/* A read takes at most so many bytes and runs. */
#define BATCH_BYTES (4u << 20)
#define BATCH_RUNS 256

/* Pieces first to end (not included) lie in one range of the target. */
struct run {
	size_t first;
	size_t end;
	struct spy_range range;
};

struct gather {
	struct spy_memory *memory;
	struct spy_piece *pieces;
	uint8_t *buffer;
	size_t size; /* of buffer */
	struct run runs[BATCH_RUNS];
	size_t run_count;
	size_t used; /* of buffer */
	struct pyspyc_error *err;
};

static int compare_pieces(const void *left, const void *right)
{
	const struct spy_piece *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* Bits of an address that one pass of sorting goes by. */
#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
/* Fewer pieces than these are sorted by comparing. */
#define DIGITS_LEAST 2048

/* One pass, which keeps the order of the passes before; false: all have the same digit. */
static bool sort_by_digit(const struct spy_piece *from, struct spy_piece *to, size_t count,
			  unsigned shift)
{
	size_t starts[DIGITS + 1] = { 0 }, i;

	for (i = 0; i < count; i++)
		starts[(from[i].address >> shift) % DIGITS + 1]++;
	if (starts[(from[0].address >> shift) % DIGITS + 1] == count)
		return false;
	for (i = 1; i < DIGITS; i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < count; i++)
		to[starts[(from[i].address >> shift) % DIGITS]++] = from[i];
	return true;
}

/* Millions of pieces in a few passes over them; by comparing where there is no room for that. */
static void sort(struct spy_piece *pieces, size_t count)
{
	struct spy_piece *from = pieces, *to, *room;

	room = count < DIGITS_LEAST ? NULL : reallocarray(NULL, count, sizeof(*room));
	if (!room) {
		qsort(pieces, count, sizeof(*pieces), compare_pieces);
		return;
	}
	to = room;
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		if (!sort_by_digit(from, to, count, shift))
			continue;
		from = to;
		to = to == room ? pieces : room;
	}
	if (from != pieces)
		memcpy(pieces, from, count * sizeof(*pieces));
	free(room);
}

static void hand_out(const struct gather *gather, const struct run *run)
{
	size_t i;

	for (i = run->first; i < run->end; i++) {
		const struct spy_piece *piece = &gather->pieces[i];

		memcpy(piece->to,
		       (const uint8_t *)run->range.buffer + (piece->address - run->range.address),
		       piece->size);
	}
}

/* A run that cannot be read as a whole, read in halves down to the pieces that are missing. */
static int read_in_halves(const struct gather *gather, size_t first, size_t end)
{
	while (first < end) {
		struct spy_piece *start = &gather->pieces[first];
		struct run run = { .first = first, .end = end };
		uint64_t last = start->address;
		size_t i;
		int result;

		for (i = first; i < end; i++)
			if (gather->pieces[i].address + gather->pieces[i].size > last)
				last = gather->pieces[i].address + gather->pieces[i].size;
		run.range = (struct spy_range){ start->address, gather->buffer,
						(size_t)(last - start->address) };
		result = spy_memory_readv(gather->memory, &run.range, 1, gather->err);
		if (result == 0) {
			hand_out(gather, &run);
			return 0;
		}
		if (result != -PYSPYC_EFAULT)
			return result;
		if (end - first == 1) {
			start->to = NULL;
			return 0;
		}
		/* No deeper than the logarithm of the pieces in a run. */
		result = read_in_halves(gather, first, first + (end - first) / 2);
		if (result < 0)
			return result;
		first += (end - first) / 2;
	}
	return 0;
}

/* Reads what the runs collected so far need. */
static int flush(struct gather *gather)
{
	struct spy_range ranges[BATCH_RUNS];
	size_t i;
	int result;

	for (i = 0; i < gather->run_count; i++)
		ranges[i] = gather->runs[i].range;
	result = spy_memory_readv(gather->memory, ranges, gather->run_count, gather->err);
	for (i = 0; i < gather->run_count && result == 0; i++)
		hand_out(gather, &gather->runs[i]);
	if (result == -PYSPYC_EFAULT)
		for (i = 0, result = 0; i < gather->run_count && result == 0; i++)
			result = read_in_halves(gather, gather->runs[i].first, gather->runs[i].end);
	gather->run_count = gather->used = 0;
	return result;
}

/* Puts a piece into the last run when it lies near, else into a new one; false: no room. */
static bool add(struct gather *gather, size_t index)
{
	const struct spy_piece *piece = &gather->pieces[index];
	uint64_t end, more;

	if (gather->run_count) {
		struct run *run = &gather->runs[gather->run_count - 1];

		end = run->range.address + run->range.size;
		if (piece->address <= end + GAP_LIMIT) {
			more = piece->address + piece->size > end
				       ? piece->address + piece->size - end
				       : 0;
			if (more > gather->size - gather->used)
				return false;
			gather->used += more;
			run->range.size += more;
			run->end = index + 1;
			return true;
		}
	}
	if (gather->run_count == BATCH_RUNS || piece->size > gather->size - gather->used)
		return false;
	gather->runs[gather->run_count++] = (struct run){
		.first = index,
		.end = index + 1,
		.range = { piece->address, gather->buffer + gather->used, piece->size },
	};
	gather->used += piece->size;
	return true;
}

/* No process has memory at the end of the address space. */
static bool impossible(const struct spy_piece *piece)
{
	return piece->address > UINT64_MAX - SPY_PIECE_LIMIT - GAP_LIMIT;
}

/* As much as a read may take, or all pieces with all gaps. */
static size_t buffer_size(const struct spy_piece *pieces, size_t count)
{
	size_t size = 1;

	for (size_t i = 0; i < count && size < BATCH_BYTES; i++)
		size += pieces[i].size + GAP_LIMIT;
	return size < BATCH_BYTES ? size : BATCH_BYTES;
}

int spy_gather(struct spy_memory *memory, struct spy_piece *pieces, size_t count, uint64_t deadline,
	       struct pyspyc_error *err)
{
	size_t size = buffer_size(pieces, count), i;
	spy_autofree uint8_t *buffer = malloc(size);
	spy_autofree struct gather *gather = calloc(1, sizeof(*gather));
	int result = 0;

	if (!buffer || !gather)
		return spy_nomem(err);
	*gather = (struct gather){
		.memory = memory, .pieces = pieces, .buffer = buffer, .size = size, .err = err
	};
	sort(pieces, count);
	for (i = 0; i < count && result == 0; i++) {
		if (impossible(&pieces[i]))
			break; /* so are all that follow: their addresses are no lower */
		if (add(gather, i))
			continue;
		result = flush(gather);
		if (result == 0 && deadline && spy_clock_now() > deadline)
			return spy_fail(err, PYSPYC_EAGAIN, "reading took too long");
		add(gather, i);
	}
	for (; i < count; i++)
		pieces[i].to = NULL;
	return result == 0 && gather->run_count ? flush(gather) : result;
}
