/* What a table of lines says of the lines of one file. Pure functions. */
#ifndef TUI_SOURCE_FIGURES_H
#define TUI_SOURCE_FIGURES_H

#include <stdbool.h>

#include "pyspyc/live.h"

struct tui_figure {
	int line;
	const char *name; /* a function that has the line */
	double own_now, total_now, own_s, total_s;
	double grown, released, net_total; /* bytes; net_total: grown less released, with callees */
};

/* Zero-initialise. */
struct tui_figures {
	struct tui_figure *figures; /* rising by line, each once */
	size_t count;
	double all_s; /* own seconds of everything */
	double all_grown; /* and bytes */
	bool by_growth;	  /* set by the caller: the hottest line is the one that grew most */
};

/*
 * Takes the rows of table that lie in the file of place, in its process and thread where both
 * the row and place have one. What functions have in common (a comprehension and the line that
 * it stands in) counts once for total. -1 when memory ran out: there are no figures then.
 */
int tui_figures_take(struct tui_figures *figures, const struct pyspyc_table *table,
		     const struct pyspyc_place *place);

void tui_figures_free(struct tui_figures *figures);

/* The figures of a line, or NULL. */
const struct tui_figure *tui_figures_find(const struct tui_figures *figures, int line);

/* The first figures of a line after this one: an index, count when there are none. */
size_t tui_figures_after(const struct tui_figures *figures, size_t line);

/*
 * The line that took most (or grew most) since the start, after (not NULL) what took next to that much. NULL
 * when there is none that took anything.
 */
const struct tui_figure *tui_figures_hottest(const struct tui_figures *figures,
					     const struct tui_figure *after);

#endif
