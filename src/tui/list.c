#include "tui/list.h"

#include <stdlib.h>
#include <string.h>

#include "tui/list_parts.h"

#define WHEEL_ROWS 3
#define SHIFT_COLUMNS 8

void tui_list_init(struct tui_list *list, const struct tui_column *columns, int sort)
{
	list->columns = columns;
	list->sort = sort;
}

void tui_list_free(struct tui_list *list)
{
	free(list->order);
	list->order = NULL;
	list->shown = list->capacity = 0;
	tui_match_free(&list->filter);
	tui_match_free(&list->search);
}

size_t tui_list_page(const struct tui_list *list)
{
	int height = list->area.height - tui_list_headed(list);

	return height > 0 ? (size_t)height : 0;
}

/* --- order --- */

static int column_count(const struct tui_list *list)
{
	int count = 0;

	while (list->columns && count < TUI_MOST_COLUMNS && list->columns[count].heading)
		count++;
	return count;
}

struct sorting {
	const struct tui_column *by[TUI_MOST_COLUMNS]; /* the chosen one first */
	int count;
	bool backward;
	const void *context;
};

static struct sorting sorting_of(const struct tui_list *list)
{
	struct sorting sorting = { .backward = list->backward, .context = list->context };
	int count = column_count(list);

	if (list->fixed || list->sort < 0 || list->sort >= count ||
	    !list->columns[list->sort].compare)
		return sorting;
	sorting.by[sorting.count++] = &list->columns[list->sort];
	for (int i = 0; i < count; i++)
		if (i != list->sort && list->columns[i].compare)
			sorting.by[sorting.count++] = &list->columns[i];
	return sorting;
}

/* Whether a, which stands before b, is to go after it. */
static bool out_of_order(const struct sorting *sorting, size_t a, size_t b)
{
	for (int i = 0; i < sorting->count; i++) {
		int order = sorting->by[i]->compare(sorting->context, a, b);

		if (order)
			return i == 0 && sorting->backward ? order < 0 : order > 0;
	}
	return a > b;
}

/* Two sorted runs, from..middle and middle..end, become one in target. */
static void merge(const struct sorting *sorting, const size_t *source, size_t *target, size_t from,
		  size_t middle, size_t end)
{
	size_t left = from, right = middle, at = from;

	/* What is in order already, as it mostly is after a refresh, is copied. */
	if (middle < end && !out_of_order(sorting, source[middle - 1], source[middle])) {
		memcpy(target + from, source + from, (end - from) * sizeof(*target));
		return;
	}
	while (left < middle && right < end)
		target[at++] = out_of_order(sorting, source[left], source[right]) ? source[right++]
										  : source[left++];
	memcpy(target + at, source + left, (middle - left) * sizeof(*target));
	at += middle - left;
	memcpy(target + at, source + right, (end - right) * sizeof(*target));
}

/* order has room for twice count, of which the second half is for merging. */
static void sort(const struct sorting *sorting, size_t *order, size_t count)
{
	size_t *source = order, *target = order + count;

	for (size_t run = 1; run < count; run *= 2) {
		for (size_t from = 0; from < count; from += 2 * run) {
			size_t middle = from + run < count ? from + run : count;
			size_t end = middle + run < count ? middle + run : count;

			merge(sorting, source, target, from, middle, end);
		}
		size_t *swap = source;

		source = target;
		target = swap;
	}
	if (source != order)
		memcpy(order, source, count * sizeof(*order));
}

static bool row_matches(const struct tui_list *list, const struct tui_match *match, size_t row)
{
	struct tui_cell cell;

	if (!list->text)
		return true;
	cell.text[0] = '\0';
	list->text(list->context, row, &cell);
	return tui_match_find(match, cell.text, false, NULL, NULL);
}

static bool reserve(struct tui_list *list)
{
	size_t *grown;

	if (list->count <= list->capacity)
		return true;
	if (list->count > SIZE_MAX / 2 / sizeof(*grown))
		return false;
	grown = realloc(list->order, 2 * list->count * sizeof(*grown));
	if (!grown)
		return false;
	list->order = grown;
	list->capacity = list->count;
	return true;
}

static uint64_t identity_at(const struct tui_list *list, size_t place)
{
	return list->identity ? list->identity(list->context, list->order[place]) : 0;
}

static void set_cursor(struct tui_list *list, size_t place)
{
	if (place >= list->shown)
		place = list->shown ? list->shown - 1 : 0;
	list->cursor = place;
	list->at = list->shown ? identity_at(list, place) : 0;
}

void tui_list_see(struct tui_list *list)
{
	size_t page = tui_list_page(list);

	if (!page)
		page = 1;
	if (list->top + page > list->shown)
		list->top = list->shown > page ? list->shown - page : 0;
	if (list->cursor < list->top)
		list->top = list->cursor;
	else if (list->cursor - list->top >= page)
		list->top = list->cursor - page + 1;
}

/* Puts the cursor where its row is now; where that has gone, it stays in its place. */
static void find_cursor(struct tui_list *list)
{
	if (!list->moved) {
		list->top = 0;
		set_cursor(list, 0);
		return;
	}
	if (list->identity && list->shown &&
	    (list->cursor >= list->shown || identity_at(list, list->cursor) != list->at)) {
		for (size_t place = 0; place < list->shown; place++) {
			if (identity_at(list, place) == list->at) {
				list->cursor = place;
				break;
			}
		}
	}
	set_cursor(list, list->cursor);
	tui_list_see(list);
}

void tui_list_update(struct tui_list *list)
{
	struct sorting sorting = sorting_of(list);
	bool filtered = list->filter.on && !list->rebuild;

	if (list->rebuild)
		list->rebuild(list->context, list->filter.on ? &list->filter : NULL);
	list->shown = 0;
	if (reserve(list))
		for (size_t row = 0; row < list->count; row++)
			if (!filtered || row_matches(list, &list->filter, row))
				list->order[list->shown++] = row;
	if (sorting.count && list->shown)
		sort(&sorting, list->order, list->shown);
	find_cursor(list);
}

/* --- what the user does --- */

static void move_to(struct tui_list *list, size_t place)
{
	list->moved = true;
	set_cursor(list, place);
	tui_list_see(list);
}

static void move_by(struct tui_list *list, long rows)
{
	if (rows < 0)
		move_to(list, list->cursor > (size_t)-rows ? list->cursor - (size_t)-rows : 0);
	else
		move_to(list, list->cursor + (size_t)rows);
}

/* The next row that matches, from the cursor on, around the end. */
static void search_next(struct tui_list *list, bool backward, bool stay)
{
	for (size_t step = stay ? 0 : 1; step <= list->shown; step++) {
		size_t place = list->cursor + (backward ? list->shown - step % list->shown : step);

		place %= list->shown;
		if (row_matches(list, &list->search, list->order[place])) {
			move_to(list, place);
			return;
		}
	}
}

int tui_list_filter(struct tui_list *list, const char *pattern)
{
	if (tui_match_set(&list->filter, pattern))
		return -1;
	tui_list_update(list);
	return 0;
}

int tui_list_search(struct tui_list *list, const char *pattern)
{
	if (tui_match_set(&list->search, pattern))
		return -1;
	if (list->search.on && list->shown)
		search_next(list, false, true);
	return 0;
}

static bool sort_by(struct tui_list *list, int column)
{
	if (list->fixed || !list->columns[column].compare)
		return false;
	list->backward = column == list->sort && !list->backward;
	list->sort = column;
	/* Who asks for an order wants to see what comes first in it. */
	list->moved = false;
	tui_list_update(list);
	return true;
}

static bool sort_by_key(struct tui_list *list, int key)
{
	int count = column_count(list);

	for (int i = 0; i < count; i++)
		if (list->columns[i].key && list->columns[i].key == key)
			return sort_by(list, i);
	return false;
}

static bool is_inside(const struct tui_area *area, const struct tui_mouse *mouse)
{
	return mouse->y >= area->y && mouse->y < area->y + area->height && mouse->x >= area->x &&
	       mouse->x < area->x + area->width;
}

/* Puts the cursor on the row that was clicked at; false when there is none. */
static bool click_row(struct tui_list *list, const struct tui_mouse *mouse)
{
	int line = mouse->y - list->area.y - tui_list_headed(list);

	if (!is_inside(&list->area, mouse) || line < 0 || list->top + (size_t)line >= list->shown)
		return false;
	move_to(list, list->top + (size_t)line);
	return true;
}

static bool click(struct tui_list *list, const struct tui_mouse *mouse)
{
	struct tui_place places[TUI_MOST_COLUMNS];
	int count;

	if (!is_inside(&list->area, mouse))
		return false;
	if (click_row(list, mouse) || mouse->y > list->area.y || !tui_list_headed(list))
		return true;
	count = tui_list_places(list, list->area.x, list->area.width, places);
	for (int i = 0; i < count; i++)
		/* The blank between two headings belongs to the left one. */
		if (mouse->x >= places[i].x && mouse->x <= places[i].x + places[i].width)
			return sort_by(list, (int)(places[i].column - list->columns));
	return false;
}

/* What is seen moves; the cursor goes along as far as it must to be seen. */
static void scroll(struct tui_list *list, long rows)
{
	size_t page = tui_list_page(list);
	size_t most = list->shown > page ? list->shown - page : 0;
	size_t top = list->top;

	if (rows < 0)
		top = top > (size_t)-rows ? top - (size_t)-rows : 0;
	else
		top = top + (size_t)rows < most ? top + (size_t)rows : most;
	list->top = top;
	if (list->cursor < top)
		move_to(list, top);
	else if (page && list->cursor - top >= page)
		move_to(list, top + page - 1);
}

static bool shift(struct tui_list *list, int by)
{
	int before = list->shift, most = list->beyond;

	list->shift += by;
	/* To the left it always goes, whatever is seen now. */
	if (by > 0 && list->shift > most)
		list->shift = most > before ? most : before;
	if (list->shift < 0)
		list->shift = 0;
	return list->shift != before;
}

static bool move_by_key(struct tui_list *list, int key)
{
	void (*by)(struct tui_list *list, long rows) = list->plain ? scroll : move_by;
	long page = (long)tui_list_page(list);

	page = page > 1 ? page - 1 : 1;
	switch (key) {
	case TUI_KEY_UP:
	case 'k':
		by(list, -1);
		return true;
	case TUI_KEY_DOWN:
	case 'j':
		by(list, 1);
		return true;
	case TUI_KEY_PAGE_UP:
		by(list, -page);
		return true;
	case TUI_KEY_PAGE_DOWN:
		by(list, page);
		return true;
	case TUI_KEY_HOME:
		/* From now on it is the top that is looked at, not a row. */
		move_to(list, 0);
		list->moved = false;
		return true;
	case TUI_KEY_END:
		if (list->shown)
			move_to(list, list->shown - 1);
		return true;
	default:
		return false;
	}
}

bool tui_list_key(struct tui_list *list, int key, const struct tui_mouse *mouse)
{
	switch (key) {
	case TUI_KEY_NONE:
		return false;
	case TUI_KEY_MOUSE:
		if (mouse && mouse->wheel) {
			scroll(list, mouse->wheel < 0 ? -WHEEL_ROWS : WHEEL_ROWS);
			return true;
		}
		return mouse && mouse->click && click(list, mouse);
	case TUI_KEY_LEFT:
	case 'h':
		return shift(list, -SHIFT_COLUMNS);
	case TUI_KEY_RIGHT:
	case 'l':
		return shift(list, SHIFT_COLUMNS);
	case 'n':
	case 'N':
		if (!list->search.on)
			return false;
		if (list->shown)
			search_next(list, key == 'N', false);
		return true;
	default:
		return move_by_key(list, key) || sort_by_key(list, key);
	}
}

bool tui_list_row(const struct tui_list *list, size_t *row)
{
	if (list->cursor >= list->shown)
		return false;
	*row = list->order[list->cursor];
	return true;
}

bool tui_list_chosen(struct tui_list *list, int key, const struct tui_mouse *mouse, size_t *row)
{
	bool twice = key == TUI_KEY_MOUSE && mouse && mouse->twice;

	return (key == TUI_KEY_ENTER || (twice && click_row(list, mouse))) &&
	       tui_list_row(list, row);
}

void tui_list_go(struct tui_list *list, size_t row)
{
	for (size_t place = 0; place < list->shown; place++) {
		if (list->order[place] == row) {
			move_to(list, place);
			return;
		}
	}
}
