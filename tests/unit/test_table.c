/* Tables of functions and lines. */
#include "live_profiles.h"

static const struct pyspyc_query whole = { .scope = PYSPYC_SCOPE_ACTIVE };

static void test_functions_and_lines(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t main = add_node(profile, 0, "main", OWN, 10, 9);
	uint32_t a1 = add_node(profile, main, "work", OWN, 21, 20);
	uint32_t a2 = add_node(profile, main, "work", OWN, 22, 20);
	uint32_t elsewhere = add_node(profile, main, "work", "/home/me/other.py", 22, 20);
	struct pyspyc_table table;
	const struct pyspyc_row *row;

	book_active(profile, main, 1 * SECOND);
	book_active(profile, a1, 2 * SECOND);
	book_active(profile, a2, 3 * SECOND);
	book_active(profile, elsewhere, 4 * SECOND);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	assert_int_equal(table.count, 3);
	row = find_row(&table, "main", -1, 0);
	assert_int_equal(row->place.kind, PYSPYC_ROW_CODE);
	assert_int_equal(row->place.origin, PYSPYC_ORIGIN_OWN);
	assert_int_equal(row->place.line, 9);
	assert_int_equal(row->place.pid, 0);
	assert_string_equal(row->place.path, OWN);
	check_since(&row->amounts, 1, 10);
	check_now(&row->amounts, 0, 0); /* no window has ended */
	check_since(&table.all, 10, 10);
	pyspyc_table_free(&table);

	table = make_table(profile, PYSPYC_TABLE_LINES, whole);
	assert_int_equal(table.count, 4);
	check_since(&find_row(&table, "work", 21, 0)->amounts, 2, 2);
	check_since(&find_row(&table, "main", 10, 0)->amounts, 1, 10);
	pyspyc_table_free(&table);
	assert_null(table.rows);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_recursion_counts_once(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t f = add_node(profile, 0, "f", OWN, 2, 1);
	uint32_t other = add_node(profile, 0, "h", OWN, 9, 9);
	uint32_t g = add_node(profile, f, "g", OWN, 5, 4), deep = g, i;
	struct pyspyc_table table;

	for (i = 0; i < 5000; i++) /* mutual, and deep */
		deep = i % 2 ? add_node(profile, deep, "g", OWN, 6, 4)
			     : add_node(profile, deep, "f", OWN, 3, 1);
	book_active(profile, deep, 8 * SECOND);
	book_active(profile, g, 1 * SECOND);
	book_active(profile, f, 2 * SECOND);
	book_active(profile, add_node(profile, other, "f", OWN, 2, 1), 4 * SECOND);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	assert_int_equal(table.count, 3);
	check_since(&find_row(&table, "f", -1, 0)->amounts, 6, 15);
	check_since(&find_row(&table, "g", -1, 0)->amounts, 9, 9);
	check_since(&find_row(&table, "h", -1, 0)->amounts, 0, 4);
	pyspyc_table_free(&table);
	table = make_table(profile, PYSPYC_TABLE_LINES, whole);
	check_since(&find_row(&table, "f", 2, 0)->amounts, 6, 15);
	check_since(&find_row(&table, "f", 3, 0)->amounts, 0, 8);
	check_since(&find_row(&table, "g", 6, 0)->amounts, 8, 8);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_scopes(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t f = add_node(profile, 0, "f", OWN, 2, 1);
	uint32_t idle = add_node(profile, 0, "sleep", OWN, 4, 4);
	struct pyspyc_query query = whole;
	struct pyspyc_table table;

	spy_live_add(profile, f, SPY_LIVE_ALL, 4 * SECOND);
	spy_live_add(profile, f, SPY_LIVE_ACTIVE, 3 * SECOND);
	spy_live_add(profile, f, SPY_LIVE_GIL, 1 * SECOND);
	spy_live_add(profile, idle, SPY_LIVE_ALL, 5 * SECOND);
	spy_live_add(profile, idle, SPY_LIVE_GIL_WAIT, 5 * SECOND);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 1);
	check_since(&table.rows[0].amounts, 3, 3);
	pyspyc_table_free(&table);
	query.scope = PYSPYC_SCOPE_GIL;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 1);
	check_since(&table.all, 1, 1);
	pyspyc_table_free(&table);
	query.scope = PYSPYC_SCOPE_ALL;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 2);
	check_since(&table.all, 9, 9);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_now_is_the_window_that_ended(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t f = add_node(profile, 0, "f", OWN, 2, 1), g = add_node(profile, f, "g", OWN, 5, 4);
	struct pyspyc_table table;

	book_active(profile, g, SECOND / 2);
	spy_live_close_window(profile);
	book_active(profile, f, SECOND / 4); /* goes into the next one */
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	check_now(&find_row(&table, "f", -1, 0)->amounts, 0, .5);
	check_now(&find_row(&table, "g", -1, 0)->amounts, .5, .5);
	check_since(&find_row(&table, "f", -1, 0)->amounts, .25, .75);
	check_now(&table.all, .5, .5);
	pyspyc_table_free(&table);

	spy_live_close_window(profile);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	check_now(&find_row(&table, "f", -1, 0)->amounts, .25, .25);
	check_now(&find_row(&table, "g", -1, 0)->amounts, 0, 0);
	pyspyc_table_free(&table);

	/* Set back: what went before is gone, but for the window. */
	spy_live_reset(profile);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	assert_int_equal(table.count, 1);
	check_now(&table.rows[0].amounts, .25, .25);
	check_since(&table.rows[0].amounts, 0, 0);
	pyspyc_table_free(&table);
	book_active(profile, g, SECOND);
	spy_live_close_window(profile);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	check_since(&find_row(&table, "f", -1, 0)->amounts, 0, 1);
	check_since(&table.all, 1, 1);
	check_now(&table.all, 1, 1);
	pyspyc_table_free(&table);

	/* Before the first update there is no now. */
	assert_int_equal(spy_live_table(profile, PYSPYC_TABLE_LINES, &whole, 0, &table, NULL), 0);
	check_now(&table.all, 0, 0);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_growth(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t f = add_node(profile, 0, "f", OWN, 2, 1), g = add_node(profile, f, "g", OWN, 5, 4);
	uint32_t again = add_node(profile, g, "f", OWN, 2, 1);
	const struct pyspyc_row *row;
	struct pyspyc_table table;

	spy_live_add(profile, f, SPY_LIVE_GROWN, 100);
	spy_live_add(profile, again, SPY_LIVE_GROWN, 1000);
	spy_live_add(profile, g, SPY_LIVE_RELEASED, 30);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	row = find_row(&table, "f", -1, 0);
	assert_int_equal(row->amounts.grown, 1100);
	assert_int_equal(row->amounts.grown_total, 1100);
	assert_int_equal(row->amounts.released, 0);
	assert_int_equal(row->amounts.released_total, 30);
	row = find_row(&table, "g", -1, 0);
	assert_int_equal(row->amounts.grown, 0);
	assert_int_equal(row->amounts.grown_total, 1000);
	assert_int_equal(row->amounts.released, 30);
	assert_int_equal(table.all.grown_total, 1100);
	pyspyc_table_free(&table);
	spy_live_reset(profile);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	assert_int_equal(table.count, 0);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

/* Two processes; the second has two threads; what is unknown has neither. */
static struct pyspyc_profile *make_family(void)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t one = add_root(profile, 0, SPY_FRAME_PROCESS, 100, "one");
	uint32_t two = add_root(profile, 0, SPY_FRAME_PROCESS, 200, "two");
	uint32_t a = add_root(profile, one, SPY_FRAME_THREAD, 100, "MainThread");
	uint32_t b = add_root(profile, two, SPY_FRAME_THREAD, 200, "MainThread");
	uint32_t c = add_root(profile, two, SPY_FRAME_THREAD, 201, "worker");

	book_active(profile, add_node(profile, a, "f", OWN, 2, 1), 1 * SECOND);
	book_active(profile, add_node(profile, b, "f", OWN, 2, 1), 2 * SECOND);
	book_active(profile, add_node(profile, c, "f", OWN, 3, 1), 4 * SECOND);
	book_active(profile, add_node(profile, c, "g", OWN, 5, 4), 8 * SECOND);
	book_active(profile, add_other(profile, 0, SPY_FRAME_MARKER, SPY_OTHER_NAME), 16 * SECOND);
	return profile;
}

static void test_processes_and_threads(void **state)
{
	struct pyspyc_profile *profile = make_family();
	struct pyspyc_query query = whole;
	const struct pyspyc_row *row;
	struct pyspyc_table table;
	size_t i;

	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 3);
	row = find_row(&table, "f", -1, 0);
	check_since(&row->amounts, 7, 7);
	assert_int_equal(row->place.pid, 0);
	assert_int_equal(row->place.tid, 0);
	assert_null(row->place.whose);
	row = find_row(&table, SPY_OTHER_NAME, -1, 0);
	check_since(&row->amounts, 16, 16);
	assert_int_equal(row->place.kind, PYSPYC_ROW_MARKER);
	assert_int_equal(row->place.origin, PYSPYC_ORIGIN_NONE);
	assert_string_equal(row->place.file, "");
	assert_string_equal(row->place.path, "");
	pyspyc_table_free(&table);

	query.by_thread = true;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 5);
	check_since(&find_row(&table, "f", -1, 100)->amounts, 1, 1);
	check_since(&find_row(&table, "f", -1, 200)->amounts, 2, 2);
	row = find_row(&table, "f", -1, 201);
	check_since(&row->amounts, 4, 4);
	assert_int_equal(row->place.pid, 200);
	assert_string_equal(row->place.whose, "worker");
	pyspyc_table_free(&table);

	query.by_thread = false;
	query.by_process = true;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 4);
	for (i = 0; i < table.count; i++) {
		row = &table.rows[i];
		assert_int_equal(row->place.tid, 0);
		if (row->place.pid)
			assert_string_equal(row->place.whose,
					    row->place.pid == 100 ? "one" : "two");
		if (strcmp(row->place.name, "f") == 0)
			check_since(&row->amounts, row->place.pid == 100 ? 1 : 6,
				    row->place.pid == 100 ? 1 : 6);
	}
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_one_process_or_thread(void **state)
{
	struct pyspyc_profile *profile = make_family();
	struct pyspyc_query query = whole;
	struct pyspyc_table table;

	query.pid = 200;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 2);
	check_since(&find_row(&table, "f", -1, 0)->amounts, 6, 6);
	check_since(&table.all, 14, 14);
	pyspyc_table_free(&table);
	query.tid = 201;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	check_since(&find_row(&table, "f", -1, 0)->amounts, 4, 4);
	check_since(&table.all, 12, 12);
	pyspyc_table_free(&table);
	query.pid = 0;
	query.by_process = true;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 2);
	assert_int_equal(table.rows[0].place.pid, 200);
	pyspyc_table_free(&table);
	query.pid = 100; /* has no such thread */
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 0);
	check_since(&table.all, 0, 0);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_own_only(void **state)
{
	struct pyspyc_profile *profile = new_live();
	uint32_t thread = add_root(profile, 0, SPY_FRAME_THREAD, 7, "worker");
	uint32_t boot = add_node(profile, thread, "_bootstrap", STDLIB, 1, 1);
	uint32_t f = add_node(profile, boot, "f", OWN, 2, 1);
	uint32_t load = add_node(profile, f, "load", STDLIB, 5, 4);
	uint32_t db = add_node(profile, load, "db", THIRD_PARTY, 7, 6);
	uint32_t hook = add_node(profile, db, "hook", OWN, 9, 8);
	uint32_t gc = add_other(profile, db, SPY_FRAME_MARKER, "<GC>");
	struct pyspyc_query query = { .own_only = true };
	const struct pyspyc_row *row;
	struct pyspyc_table table;

	book_active(profile, boot, 1 * SECOND);
	book_active(profile, f, 2 * SECOND);
	book_active(profile, load, 4 * SECOND);
	book_active(profile, db, 8 * SECOND);
	book_active(profile, hook, 16 * SECOND);
	book_active(profile, gc, 32 * SECOND);
	spy_live_add(profile, load, SPY_LIVE_GROWN, 5);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 4);
	row = find_row(&table, "f", -1, 0);
	check_since(&row->amounts, 14, 62);
	assert_int_equal(row->amounts.grown, 5);
	check_since(&find_row(&table, "hook", -1, 0)->amounts, 16, 16);
	check_since(&find_row(&table, "<GC>", -1, 0)->amounts, 32, 32);
	row = find_row(&table, "<library>", -1, 0);
	check_since(&row->amounts, 1, 1);
	assert_int_equal(row->place.kind, PYSPYC_ROW_MARKER);
	check_since(&table.all, 63, 63);
	pyspyc_table_free(&table);
	query.own_only = false;
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, query);
	assert_int_equal(table.count, 6);
	check_since(&find_row(&table, "_bootstrap", -1, 0)->amounts, 1, 63);
	row = find_row(&table, "db", -1, 0);
	check_since(&row->amounts, 8, 56);
	assert_int_equal(row->place.origin, PYSPYC_ORIGIN_THIRD_PARTY);
	assert_int_equal(find_row(&table, "load", -1, 0)->place.origin, PYSPYC_ORIGIN_STDLIB);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

/* Names as a hostile program would choose them. */
static void test_names_are_only_names(void **state)
{
	static const char *const names[] = {
		"",	     "<library>", "<other>", "thread 7 (f)",
		"\x1b[2J\n", "a\tb",	  "%s%n",    "\xf0\x9f\x90\x8d"
	};
	struct pyspyc_profile *profile = new_live();
	uint32_t process = add_root(profile, 0, SPY_FRAME_PROCESS, 1, "process 2 \"x\"");
	uint32_t library = add_node(profile, process, "f", STDLIB, 1, 1);
	struct pyspyc_query query = { .own_only = true, .by_thread = true };
	struct pyspyc_table table;
	size_t i, markers = 0;

	book_active(profile, library, SECOND);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t thread = add_root(profile, process, SPY_FRAME_THREAD, (int32_t)i + 1,
					   names[i]);

		book_active(profile, add_node(profile, thread, names[i], names[i], -5, -7), SECOND);
	}
	table = make_table(profile, PYSPYC_TABLE_LINES, query);
	assert_int_equal(table.count, 9);
	for (i = 0; i < table.count; i++) {
		const struct pyspyc_place *place = &table.rows[i].place;

		if (place->kind == PYSPYC_ROW_MARKER) { /* <other> is the profile's own, always */
			markers++;
			continue;
		}
		assert_string_equal(place->name, names[place->tid - 1]);
		assert_int_equal(place->line, -5);
		check_since(&table.rows[i].amounts, 1, 1);
	}
	assert_int_equal(markers, 2);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

/* A function that looks just like a marker is none. */
static void test_functions_are_no_markers(void **state)
{
	struct pyspyc_profile *profile = new_live();
	struct spy_frame marker = { .kind = SPY_FRAME_MARKER, .origin = SPY_ORIGIN_NONE };
	struct pyspyc_table table;

	marker.name = spy_profile_string(profile, "<GC>");
	marker.file = marker.path = spy_profile_string(profile, "");
	book_active(profile, spy_profile_child(profile, 0, spy_profile_frame(profile, &marker)), 1);
	book_active(profile, add_node(profile, 0, "<GC>", "", 0, 0), 2);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	assert_int_equal(table.count, 2);
	assert_int_equal(table.rows[0].place.kind, PYSPYC_ROW_MARKER);
	assert_int_equal(table.rows[1].place.kind, PYSPYC_ROW_CODE);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

static void test_nothing_booked(void **state)
{
	struct pyspyc_profile *profile = new_live();
	struct pyspyc_table table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);

	assert_int_equal(table.count, 0);
	pyspyc_table_free(&table);
	add_node(profile, 0, "f", OWN, 1, 1);
	table = make_table(profile, PYSPYC_TABLE_FUNCTIONS, whole);
	assert_int_equal(table.count, 0);
	check_since(&table.all, 0, 0);
	pyspyc_table_free(&table);
	spy_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_and_lines),
		cmocka_unit_test(test_recursion_counts_once),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_now_is_the_window_that_ended),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_processes_and_threads),
		cmocka_unit_test(test_one_process_or_thread),
		cmocka_unit_test(test_own_only),
		cmocka_unit_test(test_names_are_only_names),
		cmocka_unit_test(test_functions_are_no_markers),
		cmocka_unit_test(test_nothing_booked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
