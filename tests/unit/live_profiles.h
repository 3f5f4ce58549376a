/* Profiles with the live view's columns, for tests. */
#ifndef TESTS_UNIT_LIVE_PROFILES_H
#define TESTS_UNIT_LIVE_PROFILES_H

#include "profile/live.h"
#include "profiles.h"

#define OWN "/home/me/app.py"
#define STDLIB "/usr/lib/python3.12/json/decoder.py"
#define THIRD_PARTY "/v/lib/python3.12/site-packages/django/db.py"
#define SECOND UINT64_C(1000000000)

static inline struct pyspyc_profile *new_live(void)
{
	struct pyspyc_profile *profile = spy_profile_new(false);

	assert_non_null(profile);
	assert_true(spy_live_begin(profile));
	return profile;
}

/* A process or thread, named as a recorder does it. */
static inline uint32_t add_root(struct pyspyc_profile *profile, uint32_t parent, uint8_t kind,
				int32_t id, const char *name)
{
	struct spy_frame frame = { .kind = kind, .origin = SPY_ORIGIN_NONE, .id = id };
	char text[256];

	snprintf(text, sizeof(text), kind == SPY_FRAME_THREAD ? "thread %d (%s)"
							      : "process %d \"%s\"", (int)id, name);
	frame.name = spy_profile_string(profile, text);
	frame.file = spy_profile_string(profile, name);
	frame.path = spy_profile_string(profile, "");
	return spy_profile_child(profile, parent, spy_profile_frame(profile, &frame));
}

/* Books time of a thread that was active. */
static inline void book_active(struct pyspyc_profile *profile, uint32_t node, uint64_t time_ns)
{
	spy_profile_add(profile, node, UINT32_MAX, 0, 1);
	spy_live_add(profile, node, SPY_LIVE_ALL, time_ns);
	spy_live_add(profile, node, SPY_LIVE_ACTIVE, time_ns);
}

static inline struct pyspyc_table make_table(const struct pyspyc_profile *profile,
					     enum pyspyc_table_kind kind, struct pyspyc_query query)
{
	struct pyspyc_table table;

	assert_int_equal(spy_live_table(profile, kind, &query, SECOND, &table, NULL), 0);
	return table;
}

static inline struct pyspyc_tree make_tree(const struct pyspyc_profile *profile,
					   struct pyspyc_query query, bool since_start)
{
	struct pyspyc_tree tree;

	assert_int_equal(spy_live_tree(profile, &query, since_start, SECOND, &tree, NULL), 0);
	return tree;
}

/* The only row of that name, line (-1: any) and thread (0: any); NULL when there is none. */
static inline const struct pyspyc_row *find_row(const struct pyspyc_table *table, const char *name,
						int line, pid_t tid)
{
	const struct pyspyc_row *found = NULL;
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct pyspyc_place *place = &table->rows[i].place;

		if (strcmp(place->name, name) != 0 || (line >= 0 && place->line != line) ||
		    (tid && place->tid != tid))
			continue;
		assert_null(found);
		found = &table->rows[i];
	}
	return found;
}

static inline void check_figure(double left, double right, const char *what)
{
	if (left < right - 1e-9 || left > right + 1e-9)
		fail_msg("%s: %.9f instead of %.9f", what, left, right);
}

/* What a row or branch took since the start. */
static inline void check_since(const struct pyspyc_amounts *amounts, double own_s, double total_s)
{
	check_figure(amounts->own_s, own_s, "own_s");
	check_figure(amounts->total_s, total_s, "total_s");
}

static inline void check_now(const struct pyspyc_amounts *amounts, double own, double total)
{
	check_figure(amounts->own_now, own, "own_now");
	check_figure(amounts->total_now, total, "total_now");
}

#endif
