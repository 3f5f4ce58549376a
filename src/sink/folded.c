/* Folded (collapsed) stacks: one line per distinct stack, `root;…;leaf samples`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/escape.h"
#include "sink/sink.h"

/* A profile on its way to a file. */
struct writer {
	const struct pyspyc_profile *profile;
	FILE *file;
	char **changed;	  /* what to write for a string; NULL: the string itself */
	uint32_t *texts;  /* per string: the first that reads the same; NULL: each another */
	uint32_t *frames; /* per frame: likewise */
	uint32_t *nodes;  /* per node: one whose stack reads the same, itself one of its own */
	uint64_t *selves; /* samples of those together; NULL: of the profile's nodes */
	uint32_t *stack;
	uint32_t capacity;
};

static const char *text_of(const struct writer *writer, uint32_t string)
{
	const char *changed = writer->changed[string];

	return changed ? changed : spy_profile_text(writer->profile, string);
}

static uint32_t same_text(const struct writer *writer, uint32_t string)
{
	return writer->texts ? writer->texts[string] : string;
}

static int compare_texts(const void *a, const void *b, void *writer)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = strcmp(text_of(writer, left), text_of(writer, right));

	return order ? order : left < right ? -1 : left > right;
}

/* Finds the texts that are equal once they are escaped. */
static int match_texts(struct writer *writer)
{
	uint32_t count = writer->profile->strings.count, first = 0, i;
	spy_autofree uint32_t *order = calloc(count, sizeof(*order));

	writer->texts = calloc(count, sizeof(*writer->texts));
	if (!order || !writer->texts)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_texts, writer);
	for (i = 0; i < count; i++) {
		if (!i || strcmp(text_of(writer, order[i]), text_of(writer, first)) != 0)
			first = order[i];
		writer->texts[order[i]] = first;
	}
	return 0;
}

/* Escapes all strings; most stay as they are. */
static int make_texts(struct writer *writer)
{
	const struct spy_strings *strings = &writer->profile->strings;
	spy_autobuffer struct spy_buffer text = { 0 };
	bool any = false;
	uint32_t i;

	writer->changed = calloc((size_t)strings->count + 1, sizeof(*writer->changed));
	if (!writer->changed)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < strings->count; i++) {
		spy_buffer_clear(&text);
		spy_escape_folded(&text, strings->texts[i]);
		if (text.failed)
			return -PYSPYC_ENOMEM;
		if (strcmp(spy_buffer_text(&text), strings->texts[i]) == 0)
			continue;
		writer->changed[i] = strdup(spy_buffer_text(&text));
		if (!writer->changed[i])
			return -PYSPYC_ENOMEM;
		any = true;
	}
	return any ? match_texts(writer) : 0;
}

/* Writes py-spy's `name (file:line)`; the name alone for what is no Python function. */
static void put_label(const struct writer *writer, const struct spy_frame *frame)
{
	fputs(text_of(writer, frame->name), writer->file);
	if (frame->kind != SPY_FRAME_PYTHON)
		return;
	fputs(" (", writer->file);
	fputs(text_of(writer, frame->file), writer->file);
	if (frame->line > 0)
		fprintf(writer->file, ":%d", (int)frame->line);
	putc(')', writer->file);
}

/* --- stacks that read the same --- */

/* By what is shown of them. */
static int compare_labels(const struct writer *writer, uint32_t a, uint32_t b)
{
	const struct spy_frame *left = &writer->profile->frames[a];
	const struct spy_frame *right = &writer->profile->frames[b];
	bool code = left->kind == SPY_FRAME_PYTHON;
	uint32_t mine = same_text(writer, left->name), other = same_text(writer, right->name);
	int32_t line = left->line > 0 ? left->line : 0, its = right->line > 0 ? right->line : 0;

	if (mine != other)
		return mine < other ? -1 : 1;
	if (code != (right->kind == SPY_FRAME_PYTHON))
		return code ? -1 : 1;
	if (!code)
		return 0;
	mine = same_text(writer, left->file);
	other = same_text(writer, right->file);
	if (mine != other)
		return mine < other ? -1 : 1;
	return line < its ? -1 : line > its;
}

static int compare_frames(const void *a, const void *b, void *writer)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = compare_labels(writer, left, right);

	return order ? order : left < right ? -1 : left > right;
}

/* Finds the frames that read the same; *shared when there are any. */
static int match_frames(struct writer *writer, bool *shared)
{
	uint32_t count = writer->profile->frame_count, first = 0, i;
	spy_autofree uint32_t *order = calloc((size_t)count + 1, sizeof(*order));

	*shared = false;
	writer->frames = calloc((size_t)count + 1, sizeof(*writer->frames));
	if (!order || !writer->frames)
		return -PYSPYC_ENOMEM;
	for (i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_frames, writer);
	for (i = 0; i < count; i++) {
		if (!i || compare_labels(writer, first, order[i]) != 0)
			first = order[i];
		else
			*shared = true;
		writer->frames[order[i]] = first;
	}
	return 0;
}

/*
 * Finds the nodes whose stacks read the same. Who stands for one is a child of the parent's
 * own stand-in: the one with the frame's stand-in, where the profile has such a child, else
 * the first to come.
 */
static int match_nodes(struct writer *writer)
{
	const struct pyspyc_profile *profile = writer->profile;
	struct spy_map firsts = { 0 };
	uint64_t *slot = NULL;
	bool inserted;
	uint32_t i;

	writer->nodes = calloc(profile->node_count, sizeof(*writer->nodes));
	writer->selves = calloc(profile->node_count, sizeof(*writer->selves));
	if (!writer->nodes || !writer->selves)
		return -PYSPYC_ENOMEM;
	for (i = 1; i < profile->node_count; i++) {
		uint32_t parent = writer->nodes[profile->nodes[i].parent];
		uint32_t frame = writer->frames[profile->nodes[i].frame];
		uint32_t node = spy_profile_find(profile, parent, frame);

		if (node == UINT32_MAX) {
			slot = spy_map_insert(&firsts, (uint64_t)parent << 32 | frame, &inserted);
			if (!slot) {
				spy_map_free(&firsts);
				return -PYSPYC_ENOMEM;
			}
			if (inserted)
				*slot = i;
			node = (uint32_t)*slot;
		}
		writer->nodes[i] = node;
		writer->selves[node] += profile->nodes[i].self;
	}
	spy_map_free(&firsts);
	return 0;
}

/* --- the file --- */

static int put_stack(struct writer *writer, uint32_t node)
{
	const struct pyspyc_profile *profile = writer->profile;
	uint32_t depth;

	for (depth = 0; node; node = profile->nodes[node].parent) {
		if (depth == writer->capacity) {
			uint32_t capacity = writer->capacity ? writer->capacity * 2 : 256;
			uint32_t *moved = realloc(writer->stack, capacity * sizeof(*moved));

			if (!moved)
				return -PYSPYC_ENOMEM;
			writer->stack = moved;
			writer->capacity = capacity;
		}
		writer->stack[depth++] = profile->nodes[node].frame;
	}
	while (depth--) {
		put_label(writer, &profile->frames[writer->stack[depth]]);
		putc(depth ? ';' : ' ', writer->file);
	}
	return 0;
}

/* One line for each node with samples of its own. */
static int put_lines(struct writer *writer)
{
	const struct pyspyc_profile *profile = writer->profile;
	bool shared;
	uint32_t i;

	if (make_texts(writer) || match_frames(writer, &shared) || (shared && match_nodes(writer)))
		return -PYSPYC_ENOMEM;
	for (i = 1; i < profile->node_count && !ferror(writer->file); i++) {
		uint64_t self = shared ? writer->selves[i] : profile->nodes[i].self;

		if (!self)
			continue;
		if (put_stack(writer, i))
			return -PYSPYC_ENOMEM;
		fprintf(writer->file, "%" PRIu64 "\n", self);
	}
	return 0;
}

static int write_folded(const struct pyspyc_profile *profile, FILE *file, struct pyspyc_error *err)
{
	struct writer writer = { .profile = profile, .file = file };
	int ret = put_lines(&writer);
	uint32_t i;

	for (i = 0; writer.changed && i < profile->strings.count; i++)
		free(writer.changed[i]);
	free(writer.changed);
	free(writer.texts);
	free(writer.frames);
	free(writer.nodes);
	free(writer.selves);
	free(writer.stack);
	return ret ? spy_nomem(err) : 0;
}

const struct spy_sink spy_sink_folded = {
	.format = {
		.name = "folded",
		.aliases = (const char *const[]){ "raw", NULL },
		.extensions = (const char *const[]){ ".folded", ".txt", ".raw", NULL },
		.description = "stacks and their samples, one a line, for scripts and other tools",
	},
	.write = write_folded,
};
