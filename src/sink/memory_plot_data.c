/* A plot's points as JSON for its script: columns of small numbers, differences mostly. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "sink/escape.h"
#include "sink/memory_plot_tables.h"
#include "sink/page.h"

#define POINT_BYTES 1600000  /* of all columns; with more, points are thinned */
#define COMMAND_BYTES 300000 /* of the names of processes */
#define TIMES 10000000	     /* that the time axis tells apart */
#define UNIT 1024	     /* bytes, of sizes */

/* The columns of points. */
enum column {
	PROCESS,
	TIME, /* since the point before, in ticks */
	RSS,  /* from here on: more than at the process' point before */
	PSS,
	USS,
	SWAP,
	MINOR,
	MAJOR,
	STACK, /* its number */
	COLUMNS,
};

static const char *const column_names[COLUMNS] = { "process", "t",     "rss",	"pss",	"uss",
						   "swap",    "minor", "major", "stack" };

struct points {
	const struct spy_plot *plot;
	struct spy_plot_tables *tables;
	uint64_t tick_ns;
	struct spy_buffer columns[COLUMNS];
	bool used[COLUMNS];	    /* other than zero throughout */
	int64_t (*latest)[COLUMNS]; /* of each process */
	uint32_t *pending; /* the largest of the points that are to become one, + 1; per process */
	uint32_t *pending_count;
	int64_t time;
	uint32_t count;
};

static void points_free(struct points *points)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		spy_buffer_free(&points->columns[i]);
	free(points->latest);
	free(points->pending);
	free(points->pending_count);
}

static int64_t units(uint64_t size)
{
	return (int64_t)((size < SPY_PLOT_LARGEST ? size : SPY_PLOT_LARGEST) / UNIT);
}

static int64_t faults(uint64_t count)
{
	return (int64_t)(count < SPY_PLOT_LARGEST ? count : SPY_PLOT_LARGEST);
}

static void put_point(struct points *points, const struct spy_history_point *point)
{
	int64_t values[COLUMNS] = {
		[PROCESS] = point->process,
		[TIME] = (int64_t)(point->at_ns / points->tick_ns),
		[RSS] = units(point->rss),
		[PSS] = units(point->pss),
		[USS] = units(point->uss),
		[SWAP] = units(point->swap),
		[MINOR] = faults(point->minor),
		[MAJOR] = faults(point->major),
		[STACK] = spy_plot_stack_number(points->tables, point->stack),
	};
	int64_t *latest = points->latest[point->process];
	int i;

	for (i = 0; i < COLUMNS; i++) {
		int64_t value = values[i];

		if (i == TIME)
			value -= points->time;
		else if (i >= RSS && i <= MAJOR)
			value -= latest[i];
		latest[i] = values[i];
		points->used[i] |= value != 0;
		spy_buffer_printf(&points->columns[i], "%s%" PRId64, points->count ? "," : "",
				  value);
	}
	points->time = values[TIME];
	points->count++;
}

/* Of each `of` points of a process the largest is put, at its place in time; and the last one. */
static void put_points(struct points *points, uint32_t of)
{
	const struct spy_history *history = points->plot->history;
	uint32_t i;

	for (i = 0; i < history->point_count; i++) {
		const struct spy_history_point *point = &history->points[i], *largest;
		uint32_t process = point->process;

		if (process >= history->process_count ||
		    point->at_ns < (uint64_t)points->time * points->tick_ns)
			continue;
		largest = points->pending[process] ? &history->points[points->pending[process] - 1]
						   : point;
		if (point->rss >= largest->rss)
			points->pending[process] = i + 1;
		if (++points->pending_count[process] < of &&
		    i != history->processes[process].latest)
			continue;
		/* Points stay in the order of time: a larger one from before stands here. */
		largest = &history->points[points->pending[process] - 1];
		if (largest->at_ns / points->tick_ns >= (uint64_t)points->time) {
			put_point(points, largest);
		} else {
			struct spy_history_point moved = *largest;

			moved.at_ns = (uint64_t)points->time * points->tick_ns;
			put_point(points, &moved);
		}
		points->pending[process] = points->pending_count[process] = 0;
	}
}

static bool make_points(struct points *points)
{
	size_t count = (size_t)points->plot->history->process_count + 1, size;
	uint32_t of;
	int i;

	for (of = 1;; of *= 2) {
		free(points->latest);
		free(points->pending);
		free(points->pending_count);
		points->latest = calloc(count, sizeof(*points->latest));
		points->pending = calloc(count, sizeof(*points->pending));
		points->pending_count = calloc(count, sizeof(*points->pending_count));
		if (!points->latest || !points->pending || !points->pending_count)
			return false;
		points->count = 0;
		points->time = 0;
		for (i = 0; i < COLUMNS; i++) {
			spy_buffer_clear(&points->columns[i]);
			points->used[i] = i == TIME || i == RSS || i == STACK;
		}
		put_points(points, of);
		for (i = 0, size = 0; i < COLUMNS; i++)
			size += points->used[i] ? points->columns[i].size : 0;
		if (size <= POINT_BYTES || of > SPY_HISTORY_POINTS)
			return true;
	}
}

static void put_columns(struct spy_buffer *buffer, const struct points *points)
{
	int i;

	spy_buffer_printf(buffer, ",\n\"count\":%" PRIu32 ",\"tick\":%" PRIu64 ",\"unit\":%d",
			  points->count, points->tick_ns, UNIT);
	for (i = 0; i < COLUMNS; i++) {
		if (points->used[i])
			spy_buffer_printf(buffer, ",\n\"%s\":[%s]", column_names[i],
					  spy_buffer_text(&points->columns[i]));
		if (points->columns[i].failed)
			buffer->failed = true;
	}
}

/* [pid, parent, command, version, ended, since, until, first, peak, layer] of each process. */
static void put_processes(struct spy_buffer *buffer, const struct spy_plot *plot, uint64_t tick_ns)
{
	const struct spy_history *history = plot->history;
	size_t start = buffer->size;
	uint32_t i;

	spy_buffer_puts(buffer, ",\n\"processes\":[");
	for (i = 0; i < history->process_count; i++) {
		const struct spy_history_process *process = &history->processes[i];
		bool room = buffer->size - start < COMMAND_BYTES;
		spy_autobuffer struct spy_buffer command = { 0 }, version = { 0 };

		if (room) {
			spy_escape_visible(&command, process->command ? process->command : "", 160);
			spy_escape_visible(&version, process->version ? process->version : "", 24);
		}
		spy_buffer_printf(buffer, "%s[%d,%d,", i ? "," : "", (int)process->pid,
				  (int)process->parent);
		spy_escape_json(buffer, spy_buffer_text(&command));
		spy_buffer_putc(buffer, ',');
		spy_escape_json(buffer, spy_buffer_text(&version));
		spy_buffer_printf(buffer, ",%d,%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%u]",
				  process->ended, process->since_ns / tick_ns,
				  process->until_ns / tick_ns, units(process->first_rss),
				  units(process->peak_rss), (unsigned int)plot->layer_of[i]);
	}
	spy_buffer_puts(buffer, "]");
}

/* Peaks and climbs: their time in ticks, sizes in units. */
static void put_marks(struct spy_buffer *buffer, struct spy_plot_tables *tables, uint64_t tick_ns)
{
	const struct spy_plot *plot = tables->plot;
	uint32_t i;

	spy_buffer_puts(buffer, ",\n\"peaks\":[");
	for (i = 0; i < plot->peak_count; i++)
		spy_buffer_printf(buffer, "%s[%" PRIu64 ",%" PRId64 ",%ld]", i ? "," : "",
				  plot->peaks[i].at_ns / tick_ns, units(plot->peaks[i].rss),
				  spy_plot_stack_number(tables, plot->peaks[i].stack));
	spy_buffer_puts(buffer, "],\n\"climbs\":[");
	for (i = 0; i < plot->climb_count; i++) {
		const struct spy_history_climb *climb = &plot->climbs[i];

		spy_buffer_printf(buffer,
				  "%s[%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%ld,%" PRId64
				  ",%" PRId64 "]",
				  i ? "," : "", climb->from_ns / tick_ns, climb->to_ns / tick_ns,
				  units(climb->from_rss), units(climb->to_rss),
				  spy_plot_stack_number(tables, climb->stack),
				  units(climb->of_stack), units(climb->grown));
	}
	spy_buffer_puts(buffer, "],\n\"growers\":[");
	for (i = 0; i < plot->grower_count; i++)
		spy_buffer_printf(buffer, "%s[%ld,%" PRId64 ",%" PRId64 "]", i ? "," : "",
				  spy_plot_frame_number(tables, plot->growers[i].frame),
				  units(plot->growers[i].grown), units(plot->growers[i].released));
	spy_buffer_putc(buffer, ']');
}

static void put_head(struct spy_buffer *buffer, const struct spy_plot *plot, uint64_t tick_ns)
{
	const struct spy_history *history = plot->history;
	spy_autobuffer struct spy_buffer facts = { 0 };
	time_t start = (time_t)plot->profile->started_at;
	struct tm tm = { 0 };

	if (start)
		localtime_r(&start, &tm);
	spy_buffer_printf(buffer,
			  "{\"version\":1,\"span\":%" PRIu64 ",\"started\":%" PRId64
			  ",\"east\":%ld,\"limit\":%" PRId64 ",\"peak\":%" PRId64
			  ",\"peakAt\":%" PRIu64 ",\"layers\":%d",
			  plot->span_ns / tick_ns + 1, plot->profile->started_at, tm.tm_gmtoff,
			  units(history->limit), units(history->peak_rss),
			  history->peak_ns / tick_ns, SPY_PLOT_LAYERS);
	spy_page_member(buffer, "title", plot->profile->title, 2000);
	spy_page_member(buffer, "summary", plot->profile->summary, 2000);
	spy_page_member(buffer, "limitName", history->limit_name, 120);
	spy_plot_facts(plot, &facts);
	spy_page_member(buffer, "facts", spy_buffer_text(&facts), 500);
}

bool spy_plot_data(struct spy_buffer *buffer, const struct spy_plot *plot)
{
	struct spy_plot_tables tables;
	struct points points = { .plot = plot, .tables = &tables, .tick_ns = 1000 };

	while (plot->span_ns / points.tick_ns > TIMES)
		points.tick_ns *= 10;
	put_head(buffer, plot, points.tick_ns);
	put_processes(buffer, plot, points.tick_ns);
	if (spy_plot_tables_make(&tables, plot)) {
		/* What is labelled comes first: it must not go without a name. */
		put_marks(buffer, &tables, points.tick_ns);
		if (!make_points(&points))
			buffer->failed = true;
		put_columns(buffer, &points);
		spy_plot_put_tables(buffer, &tables);
	} else {
		buffer->failed = true;
	}
	spy_buffer_puts(buffer, "}\n");
	points_free(&points);
	spy_plot_tables_free(&tables);
	return !buffer->failed;
}
