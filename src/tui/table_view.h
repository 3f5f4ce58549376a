/* What the views of functions and of lines have in common: a table of places with figures. */
#ifndef TUI_TABLE_VIEW_H
#define TUI_TABLE_VIEW_H

#include "tui/view.h"

/* Columns: %Own, %Total, OwnTime, TotalTime, whose, function, place; and the end. */
#define TUI_TABLE_COLUMNS 8

/* The state of both views. */
struct tui_table_view {
	struct tui_list list; /* first: see tui_view */
	enum pyspyc_table_kind kind;
	const char *other; /* the view that L goes to */
	struct pyspyc_table table;
	struct tui_column columns[TUI_TABLE_COLUMNS]; /* for the width and the query */
	bool by_thread, by_process;		      /* as in the query of the table */
	enum pyspyc_scope scope;
	int names, places; /* columns that the longest name and place take, as far as seen */
	bool joined; /* function and place in one column */
};

void tui_table_view_open(struct tui_table_view *view, enum pyspyc_table_kind kind,
			 const char *other);
void tui_table_view_close(void *state);
void tui_table_view_update(struct tui_app *app, void *state);
void tui_table_view_draw(struct tui_app *app, void *state, struct tui_area area);
bool tui_table_view_key(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse);
struct tui_list *tui_table_view_list(void *state);

#endif
