/* Folded (collapsed) stacks: one line per distinct stack, `root;…;leaf samples`. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/escape.h"
#include "sink/sink.h"

/* Appends py-spy's `name (file:line)`; the name alone for what is no Python function. */
static void put_label(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		      const struct spy_frame *frame)
{
	spy_escape_folded(buffer, spy_profile_text(profile, frame->name));
	if (frame->kind != SPY_FRAME_PYTHON)
		return;
	spy_buffer_puts(buffer, " (");
	spy_escape_folded(buffer, spy_profile_text(profile, frame->file));
	if (frame->line > 0)
		spy_buffer_printf(buffer, ":%d", frame->line);
	spy_buffer_putc(buffer, ')');
}

/* Interns each frame's label; labels[frame] is its number. Fewer labels than frames: *shared. */
static int make_labels(const struct pyspyc_profile *profile, struct spy_strings *strings,
		       uint32_t *labels, bool *shared)
{
	spy_autobuffer struct spy_buffer text = { 0 };
	uint32_t i;

	for (i = 0; i < profile->frame_count; i++) {
		spy_buffer_clear(&text);
		put_label(&text, profile, &profile->frames[i]);
		labels[i] = text.failed ? SPY_NO_STRING
					: spy_strings_intern(strings, spy_buffer_text(&text));
		if (labels[i] == SPY_NO_STRING)
			return -PYSPYC_ENOMEM;
	}
	*shared = strings->count < profile->frame_count;
	return 0;
}

/* The same tree with labels for frames, so that stacks that read the same are one. */
static struct pyspyc_profile *merge(const struct pyspyc_profile *profile, const uint32_t *labels)
{
	struct pyspyc_profile *merged = spy_profile_new(false);
	spy_autofree uint32_t *places = calloc(profile->node_count, sizeof(*places));
	uint32_t i;

	if (!merged || !places)
		goto failed;
	merged->nodes[SPY_ROOT_NODE].self = profile->nodes[SPY_ROOT_NODE].self;
	for (i = 1; i < profile->node_count; i++) {
		const struct spy_node *node = &profile->nodes[i];

		places[i] = spy_profile_child(merged, places[node->parent], labels[node->frame]);
		if (places[i] == UINT32_MAX)
			goto failed;
		merged->nodes[places[i]].self += node->self;
	}
	return merged;
failed:
	spy_profile_free(merged);
	return NULL;
}

/* One line for each node with samples of its own; labels may be NULL: frames are labels. */
static int put_lines(const struct pyspyc_profile *profile, const struct spy_strings *strings,
		     const uint32_t *labels, FILE *file)
{
	spy_autofree uint32_t *stack = NULL;
	uint32_t capacity = 0, depth, i, node;

	for (i = 1; i < profile->node_count && !ferror(file); i++) {
		if (!profile->nodes[i].self)
			continue;
		for (depth = 0, node = i; node; node = profile->nodes[node].parent) {
			if (depth == capacity) {
				uint32_t *moved;

				capacity = capacity ? capacity * 2 : 256;
				moved = realloc(stack, capacity * sizeof(*stack));
				if (!moved)
					return -PYSPYC_ENOMEM;
				stack = moved;
			}
			stack[depth++] = profile->nodes[node].frame;
		}
		while (depth--) {
			fputs(strings->texts[labels ? labels[stack[depth]] : stack[depth]], file);
			putc(depth ? ';' : ' ', file);
		}
		fprintf(file, "%" PRIu64 "\n", profile->nodes[i].self);
	}
	return 0;
}

static int write_labelled(const struct pyspyc_profile *profile, struct spy_strings *strings,
			  FILE *file)
{
	spy_autofree uint32_t *labels = calloc(profile->frame_count + 1, sizeof(*labels));
	struct pyspyc_profile *merged;
	bool shared;
	int ret;

	if (!labels || make_labels(profile, strings, labels, &shared))
		return -PYSPYC_ENOMEM;
	if (!shared)
		return put_lines(profile, strings, labels, file);
	merged = merge(profile, labels);
	if (!merged)
		return -PYSPYC_ENOMEM;
	ret = put_lines(merged, strings, NULL, file);
	spy_profile_free(merged);
	return ret;
}

static int write_folded(const struct pyspyc_profile *profile, FILE *file, struct pyspyc_error *err)
{
	struct spy_strings strings = { 0 };
	int ret = write_labelled(profile, &strings, file);

	spy_strings_free(&strings);
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
