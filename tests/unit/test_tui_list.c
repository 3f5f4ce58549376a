/* tui/list.c: rows in order, and a cursor among them. Without a screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/list_parts.h"

#define MOST 5000

struct row {
	int identity;
	int own, total;
	const char *name;
};

struct rows {
	struct row rows[MOST];
	size_t count;
};

static const struct row *row_of(const void *context, size_t row)
{
	const struct rows *rows = context;

	assert_true(row < rows->count);
	return &rows->rows[row];
}

static void own_cell(const void *context, size_t row, struct tui_cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%d", row_of(context, row)->own);
}

static void total_cell(const void *context, size_t row, struct tui_cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%d", row_of(context, row)->total);
}

static void name_cell(const void *context, size_t row, struct tui_cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s", row_of(context, row)->name);
}

static int by_own(const void *context, size_t a, size_t b)
{
	return row_of(context, b)->own - row_of(context, a)->own;
}

static int by_total(const void *context, size_t a, size_t b)
{
	return row_of(context, b)->total - row_of(context, a)->total;
}

static uint64_t identity(const void *context, size_t row)
{
	return (uint64_t)row_of(context, row)->identity;
}

static const struct tui_column columns[] = {
	{ "Own", -5, 0, '1', own_cell, by_own },
	{ "Total", -5, 50, '2', total_cell, by_total },
	{ "Name", 0, 0, 0, name_cell, NULL },
	{ NULL, 0, 0, 0, NULL, NULL },
};

struct fixture {
	struct rows rows;
	struct tui_list list;
};

static const struct row first_rows[] = {
	{ 100, 5, 5, "alpha" },	     { 101, 7, 9, "beta" },   { 102, 5, 8, "Gamma" },
	{ 103, 0, 20, "caf\u00e9" }, { 104, 5, 5, "alpha2" },
};

static void set_rows(struct fixture *fixture, const struct row *rows, size_t count)
{
	memcpy(fixture->rows.rows, rows, count * sizeof(*rows));
	fixture->rows.count = fixture->list.count = count;
	tui_list_update(&fixture->list);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->list.context = &fixture->rows;
	fixture->list.identity = identity;
	fixture->list.text = name_cell;
	/* A line of headings, and three of rows. */
	fixture->list.area = (struct tui_area){ 2, 0, 4, 60 };
	tui_list_init(&fixture->list, columns, 0);
	set_rows(fixture, first_rows, 5);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	tui_list_free(&fixture->list);
	free(fixture);
	return 0;
}

/* The rows shown, by identity: "101 102 ". */
static const char *shown(const struct fixture *fixture)
{
	static char text[256];
	size_t size = 0;

	text[0] = '\0';
	for (size_t i = 0; i < fixture->list.shown; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%d ",
					 fixture->rows.rows[fixture->list.order[i]].identity);
	return text;
}

/* Identity of the row under the cursor, 0 for none. */
static int under(const struct fixture *fixture)
{
	size_t row;

	return tui_list_row(&fixture->list, &row) ? fixture->rows.rows[row].identity : 0;
}

static bool press(struct fixture *fixture, int key)
{
	return tui_list_key(&fixture->list, key, NULL);
}

static bool click(struct fixture *fixture, int y, int x)
{
	struct tui_mouse mouse = { .y = y, .x = x, .click = true };

	return tui_list_key(&fixture->list, TUI_KEY_MOUSE, &mouse);
}

static bool wheel(struct fixture *fixture, int direction)
{
	struct tui_mouse mouse = { .y = 3, .x = 1, .wheel = direction };

	return tui_list_key(&fixture->list, TUI_KEY_MOUSE, &mouse);
}

static void test_sorts(void **state)
{
	struct fixture *fixture = *state;

	/* Equal ones by the other columns, then as they come. */
	assert_string_equal(shown(fixture), "101 102 100 104 103 ");
	assert_true(press(fixture, '2'));
	assert_string_equal(shown(fixture), "103 101 102 100 104 ");
	assert_true(press(fixture, '2'));
	assert_string_equal(shown(fixture), "100 104 102 101 103 ");
	assert_true(press(fixture, '1'));
	assert_string_equal(shown(fixture), "101 102 100 104 103 ");
	assert_false(press(fixture, '3'));
	fixture->list.fixed = true;
	assert_false(press(fixture, '2'));
	tui_list_update(&fixture->list);
	assert_string_equal(shown(fixture), "100 101 102 103 104 ");
}

static void test_sorts_many(void **state)
{
	struct fixture *fixture = *state;
	struct tui_list *list = &fixture->list;
	uint32_t random = 1;

	for (size_t count = 0; count < MOST; count += 1 + count / 2) {
		for (size_t i = 0; i < count; i++) {
			random = random * 1664525u + 1013904223u;
			fixture->rows.rows[i] = (struct row){ (int)i, (int)(random >> 28),
							      (int)(random >> 24 & 15), "x" };
		}
		fixture->rows.count = list->count = count;
		tui_list_update(list);
		assert_int_equal(list->shown, count);
		for (size_t i = 1; i < count; i++) {
			size_t a = list->order[i - 1], b = list->order[i];
			int order = by_own(&fixture->rows, a, b);

			order = order ? order : by_total(&fixture->rows, a, b);
			assert_true(order < 0 || (!order && a < b));
		}
	}
}

static void test_the_cursor_stays_at_the_top(void **state)
{
	struct fixture *fixture = *state;
	struct row rows[5];

	assert_int_equal(under(fixture), 101);
	memcpy(rows, first_rows, sizeof(rows));
	rows[3].own = 99;
	set_rows(fixture, rows, 5);
	assert_int_equal(under(fixture), 103);
}

static void test_the_cursor_stays_on_its_row(void **state)
{
	struct fixture *fixture = *state;
	struct row rows[5];

	assert_true(press(fixture, TUI_KEY_DOWN));
	assert_int_equal(under(fixture), 102);
	memcpy(rows, first_rows, sizeof(rows));
	rows[2] = first_rows[4];
	rows[4] = (struct row){ 102, 0, 0, "Gamma" };
	set_rows(fixture, rows, 5);
	assert_string_equal(shown(fixture), "101 100 104 103 102 ");
	assert_int_equal(under(fixture), 102);
	assert_int_equal(fixture->list.top, 2);
	/* What has gone leaves its place to the next. */
	set_rows(fixture, rows, 4);
	assert_int_equal(under(fixture), 103);
	set_rows(fixture, rows, 0);
	assert_int_equal(under(fixture), 0);
	assert_true(press(fixture, TUI_KEY_DOWN));
	assert_true(press(fixture, TUI_KEY_END));
	set_rows(fixture, first_rows, 5);
	/* Home means the top, whatever comes to be there. */
	assert_true(press(fixture, TUI_KEY_END));
	assert_true(press(fixture, TUI_KEY_HOME));
	rows[3].own = 99;
	set_rows(fixture, rows, 5);
	assert_int_equal(under(fixture), 103);
}

static void test_moves(void **state)
{
	struct fixture *fixture = *state;
	struct tui_list *list = &fixture->list;

	assert_true(press(fixture, 'j'));
	assert_true(press(fixture, 'j'));
	assert_int_equal(list->cursor, 2);
	assert_int_equal(list->top, 0);
	assert_true(press(fixture, 'j'));
	assert_int_equal(list->top, 1);
	assert_true(press(fixture, 'k'));
	assert_int_equal(list->cursor, 2);
	assert_int_equal(list->top, 1);
	assert_true(press(fixture, TUI_KEY_UP));
	assert_true(press(fixture, TUI_KEY_UP));
	assert_true(press(fixture, TUI_KEY_UP));
	assert_int_equal(list->cursor, 0);
	assert_true(press(fixture, TUI_KEY_PAGE_DOWN));
	assert_int_equal(list->cursor, 2);
	assert_true(press(fixture, TUI_KEY_PAGE_DOWN));
	assert_true(press(fixture, TUI_KEY_PAGE_DOWN));
	assert_int_equal(list->cursor, 4);
	assert_int_equal(list->top, 2);
	assert_true(press(fixture, TUI_KEY_PAGE_UP));
	assert_int_equal(list->cursor, 2);
	assert_true(press(fixture, TUI_KEY_END));
	assert_int_equal(list->cursor, 4);
	tui_list_go(list, 1);
	assert_int_equal(under(fixture), 101);
	assert_false(press(fixture, TUI_KEY_ENTER));
	assert_false(press(fixture, TUI_KEY_NONE));
	assert_false(press(fixture, 'x'));
}

static void test_filters(void **state)
{
	struct fixture *fixture = *state;
	struct tui_list *list = &fixture->list;

	assert_int_equal(tui_list_filter(list, "ALPHA"), 0);
	assert_string_equal(shown(fixture), "100 104 ");
	assert_int_equal(tui_list_filter(list, "^(alpha|gam+a)$"), 0);
	assert_string_equal(shown(fixture), "102 100 ");
	/* The old one stays. */
	assert_int_equal(tui_list_filter(list, "(alpha"), -1);
	assert_string_equal(shown(fixture), "102 100 ");
	assert_int_equal(tui_list_filter(list, "a{99}{99}"), -1);
	assert_int_equal(tui_list_filter(list, "a{2,65535}"), -1);
	assert_int_equal(tui_list_filter(list, "(a)\\1"), -1);
	assert_int_equal(tui_list_filter(list, "a\\"), -1);
	assert_string_equal(shown(fixture), "102 100 ");
	assert_int_equal(tui_list_filter(list, "a{1,2}|\\\\1"), 0);
	assert_int_equal(list->shown, 5);
	assert_int_equal(tui_list_filter(list, "CAF\u00c9"), 0);
	assert_string_equal(shown(fixture), "103 ");
	assert_int_equal(tui_list_filter(list, "nothing of the kind"), 0);
	assert_int_equal(under(fixture), 0);
	assert_int_equal(tui_list_filter(list, ""), 0);
	assert_int_equal(list->shown, 5);
	assert_int_equal(tui_list_filter(list, NULL), 0);
	assert_int_equal(list->shown, 5);
}

static void test_searches(void **state)
{
	struct fixture *fixture = *state;
	struct tui_list *list = &fixture->list;

	assert_false(press(fixture, 'n'));
	assert_int_equal(tui_list_search(list, "alpha"), 0);
	assert_int_equal(under(fixture), 100);
	/* Where the cursor is already, it stays. */
	assert_int_equal(tui_list_search(list, "al"), 0);
	assert_int_equal(under(fixture), 100);
	assert_true(press(fixture, 'n'));
	assert_int_equal(under(fixture), 104);
	assert_true(press(fixture, 'n'));
	assert_int_equal(under(fixture), 100);
	assert_true(press(fixture, 'N'));
	assert_int_equal(under(fixture), 104);
	assert_true(press(fixture, 'N'));
	assert_int_equal(under(fixture), 100);
	assert_int_equal(tui_list_search(list, "nowhere"), 0);
	assert_int_equal(under(fixture), 100);
	assert_int_equal(tui_list_search(list, "["), -1);
	assert_int_equal(tui_list_search(list, NULL), 0);
	assert_false(press(fixture, 'n'));
	set_rows(fixture, first_rows, 0);
	assert_int_equal(tui_list_search(list, "a"), 0);
	assert_true(press(fixture, 'n'));
}

static void rebuild(void *context, const struct tui_match *filter)
{
	struct fixture *fixture = context;

	fixture->list.count = filter ? 2 : 5;
}

/* The columns' functions get the same context as rebuild, whose first member are the rows. */
static void test_rows_made_anew(void **state)
{
	struct fixture *fixture = *state;

	fixture->list.rebuild = rebuild;
	fixture->list.context = fixture;
	fixture->list.fixed = true;
	tui_list_update(&fixture->list);
	assert_string_equal(shown(fixture), "100 101 102 103 104 ");
	assert_int_equal(tui_list_filter(&fixture->list, "no row has this"), 0);
	assert_string_equal(shown(fixture), "100 101 ");
}

static void test_mouse(void **state)
{
	struct fixture *fixture = *state;

	/* Headings: right-aligned in 0-4 and 6-10, the rest. */
	assert_true(click(fixture, 2, 8));
	assert_string_equal(shown(fixture), "103 101 102 100 104 ");
	assert_true(click(fixture, 2, 6));
	assert_string_equal(shown(fixture), "100 104 102 101 103 ");
	assert_true(click(fixture, 2, 0));
	assert_string_equal(shown(fixture), "101 102 100 104 103 ");
	assert_false(click(fixture, 2, 30)); /* nothing to sort by */
	assert_true(click(fixture, 5, 30));
	assert_int_equal(under(fixture), 100);
	assert_false(click(fixture, 6, 0));
	assert_false(click(fixture, 1, 0));
	assert_false(click(fixture, 3, 60));
	/* The wheel moves the rows, and the cursor when it would get out of sight. */
	assert_true(wheel(fixture, 1));
	assert_int_equal(fixture->list.top, 2);
	assert_int_equal(under(fixture), 100);
	assert_true(press(fixture, TUI_KEY_END));
	assert_true(wheel(fixture, -1));
	assert_int_equal(fixture->list.top, 0);
	assert_int_equal(under(fixture), 100);
	assert_false(tui_list_key(&fixture->list, TUI_KEY_MOUSE, NULL));
}

static void test_columns_by_width(void **state)
{
	struct fixture *fixture = *state;
	struct tui_place places[TUI_MOST_COLUMNS];

	assert_int_equal(tui_list_places(&fixture->list, 3, 60, places), 3);
	assert_int_equal(places[0].x, 3);
	assert_int_equal(places[0].width, 5);
	assert_int_equal(places[1].x, 9);
	assert_int_equal(places[2].x, 15);
	assert_int_equal(places[2].width, 48);
	/* Too narrow for the second one, which is worth it from 50 on. */
	assert_int_equal(tui_list_places(&fixture->list, 0, 49, places), 2);
	assert_ptr_equal(places[1].column, &columns[2]);
	assert_int_equal(places[1].x, 6);
	assert_int_equal(places[1].width, 43);
	/* No place reaches beyond what there is. */
	assert_int_equal(tui_list_places(&fixture->list, 0, 8, places), 2);
	assert_int_equal(places[1].width, 2);
	assert_int_equal(tui_list_places(&fixture->list, 0, 1, places), 1);
	assert_int_equal(places[0].width, 1);
	assert_int_equal(tui_list_places(&fixture->list, 0, 0, places), 0);
	assert_int_equal(tui_list_places(&fixture->list, 0, -3, places), 0);
}

static void test_tiny_areas(void **state)
{
	struct fixture *fixture = *state;
	static const int keys[] = {
		TUI_KEY_DOWN, TUI_KEY_PAGE_DOWN, TUI_KEY_END, TUI_KEY_UP, TUI_KEY_PAGE_UP,
		TUI_KEY_HOME, TUI_KEY_RIGHT,	 '2',	      'n'
	};

	for (int size = -1; size < 3; size++) {
		tui_list_draw(&fixture->list, (struct tui_area){ 0, 0, size, size });
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			press(fixture, keys[i]);
			assert_true(fixture->list.cursor < fixture->list.shown);
			assert_true(fixture->list.top <= fixture->list.cursor);
		}
		wheel(fixture, 1);
		click(fixture, 0, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sorts),
		TEST(test_sorts_many),
		TEST(test_the_cursor_stays_at_the_top),
		TEST(test_the_cursor_stays_on_its_row),
		TEST(test_moves),
		TEST(test_filters),
		TEST(test_searches),
		TEST(test_rows_made_anew),
		TEST(test_mouse),
		TEST(test_columns_by_width),
		TEST(test_tiny_areas),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
