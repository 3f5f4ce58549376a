/* What list.c and list_draw.c share. */
#ifndef TUI_LIST_PARTS_H
#define TUI_LIST_PARTS_H

#include "tui/list.h"

#define TUI_MOST_COLUMNS 32

/* Where a column of a list stands on the screen. */
struct tui_place {
	const struct tui_column *column;
	int x, width;
};

/*
 * The columns that width columns of the screen have room for, in places (of TUI_MOST_COLUMNS),
 * from x on. Returns how many.
 */
int tui_list_places(const struct tui_list *list, int x, int width, struct tui_place *places);

/* Whether there is a line of headings. */
bool tui_list_headed(const struct tui_list *list);

/* Lines for rows where the list was drawn last. */
size_t tui_list_page(const struct tui_list *list);

/* Moves what is seen so that the cursor is in it, and no more lines are empty than have to be. */
void tui_list_see(struct tui_list *list);

#endif
