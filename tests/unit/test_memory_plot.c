/* The plot of memory over time: what is drawn of a history, and the file that it becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "histories.h"
#include "sink/memory_plot.h"
#include "texts.h"

#define MB 1048576.0

static char *write_plot(struct made_memory *made)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(made_write(made, "plot", file, NULL), 0);
	fclose(file);
	assert_int_equal(strlen(text), size);
	return text;
}

static void make_plot(struct made_memory *made, struct spy_plot *plot)
{
	struct spy_memory_recording recording = { .history = made->history,
						  .profile = made->profile };

	made_flush(made);
	assert_int_equal(spy_plot_make(&recording, plot, NULL), 0);
}

static void assert_sound(const char *text)
{
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf "));
	assert_null(strstr(text, "-0.0"));
	assert_int_equal(count_in(text, "<script"), 2);
	assert_int_equal(count_in(text, "</script>"), 2);
	assert_int_equal(count_in(text, "<![CDATA["), 2);
	assert_int_equal(count_in(text, "]]>"), 2);
	assert_int_equal(count_in(text, "http"), 2); /* two names of XML vocabularies, no address */
	assert_int_equal(strlen(text) > 13 ? strcmp(text + strlen(text) - 7, "</svg>\n") : 1, 0);
}

static void test_empty(void **state)
{
	struct made_memory made;
	char *text;

	made_begin(&made);
	text = write_plot(&made);
	assert_sound(text);
	assert_non_null(strstr(text, ">Nothing was recorded<"));
	assert_non_null(strstr(text, ">python serve.py<"));
	free(text);
	free(made.profile->title);
	made.profile->title = NULL;
	free(made.profile->summary);
	made.profile->summary = NULL;
	made.profile->started_at = 0;
	/* A process of which nothing was seen. */
	made_process(&made, 1, 0, "python", 0);
	text = write_plot(&made);
	assert_sound(text);
	assert_non_null(strstr(text, ">Nothing was recorded<"));
	free(text);
	made_free(&made);
}

static void test_one_point(void **state)
{
	static const double sizes[] = { 0, 1, 4096, 20 * MB, 1e14, 1.8e19 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct made_memory made;
		char *text;

		made_begin(&made);
		made_point(&made, made_process(&made, 1, 0, "python", 0), (double)(i % 3), sizes[i],
			   SPY_NO_STACK);
		text = write_plot(&made);
		assert_sound(text);
		assert_non_null(strstr(text, "class=\"line rss\" d=\"M"));
		free(text);
		made_free(&made);
	}
}

/* However many points there are, the moments that are drawn are few, and no extreme is lost. */
static void test_thinned(void **state)
{
	struct made_memory made;
	struct spy_plot plot;
	uint32_t process, i, seen = 0;

	made_begin(&made);
	process = made_process(&made, 1, 0, "python", 0);
	for (i = 0; i < 40000; i++)
		made_point(&made, process, i * .01,
			   (i == 12345	 ? 300
			    : i == 23456 ? 1
					 : 100 + i % 7) *
				   MB,
			   SPY_NO_STACK);
	make_plot(&made, &plot);
	assert_in_range(plot.moment_count, SPY_PLOT_COLUMNS, 4 * SPY_PLOT_COLUMNS);
	assert_int_equal(plot.most, (uint64_t)(300 * MB));
	for (i = 0; i < plot.moment_count; i++) {
		assert_true(!i || plot.moments[i].at_ns >= plot.moments[i - 1].at_ns);
		seen += plot.moments[i].rss == (uint64_t)(300 * MB);
		seen += plot.moments[i].rss == (uint64_t)(1 * MB);
	}
	assert_int_equal(seen, 2);
	spy_plot_free(&plot);
	made_free(&made);
}

/* Layers add up at every moment, and one that ended is gone from then on. */
static void test_layers(void **state)
{
	struct made_memory made;
	struct spy_plot plot;
	uint32_t processes[20], i, j;

	made_begin(&made);
	for (i = 0; i < 20; i++)
		processes[i] = made_process(&made, (int)i + 100, i ? 100 : 0, "python", i);
	for (j = 0; j < 60; j++)
		for (i = 0; i < 20 && i <= j; i++)
			if (i % 3 || j < 40)
				made_point(&made, processes[i], j, (i + 1) * MB, SPY_NO_STACK);
			else if (!made_ended(&made, processes[i]))
				made_end(&made, processes[i], 39.5);
	make_plot(&made, &plot);
	assert_int_equal(plot.layer_count, SPY_PLOT_LAYERS);
	assert_int_equal(plot.layer_process[SPY_PLOT_LAYERS - 1], UINT32_MAX);
	assert_int_equal(plot.others, 20 - (SPY_PLOT_LAYERS - 1));
	for (i = 0; i < plot.moment_count; i++) {
		uint64_t sum = 0, wanted = 0;
		uint64_t at = plot.moments[i].at_ns;

		for (j = 0; j < SPY_PLOT_LAYERS; j++)
			sum += plot.moments[i].layers[j];
		assert_int_equal(sum, plot.moments[i].rss);
		for (j = 0; j < 20; j++)
			if (at >= j * 1000000000ull && (j % 3 || at < 39500000000ull))
				wanted += (j + 1) * 1048576ull;
		/* Where processes come and go there are two moments of one time. */
		if (at > 40000000000ull)
			assert_int_equal(sum, wanted);
	}
	assert_int_equal(plot.first, (uint64_t)MB);
	spy_plot_free(&plot);
	made_free(&made);
}

/* PSS is told where that of all processes was read, and is never drawn higher than RSS. */
static void test_readings(void **state)
{
	struct made_memory made;
	struct spy_plot plot;
	uint32_t one, other = 0, i, j, read = 0;
	double highest = 1e9, pss = 1e9;
	const char *at;
	char *text;

	made_begin(&made);
	one = made_process(&made, 1, 0, "python", 0);
	for (i = 0; i < 40; i++) {
		if (i == 20)
			other = made_process(&made, 2, 1, "python", 20);
		/* Points that say the same would become one. */
		made_point(&made, one, i, (i < 15 ? 80 : 30) * MB + i % 2 * 4096, SPY_NO_STACK);
		made_more(&made, i < 10 ? 0 : 70 * MB, i < 10 ? 0 : 60 * MB, 0, 0, 0);
		if (i >= 20)
			made_point(&made, other, i, 20 * MB + i % 2 * 4096, SPY_NO_STACK);
		if (i >= 30)
			made_more(&made, 10 * MB, 5 * MB, 0, 0, 0);
	}
	make_plot(&made, &plot);
	for (i = 0; i < plot.moment_count; i++) {
		double t = (double)plot.moments[i].at_ns / 1e9;

		read += plot.moments[i].read;
		if (t < 10 || (t > 20 && t < 30))
			assert_false(plot.moments[i].read);
		if ((t > 10 && t < 20) || t > 30)
			assert_true(plot.moments[i].read);
	}
	assert_true(read > 10);
	spy_plot_free(&plot);
	text = write_plot(&made);
	/* The smaller y is, the higher. */
	for (i = 0; i < 2; i++) {
		at = strstr(text, i ? "class=\"line rss\" d=\"M" : "class=\"line pss\" d=\"M");
		assert_non_null(at); /* in the legend */
		at = strstr(at + 1, i ? "class=\"line rss\" d=\"M" : "class=\"line pss\" d=\"M");
		assert_non_null(at);
		for (at = strstr(at, "d=\"") + 3, j = 0; *at != '"'; j++) {
			char *end;
			double x = strtod(at + 1, &end), y = strtod(end, &end);

			/* From 15 s on RSS is 50 MB at most, of a chart for 80 MB. */
			if (x > 620 && i)
				highest = y < highest ? y : highest;
			if (x > 620 && !i)
				pss = y < pss ? y : pss;
			at = end;
		}
		assert_true(j > 3);
	}
	assert_true(pss < 1e9 && pss >= highest - .1);
	free(text);
	made_free(&made);
}

/* Faults are counted now and then: those of a tenth of a second are not one point's. */
static void test_faults(void **state)
{
	struct made_memory made;
	struct spy_plot plot;
	uint32_t process, i, busy = 0;
	double sum = 0, most = 0;

	made_begin(&made);
	process = made_process(&made, 1, 0, "python", 0);
	for (i = 0; i <= 5000; i++) {
		made_point(&made, process, i * .001, (20 + i * .001) * MB, SPY_NO_STACK);
		made_more(&made, 0, 0, 0, 7 + i / 100 * 1000, 0);
	}
	make_plot(&made, &plot);
	assert_true(plot.faults);
	for (i = 0; i < SPY_PLOT_BUCKETS; i++) {
		sum += plot.minor[i];
		most = plot.minor[i] > most ? plot.minor[i] : most;
		busy += plot.minor[i] > 0;
	}
	assert_in_range((uint64_t)(sum + .5), 49999, 50001);
	assert_true(busy >= SPY_PLOT_BUCKETS - 1);
	assert_true(most < 2 * 50000. / SPY_PLOT_BUCKETS);
	spy_plot_free(&plot);
	made_free(&made);
}

/* A plateau is no part of what made memory grow, and a climb's line is the one that made it. */
static void test_climbs(void **state)
{
	struct made_memory made;
	struct spy_plot plot;
	uint32_t process, idle, load, parse, i;

	made_begin(&made);
	process = made_process(&made, 1, 0, "python", 0);
	idle = made_stack(&made, "select", "selectors.py", 1, "main", "a.py", 1);
	load = made_stack(&made, "load", "a.py", 10, "main", "a.py", 2);
	parse = made_stack(&made, "parse", "a.py", 20, "main", "a.py", 3);
	for (i = 0; i <= 3000; i++) {
		double t = i * .01, size = 20 + t * .1;
		uint32_t stack = idle;

		if (t > 5) {
			size += t < 6 ? (t - 5) * 200 : 200;
			stack = t <= 6.01 ? load : idle;
		}
		if (t > 20) {
			size += t < 22 ? (t - 20) * 50 : 100;
			stack = t <= 22.01 ? parse : idle;
		}
		made_point(&made, process, t, size * MB, stack);
	}
	make_plot(&made, &plot);
	assert_true(plot.climb_count >= 2);
	assert_in_range(plot.climbs[0].from_ns, 4900000000u, 5100000000u);
	assert_in_range(plot.climbs[0].to_ns, 5900000000u, 6100000000u);
	assert_int_equal(plot.climbs[0].stack, load);
	assert_in_range(plot.climbs[1].from_ns, 19900000000u, 20100000000u);
	assert_in_range(plot.climbs[1].to_ns, 21900000000u, 22100000000u);
	assert_int_equal(plot.climbs[1].stack, parse);
	assert_in_range(plot.climbs[1].of_stack / 1048576, 99, 101);
	assert_int_equal(plot.grower_count, 3);
	assert_string_equal(spy_profile_text(made.profile,
					     made.profile->frames[plot.growers[0].frame].name),
			    "load");
	spy_plot_free(&plot);
	made_free(&made);
}

static void test_limit(void **state)
{
	struct made_memory made;
	char *text;

	made_begin(&made);
	made_point(&made, made_process(&made, 1, 0, "python", 0), 0, 400 * MB, SPY_NO_STACK);
	made.history->limit = (uint64_t)(512 * MB);
	made.history->limit_name = strdup("/app<.slice");
	text = write_plot(&made);
	assert_non_null(strstr(text, "class=\"limit\" d="));
	assert_non_null(strstr(text, ">limit 512.0 MiB of /app&lt;.slice<"));
	free(text);
	/* Too far away to be drawn. */
	made.history->limit = (uint64_t)(64e3 * MB);
	text = write_plot(&made);
	assert_null(strstr(text, "class=\"limit\" d="));
	assert_non_null(strstr(text, " limit 62.50 GiB<"));
	free(text);
	made_free(&made);
}

/* Markup in names stays text: the file has the elements that it always has. */
static void test_hostile(void **state)
{
	static const char *const names[] = { "<script>alert(1)</script>",
					     "]]>\"onload=",
					     "\x1b[31m",
					     "\xe2\x80\xae",
					     "\xff\xfe",
					     "" };
	struct made_memory made;
	uint32_t process, i, j;
	char *text;

	made_begin(&made);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t stack = made_stack(&made, names[i], names[i], -5, names[i], names[i], 1);

		process = made_process(&made, (int)i - 3, 0, names[i], i);
		for (j = 0; j < 10; j++)
			/* The first grows most: its line is in the table. */
			made_point(&made, process, i * 10 + j, (9 - i) * j * MB, stack);
	}
	free(made.profile->title);
	made.profile->title = strdup("</title><script>\xe2\x80\xae");
	free(made.profile->summary);
	made.profile->summary = strdup("\x01<b>&");
	made.history->limit = (uint64_t)(100 * MB);
	made.history->limit_name = strdup("]]></text><script>");
	text = write_plot(&made);
	assert_sound(text);
	assert_null(strstr(text, "\"onload="));
	assert_null(strstr(text, "\x1b"));
	assert_null(strstr(text, "\x01"));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_non_null(strstr(text, "<title id=\"pyspyc-title\">&lt;/title&gt;&lt;script&gt;"));
	assert_non_null(strstr(text, "<tspan class=\"where\">&lt;script&gt;alert(1)"));
	assert_non_null(strstr(text, ">-2 ]]&gt;&quot;onload=<"));
	assert_non_null(strstr(text, " of ]]&gt;&lt;/text&gt;&lt;script&gt;<"));
	assert_non_null(strstr(text, "\\u003cscript\\u003ealert(1)"));
	assert_non_null(strstr(text, "\"title\":\"\\u003c/title"));
	assert_non_null(strstr(text, "\"limitName\":\"]]\\u003e"));
	free(text);
	made_free(&made);
}

/* Numbers that no recorder writes do no harm. */
static void test_broken(void **state)
{
	struct made_memory made;
	uint32_t process, i;
	char *text;

	made_begin(&made);
	process = made_process(&made, 1, 0, "python", 0);
	for (i = 0; i < 100; i++) {
		made_point(&made, process, i, i * MB, SPY_NO_STACK);
		made_more(&made, 1e19, 0, 1.8e19, UINT64_MAX - i, i);
	}
	made_flush(&made);
	made.history->points[4].stack = 77;
	made.history->points[5].at_ns = UINT64_MAX / 2;
	made.history->points[6].at_ns = 0;
	made.history->points[7].rss = UINT64_MAX;
	made.profile->duration_ns = UINT64_MAX / 4;
	made.profile->started_at = INT64_MAX / 2;
	text = write_plot(&made);
	assert_sound(text);
	free(text);
	made_free(&made);
}

/* Between two leaps it grows slowly all the time: three climbs, each with its line. */
static void test_slow_and_fast(void **state)
{
	static const char *const names[] = { "leak", "load", "leap" };
	struct made_memory made;
	struct spy_plot plot;
	uint32_t process, stacks[3], i;

	made_begin(&made);
	process = made_process(&made, 1, 0, "python", 0);
	for (i = 0; i < 3; i++)
		stacks[i] = made_stack(&made, names[i], "a.py", (int)i + 1, "main", "a.py", 9);
	for (i = 0; i <= 10000; i++) {
		double t = i * .001, size = 5 + t * 4;

		size += (t < .25 ? t * 120 : 30) + (t < 9.7 ? 0 : t < 9.9 ? (t - 9.7) * 150 : 30);
		made_point(&made, process, t, size * MB,
			   stacks[t < .25	       ? 1
				  : t > 9.7 && t < 9.9 ? 2
						       : 0]);
	}
	make_plot(&made, &plot);
	assert_int_equal(plot.climb_count, 3);
	for (i = 0; i < 3; i++) {
		const struct spy_history_climb *climb = &plot.climbs[i];

		assert_int_equal(climb->stack, stacks[i]);
		assert_in_range((climb->to_rss - climb->from_rss) / 1048576, i ? 28 : 36,
				i ? 33 : 39);
		assert_in_range((climb->to_ns - climb->from_ns) / 1000000, i ? 180 : 9000,
				i ? 270 : 9600);
	}
	spy_plot_free(&plot);
	made_free(&made);
}

/* A climb that two lines share is not told of as one's, and the beginning of a child not at all. */
static void test_shares(void **state)
{
	struct made_memory made;
	struct spy_plot plot;
	uint32_t parent, child = 0, load, parse, i;
	char *text;

	made_begin(&made);
	parent = made_process(&made, 1, 0, "python", 0);
	load = made_stack(&made, "load", "a.py", 10, "main", "a.py", 2);
	parse = made_stack(&made, "parse", "a.py", 20, "main", "a.py", 3);
	for (i = 0; i <= 300; i++) {
		uint32_t grown = i < 100 ? 0 : i < 200 ? i - 100 : 100;

		made_point(&made, parent, i * .1, (20 + grown) * MB, grown % 5 < 3 ? load : parse);
		if (i == 250)
			child = made_process(&made, 2, 1, "python", 25);
		if (i >= 250)
			made_point(&made, child, i * .1, 120 * MB, parse);
	}
	make_plot(&made, &plot);
	assert_int_equal(plot.climb_count, 1);
	assert_int_equal(plot.climbs[0].stack, load);
	assert_in_range(plot.climbs[0].to_ns, 19900000000u, 20100000000u);
	assert_int_equal(plot.climbs[0].grown, 100 * MB);
	assert_int_equal(plot.climbs[0].of_stack, 60 * MB);
	spy_plot_free(&plot);
	text = write_plot(&made);
	assert_sound(text);
	assert_non_null(strstr(text, ">60.0 of +100.0 M"));
	assert_null(strstr(text, ">+"));
	free(text);
	made_free(&made);
}

/* With all that there may be of everything the file stays small enough for any browser. */
static void test_worst(void **state)
{
	static const uint32_t processes[] = { 1, 30, SPY_HISTORY_PROCESSES };
	uint32_t round, i, j, lot = 11;
	char name[300], *text;

	for (round = 0; round < 3; round++) {
		struct made_memory made;

		made_begin(&made);
		for (i = 0; i < SPY_HISTORY_STACKS; i++) {
			uint32_t frames[SPY_HISTORY_DEPTH];

			for (j = 0; j < SPY_HISTORY_DEPTH; j++) {
				memset(name, '<', sizeof(name));
				snprintf(name + 250, 50, "%u_%u", i, j);
				frames[j] = make_frame(made.profile, name, name, name, (int)i, 1);
			}
			spy_history_stack(made.history, frames, SPY_HISTORY_DEPTH);
		}
		memset(name, '&', sizeof(name));
		name[299] = '\0';
		for (i = 0; i < processes[round]; i++)
			made_process(&made, (int)i + 1, 1, name, 0);
		for (i = 0; i < SPY_HISTORY_POINTS + 9999; i++) {
			double size = (double)random_below(&lot, 1u << 30) * 4096;

			made_point(&made, i % processes[round], i * 1.3, size,
				   i % SPY_HISTORY_STACKS);
			made_more(&made, size / 3 * random_below(&lot, 3), size / 5, size * 3,
				  (uint64_t)i << 20, (uint64_t)i << 20);
		}
		text = write_plot(&made);
		assert_sound(text);
		assert_true(strlen(text) < 4000000);
		free(text);
		made_free(&made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	 cmocka_unit_test(test_one_point),
		cmocka_unit_test(test_thinned),	 cmocka_unit_test(test_layers),
		cmocka_unit_test(test_readings), cmocka_unit_test(test_faults),
		cmocka_unit_test(test_climbs),	 cmocka_unit_test(test_slow_and_fast),
		cmocka_unit_test(test_limit),	 cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_broken),	 cmocka_unit_test(test_worst),
		cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
