/* Names, places and stacks of a plot's data, each once, numbered as they are first asked for. */
#ifndef SPY_SINK_MEMORY_PLOT_TABLES_H
#define SPY_SINK_MEMORY_PLOT_TABLES_H

#include "base/map.h"
#include "sink/memory_plot.h"

/* What they may become: about 1.4 MB in all. Later names are an ellipsis, later stacks one line. */
#define SPY_PLOT_STRING_BYTES 700000
#define SPY_PLOT_NODES 20000

struct spy_plot_tables {
	const struct spy_plot *plot;
	struct spy_buffer strings, frames, nodes; /* elements of JSON arrays */
	struct spy_map string_numbers, frame_numbers, node_numbers;
	uint32_t string_count, frame_count, node_count;
	uint32_t *stacks; /* 1 + innermost node of each of the history's; 0: not asked for yet */
};

bool spy_plot_tables_make(struct spy_plot_tables *tables, const struct spy_plot *plot);
void spy_plot_tables_free(struct spy_plot_tables *tables);

/* The number of a frame of the profile; -1 for none. */
long spy_plot_frame_number(struct spy_plot_tables *tables, uint32_t frame);

/* The number of a stack's innermost node; -1 for none. */
long spy_plot_stack_number(struct spy_plot_tables *tables, uint32_t stack);

/*
 * Appends the tables as members of an object: "strings"; "frames" with [name, file or -1, line,
 * origin] each; "nodes" with [node of the caller or -1, frame] each.
 */
void spy_plot_put_tables(struct spy_buffer *buffer, const struct spy_plot_tables *tables);

#endif
