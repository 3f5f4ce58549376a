/* Lines of text to scroll through: the help, a dump. The first member of their states. */
#ifndef TUI_PAPER_H
#define TUI_PAPER_H

#include "tui/list.h"
#include "tui/view.h"

struct tui_paper_line {
	char *text;
	enum tui_role role;
	char *rest; /* after the text, in another role; may be NULL */
};

/* A row of the screen: a line, or a piece of one whose rest takes several. */
struct tui_paper_row {
	size_t line, begin, size; /* bytes of rest */
};

struct tui_paper {
	struct tui_list list;
	struct tui_column columns[3];
	struct tui_paper_line *lines;
	size_t count;
	struct tui_paper_row *rows;
	int wrapped; /* columns for which the rows were made */
};

/*
 * For a zeroed paper: its heading, and the columns that text takes before rest; 0: all, and no
 * rest. The rest goes on in further rows where it is longer than the screen is wide.
 */
void tui_paper_begin(struct tui_paper *paper, const char *heading, int width);
void tui_paper_free(void *state);

/* Adds a line; what does not fit into memory is missing. rest may be NULL. */
void tui_paper_add(struct tui_paper *paper, enum tui_role role, const char *text, const char *rest);
void tui_paper_addf(struct tui_paper *paper, enum tui_role role, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* When all lines are there; rows are made when it is drawn. */
void tui_paper_end(struct tui_paper *paper);

/* The functions of a view whose state begins with a paper. */
void tui_paper_draw(struct tui_app *app, void *state, struct tui_area area);
bool tui_paper_key(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse);
struct tui_list *tui_paper_list(void *state);

#endif
