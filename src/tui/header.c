/* The header: whom this is about, how sampling goes, and the gauges. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tui/app.h"

#define FIGURE 32
#define GAP 2
#define SPARK_MAX 240
/* What sparklines look back on. */
#define SPARK_SECONDS 120.0

/* A line that is filled from the left. */
struct line {
	int y, x, end;
};

/* A label and its value, left out where they do not fit any more. */
static bool put(struct line *line, const char *label, enum tui_role role, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static bool put(struct line *line, const char *label, enum tui_role role, const char *format, ...)
{
	char value[512];
	int width = *label ? tui_columns(label) + 1 : 0;
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	width += tui_columns(value);
	if (line->x + width > line->end)
		return false;
	if (*label)
		line->x += tui_put(line->y, line->x, width, TUI_TITLE, false, label) + 1;
	line->x += tui_put(line->y, line->x, line->end - line->x, role, false, value) + GAP;
	return true;
}

/* The same at the right end, which moves to the left of it. */
static void put_right(struct line *line, enum tui_role role, const char *text)
{
	int width = tui_columns(text);

	if (!*text || line->x + width > line->end)
		return;
	line->end -= width;
	tui_put(line->y, line->end, width, role, false, text);
	line->end -= GAP;
}

static const char *state_of(const struct tui_app *app, char *text, size_t size)
{
	const struct tui_internal *internal = app->internal;

	if (app->finished && internal->child_ended)
		snprintf(text, size, "ended, exit status %d", internal->child_status);
	else
		snprintf(text, size, "%s", app->finished ? "ended" : app->paused ? "paused" : "");
	return text;
}

/* The first one that is Python, not the shell that started it. */
static const struct pyspyc_live_process *first_process(const struct pyspyc_live *live)
{
	for (size_t i = 0; i < live->process_count; i++)
		if (live->processes[i].version[0])
			return &live->processes[i];
	return live->process_count ? live->processes : NULL;
}

/* Which process, and what it is. */
static void draw_target(struct tui_app *app, struct line line, bool brief)
{
	const struct pyspyc_live *live = app->live;
	const struct pyspyc_live_process *first = first_process(live);
	char text[1024];
	char figure[FIGURE];
	int64_t up = first && first->started_at ? (int64_t)time(NULL) - first->started_at : 0;

	put_right(&line, app->finished ? TUI_BAD : TUI_WARM, state_of(app, text, sizeof(text)));
	if (!brief && up > 0 && !app->finished) {
		snprintf(text, sizeof(text), "up %s",
			 tui_seconds((double)up, figure, sizeof(figure)));
		put_right(&line, TUI_TEXT, text);
	}
	if (first && first->version[0] && line.end - line.x > 36) {
		snprintf(text, sizeof(text), "Python %s", first->version);
		put_right(&line, TUI_TEXT, text);
	}
	if (live->process_count > 1) {
		snprintf(text, sizeof(text), "and %zu more", live->process_count - 1);
		put_right(&line, TUI_TEXT, text);
	}
	if (first && put(&line, "", TUI_STRONG, "%d", (int)first->pid))
		line.x -= GAP - 1;
	tui_put(line.y, line.x, line.end - line.x, TUI_TEXT, false,
		first && first->command[0] ? first->command : app->options->title);
}

/* As many decimals as a rate deserves. */
static const char *format_rate(double rate, char *text, size_t size)
{
	snprintf(text, size, "%.*f", rate >= 20 ? 0 : rate >= 2 ? 1 : 2, rate);
	return text;
}

/* What is reached, and of what where that is less. */
static void draw_rate(const struct tui_app *app, struct line *line)
{
	/* A window in which it was changed tells nothing about either. */
	bool known = app->live->rate > 0 &&
		     app->internal->refreshes > app->internal->rate_refreshes + 1;
	double rate = known ? app->live->rate : app->rate;
	char text[FIGURE];

	format_rate(rate, text, sizeof(text));
	if (rate >= app->rate * 0.95)
		put(line, "Rate", TUI_TEXT, "%s/s", text);
	else
		put(line, "Rate", TUI_WARM, "%s/s of %.10g", text, app->rate);
}

static void draw_sampling(struct tui_app *app, struct line line)
{
	const struct pyspyc_recorder_stats *stats = pyspyc_recorder_stats(app->recorder);
	const struct pyspyc_live *live = app->live;

	put(&line, "Samples", TUI_TEXT, "%" PRIu64, stats->samples);
	draw_rate(app, &line);
	put(&line, "Errors", live->errors ? TUI_BAD : TUI_TEXT, "%" PRIu64, live->errors);
	put(&line, "Missed", live->missed ? TUI_WARM : TUI_TEXT, "%" PRIu64, live->missed);
	put(&line, "Lag", live->late_ns > 10000000 ? TUI_WARM : TUI_TEXT, "%.1fms",
	    (double)live->late_ns / 1e6);
}

/*
 * One value for each of so many columns, from points that need not be evenly spaced; returns how
 * many there are, of which the last is now.
 */
static size_t resample(const struct pyspyc_live *live, double delay,
		       double (*value)(const struct pyspyc_live_point *), double *values,
		       size_t width)
{
	double end = (double)live->at_ns / 1e9;
	double step = delay;
	size_t used = 0;
	size_t i = live->point_count;

	/* Columns begin at multiples of the step, so that their values stay as they are. */
	while (step * (double)width < (end < SPARK_SECONDS ? end : SPARK_SECONDS))
		step *= 2;
	end = ceil(end / step) * step;
	while (used < width && i > 0) {
		double from = end - step * (double)(used + 1);
		double sum = 0;
		size_t count = 0;

		for (; i > 0 && (double)live->points[i - 1].at_ns / 1e9 > from; i--, count++)
			sum += value(&live->points[i - 1]);
		/* Where nothing was looked at, it was as later. */
		values[width - 1 - used] = count  ? sum / (double)count
					   : used ? values[width - used]
						  : 0;
		used++;
	}
	memmove(values, values + width - used, used * sizeof(*values));
	return used;
}

static double cpu_of(const struct pyspyc_live_point *point)
{
	return point->cpu;
}

static double rss_of(const struct pyspyc_live_point *point)
{
	return (double)point->rss;
}

/* What the bars show. With floats its least value is near the bottom: else growth could not be seen. */
static void sparkline(struct line *line, const struct tui_app *app,
		      double (*value)(const struct pyspyc_live_point *), int width, bool floats,
		      enum tui_role role)
{
	double values[SPARK_MAX];
	double least = 0;
	double most = floats ? 0 : 1;
	size_t count;

	if (width <= 0 || width > SPARK_MAX || line->x + width > line->end)
		return;
	count = resample(app->live, app->delay, value, values, (size_t)width);
	for (size_t i = 0; i < count; i++) {
		least = !i || values[i] < least ? values[i] : least;
		most = values[i] > most ? values[i] : most;
	}
	if (floats) {
		/* A tenth of it is the least that fills the height: noise stays flat, and low. */
		double range = most - least > most / 10 ? most - least : most / 10;

		for (size_t i = 0; i < count; i++)
			values[i] -= least - range * 0.15;
		most = range * 1.15;
	}
	tui_sparkline(line->y, line->x, width, role, values, count, most > 0 ? most : 1);
	line->x += width + GAP;
}

static int spark_width(const struct line *line)
{
	int width = line->end - line->x;

	return width >= 140 ? 40 : width >= 115 ? 24 : width >= 100 ? 12 : width >= 78 ? 8 : 0;
}

static size_t sampled_processes(const struct pyspyc_live *live)
{
	size_t count = 0;

	for (size_t i = 0; i < live->process_count; i++)
		count += live->processes[i].sampling;
	return count;
}

static void draw_gauges(struct tui_app *app, struct line line)
{
	const struct pyspyc_live *live = app->live;
	int width = spark_width(&line);
	size_t processes = sampled_processes(live);
	char figure[FIGURE];

	put(&line, "CPU", tui_heat(live->cpu), "%s",
	    tui_percent(live->cpu, figure, sizeof(figure)));
	sparkline(&line, app, cpu_of, width, false, TUI_PLOT);
	put(&line, "GIL", tui_heat(live->gil), "%s",
	    tui_percent(live->gil, figure, sizeof(figure)));
	put(&line, "GC", tui_heat(live->gc), "%s", tui_percent(live->gc, figure, sizeof(figure)));
	if (app->finished) /* none of them is there any more */
		return;
	if (!put(&line, "Threads", TUI_TEXT, "%zu active, %zu idle, %zu waiting for the GIL",
		 live->active, live->idle, live->gil_wait) &&
	    !put(&line, "Threads", TUI_TEXT, "%zu active %zu idle %zu waiting", live->active,
		 live->idle, live->gil_wait))
		put(&line, "Threads", TUI_TEXT, "%zu/%zu/%zu", live->active, live->idle,
		    live->gil_wait);
	if (processes != 1)
		put(&line, "Processes", TUI_TEXT, "%zu", processes);
}

static void draw_memory(struct tui_app *app, struct line line, bool brief)
{
	const struct pyspyc_live *live = app->live;
	const struct pyspyc_live_point *last = live->point_count
						       ? &live->points[live->point_count - 1]
						       : NULL;
	double growth = round(live->rss_per_minute); /* there is no -0B */
	int width = brief ? 0 : spark_width(&line);
	char figure[FIGURE];

	put(&line, "RSS", TUI_TEXT, "%*s", brief ? 0 : 6,
	    tui_bytes(last ? (double)last->rss : 0, figure, sizeof(figure)));
	sparkline(&line, app, rss_of, width, true, TUI_PLOT_2);
	/* A mebibyte a minute is 1.4 GiB a day. */
	if (growth != 0 || live->at_ns >= TUI_STEADY_NS)
		put(&line, "", growth > 1048576 ? TUI_WARM : TUI_TEXT, "%s%s/min",
		    growth < 0 ? "" : "+", tui_bytes(growth, figure, sizeof(figure)));
	if (last && last->uss)
		put(&line, "USS", TUI_TEXT, "%s",
		    tui_bytes((double)last->uss, figure, sizeof(figure)));
	if (last && last->swap)
		put(&line, "Swap", TUI_WARM, "%s",
		    tui_bytes((double)last->swap, figure, sizeof(figure)));
}

/* All figures in a line of a small screen. */
static void draw_brief(struct tui_app *app, struct line line)
{
	const struct pyspyc_live *live = app->live;
	const struct pyspyc_live_point *last = live->point_count
						       ? &live->points[live->point_count - 1]
						       : NULL;
	char figure[FIGURE];

	put(&line, "CPU", tui_heat(live->cpu), "%.0f%%", live->cpu * 100);
	put(&line, "GIL", tui_heat(live->gil), "%.0f%%", live->gil * 100);
	put(&line, "RSS", TUI_TEXT, "%s",
	    tui_bytes(last ? (double)last->rss : 0, figure, sizeof(figure)));
	if (!app->finished)
		put(&line, "Thr", TUI_TEXT, "%zu/%zu/%zu", live->active, live->idle,
		    live->gil_wait);
	put(&line, "GC", tui_heat(live->gc), "%.0f%%", live->gc * 100);
	put(&line, "", TUI_TEXT, "%s/s", format_rate(live->rate, figure, sizeof(figure)));
}

int tui_header_draw(struct tui_app *app, struct tui_area screen)
{
	struct line line = { screen.y, screen.x, screen.x + screen.width };
	bool full = screen.height >= 18;

	if (screen.height < 6)
		return 0;
	draw_target(app, line, screen.width < 70);
	if (screen.height < 8)
		return 1;
	line.y++;
	if (screen.height < 14 || screen.width < 60) {
		draw_brief(app, line);
		return 2;
	}
	if (full) {
		draw_sampling(app, line);
		line.y++;
	}
	draw_gauges(app, line);
	line.y++;
	draw_memory(app, line, false);
	return line.y + 1 - screen.y;
}
