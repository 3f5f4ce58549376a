#include "tui/list_parts.h"
#include "tui/text.h"

/* Of a column that takes the rest: it has at least so many, or what there is. */
#define LEAST_REST 8

static int width_of(const struct tui_column *column)
{
	return column->width < 0 ? -column->width : column->width;
}

int tui_list_places(const struct tui_list *list, int x, int width, struct tui_place *places)
{
	int count = 0, taken = 0, rests = 0, rest, end = x + width, kept = 0;

	if (!list->columns || width <= 0)
		return 0;
	for (const struct tui_column *column = list->columns;
	     column->heading && column - list->columns < TUI_MOST_COLUMNS; column++) {
		if (width < column->least)
			continue;
		taken += width_of(column) + (count > 0);
		rests += !column->width;
		places[count++].column = column;
	}
	rest = width - taken;
	for (int i = 0; i < count; i++) {
		int wanted = width_of(places[i].column);

		if (!wanted && rests > 0) {
			/* The last of them takes what does not divide evenly. */
			wanted = rest / rests;
			rest -= wanted;
			rests--;
			if (wanted < LEAST_REST)
				wanted = LEAST_REST;
		}
		if (x >= end)
			break;
		places[i].x = x;
		places[i].width = wanted < end - x ? wanted : end - x;
		x += wanted + 1;
		kept++;
	}
	return kept;
}

bool tui_list_headed(const struct tui_list *list)
{
	for (const struct tui_column *column = list->columns; column && column->heading; column++)
		if (*column->heading)
			return true;
	return false;
}

/* Puts text into a place, at its right end where the column wants that. Returns where it begins. */
static int put_aligned(int y, const struct tui_place *place, enum tui_role role, const char *text)
{
	int x = place->x, width = place->width;

	if (place->column->width < 0) {
		int columns = tui_columns(text);

		if (columns < width)
			x += width - columns;
	}
	tui_put(y, x, place->x + width - x, role, false, text);
	return x;
}

/*
 * Which way round it is sorted, beside its heading: where there is room, at the side where the
 * heading does not begin or end, else between the columns.
 */
static void draw_arrow(const struct tui_list *list, const struct tui_place *place)
{
	static const char *const arrows[2][2] = { { "v", "^" }, { "▾", "▴" } };
	int columns = tui_columns(place->column->heading), x = place->x + columns;

	if (columns >= place->width)
		x = place->x + place->width;
	else if (place->column->width < 0)
		x = place->x + place->width - columns - 1;
	if (x < list->area.x + list->area.width)
		tui_put(list->area.y, x, 1, TUI_SORTED, false,
			arrows[tui_screen_utf8()][list->backward]);
}

static void draw_headings(const struct tui_list *list, const struct tui_place *places, int count)
{
	const struct tui_area *area = &list->area;

	tui_put(area->y, area->x, area->width, TUI_HEADING, true, "");
	for (int i = 0; i < count; i++) {
		bool sorted = !list->fixed && places[i].column->compare &&
			      places[i].column - list->columns == list->sort;

		put_aligned(area->y, &places[i], sorted ? TUI_SORTED : TUI_HEADING,
			    places[i].column->heading);
		if (sorted)
			draw_arrow(list, &places[i]);
	}
}

/* Marks what the search looks for in a text that was put at x; end: where its place ends. */
static void mark_matches(const struct tui_list *list, int y, int x, int least, int end,
			 const char *text)
{
	size_t begin, length, from = 0;

	while (tui_match_find(&list->search, text + from, from > 0, &begin, &length) &&
	       length > 0) {
		bool utf8 = tui_screen_utf8();
		int first = x + tui_text_columns(text, from + begin, utf8);
		int last = x + tui_text_columns(text, from + length, utf8);

		if (first >= end)
			return;
		first = first > least ? first : least;
		last = last < end ? last : end;
		if (last > first)
			tui_paint(y, first, last - first, TUI_MATCH);
		from += length;
	}
}

/* A text that has no room, with what is left out in its middle: a third before, the rest after. */
static void put_middle(const struct tui_list *list, int y, const struct tui_place *place,
		       const struct tui_cell *cell, int columns)
{
	int head = (place->width - 1) / 3, tail = place->width - 1 - head, blanks;
	int x = place->x + head + 1, end = place->x + place->width;
	const char *rest =
		tui_text_skip(cell->text, columns - tail, tui_screen_utf8(), &blanks);

	/* The mark for what is left out is tui_put's. */
	tui_put(y, place->x, head + 1, cell->role, false, cell->text);
	tui_put(y, x + blanks, tail - blanks, cell->role, false, rest);
	if (list->search.on) {
		mark_matches(list, y, place->x, place->x, x - 1, cell->text);
		mark_matches(list, y, end - columns, x, end, cell->text);
	}
}

/* A text of a column that scrolls. */
static void put_scrolled(struct tui_list *list, int y, const struct tui_place *place,
			 const struct tui_cell *cell)
{
	int columns = tui_columns(cell->text), beyond = columns - place->width;
	int by = list->shift, blanks = 0;
	const char *text = cell->text;

	if (beyond > list->beyond)
		list->beyond = beyond;
	if (place->column->middle && by > beyond)
		by = beyond > 0 ? beyond : 0;
	if (place->column->middle && beyond > 0 && !by) {
		put_middle(list, y, place, cell, columns);
		return;
	}
	if (by)
		text = tui_text_skip(text, by, tui_screen_utf8(), &blanks);
	tui_put(y, place->x + blanks, place->width - blanks, cell->role, false, text);
	if (list->search.on)
		mark_matches(list, y, place->x - by, place->x, place->x + place->width,
			     cell->text);
}

static void draw_cell(struct tui_list *list, int y, const struct tui_place *place, size_t row,
		      bool under)
{
	struct tui_cell cell;
	int x;

	cell.text[0] = '\0';
	cell.role = TUI_TEXT;
	place->column->cell(list->context, row, &cell);
	cell.text[sizeof(cell.text) - 1] = '\0';
	if (under)
		cell.role = TUI_CURSOR;
	if (!place->column->width || place->column->middle) {
		put_scrolled(list, y, place, &cell);
		return;
	}
	x = put_aligned(y, place, cell.role, cell.text);
	if (list->search.on)
		mark_matches(list, y, x, place->x, place->x + place->width, cell.text);
}

void tui_list_draw(struct tui_list *list, struct tui_area area)
{
	struct tui_place places[TUI_MOST_COLUMNS];
	int count = tui_list_places(list, area.x, area.width, places);
	int y = area.y, end = area.y + area.height;

	list->area = area;
	list->beyond = 0;
	tui_list_see(list);
	if (tui_list_headed(list) && y < end) {
		draw_headings(list, places, count);
		y++;
	}
	for (size_t place = list->top; y < end; place++, y++) {
		bool under = place == list->cursor && !list->plain;

		if (place >= list->shown) {
			tui_clear((struct tui_area){ y, area.x, end - y, area.width });
			break;
		}
		tui_put(y, area.x, area.width, under ? TUI_CURSOR : TUI_TEXT, true, "");
		for (int i = 0; i < count; i++)
			draw_cell(list, y, &places[i], list->order[place], under);
	}
}
