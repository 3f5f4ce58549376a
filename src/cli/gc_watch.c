/* gc --watch: a line for each collection. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "cli/gc.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "cli/stand_in.h"
#include "cli/values.h"

#define SECOND_NS INT64_C(1000000000)
/* How often the state is looked at, and how often for new children. */
#define PERIOD_NS INT64_C(1000000)
#define CHILDREN_NS (INT64_C(1) * SECOND_NS)

struct watch {
	struct pyspyc_gc_watch **items;
	size_t count;
	struct cli_pids *pids;	     /* all that were tried */
	struct pyspyc_gc_watch *now; /* which one is looked at */
	bool json, several, subprocesses;
	struct cli_out out;
	int64_t wall_ns; /* what CLOCK_REALTIME is ahead of CLOCK_MONOTONIC */
	int status;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* The share of the time in which collections ran, in percent. */
static double paused(const struct pyspyc_gc_watch *watch)
{
	struct pyspyc_gc_watch_stats stats;

	pyspyc_gc_watch_stats(watch, &stats);
	return stats.elapsed_ns ? 100.0 * (double)stats.paused_ns / (double)stats.elapsed_ns : 0;
}

static void put_duration(FILE *file, const struct pyspyc_gc_collection *collection)
{
	double ms = (double)collection->duration_ns / 1e6;
	double error = (double)collection->error_ns / 1e6;
	char text[40];

	if (!collection->error_ns)
		snprintf(text, sizeof(text), "%.3f ms", ms);
	else if (error >= ms)
		snprintf(text, sizeof(text), "< %.1f ms", ms + error);
	else
		snprintf(text, sizeof(text), "%.1f ms +- %.1f", ms, error);
	fprintf(file, "%19s", text);
}

static void put_text(struct watch *watch, const struct pyspyc_gc_collection *collection,
		     int64_t wall_ns)
{
	FILE *file = watch->out.file;
	time_t seconds = (time_t)(wall_ns / SECOND_NS);
	struct tm local;
	char text[16] = "";

	if (localtime_r(&seconds, &local))
		strftime(text, sizeof(text), "%H:%M:%S", &local);
	fprintf(file, "%s.%03d", text, (int)(wall_ns % SECOND_NS / 1000000));
	cli_gc_put_number(file, 5, collection->generation);
	fprintf(file, "%7" PRIu64, collection->count);
	put_duration(file, collection);
	cli_gc_put_number(file, 11, collection->collected);
	cli_gc_put_number(file, 15, collection->uncollectable);
	fprintf(file, "%6.1f %%", paused(watch->now));
	if (watch->several)
		fprintf(file, "  process %d", (int)collection->pid);
	if (collection->interpreter)
		fprintf(file, "  interpreter %" PRId64, collection->interpreter);
	fputc('\n', file);
}

static void visit(void *context, const struct pyspyc_gc_collection *collection)
{
	struct watch *watch = context;
	int64_t wall_ns = (int64_t)collection->end_ns + watch->wall_ns;
	json_t *line;

	if (!watch->out.file)
		return;
	if (!watch->json) {
		put_text(watch, collection, wall_ns);
		return;
	}
	line = cli_gc_collection(collection, (double)wall_ns / 1e9, paused(watch->now) / 100);
	if (line)
		json_dumpf(line, watch->out.file, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', watch->out.file);
	json_decref(line);
}

static void summarise(const struct pyspyc_gc_watch *watch)
{
	struct pyspyc_gc_watch_stats stats;
	double seconds;

	pyspyc_gc_watch_stats(watch, &stats);
	seconds = (double)stats.elapsed_ns / 1e9;
	cli_note("process %d: %" PRIu64 " collection%s in %.2f s, %.2f %% of the time; %" PRIu64
		 " known from counters only; looked every %.2f ms, durations %s",
		 (int)pyspyc_gc_watch_pid(watch), stats.collections,
		 stats.collections == 1 ? "" : "s", seconds, paused(watch), stats.unseen,
		 stats.looks > 1 ? seconds * 1e3 / (double)(stats.looks - 1) : 0.0,
		 stats.exact ? "are the interpreter's own" : "as precise as that");
}

static bool append(struct watch *watch, struct pyspyc_gc_watch *item)
{
	struct pyspyc_gc_watch **grown =
		realloc(watch->items, (watch->count + 1) * sizeof(struct pyspyc_gc_watch *));

	if (!grown)
		return false;
	watch->items = grown;
	grown[watch->count++] = item;
	return true;
}

/* Whether it stands for a child that is watched as such. */
static bool is_double(const struct watch *watch, pid_t pid, const struct pyspyc_gc_watch *item)
{
	pid_t found = pyspyc_gc_watch_pid(item);

	return watch->subprocesses && found != pid && cli_pids_have(watch->pids, found);
}

/* Begins with those pids from `from` on; programs that are not Python may be among children. */
static void begin(struct watch *watch, size_t from, size_t asked)
{
	for (size_t i = from; i < watch->pids->count; i++) {
		struct pyspyc_gc_watch *item = NULL;
		struct pyspyc_error err = { 0 };
		int ret = pyspyc_gc_watch_new(watch->pids->items[i],
					      i < asked ? CLI_WAIT_SECONDS : 0, &item, &err);

		if (ret && (i < asked || !cli_passed_over(ret)))
			watch->status = cli_error("%s", err.message);
		if (!ret && is_double(watch, watch->pids->items[i], item)) {
			pyspyc_gc_watch_free(item);
			continue;
		}
		if (!ret)
			cli_stand_in_tell(watch->pids->items[i], pyspyc_gc_watch_pid(item),
					  "is watched", " (--subprocesses takes all)");
		if (!ret && !append(watch, item)) {
			pyspyc_gc_watch_free(item);
			watch->status = cli_error("out of memory");
		}
	}
}

static void poll_all(struct watch *watch)
{
	size_t kept = 0;

	for (size_t i = 0; i < watch->count; i++) {
		struct pyspyc_error err = { 0 };
		int ret;

		watch->now = watch->items[i];
		ret = pyspyc_gc_watch_poll(watch->now, visit, watch, &err);
		if (!ret) {
			watch->items[kept++] = watch->now;
			continue;
		}
		if (ret != -(int)PYSPYC_ENOPROC)
			watch->status = cli_error("%s", err.message);
		summarise(watch->now);
		pyspyc_gc_watch_free(watch->now);
	}
	watch->count = kept;
	cli_out_flush(&watch->out);
}

static void run(struct watch *watch, double seconds)
{
	int64_t next = clock_ns(CLOCK_MONOTONIC), children = next + CHILDREN_NS;
	int64_t end = seconds > 0 ? next + (int64_t)(seconds * 1e9) : INT64_MAX;

	while (watch->count && !watch->out.errnum) {
		/* Once more after the end, so that nothing before it is missed. */
		bool last = cli_signals_ended() || clock_ns(CLOCK_MONOTONIC) >= end;
		struct timespec until;
		int64_t now;

		poll_all(watch);
		if (last)
			break;
		now = clock_ns(CLOCK_MONOTONIC);
		if (watch->subprocesses && now >= children) {
			size_t known = watch->pids->count;

			cli_pids_add_descendants(watch->pids);
			begin(watch, known, 0);
			children = now + CHILDREN_NS;
		}
		next += PERIOD_NS;
		if (next < now)
			next = now + PERIOD_NS;
		until = (struct timespec){ next / SECOND_NS, next % SECOND_NS };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

int cli_gc_watch(const struct cli_arguments *arguments, struct cli_pids *pids)
{
	struct watch watch = {
		.pids = pids,
		.json = cli_has(arguments, "json"),
		.subprocesses = cli_has(arguments, "subprocesses"),
	};
	const char *text = cli_value(arguments, "duration");
	size_t asked = pids->count;
	double seconds = 0;
	const char *wrong = text ? cli_parse_duration(text, &seconds) : NULL;

	if (wrong)
		return cli_usage(arguments->command, "--duration '%s' %s", text, wrong);
	watch.several = asked > 1 || watch.subprocesses;
	if (watch.subprocesses)
		cli_pids_add_descendants(pids);
	watch.wall_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	cli_signals_catch();
	begin(&watch, 0, asked);
	cli_out_open(&watch.out);
	if (!watch.json && watch.out.file && watch.count)
		fputs("        time  gen  count           duration  collected"
		      "  uncollectable  paused\n",
		      watch.out.file);
	cli_out_flush(&watch.out);
	run(&watch, seconds);
	for (size_t i = 0; i < watch.count; i++) {
		summarise(watch.items[i]);
		pyspyc_gc_watch_free(watch.items[i]);
	}
	free(watch.items);
	return cli_out_close(&watch.out, watch.status);
}
