/* Cells that several views show alike: figures, bars, places. */
#ifndef TUI_CELLS_H
#define TUI_CELLS_H

#include "pyspyc/live.h"
#include "tui/view.h"

void tui_cell_text(struct tui_cell *cell, enum tui_role role, const char *text);

/* A share; dim when it is nothing. */
void tui_cell_share(struct tui_cell *cell, double share);

/* Seconds, coloured by the part they are of all. */
void tui_cell_seconds(struct tui_cell *cell, double seconds, double all);

/* A bar of share (0 to 1) in width columns. */
void tui_cell_bar(struct tui_cell *cell, double share, int width);

/* The colour of a name. */
enum tui_role tui_place_role(const struct pyspyc_place *place);

/* "file:line", "file" for line 0, or "" where there is no file. Returns the length. */
size_t tui_where(const char *file, int line, char *text, size_t size);

/* The same of a place. */
size_t tui_place_where(const struct pyspyc_place *place, char *text, size_t size);

/* "name (file:line)", of processes and threads what tells them from others. */
size_t tui_place_full(const struct pyspyc_place *place, char *text, size_t size);

/*
 * What tells a command line from others in few columns: the script or the module that a Python
 * runs, else the program, without directories.
 */
size_t tui_command_short(const char *command, char *text, size_t size);

/* "1234 name" of the thread or process that a row of a table is about. */
void tui_place_whose(const struct pyspyc_place *place, char *text, size_t size);

/* What filters and searches see of a row about a place, told apart by thread or process or not. */
void tui_place_searched(const struct pyspyc_place *place, bool apart, struct tui_cell *cell);

/* < 0 when name a comes first, upper and lower case alike; NULL is "". */
int tui_compare_names(const char *a, const char *b);

/* A number for a place, the same for places that are. */
uint64_t tui_place_identity(const struct pyspyc_place *place);

/* Why there are no figures (yet) and what could be done about it. */
const char *tui_why_empty(enum pyspyc_scope scope);

/* < 0 when a is the larger: what comes first in a table sorted by figures. */
static inline int tui_larger(double a, double b)
{
	return a > b ? -1 : a < b;
}

/* The same of shares as tui_percent shows them, so that rows that look equal keep their order. */
int tui_larger_share(double a, double b);

#endif
