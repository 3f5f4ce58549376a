#include "sink/memory_plot_tables.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sink/escape.h"

#define ELLIPSIS 0 /* the number of the string that stands for those without room */

bool spy_plot_tables_make(struct spy_plot_tables *tables, const struct spy_plot *plot)
{
	*tables = (struct spy_plot_tables){ .plot = plot };
	tables->stacks = calloc((size_t)plot->history->stack_count + 1, sizeof(*tables->stacks));
	spy_buffer_puts(&tables->strings, "\"\xe2\x80\xa6\"");
	tables->string_count = ELLIPSIS + 1;
	return tables->stacks && !tables->strings.failed;
}

void spy_plot_tables_free(struct spy_plot_tables *tables)
{
	free(tables->stacks);
	spy_buffer_free(&tables->strings);
	spy_buffer_free(&tables->frames);
	spy_buffer_free(&tables->nodes);
	spy_map_free(&tables->string_numbers);
	spy_map_free(&tables->frame_numbers);
	spy_map_free(&tables->node_numbers);
}

/* The place of a key's number; *known tells whether it has one. NULL when memory ran out. */
static uint64_t *number_of(struct spy_plot_tables *tables, struct spy_map *map, uint64_t key,
			   bool *known)
{
	bool inserted;
	uint64_t *slot = spy_map_insert(map, key, &inserted);

	if (!slot)
		tables->strings.failed = true;
	*known = !inserted;
	return slot;
}

static uint32_t string_number(struct spy_plot_tables *tables, uint32_t string)
{
	const struct pyspyc_profile *profile = tables->plot->profile;
	bool known;
	uint64_t *slot;

	if (string >= profile->strings.count)
		return ELLIPSIS;
	slot = number_of(tables, &tables->string_numbers, string, &known);
	if (!slot)
		return ELLIPSIS;
	if (!known && tables->strings.size < SPY_PLOT_STRING_BYTES) {
		spy_autobuffer struct spy_buffer text = { 0 };

		spy_escape_visible(&text, spy_profile_text(profile, string), SPY_PLOT_NAME_LENGTH);
		spy_buffer_putc(&tables->strings, ',');
		spy_escape_json(&tables->strings, spy_buffer_text(&text));
		*slot = tables->string_count++;
	}
	return (uint32_t)*slot;
}

long spy_plot_frame_number(struct spy_plot_tables *tables, uint32_t number)
{
	const struct pyspyc_profile *profile = tables->plot->profile;
	const struct spy_frame *frame;
	long name, file = -1;
	bool known;
	uint64_t *slot;

	if (number >= profile->frame_count)
		return -1;
	slot = number_of(tables, &tables->frame_numbers, number, &known);
	if (!slot || known)
		return slot ? (long)*slot : -1;
	frame = &profile->frames[number];
	*slot = tables->frame_count++;
	name = string_number(tables, frame->name);
	if (frame->kind == SPY_FRAME_PYTHON)
		file = string_number(tables, frame->file);
	spy_buffer_printf(&tables->frames, "%s%ld,%ld,%d,%d", tables->frame_count > 1 ? "," : "",
			  name, file, frame->line > 0 ? (int)frame->line : 0, (int)frame->origin);
	return (long)tables->frame_count - 1;
}

static long node_number(struct spy_plot_tables *tables, long parent, uint32_t frame)
{
	bool known;
	uint64_t *slot = number_of(tables, &tables->node_numbers,
				   (uint64_t)(parent + 1) << 32 | frame, &known);

	if (!slot || known)
		return slot ? (long)*slot : -1;
	*slot = tables->node_count++;
	spy_buffer_printf(&tables->nodes, "%s%ld,%ld", *slot ? "," : "", parent,
			  spy_plot_frame_number(tables, frame));
	return (long)*slot;
}

long spy_plot_stack_number(struct spy_plot_tables *tables, uint32_t number)
{
	const struct spy_history *history = tables->plot->history;
	const struct spy_history_stack *stack;
	long node = -1;
	uint32_t i;

	if (number >= history->stack_count)
		return -1;
	stack = &history->stacks[number];
	if (tables->stacks[number] || !stack->count || stack->first >= history->frame_count ||
	    stack->count > history->frame_count - stack->first)
		return (long)tables->stacks[number] - 1;
	/* From the outermost frame in; without room its innermost one has to do. */
	i = tables->node_count < SPY_PLOT_NODES ? stack->count : 1;
	if (tables->node_count >= 2 * SPY_PLOT_NODES)
		i = 0;
	while (i--)
		node = node_number(tables, node, history->frames[stack->first + i]);
	tables->stacks[number] = (uint32_t)(node + 1);
	return node;
}

void spy_plot_put_tables(struct spy_buffer *buffer, const struct spy_plot_tables *tables)
{
	spy_buffer_printf(buffer, ",\n\"strings\":[%s],\n\"frames\":[%s],\n\"nodes\":[%s]",
			  spy_buffer_text(&tables->strings), spy_buffer_text(&tables->frames),
			  spy_buffer_text(&tables->nodes));
	if (tables->strings.failed || tables->frames.failed || tables->nodes.failed)
		buffer->failed = true;
}
