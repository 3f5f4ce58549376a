#include "profile/line_growth.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/live.h"
#include "profile/numbers.h"
#include "profile/parts.h"

#define NONE UINT32_MAX

/* What a node has; then with all below it. */
struct sums {
	uint64_t grown, released, usage, samples;
};

/*
 * Arrays are by node, `until` apart. Nodes are in a second order, too: each followed by all that
 * are below it. There, what a line has is the sum over its nodes that lie below no other one of
 * its own; the same goes for files.
 */
struct making {
	const struct pyspyc_profile *profile;
	struct spy_line_growths *growths;
	struct spy_numbers file_numbers, line_numbers;
	struct sums *sums;
	uint32_t *line_of, *file_of; /* NONE: of no code, or not known */
	bool *in_code;		     /* there is code at the node or towards the root */
	uint32_t *sizes, *next, *order;
	uint32_t *line_until, *file_until; /* by line and file: the end of the nodes counted */
};

static void end(struct making *making)
{
	spy_numbers_free(&making->file_numbers);
	spy_numbers_free(&making->line_numbers);
	free(making->sums);
	free(making->line_of);
	free(making->file_of);
	free(making->in_code);
	free(making->sizes);
	free(making->next);
	free(making->order);
	free(making->line_until);
	free(making->file_until);
}

static bool begin(struct making *making, const struct pyspyc_profile *profile,
		  struct spy_line_growths *growths)
{
	size_t count = profile->node_count;

	*making = (struct making){ .profile = profile, .growths = growths };
	making->sums = malloc(count * sizeof(*making->sums));
	making->line_of = malloc(count * sizeof(*making->line_of));
	making->file_of = malloc(count * sizeof(*making->file_of));
	making->in_code = calloc(count, sizeof(*making->in_code));
	making->sizes = malloc(count * sizeof(*making->sizes));
	making->next = malloc(count * sizeof(*making->next));
	making->order = malloc(count * sizeof(*making->order));
	return making->sums && making->line_of && making->file_of && making->in_code &&
	       making->sizes && making->next && making->order;
}

static uint32_t file_for(struct making *making, const struct spy_frame *frame)
{
	struct spy_line_growths *growths = making->growths;
	uint32_t number = spy_numbers_of(&making->file_numbers, frame->path);

	if (number < growths->file_count || number == NONE)
		return number;
	if (!spy_profile_reserve((void **)&growths->files, number, &growths->file_capacity,
				 sizeof(*growths->files), NONE / 2))
		return NONE;
	growths->files[growths->file_count++] = (struct spy_file_growth){ .path = frame->path,
									  .origin = frame->origin };
	return number;
}

static uint32_t line_for(struct making *making, const struct spy_frame *frame, uint32_t file)
{
	struct spy_line_growths *growths = making->growths;
	uint32_t number = spy_numbers_of(&making->line_numbers,
					 (uint64_t)file << 32 | (uint32_t)frame->line);
	int32_t first = frame->first_line > 0 && frame->first_line <= frame->line
				? frame->first_line
				: 0;

	if (number == NONE)
		return NONE;
	if (number < growths->line_count) {
		if (growths->lines[number].first_line < first)
			growths->lines[number].first_line = first;
		return number;
	}
	if (!spy_profile_reserve((void **)&growths->lines, number, &growths->line_capacity,
				 sizeof(*growths->lines), NONE / 2))
		return NONE;
	growths->lines[growths->line_count++] =
		(struct spy_line_growth){ .file = file, .line = frame->line, .first_line = first };
	return number;
}

/* Books what a node has in what the growths say of all. */
static void add_to_all(struct making *making, uint32_t node, bool code)
{
	uint32_t parent = making->profile->nodes[node].parent;
	struct spy_line_growths *growths = making->growths;
	const struct sums *sums = &making->sums[node];

	making->in_code[node] = code || making->in_code[parent];
	growths->grown += sums->grown;
	growths->released += sums->released;
	if (making->in_code[node])
		return;
	growths->unknown_grown += sums->grown;
	growths->unknown_released += sums->released;
}

/* Finds a node's line, and books there what it has of its own. */
static bool take(struct making *making, uint32_t node)
{
	const struct pyspyc_profile *profile = making->profile;
	const struct spy_frame *frame = &profile->frames[profile->nodes[node].frame];
	const uint64_t *values = spy_profile_values(profile, node);
	struct sums *sums = &making->sums[node];
	uint32_t file, line;

	*sums = (struct sums){
		.grown = values[spy_live_at(SPY_LIVE_GROWN, SPY_LIVE_SINCE)],
		.released = values[spy_live_at(SPY_LIVE_RELEASED, SPY_LIVE_SINCE)],
		.usage = values[spy_live_at(SPY_LIVE_USAGE, SPY_LIVE_SINCE)],
		.samples = profile->nodes[node].self,
	};
	making->sizes[node] = 1;
	making->line_of[node] = making->file_of[node] = NONE;
	add_to_all(making, node, frame->kind == SPY_FRAME_PYTHON);
	if (frame->kind != SPY_FRAME_PYTHON)
		return true;
	file = making->file_of[node] = file_for(making, frame);
	if (file == NONE)
		return false;
	making->growths->files[file].own_grown += sums->grown;
	making->growths->files[file].own_released += sums->released;
	if (frame->line <= 0)
		return true;
	line = making->line_of[node] = line_for(making, frame, file);
	if (line == NONE)
		return false;
	making->growths->lines[line].own_grown += sums->grown;
	making->growths->lines[line].own_released += sums->released;
	return true;
}

static void add(struct sums *to, const struct sums *from)
{
	to->grown += from->grown;
	to->released += from->released;
	to->samples += from->samples;
	if (to->usage < from->usage)
		to->usage = from->usage;
}

/* Sums up the tree, and lays it out in the second order. */
static void lay_out(struct making *making)
{
	const struct spy_node *nodes = making->profile->nodes;
	uint32_t i;

	for (i = making->profile->node_count - 1; i > SPY_ROOT_NODE; i--) {
		add(&making->sums[nodes[i].parent], &making->sums[i]);
		making->sizes[nodes[i].parent] += making->sizes[i];
	}
	making->order[0] = SPY_ROOT_NODE;
	making->next[SPY_ROOT_NODE] = 1;
	for (i = 1; i < making->profile->node_count; i++) {
		uint32_t parent = nodes[i].parent, place = making->next[parent];

		making->next[parent] += making->sizes[i];
		making->next[i] = place + 1;
		making->order[place] = i;
	}
}

static bool add_totals(struct making *making)
{
	struct spy_line_growths *growths = making->growths;
	uint32_t place;

	making->line_until = calloc((size_t)growths->line_count + 1, sizeof(uint32_t));
	making->file_until = calloc((size_t)growths->file_count + 1, sizeof(uint32_t));
	if (!making->line_until || !making->file_until)
		return false;
	for (place = 1; place < making->profile->node_count; place++) {
		uint32_t node = making->order[place], behind = place + making->sizes[node];
		uint32_t line = making->line_of[node], file = making->file_of[node];
		const struct sums *sums = &making->sums[node];

		if (file != NONE && place >= making->file_until[file]) {
			making->file_until[file] = behind;
			growths->files[file].grown += sums->grown;
			growths->files[file].released += sums->released;
		}
		if (line != NONE && place >= making->line_until[line]) {
			struct spy_line_growth *it = &growths->lines[line];

			making->line_until[line] = behind;
			it->grown += sums->grown;
			it->released += sums->released;
			it->samples += sums->samples;
			if (it->usage < sums->usage)
				it->usage = sums->usage;
		}
	}
	return true;
}

/* --- the order of files and lines --- */

struct sorting {
	const struct pyspyc_profile *profile;
	const struct spy_file_growth *files;
};

static int compare_files(const void *a, const void *b, void *context)
{
	const struct sorting *sorting = context;
	const struct spy_file_growth *left = &sorting->files[*(const uint32_t *)a];
	const struct spy_file_growth *right = &sorting->files[*(const uint32_t *)b];
	bool own = left->origin == SPY_ORIGIN_OWN;

	if (own != (right->origin == SPY_ORIGIN_OWN))
		return own ? -1 : 1;
	if (left->grown != right->grown)
		return left->grown > right->grown ? -1 : 1;
	if (left->own_grown != right->own_grown)
		return left->own_grown > right->own_grown ? -1 : 1;
	return strcmp(spy_profile_text(sorting->profile, left->path),
		      spy_profile_text(sorting->profile, right->path));
}

static int compare_lines(const void *a, const void *b)
{
	const struct spy_line_growth *left = a, *right = b;

	if (left->file != right->file)
		return left->file < right->file ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

static bool sort_files(const struct pyspyc_profile *profile, struct spy_line_growths *growths)
{
	struct sorting sorting = { profile, growths->files };
	uint32_t count = growths->file_count, i;
	spy_autofree uint32_t *order = calloc((size_t)count + 1, sizeof(*order));
	spy_autofree uint32_t *places = calloc((size_t)count + 1, sizeof(*places));
	struct spy_file_growth *sorted = calloc((size_t)count + 1, sizeof(*sorted));

	if (!order || !places || !sorted) {
		free(sorted);
		return false;
	}
	for (i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_files, &sorting);
	for (i = 0; i < count; i++) {
		sorted[i] = growths->files[order[i]];
		places[order[i]] = i;
	}
	for (i = 0; i < growths->line_count; i++)
		growths->lines[i].file = places[growths->lines[i].file];
	free(growths->files);
	growths->files = sorted;
	growths->file_capacity = count + 1;
	return true;
}

static bool sort(const struct pyspyc_profile *profile, struct spy_line_growths *growths)
{
	uint32_t i;

	if (!sort_files(profile, growths))
		return false;
	if (growths->line_count)
		qsort(growths->lines, growths->line_count, sizeof(*growths->lines), compare_lines);
	for (i = growths->line_count; i-- > 0;) {
		struct spy_file_growth *file = &growths->files[growths->lines[i].file];

		file->first = i;
		file->count++;
	}
	return true;
}

int spy_line_growths_make(const struct pyspyc_profile *profile, struct spy_line_growths *ret,
			  struct pyspyc_error *err)
{
	spy_cleanup(end) struct making making;
	uint32_t i;

	*ret = (struct spy_line_growths){ 0 };
	if (!begin(&making, profile, ret))
		return spy_nomem(err);
	making.sums[SPY_ROOT_NODE] = (struct sums){ 0 };
	making.sizes[SPY_ROOT_NODE] = 1;
	for (i = 1; i < profile->node_count; i++)
		if (!take(&making, i))
			return spy_nomem(err);
	lay_out(&making);
	return add_totals(&making) && sort(profile, ret) ? 0 : spy_nomem(err);
}

void spy_line_growths_free(struct spy_line_growths *growths)
{
	free(growths->files);
	free(growths->lines);
	*growths = (struct spy_line_growths){ 0 };
}
