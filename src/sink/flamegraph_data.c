/* A flame graph's tree as JSON for its script. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sink/escape.h"
#include "sink/flamegraph.h"
#include "sink/page.h"

#define TEXT_MOST 2000 /* characters */

/* Numbers given out in order of first use; 0 in places means none yet. */
struct numbering {
	uint32_t *places;
	uint32_t *items;
	uint32_t count;
};

static bool numbering_make(struct numbering *numbering, uint32_t size)
{
	numbering->places = calloc((size_t)size + 1, sizeof(*numbering->places));
	numbering->items = calloc((size_t)size + 1, sizeof(*numbering->items));
	return numbering->places && numbering->items;
}

static void numbering_free(struct numbering *numbering)
{
	free(numbering->places);
	free(numbering->items);
}

static uint32_t number_of(struct numbering *numbering, uint32_t item)
{
	if (!numbering->places[item]) {
		numbering->items[numbering->count++] = item;
		numbering->places[item] = numbering->count;
	}
	return numbering->places[item] - 1;
}

/* Everything that the tree uses, numbered. */
struct tables {
	struct numbering frames;
	struct numbering strings;
	struct spy_map functions;
};

/* Frames of one function, whatever their lines, have the same number. */
static uint32_t function_of(struct tables *tables, const struct spy_frame *frame)
{
	uint32_t identity[] = { frame->name, frame->path, (uint32_t)frame->first_line,
				frame->kind };
	bool inserted;
	uint64_t *slot = spy_map_insert(&tables->functions, spy_hash(identity, sizeof(identity), 0),
					&inserted);

	if (!slot)
		return UINT32_MAX;
	if (inserted)
		*slot = tables->functions.count - 1;
	return (uint32_t)*slot;
}

/* [depth, frame, total, self] of each node, in one flat array. */
static void put_nodes(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		      const struct spy_flame_tree *tree, struct tables *tables)
{
	uint32_t i;

	spy_buffer_puts(buffer, ",\n\"nodes\":[");
	for (i = 1; i < tree->count; i++) {
		const struct spy_flame_node *node = &tree->nodes[i];

		spy_buffer_printf(buffer, "%s%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64,
				  i == 1 ? "" : ",", node->depth,
				  number_of(&tables->frames, profile->nodes[node->node].frame),
				  node->total, node->self);
	}
	spy_buffer_putc(buffer, ']');
}

/* [name, file or -1, line, first line, function, origin, colour] of each frame. */
static void put_frames(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		       struct tables *tables)
{
	uint32_t i;

	spy_buffer_puts(buffer, ",\n\"frames\":[");
	for (i = 0; i < tables->frames.count; i++) {
		const struct spy_frame *frame = &profile->frames[tables->frames.items[i]];
		bool code = frame->kind == SPY_FRAME_PYTHON;

		spy_buffer_printf(buffer, "%s%" PRIu32 ",%d,%d,%d,%" PRIu32 ",%d,%u", i ? "," : "",
				  number_of(&tables->strings, frame->name),
				  code ? (int)number_of(&tables->strings, frame->file) : -1,
				  frame->line > 0 ? (int)frame->line : 0,
				  frame->first_line > 0 ? (int)frame->first_line : 0,
				  function_of(tables, frame), (int)frame->origin,
				  spy_flame_colour(profile, frame));
	}
	spy_buffer_putc(buffer, ']');
}

/* Names of the figures that the file has, the profile's own first. */
static void put_figures(struct spy_buffer *buffer, const struct pyspyc_profile *profile)
{
	const char *own = profile->bytes ? profile->grown ? "released" : "grown" : "time";

	spy_buffer_printf(buffer, ",\n\"figures\":[\"%s\"%s%s]", own,
			  profile->grown ? ",\"grown\"" : "",
			  profile->released ? ",\"released\"" : "");
}

static void put_head(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		     const struct spy_flame_tree *tree)
{
	spy_autobuffer struct spy_buffer facts = { 0 };
	int i;

	spy_buffer_printf(buffer,
			  "{\"version\":1,\n\"total\":%" PRIu64 ",\"period\":%" PRIu64
			  ",\"bytes\":%s,\"leftOut\":%" PRIu64 ",\"leftOutSamples\":%" PRIu64,
			  tree->nodes[0].total, profile->period_ns,
			  profile->bytes ? "true" : "false", tree->left_out,
			  tree->left_out_samples);
	spy_page_member(buffer, "title", profile->title, TEXT_MOST);
	spy_page_member(buffer, "summary", profile->summary, TEXT_MOST);
	spy_page_member(buffer, "nothing", spy_flame_nothing(profile), TEXT_MOST);
	spy_page_member(buffer, "empty", spy_flame_why_empty(profile), TEXT_MOST);
	put_figures(buffer, profile);
	spy_flame_facts(&facts, profile);
	spy_page_member(buffer, "facts", spy_buffer_text(&facts), TEXT_MOST);
	spy_buffer_puts(buffer, ",\n\"origins\":[");
	for (i = 0; i <= SPY_ORIGIN_NONE; i++) {
		spy_buffer_puts(buffer, i ? ",[" : "[");
		spy_escape_json(buffer, spy_flame_origin_name((enum spy_origin)i));
		spy_buffer_printf(buffer, ",%d,%" PRIu64 "]", i * SPY_FLAME_SHADES,
				  tree->origins[i]);
	}
	spy_buffer_putc(buffer, ']');
}

bool spy_flame_data(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		    const struct spy_flame_tree *tree)
{
	struct tables tables = { 0 };
	uint32_t i;

	if (numbering_make(&tables.frames, profile->frame_count) &&
	    numbering_make(&tables.strings, profile->strings.count)) {
		put_head(buffer, profile, tree);
		put_nodes(buffer, profile, tree, &tables);
		put_frames(buffer, profile, &tables);
		spy_buffer_puts(buffer, ",\n\"strings\":[");
		for (i = 0; i < tables.strings.count; i++) {
			spy_buffer_puts(buffer, i ? "," : "");
			spy_escape_json(buffer, tree->texts[tables.strings.items[i]]);
		}
		spy_buffer_puts(buffer, "]}\n");
	} else {
		buffer->failed = true;
	}
	numbering_free(&tables.frames);
	numbering_free(&tables.strings);
	spy_map_free(&tables.functions);
	return !buffer->failed;
}
