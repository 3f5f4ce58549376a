/* Writes a made-up recording of memory in a format, for tests that look at it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histories.h"

#define MB (1024.0 * 1024)

/* From 0 at 0 nearer and nearer to 1. */
static double near_one(double x)
{
	return 1 - 1 / (1 + x + x * x / 2 + x * x * x / 6);
}

/* Up and down between -1 and 1. */
static double wave(double x)
{
	double part = x - (double)(long)x;

	return part < .5 ? part * 4 - 1 : 3 - part * 4;
}

/* A program that loads, works in rounds, and leaks. */
static void make_service(struct made_memory *made, uint32_t count)
{
	uint32_t process = made_process(made, 4711, 0, "python serve.py --workers 0", 0);
	uint32_t load = made_stack(made, "load_index", "app/index.py", 118, "main", "serve.py", 40);
	uint32_t parse = made_stack(made, "Parser.tokens", "app/parse.py", 77, "main", "serve.py",
				    52);
	uint32_t cache = made_stack(made, "Cache.put", "app/cache.py", 31, "handle", "serve.py",
				    88);
	uint32_t idle = made_stack(made, "select", "lib/selectors.py", 415, "main", "serve.py", 60);
	uint32_t i, state = 7;

	for (i = 0; i <= count; i++) {
		double t = 60.0 * i / count, rss = 18 + .35 * t,
		       noise = random_below(&state, 100) / 150.0;
		uint32_t stack = idle;

		if (t > 4)
			rss += t < 5.1 ? (t - 4) / 1.1 * 212 : 212;
		if (t > 20 && t < 31)
			rss += t < 28 ? 96 * near_one((t - 20) / 2) : 96 * (31 - t) / 3;
		if (t > 44)
			rss += t < 45.5 ? 140 * (t - 44) / 1.5 : t < 47 ? 140 : 0;
		if (t > 4 && t < 5.1)
			stack = load;
		else if ((t > 20 && t < 28) || (t > 44 && t < 45.5))
			stack = parse;
		else if (i % 4 == 0)
			stack = cache;
		made_point(made, process, t, (rss + noise) * MB, stack);
		made_more(made, (rss - 6) * MB, (rss - 9) * MB, t > 45 ? 30 * MB : 0,
			  (uint64_t)(rss * 256) + i, t > 45 ? (uint64_t)(t * 3) : 0);
	}
	made->profile->duration_ns = 60000000000u;
	made->history->limit = (uint64_t)(512 * MB);
	made->history->limit_name = strdup("/system.slice/serve.service");
}

/* A parent and workers that come and go. */
static void make_children(struct made_memory *made, uint32_t workers)
{
	uint32_t stacks[8], *processes = calloc(workers + 1, sizeof(*processes)), i, step,
			    state = 3;
	double slot = 50.0 / workers;

	for (i = 0; i < 8; i++) {
		char name[40];

		snprintf(name, sizeof(name), "Job%u.run", i);
		stacks[i] = made_stack(made, name, "worker/jobs.py", 40 + (int)i * 9, "main",
				       "worker/main.py", 12);
	}
	processes[0] = made_process(made, 100, 0, "python -m build --jobs 6", 0);
	for (step = 0; step <= 1200; step++) {
		double t = step / 20.0;

		made_point(made, processes[0], t, (42 + t / 6) * MB, stacks[7]);
		made_more(made, (30 + t / 6) * MB, 20 * MB, 0, step * 10u, 0);
		for (i = 1; i <= workers; i++) {
			double since = 3 + (i - 1) * slot, until = since + 12 + i % 5 * 3, size;

			if (t < since || (t > until && made_ended(made, processes[i])))
				continue;
			if (!processes[i]) {
				char command[60];

				snprintf(command, sizeof(command), "python worker.py --job %u", i);
				processes[i] = made_process(made, 100 + (int)i, 100, command, t);
			}
			if (t > until) {
				made_end(made, processes[i], t);
				continue;
			}
			size = 20 + 60 * near_one((t - since) / 4) * (1 + i % 3) +
			       random_below(&state, 100) / 60.0;
			made_point(made, processes[i], t, size * MB, stacks[i % 8]);
			made_more(made, size * .7 * MB, size * .6 * MB, 0, step * 100u, 0);
		}
	}
	made->profile->duration_ns = 60000000000u;
	made->history->limit = (uint64_t)(64e3 * MB);
	free(processes);
}

/* Hours of it, thinned. */
static void make_long(struct made_memory *made, uint32_t hours)
{
	uint32_t process = made_process(made, 9, 0, "python train.py", 0), i, state = 5;
	uint32_t stacks[3];

	stacks[0] = made_stack(made, "Trainer.step", "train/loop.py", 210, "main", "train.py", 33);
	stacks[1] = made_stack(made, "collate", "train/data.py", 64, "main", "train.py", 33);
	stacks[2] = made_stack(made, "evaluate", "train/loop.py", 301, "main", "train.py", 41);
	for (i = 0; i <= hours * 36000; i++) {
		double t = i / 10.0, round = i % 11000 / 10.0, rss = 900 + t * .05;

		rss += round < 900 ? 350 + 40 * wave(t / 56) : 1250 * near_one((round - 900) / 40);
		made_point(made, process, t, (rss + random_below(&state, 3000) / 100.0) * MB,
			   stacks[round < 900 ? i % 2 : 2]);
		made_more(made, rss * MB, rss * .9 * MB, 0, i * 30ull, 0);
	}
	made->profile->duration_ns = (uint64_t)hours * 3600 * 1000000000;
}

/* PSS and USS are read for the first time late, and seldom. */
static void make_rare(struct made_memory *made)
{
	uint32_t process = made_process(made, 5, 0, "python rare.py", 0), i;
	uint32_t stack = made_stack(made, "work", "rare.py", 3, "main", "rare.py", 9);

	for (i = 0; i <= 600; i++) {
		double t = i / 10.0, rss = 40 + 60 * (wave(t / 13) + 1), pss = 0;

		if (t >= 20)
			pss = 34 + 60 * (wave((double)((int)t / 6 * 6) / 13) + 1);
		made_point(made, process, t, (t > 44 ? 35 : rss) * MB, stack);
		made_more(made, (t > 44 ? 60 : pss) * MB, (t > 44 ? 50 : pss * .9) * MB, 0, 0, 0);
	}
	made->profile->duration_ns = 60000000000u;
}

/* Names that would do harm where they are not escaped. */
static void make_hostile(struct made_memory *made)
{
	static const char *const names[] = {
		"<script>alert(1)</script>",
		"]]>",
		"\"onload=\"alert(1)",
		"</title><script>alert(2)</script>",
		"<!--",
		"</script><script>alert(3)</script>",
		"&lt;b&gt; &amp;",
		"\x1b[31mred\x07",
		"line\nfeed\ttab",
		("safe\xe2\x80\xae"
		 "evil\xe2\x80\xac"),
		"bad\xff\xfe",
		"",
		"__proto__",
		"${alert(4)}",
		"<![CDATA[",
		"<img src=x onerror=alert(6)>",
		"\xf0\x9f\x90\x8d.\xe8\x9b\x87",
	};
	size_t number = sizeof(names) / sizeof(names[0]), i;
	char *longest = malloc(70001);
	uint32_t j, process, stack;

	memset(longest, 'w', 70000);
	longest[70000] = '\0';
	for (i = 0; i <= number; i++) {
		const char *name = i < number ? names[i] : longest;

		process = made_process(made, (int)i + 1, 0, name, (double)i / 10);
		stack = made_stack(made, name, name, (int)i, name, name, 1);
		for (j = 0; j < 40; j++)
			made_point(made, process, (double)i + j * .1,
				   (double)(j > 20 ? 2 + i : 1) * (double)(i + 1) * MB, stack);
	}
	free(longest);
	free(made->profile->title);
	made->profile->title = strdup(
		"<script>alert(7)</script> ]]> \x1b[31m \"title\" \xe2\x80\xae");
	free(made->profile->summary);
	made->profile->summary = strdup("</text><script>alert(8)</script>");
	made->history->limit = (uint64_t)(1900 * MB);
	made->history->limit_name = strdup("/<script>alert(9)</script>]]>");
}

/* All that there may be of everything, each value far from the one before. */
static void make_worst(struct made_memory *made, uint32_t processes)
{
	uint32_t stacks[SPY_HISTORY_STACKS], i, j, state = 11;
	char name[300];

	for (i = 0; i < SPY_HISTORY_STACKS; i++) {
		uint32_t frames[SPY_HISTORY_DEPTH];

		for (j = 0; j < SPY_HISTORY_DEPTH; j++) {
			memset(name, '<', sizeof(name));
			snprintf(name + 250, 50, "%u_%u", i, j);
			frames[j] = make_frame(made->profile, name, name, name, (int)i, (int)j + 1);
		}
		stacks[i] = spy_history_stack(made->history, frames, SPY_HISTORY_DEPTH);
	}
	memset(name, '&', sizeof(name));
	name[299] = '\0';
	for (i = 0; i < processes; i++)
		made_process(made, (int)i + 1, 1, name, 0);
	for (i = 0; i < 2 * SPY_HISTORY_POINTS; i++) {
		double size = (double)random_below(&state, 1u << 30) * 4096;

		made_point(made, i % processes, i * 1.3, size, stacks[i % SPY_HISTORY_STACKS]);
		made_more(made, size * random_below(&state, 9) / 9,
			  size * random_below(&state, 9) / 9, size * random_below(&state, 9),
			  (uint64_t)i << 20, (uint64_t)i << 20);
	}
}

/* Three lines take turns in a climb; then a child begins with all of it, and one line grows in it. */
static void make_shared(struct made_memory *made)
{
	static const char *const names[] = { "index", "read", "parse", "fork", "fill" };
	uint32_t parent = made_process(made, 70, 0, "python flask_app.py", 0), child = 0, i;
	uint32_t stacks[5];

	for (i = 0; i < 5; i++)
		stacks[i] = made_stack(made, names[i], "flask_app.py", 7 + (int)i, "main",
				       "flask_app.py", 30);
	for (i = 0; i <= 400; i++) {
		uint32_t turns = i < 50 ? 0 : i < 170 ? i - 50 : 120;
		double more = i > 300 ? (i < 350 ? i - 300 : 50) * .4 : 0;

		made_point(made, parent, i * .1, (10 + turns / 4.) * MB,
			   stacks[i > 50 && i <= 170 ? (turns + 2) % 3 : 3]);
		if (i == 240)
			child = made_process(made, 71, 70, "python flask_app.py", 24);
		if (i >= 240)
			made_point(made, child, i * .1, (39 + more) * MB, stacks[more > 0 ? 4 : 3]);
	}
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	struct pyspyc_error err = { 0 };
	struct made_memory made;
	const char *kind = argc > 2 ? argv[1] : "";
	int ret;

	made_begin(&made);
	if (strcmp(kind, "service") == 0) {
		make_service(&made, count ? count : 3000);
	} else if (strcmp(kind, "children") == 0) {
		make_children(&made, count ? count : 7);
	} else if (strcmp(kind, "long") == 0) {
		make_long(&made, count ? count : 2);
	} else if (strcmp(kind, "rare") == 0) {
		make_rare(&made);
	} else if (strcmp(kind, "shared") == 0) {
		make_shared(&made);
	} else if (strcmp(kind, "hostile") == 0) {
		make_hostile(&made);
	} else if (strcmp(kind, "worst") == 0) {
		make_worst(&made, count ? count : 1);
	} else if (strcmp(kind, "one") == 0) {
		made_point(&made, made_process(&made, 1, 0, "python", 0), 0, 20.25 * MB, SPY_NO_STACK);
	} else if (strcmp(kind, "empty") != 0) {
		fprintf(stderr,
			"usage: make_memory service|children|long|rare|shared|hostile|worst|one|"
			"empty FORMAT [COUNT]\n");
		return 2;
	}
	ret = made_write(&made, argv[2], stdout, &err);
	if (ret)
		fprintf(stderr, "make_memory: %s\n", err.message);
	made_free(&made);
	return ret ? 1 : 0;
}
