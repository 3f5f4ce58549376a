/*
 * A table with a cursor, for every view that has rows: scrolling, sorting, filtering, searching,
 * mouse. The view keeps the rows; the list asks for texts and compares through the descriptor.
 */
#ifndef TUI_LIST_H
#define TUI_LIST_H

#include "tui/match.h"
#include "tui/screen.h"

#define TUI_CELL 1024

struct tui_cell {
	char text[TUI_CELL]; /* UTF-8, may hold anything; tui_put makes it safe */
	enum tui_role role;
};

/* One column of a table: a const array of them is a view's data. */
struct tui_column {
	const char *heading;
	int width; /* columns; negative: right-aligned; 0: takes the rest */
	int least; /* left out when the screen has fewer columns than this */
	char key;  /* that sorts by it, or 0 */
	/* Fills the cell of one row. */
	void (*cell)(const void *context, size_t row, struct tui_cell *cell);
	/*
	 * < 0 when row a comes first, largest or alphabetical first; NULL: not sortable. Rows that
	 * are equal by it are told apart by the other columns, then by their place.
	 */
	int (*compare)(const void *context, size_t a, size_t b);
	/*
	 * What is too long is cut in its middle, for its end tells more than that. Left and right
	 * scroll it whatever the column's width, and no further than to its end.
	 */
	bool middle;
};

struct tui_list {
	const struct tui_column *columns; /* NULL heading ends them */
	void *context;			  /* handed to the columns' functions */
	size_t count;			  /* rows of the context */
	/* A number that is a row's own in all refreshes, so that the cursor stays on it. */
	uint64_t (*identity)(const void *context, size_t row);
	/* The text that filters and searches look at. */
	void (*text)(const void *context, size_t row, struct tui_cell *cell);
	bool fixed; /* rows keep the context's order: trees, sources, stacks */
	bool plain; /* text to read: no row is marked, and keys move what is seen */
	/*
	 * For trees, NULL for others: called first by tui_list_update, makes the rows that this
	 * filter (NULL: none) leaves, and sets count. The list then shows all of them.
	 */
	void (*rebuild)(void *context, const struct tui_match *filter);

	/* Below: the list's own. */
	size_t *order; /* rows shown, in order */
	size_t shown, capacity;
	size_t cursor, top; /* places in order */
	bool moved;	    /* the user has put the cursor somewhere: it stays on its row */
	uint64_t at;	    /* identity under the cursor */
	int sort;	    /* column */
	bool backward;
	struct tui_match filter, search;
	struct tui_area area; /* where it was drawn last, headings included */
	int shift;  /* columns that the columns that scroll are scrolled to the right */
	int beyond; /* how many columns of a text in them had no room when it was drawn last */
};

/* For a zeroed list: sort is the column to begin with. */
void tui_list_init(struct tui_list *list, const struct tui_column *columns, int sort);
void tui_list_free(struct tui_list *list);

/* After the rows have changed: filters and sorts anew, the cursor kept on its row. */
void tui_list_update(struct tui_list *list);

/*
 * -1 when the pattern is no extended regular expression (case-insensitive); the old one stays.
 * NULL or "": none. A search goes to the nearest row that matches, from the cursor on.
 */
int tui_list_filter(struct tui_list *list, const char *pattern);
int tui_list_search(struct tui_list *list, const char *pattern);

/* Draws headings (no line for them where all are "") and rows. */
void tui_list_draw(struct tui_list *list, struct tui_area area);

/*
 * True when the key or click was for the list: moving, sorting, n and N; left, right, h and l as
 * long as there is something to scroll to. The second press of a double click only moves as well.
 */
bool tui_list_key(struct tui_list *list, int key, const struct tui_mouse *mouse);

/* The row (of the context) under the cursor; false when there is none. */
bool tui_list_row(const struct tui_list *list, size_t *row);

/* The row that this key chooses: Enter, or the second press of a double click on a row. */
bool tui_list_chosen(struct tui_list *list, int key, const struct tui_mouse *mouse, size_t *row);

/* Puts the cursor on a row of the context, if it is shown. */
void tui_list_go(struct tui_list *list, size_t row);

#endif
