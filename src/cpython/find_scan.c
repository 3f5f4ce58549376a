/*
 * Finding the runtime where no symbol leads to it: a search through the data segments for
 * words that behave as the runtime's do. Only what is validated counts.
 */
#include <string.h>

#include "base/bytes.h"
#include "cpython/find.h"

/* A program's data segments are searched up to here, in bytes. */
#define SCAN_LIMIT (UINT64_C(64) << 20)
/* Interpreters of one process followed at most. */
#define CHAIN_LIMIT 1024
/* Reads of the target that a search is worth at most: about half a second's. */
#define READS_LIMIT (1u << 18)
/* Words of 2.7 and 3.6 that point to an interpreter, kept at most; there are two. */
#define HITS_LIMIT 8

struct scan {
	const struct spy_candidate *candidate;
	const struct spy_layout *layout;
	bool several; /* accept a first interpreter that is not the main one */
	unsigned reads;
	uint64_t found;
	struct {
		uint64_t address;
		uint64_t interpreter;
	} hits[HITS_LIMIT];
	size_t hit_count;
};

bool spy_writable_pointer(const struct spy_process *process, uint64_t address)
{
	const struct spy_mapping *mapping;

	if (!address || address % sizeof(uint64_t))
		return false;
	mapping = spy_maps_find(&process->maps, address);
	return mapping && mapping->flags & SPY_MAP_WRITE;
}

static uint64_t word_at(const struct spy_process *process, uint64_t address)
{
	uint64_t word;

	return spy_memory_read_word(process->memory, address, &word, NULL) < 0 ? 0 : word;
}

/* The dict sys.__dict__, by the name of its type. */
static bool is_dict(const struct spy_process *process, const struct spy_layout *layout,
		    uint64_t address)
{
	uint64_t type, name;
	char text[5] = "";

	if (!spy_writable_pointer(process, address))
		return false;
	type = word_at(process, address + layout->object_type);
	name = spy_writable_pointer(process, type) ? word_at(process, type + layout->type_name) : 0;
	return name && spy_memory_read(process->memory, name, text, sizeof(text), NULL) == 0 &&
	       memcmp(text, "dict", sizeof(text)) == 0;
}

bool spy_plausible_interpreter(const struct spy_process *process, const struct spy_layout *layout,
			       uint64_t address)
{
	uint64_t tstate;

	if (!spy_writable_pointer(process, address))
		return false;
	tstate = word_at(process, address + layout->interp_threads_head);
	return spy_writable_pointer(process, tstate) &&
	       word_at(process, tstate + layout->tstate_interp) == address &&
	       is_dict(process, layout, word_at(process, address + layout->interp_sysdict));
}

/* As above, within the search's bound. */
static bool plausible(struct scan *scan, uint64_t address)
{
	if (!spy_writable_pointer(scan->candidate->process, address))
		return false;
	scan->reads += 5;
	return spy_plausible_interpreter(scan->candidate->process, scan->layout, address);
}

/* Interpreters from first on; *reaches tells whether `last` is among them. */
static unsigned chain_length(struct scan *scan, uint64_t first, uint64_t last, bool *reaches)
{
	const struct spy_process *process = scan->candidate->process;
	unsigned length = 0;

	*reaches = false;
	while (length < CHAIN_LIMIT && spy_writable_pointer(process, first)) {
		length++;
		scan->reads++;
		*reaches = *reaches || first == last;
		first = word_at(process, first + scan->layout->interp_next);
	}
	return length;
}

/* interpreters.head and interpreters.main stand side by side (pycore_runtime.h, from 3.7). */
static bool is_head_and_main(struct scan *scan, uint64_t head, uint64_t main)
{
	const struct spy_process *process = scan->candidate->process;
	bool reaches;

	if (scan->several ? head == main : head != main)
		return false;
	if (!spy_writable_pointer(process, head) || !plausible(scan, main))
		return false;
	if (head == main)
		return true;
	chain_length(scan, head, main, &reaches);
	return reaches;
}

static bool visit_words(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct scan *scan = context;
	size_t at;

	for (at = -address % 8; size >= 16 && at <= size - 16 && scan->reads < READS_LIMIT;
	     at += 8) {
		uint64_t pair[2];

		memcpy(pair, bytes + at, sizeof(pair));
		if (pair[0] && pair[1] && is_head_and_main(scan, pair[0], pair[1])) {
			scan->found = address + at;
			return false;
		}
	}
	return true;
}

static bool visit_heads(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct scan *scan = context;
	const struct spy_image *image = &scan->candidate->image;
	size_t at;

	for (at = -address % 8; size >= 8 && at <= size - 8 && scan->reads < READS_LIMIT; at += 8) {
		uint64_t word = spy_word_at(bytes, at);

		/* These interpreters are on the heap: pointers into the image need no look. */
		if (!word || (word >= image->start && word < image->end) || !plausible(scan, word))
			continue;
		scan->hits[scan->hit_count].address = address + at;
		scan->hits[scan->hit_count].interpreter = word;
		if (++scan->hit_count == HITS_LIMIT)
			return false;
	}
	return true;
}

/*
 * To 3.6, interp_head and autoInterpreterState (Python/pystate.c) both point to an
 * interpreter: new ones are put in front, so the head is the one that leads to more.
 */
static uint64_t scan_heads(struct scan *scan)
{
	unsigned longest = 0, length;
	uint64_t best = 0;
	bool reaches;
	size_t i;

	spy_image_visit(&scan->candidate->image, SPY_LOADS_WRITABLE, SCAN_LIMIT, visit_heads, scan,
			NULL);
	for (i = 0; i < scan->hit_count; i++) {
		length = chain_length(scan, scan->hits[i].interpreter, 0, &reaches);
		if (length > longest) {
			longest = length;
			best = scan->hits[i].address;
		}
	}
	return best;
}

void spy_scan_words(const struct spy_candidate *candidate, const struct spy_layout *layout,
		    struct spy_scan *ret)
{
	struct scan scan = { .candidate = candidate, .layout = layout };
	uint32_t offset = layout->runtime_interpreters_head;

	*ret = (struct spy_scan){ 0 };
	if (offset == SPY_NO_FIELD) {
		ret->interpreters_head = scan_heads(&scan);
		return;
	}
	spy_image_visit(&candidate->image, SPY_LOADS_WRITABLE, SCAN_LIMIT, visit_words, &scan,
			NULL);
	if (!scan.found) {
		scan.several = true;
		scan.reads = 0;
		spy_image_visit(&candidate->image, SPY_LOADS_WRITABLE, SCAN_LIMIT, visit_words,
				&scan, NULL);
	}
	if (scan.found > offset)
		ret->runtime = scan.found - offset;
}

static bool visit_cookie(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	static const char cookie[] = SPY_DEBUG_OFFSETS_COOKIE;
	uint64_t *found = context;
	size_t at;

	for (at = -address % 8; size >= 8 && at <= size - 8; at += 8) {
		if (memcmp(bytes + at, cookie, sizeof(cookie) - 1) == 0) {
			*found = address + at;
			return false;
		}
	}
	return true;
}

uint64_t spy_scan_cookie(const struct spy_candidate *candidate)
{
	uint64_t found = 0;

	spy_image_visit(&candidate->image, SPY_LOADS_WRITABLE, SCAN_LIMIT, visit_cookie, &found,
			NULL);
	return found;
}
