/*
 * Writes a made-up profile to standard output: make_profile KIND FORMAT [COUNT]. The browser
 * tests and a person who changes a format look at the result.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

struct function {
	const char *name, *folder, *file;
	int first_line, lines, next[5]; /* called ones, as indexes; 0 ends the list */
};

#define SITE "/srv/shop/venv/lib/python3.12/site-packages/"
#define STDLIB "/usr/lib/python3.12/"
#define OWN "/srv/shop/"

/* A web application at work. */
static const struct function functions[] = {
	{ "<module>", OWN, "manage.py", 1, 1, { 1 } },
	{ "main", OWN, "manage.py", 6, 4, { 2 } },
	{ "run_loop", SITE, "server/worker.py", 110, 12, { 3, 3, 4 } },
	{ "Worker.handle", SITE, "server/worker.py", 160, 20, { 5, 5, 5, 6 } },
	{ "Selector.select", STDLIB, "selectors.py", 430, 6, { 0 } },
	{ "Handler.get_response", SITE, "web/core/handlers/base.py", 138, 14, { 7, 7, 8, 12 } },
	{ "Request.parse", SITE, "server/http/message.py", 40, 30, { 17, 0 } },
	{ "convert_exception.<locals>.inner",
	  SITE,
	  "web/core/handlers/exception.py",
	  52,
	  3,
	  { 9, 10, 11 } },
	{ "Middleware.__call__", SITE, "web/utils/deprecation.py", 120, 8, { 7, 12 } },
	{ "ProductList.get", OWN, "shop/views/products.py", 22, 30, { 13, 13, 14, 15 } },
	{ "Checkout.post", OWN, "shop/views/checkout.py", 61, 40, { 16, 13, 18 } },
	{ "search", OWN, "shop/views/search.py", 15, 9, { 13, 19, 14 } },
	{ "SessionStore.load", SITE, "web/sessions/backends/db.py", 30, 6, { 13, 18 } },
	{ "QuerySet.__iter__", SITE, "web/db/models/query.py", 380, 6, { 20, 20, 21 } },
	{ "Template.render", SITE, "web/template/base.py", 165, 8, { 22, 22, 22, 23 } },
	{ "price_with_discounts", OWN, "shop/pricing.py", 80, 25, { 24, 0, 0 } },
	{ "Order.total", OWN, "shop/models.py", 201, 17, { 15, 24, 0 } },
	{ "Message.get", STDLIB, "email/message.py", 475, 10, { 0 } },
	{ "loads", STDLIB, "json/__init__.py", 299, 4, { 25 } },
	{ "rank", OWN, "shop/search/ranking.py", 12, 22, { 26, 26, 0 } },
	{ "SQLCompiler.execute_sql",
	  SITE,
	  "web/db/models/sql/compiler.py",
	  1500,
	  60,
	  { 27, 27, 28 } },
	{ "Model.from_db", SITE, "web/db/models/base.py", 580, 12, { 0 } },
	{ "NodeList.render_annotated", SITE, "web/template/nodes.py", 960, 6, { 14, 29, 30, 0 } },
	{ "mark_safe", SITE, "web/utils/safestring.py", 50, 4, { 0 } },
	{ "Decimal.quantize", STDLIB, "_pydecimal.py", 2500, 50, { 0 } },
	{ "JSONDecoder.decode", STDLIB, "json/decoder.py", 332, 9, { 0 } },
	{ "<genexpr>", OWN, "shop/search/ranking.py", 20, 2, { 31, 0 } },
	{ "CursorWrapper.execute", SITE, "web/db/backends/utils.py", 75, 14, { 0 } },
	{ "SQLCompiler.as_sql", SITE, "web/db/models/sql/compiler.py", 700, 90, { 32, 0 } },
	{ "VariableNode.render", SITE, "web/template/nodes.py", 1010, 10, { 33, 23, 0 } },
	{ "ForNode.render", SITE, "web/template/defaulttags.py", 160, 60, { 22, 22 } },
	{ "distance", OWN, "shop/search/levenshtein.py", 4, 14, { 0 } },
	{ "WhereNode.as_sql", SITE, "web/db/models/sql/where.py", 110, 50, { 32, 0, 0 } },
	{ "render_value_in_context", SITE, "web/template/nodes.py", 1000, 12, { 34, 0 } },
	{ "localize", SITE, "web/utils/formats.py", 210, 22, { 0 } },
};

static uint32_t descend(struct pyspyc_profile *profile, uint32_t node, uint32_t *state)
{
	int at = 0, depth;

	for (depth = 0; depth < 60; depth++) {
		const struct function *function = &functions[at];
		char path[256];
		int choices = 1, line = function->first_line + 1;

		/* Most of a function's time goes into one or two of its lines. */
		if (depth > 2 && random_below(state, 4) == 0)
			line += function->lines / 2;
		if (depth > 4 && random_below(state, 8) == 0)
			line += function->lines / 3;
		snprintf(path, sizeof(path), "%s%s", function->folder, function->file);
		node = spy_profile_child(profile, node,
					 make_frame(profile, function->name, function->file, path,
						    line, function->first_line));
		while (choices < 5 && function->next[choices])
			choices++;
		at = function->next[random_below(state, (uint32_t)choices + (depth > 12)) % 5];
		if (!at)
			break;
	}
	return node;
}

static void make_web(struct pyspyc_profile *profile, uint32_t count, uint64_t weight)
{
	static const char *const threads[] = { "thread 4711 (MainThread)", "thread 4712 (worker-1)",
					       "thread 4713 (worker-2)" };
	uint32_t process =
		spy_profile_child(profile, 0,
				  make_other(profile, "process 4711 \"python manage.py runserver\"",
					     SPY_FRAME_PROCESS));
	uint32_t nodes[3], lanes[3], seed = 1, *state = &seed, i;

	for (i = 0; i < 3; i++) {
		struct spy_lane lane = { .name = spy_profile_string(profile, threads[i]),
					 .pid = 4711,
					 .tid = 4711 + (int)i };

		lanes[i] = spy_profile_lane(profile, &lane);
		nodes[i] = spy_profile_child(profile, process,
					     make_other(profile, threads[i], SPY_FRAME_THREAD));
	}
	for (i = 0; i < count; i++) {
		uint32_t thread = random_below(state, 6), runs;

		thread = thread < 3 ? 0 : thread < 5 ? 1 : 2;
		runs = 1 + random_below(state, 3);
		spy_profile_add(profile, descend(profile, nodes[thread], state), lanes[thread],
				i * profile->period_ns, runs * weight);
	}
}

/* The same in bytes by which memory grew. */
static void make_growth(struct pyspyc_profile *profile, uint32_t count)
{
	profile->timeline = false;
	profile->bytes = true;
	profile->period_ns = 0;
	free(profile->title);
	profile->title = strdup("Memory growth: python manage.py runserver");
	make_web(profile, count, 12345);
}

/* Time and memory in one recording, in which nothing was given back. */
static void make_both(struct pyspyc_profile *profile, uint32_t count)
{
	make_web(profile, count, 1);
	profile->moment_count = 0;
	profile->grown = spy_profile_new(false);
	profile->released = spy_profile_new(false);
	if (!profile->grown || !profile->released)
		return;
	make_growth(profile->grown, count);
	free(profile->grown->title);
	profile->grown->title = strdup(profile->title);
	profile->released->bytes = true;
	profile->released->title = strdup(profile->title);
}

/* Bytes in both directions. */
static void make_bytes(struct pyspyc_profile *profile, uint32_t count)
{
	make_growth(profile, count);
	profile->released = spy_profile_new(false);
	if (!profile->released)
		return;
	make_growth(profile->released, count / 2);
	free(profile->released->title);
	profile->released->title = strdup("Memory released: python manage.py runserver");
}

/* Names that would do harm where they are not escaped. */
static void make_hostile(struct pyspyc_profile *profile, uint32_t count)
{
	static const char *const names[] = {
		"<script>alert(1)</script>",
		"]]>",
		"\"onload=\"alert(1)",
		"' onclick='alert(1)",
		"javascript:alert(1)",
		"</title><script>alert(2)</script>",
		"<!--",
		"-->",
		"</script><script>alert(3)</script>",
		"&lt;b&gt; &amp; &#x3c;",
		"\x1b[31mred\x07",
		"line\nfeed\rreturn\ttab",
		"semi;colon",
		"safe\xe2\x80\xae"
		"evil\xe2\x80\xac",
		"sur\xed\xb3\xbfrogate",
		"bad\xff\xfe",
		"\xc2\x85next\xe2\x80\xa8line",
		"",
		" ",
		"\xf0\x9f\x90\x8d.\xe8\x9b\x87",
		"__proto__",
		"constructor",
		"${alert(4)}",
		"\\u003c",
		"<![CDATA[",
		"<svg onload=alert(5)>",
		"\x7f"
		"del",
		"z\xcc\xb7\xcc\xa1\xcd\x87"
		"algo",
		"<img src=x onerror=alert(6)>",
	};
	size_t number = sizeof(names) / sizeof(names[0]), i;
	char *longest = malloc(70001);
	uint32_t node;

	for (i = 0; i < number; i++) {
		node = spy_profile_child(
			profile, 0, make_frame(profile, names[i], names[i], names[i], (int)i, 1));
		spy_profile_add(profile, node, 0, 0, count);
		node = spy_profile_child(profile, node,
					 make_frame(profile, names[number - 1 - i], "x.py", "/x.py",
						    1, 1));
		spy_profile_add(profile, node, 0, 0, count);
	}
	memset(longest, 'a', 70000);
	memcpy(longest, "begin", 5);
	memcpy(longest + 69995, "close", 5);
	longest[70000] = '\0';
	node = spy_profile_child(profile, 0, make_frame(profile, longest, longest, longest, 1, 1));
	spy_profile_add(profile, node, 0, 0, count * 60);
	free(longest);
	free(profile->title);
	profile->title = strdup("<script>alert(7)</script> ]]> \x1b[31m \"title\" \xe2\x80\xae");
	free(profile->summary);
	profile->summary = strdup("</text><script>alert(8)</script>");
}

/* Every stack is another one. */
static void make_wide(struct pyspyc_profile *profile, uint32_t count)
{
	uint32_t i, node, level, at, frames[512];

	for (i = 0; i < 512; i++) {
		char name[80], file[80];

		snprintf(name, sizeof(name), "Package%u.method_number_%u", i % 16, i);
		snprintf(file, sizeof(file), "/srv/app/package%u/module_%u.py", i % 16, i % 64);
		frames[i] = make_frame(profile, name, file + 9, file, (int)i + 1, (int)i / 2);
	}
	for (i = 0; i < count; i++) {
		for (level = node = 0, at = i; level < 12; level++, at /= 5)
			node = spy_profile_child(
				profile, node, frames[(level * 41 + at % 5 * (at % 3 + 1)) % 512]);
		node = spy_profile_child(profile, node, frames[i % 512]);
		node = spy_profile_child(profile, node, frames[i / 512 % 512]);
		node = spy_profile_child(profile, node, frames[i / 512 / 512 % 512]);
		spy_profile_add(profile, node, 0, 0, 1);
	}
}

static void make_deep(struct pyspyc_profile *profile, uint32_t count)
{
	uint32_t node = 0, i;

	for (i = 0; i < count; i++) {
		node = spy_profile_child(profile, node,
					 make_frame(profile, i % 2 ? "even" : "odd", "recurse.py",
						    "/home/me/recurse.py", i % 2 ? 4 : 7,
						    i % 2 ? 3 : 6));
		if (i % 997 == 0)
			spy_profile_add(profile, node, 0, 0, 2);
	}
	spy_profile_add(profile, node, 0, 0, 500);
}

int main(int argc, char **argv)
{
	const struct pyspyc_format *format = argc > 2 ? pyspyc_format_by_name(argv[2]) : NULL;
	struct pyspyc_profile *profile = spy_profile_new(true);
	struct pyspyc_error err = { 0 };
	uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	struct spy_lane lane = { 0 };
	int ret;

	if (!format || !profile) {
		fprintf(stderr,
			"usage: make_profile web|growth|bytes|both|hostile|wide|deep|empty FORMAT "
			"[COUNT]\n");
		return 2;
	}
	profile->period_ns = 10000000;
	profile->started_at = 1767225600;
	profile->title = strdup("python manage.py runserver");
	profile->summary = strdup("10,000 samples at 100.0 Hz, 0 missed, 3 retried, 0 unreadable, "
				  "own CPU 0.4 %");
	if (strcmp(argv[1], "web") == 0) {
		make_web(profile, count ? count : 4000, 1);
	} else if (strcmp(argv[1], "both") == 0) {
		make_both(profile, count ? count : 4000);
	} else if (strcmp(argv[1], "bytes") == 0) {
		make_bytes(profile, count ? count : 4000);
	} else if (strcmp(argv[1], "growth") == 0) {
		make_growth(profile, count ? count : 4000);
	} else {
		lane.name = spy_profile_string(profile, "thread 1 (MainThread)");
		spy_profile_lane(profile, &lane);
		if (strcmp(argv[1], "hostile") == 0)
			make_hostile(profile, count ? count : 10);
		else if (strcmp(argv[1], "wide") == 0)
			make_wide(profile, count ? count : 1000000);
		else if (strcmp(argv[1], "deep") == 0)
			make_deep(profile, count ? count : 10000);
	}
	profile->duration_ns = profile->bytes ? 40000000000 : profile->samples * profile->period_ns;
	ret = pyspyc_profile_write(profile, format, stdout, &err);
	if (ret)
		fprintf(stderr, "make_profile: %s\n", err.message);
	spy_profile_free(profile);
	return ret ? 1 : 0;
}
