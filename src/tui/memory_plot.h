/* The upper part of the memory view: figures and a plot of them over time. */
#ifndef TUI_MEMORY_PLOT_H
#define TUI_MEMORY_PLOT_H

#include "pyspyc/live.h"
#include "tui/memory_now.h"
#include "tui/screen.h"

#define TUI_MEMORY_SERIES 4 /* RSS, PSS, USS, swap */
/* A limit is a line in the plot when it is no farther above what there is than this. */
#define TUI_MEMORY_NEAR 1.5

/* What was measured, as tui_plot wants it. Zero-initialise. */
struct tui_memory_plot {
	double *times;			   /* seconds before the last one: rising to 0 */
	double *values[TUI_MEMORY_SERIES]; /* bytes; NAN where not known */
	size_t count, room;
	double least, most; /* of all of them, but swap when nothing was ever swapped */
	bool swapped;
	double limit;	/* bytes; 0: none that would fit */
	bool from_zero; /* the axis begins at 0 whatever there is to show */
};

void tui_memory_plot_free(struct tui_memory_plot *plot);

/* Takes in the points of the last figures. */
void tui_memory_plot_update(struct tui_memory_plot *plot, const struct pyspyc_live *live,
			    const struct tui_memory_now *now);

/* Draws into area and returns the rows that it took: all of them or fewer. */
int tui_memory_plot_draw(const struct tui_memory_plot *plot, const struct pyspyc_live *live,
			 const struct tui_memory_now *now, struct tui_area area);

#endif
