#include "tui/paper.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/text.h"

static const struct tui_paper_line *line_of(const struct tui_paper *paper, size_t row)
{
	return &paper->lines[paper->rows[row].line];
}

static void put_piece(const struct tui_paper *paper, size_t row, char *text, size_t size)
{
	const struct tui_paper_row *piece = &paper->rows[row];
	const char *rest = line_of(paper, row)->rest;

	snprintf(text, size, "%.*s", (int)piece->size, rest ? rest + piece->begin : "");
}

static void text_cell(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_paper *paper = context;

	snprintf(cell->text, sizeof(cell->text), "%s",
		 paper->rows[row].begin ? "" : line_of(paper, row)->text);
	cell->role = line_of(paper, row)->role;
}

static void rest_cell(const void *context, size_t row, struct tui_cell *cell)
{
	put_piece(context, row, cell->text, sizeof(cell->text));
	cell->role = TUI_TEXT;
}

static void all_text(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tui_paper *paper = context;
	char piece[TUI_CELL / 2];

	put_piece(paper, row, piece, sizeof(piece));
	snprintf(cell->text, sizeof(cell->text), "%s %s",
		 paper->rows[row].begin ? "" : line_of(paper, row)->text, piece);
	cell->role = TUI_TEXT;
}

static uint64_t identity(const void *context, size_t row)
{
	(void)context;
	return row + 1;
}

void tui_paper_begin(struct tui_paper *paper, const char *heading, int width)
{
	paper->columns[0] = (struct tui_column){ heading, width, 0, 0, text_cell, NULL };
	if (width)
		paper->columns[1] = (struct tui_column){ "", 0, 0, 0, rest_cell, NULL };
	tui_list_init(&paper->list, paper->columns, 0);
	paper->list.context = paper;
	paper->list.identity = identity;
	paper->list.text = all_text;
	paper->list.fixed = true;
	paper->list.plain = true;
}

void tui_paper_free(void *state)
{
	struct tui_paper *paper = state;

	for (size_t i = 0; i < paper->count; i++) {
		free(paper->lines[i].text);
		free(paper->lines[i].rest);
	}
	free(paper->lines);
	free(paper->rows);
	tui_list_free(&paper->list);
}

void tui_paper_add(struct tui_paper *paper, enum tui_role role, const char *text, const char *rest)
{
	struct tui_paper_line line = { strdup(text), role, rest ? strdup(rest) : NULL };
	struct tui_paper_line *grown = NULL;

	if (line.text && (line.rest || !rest))
		grown = reallocarray(paper->lines, paper->count + 1, sizeof(*grown));
	if (!grown) {
		free(line.text);
		free(line.rest);
		return;
	}
	paper->lines = grown;
	grown[paper->count++] = line;
}

void tui_paper_addf(struct tui_paper *paper, enum tui_role role, const char *format, ...)
{
	char text[TUI_CELL];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tui_paper_add(paper, role, text, NULL);
}

void tui_paper_end(struct tui_paper *paper)
{
	paper->wrapped = -1;
}

/* How much of text fits into so many columns without a word being cut; at least one word. */
static size_t piece_of(const char *text, int columns)
{
	size_t size = strcspn(text, " ");

	while (text[size]) {
		size_t next = size + strspn(text + size, " ");

		next += strcspn(text + next, " ");
		if (tui_text_columns(text, next, tui_screen_utf8()) > columns)
			break;
		size = next;
	}
	return size;
}

/* Adds the rows of a line. False when there is no memory. */
static bool wrap(struct tui_paper *paper, size_t line, int columns, size_t *capacity)
{
	const char *rest = paper->lines[line].rest;
	struct tui_paper_row row = { line, 0, 0 };

	do {
		struct tui_paper_row *grown = paper->rows;

		if (paper->list.count == *capacity) {
			*capacity = *capacity * 2 + paper->count;
			grown = reallocarray(grown, *capacity, sizeof(*grown));
		}
		if (!grown)
			return false;
		paper->rows = grown;
		row.size = rest ? piece_of(rest + row.begin, columns) : 0;
		grown[paper->list.count++] = row;
		row.begin += row.size;
		row.begin += rest ? strspn(rest + row.begin, " ") : 0;
	} while (rest && rest[row.begin]);
	return true;
}

static void wrap_all(struct tui_paper *paper, int width)
{
	int columns = width - paper->columns[0].width - 1;
	size_t capacity = 0;

	free(paper->rows);
	paper->rows = NULL;
	paper->list.count = 0;
	for (size_t line = 0; line < paper->count; line++)
		if (!wrap(paper, line, columns, &capacity))
			break;
	paper->wrapped = width;
	tui_list_update(&paper->list);
}

void tui_paper_draw(struct tui_app *app, void *state, struct tui_area area)
{
	struct tui_paper *paper = state;

	(void)app;
	if (paper->wrapped != area.width)
		wrap_all(paper, area.width);
	tui_list_draw(&paper->list, area);
}

bool tui_paper_key(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	struct tui_paper *paper = state;

	(void)app;
	return tui_list_key(&paper->list, key, mouse);
}

struct tui_list *tui_paper_list(void *state)
{
	return &((struct tui_paper *)state)->list;
}
