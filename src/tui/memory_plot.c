#include "tui/memory_plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/plot_scale.h"
#include "tui/view.h"

#define LABEL_WIDTH 7
/* A plot with fewer rows than this says less than a sparkline. */
#define LEAST_PLOT 3
/* Of the limit: from here on it is in danger. */
#define LIMIT_HOT 0.9
/* Of fewer seconds the labels below the plot tell tenths. */
#define FEW_SECONDS 10
/* Columns between two labels below the plot. */
#define TIME_EVERY 24

static const struct series {
	const char *name;
	enum tui_role role;
	char sign; /* as tui_plot draws it where there is no UTF-8 */
} all_series[TUI_MEMORY_SERIES] = {
	{ "RSS", TUI_PLOT, '*' },
	{ "PSS", TUI_PLOT_2, '+' },
	{ "USS", TUI_PLOT_3, 'o' },
	{ "swap", TUI_BAD, 'x' },
};

enum { RSS, PSS, USS, SWAP };

void tui_memory_plot_free(struct tui_memory_plot *plot)
{
	free(plot->times);
	for (int i = 0; i < TUI_MEMORY_SERIES; i++)
		free(plot->values[i]);
}

static bool grow(double **array, size_t room)
{
	double *larger = realloc(*array, room * sizeof(*larger));

	if (larger)
		*array = larger;
	return larger != NULL;
}

static bool reserve(struct tui_memory_plot *plot, size_t count)
{
	if (count <= plot->room)
		return true;
	if (count > SIZE_MAX / 2 / sizeof(double) || !grow(&plot->times, count))
		return false;
	for (int i = 0; i < TUI_MEMORY_SERIES; i++)
		if (!grow(&plot->values[i], count))
			return false;
	plot->room = count;
	return true;
}

static void take(struct tui_memory_plot *plot, int series, size_t i, uint64_t bytes, bool known)
{
	double value = known ? (double)bytes : NAN;

	plot->values[series][i] = value;
	if (!known || (series == SWAP && !plot->swapped))
		return;
	if (value < plot->least)
		plot->least = value;
	if (value > plot->most)
		plot->most = value;
}

/* Where the limit is in sight. */
static void take_limit(struct tui_memory_plot *plot, const struct tui_memory_now *now)
{
	double limit = now->known ? (double)now->memory.limit : 0;

	plot->limit = limit <= plot->most * TUI_MEMORY_NEAR ? limit : 0;
	if (plot->limit > plot->most)
		plot->most = plot->limit;
}

void tui_memory_plot_update(struct tui_memory_plot *plot, const struct pyspyc_live *live,
			    const struct tui_memory_now *now)
{
	plot->count = 0;
	plot->least = INFINITY;
	plot->most = 0;
	plot->swapped = false;
	plot->limit = 0;
	if (!live->point_count || !reserve(plot, live->point_count))
		return;
	for (size_t i = 0; i < live->point_count; i++)
		plot->swapped = plot->swapped || live->points[i].swap;
	plot->count = live->point_count;
	for (size_t i = 0; i < plot->count; i++) {
		const struct pyspyc_live_point *point = &live->points[i];
		uint64_t last = live->points[plot->count - 1].at_ns;

		plot->times[i] = -((double)(last - point->at_ns) / 1e9);
		take(plot, RSS, i, point->rss, point->rss != 0);
		take(plot, PSS, i, point->pss, point->pss != 0);
		take(plot, USS, i, point->uss, point->uss != 0);
		take(plot, SWAP, i, point->swap, true);
	}
	take_limit(plot, now);
}

/* --- figures --- */

/* Puts text behind what there is in a row, and returns where the next goes; *x is past the end
 * when it did not fit. */
static void put_next(struct tui_area area, int *x, enum tui_role role, const char *text)
{
	int columns = tui_columns(text);

	if (*x + columns > area.x + area.width) {
		*x = area.x + area.width + 1;
		return;
	}
	tui_put(area.y, *x, columns, role, false, text);
	*x += columns;
}

static double last_value(const struct tui_memory_plot *plot, int series)
{
	return plot->count ? plot->values[series][plot->count - 1] : NAN;
}

/* "━ RSS 12.3M  ━ PSS 10.0M …": what is drawn how, and how much it is now. */
static void draw_legend(const struct tui_memory_plot *plot, struct tui_area area)
{
	char sign[8], text[64], bytes[32];
	int x = area.x, series = plot->swapped ? TUI_MEMORY_SERIES : TUI_MEMORY_SERIES - 1;

	tui_put(area.y, area.x, area.width, TUI_TEXT, true, "");
	for (int i = 0; i < series; i++) {
		double value = last_value(plot, i);

		if (isnan(value))
			continue;
		if (tui_screen_utf8())
			snprintf(sign, sizeof(sign), "━ ");
		else
			snprintf(sign, sizeof(sign), "%c ", all_series[i].sign);
		snprintf(text, sizeof(text), "%s %s", all_series[i].name,
			 tui_bytes(value, bytes, sizeof(bytes)));
		if (x + tui_columns(sign) + tui_columns(text) > area.x + area.width)
			return;
		put_next(area, &x, all_series[i].role, sign);
		put_next(area, &x, TUI_TEXT, text);
		x += 2;
	}
}

/* The kernel's own peak where there is one process; sums have none but what was seen. */
static double peak(const struct tui_memory_plot *plot, const struct pyspyc_live *live)
{
	double ret = 0;

	for (size_t i = 0; i < plot->count; i++)
		if (plot->values[RSS][i] > ret)
			ret = plot->values[RSS][i];
	if (live->process_count == 1 && (double)live->processes[0].peak_rss > ret)
		ret = (double)live->processes[0].peak_rss;
	return ret;
}

/* The limit and how much of it is used; page faults. */
static void draw_now(const struct tui_memory_now *now, struct tui_area area, int *x)
{
	double limit = (double)now->memory.limit, used = (double)now->memory.rss;
	char bytes[32], text[64];

	if (!now->known)
		return;
	if (limit > 0) {
		snprintf(text, sizeof(text), "  limit %s", tui_bytes(limit, bytes, sizeof(bytes)));
		if (used > 0)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%.0f%%)",
				 used / limit * 100);
		put_next(area, x, used > limit * LIMIT_HOT ? TUI_BAD : TUI_TEXT, text);
	}
	snprintf(text, sizeof(text), "  %.0f faults/s", now->faults);
	put_next(area, x, TUI_TEXT, text);
	if (now->major > 0) {
		snprintf(text, sizeof(text), ", %.0f major", ceil(now->major));
		put_next(area, x, TUI_WARM, text);
	}
}

static void draw_trend(const struct tui_memory_plot *plot, const struct pyspyc_live *live,
		       const struct tui_memory_now *now, struct tui_area area)
{
	double slope = round(live->rss_per_minute);
	char bytes[32], text[64];
	int x = area.x;

	tui_put(area.y, area.x, area.width, TUI_TEXT, true, "");
	snprintf(text, sizeof(text), "peak RSS %s",
		 tui_bytes(peak(plot, live), bytes, sizeof(bytes)));
	put_next(area, &x, TUI_TEXT, text);
	if (slope != 0 || live->at_ns >= TUI_STEADY_NS) {
		snprintf(text, sizeof(text), "  %s%s a minute", slope > 0 ? "+" : "",
			 tui_bytes(slope, bytes, sizeof(bytes)));
		put_next(area, &x, slope > 0 ? TUI_WARM : TUI_TEXT, text);
	}
	draw_now(now, area, &x);
	if (live->process_count < 2)
		return;
	for (size_t i = 0; i < live->process_count && x < area.x + area.width; i++) {
		const struct pyspyc_live_process *process = &live->processes[i];

		if (process->ended)
			continue;
		snprintf(text, sizeof(text), "  %d: %s", (int)process->pid,
			 tui_bytes((double)process->rss, bytes, sizeof(bytes)));
		put_next(area, &x, TUI_DIM, text);
	}
}

/* --- the plot --- */

static void draw_bytes_axis(const struct tui_scale *scale, struct tui_area area)
{
	const char *line = tui_screen_utf8() ? "│" : "|", *mark = tui_screen_utf8() ? "┤" : "+";
	int steps = (int)((scale->top - scale->base) / scale->step + 0.001);
	char bytes[32];

	for (int row = 0; row < area.height; row++) {
		tui_put(area.y + row, area.x, LABEL_WIDTH, TUI_DIM, true, "");
		tui_put(area.y + row, area.x + LABEL_WIDTH, 1, TUI_DIM, false, line);
	}
	for (int i = 0; i <= steps; i++) {
		double at = scale->base + i * scale->step;
		int y = area.y + tui_scale_row(scale, at, area.height);

		tui_scale_label(scale, at, bytes, sizeof(bytes));
		tui_putf(y, area.x, LABEL_WIDTH, TUI_DIM, true, "%*s", LABEL_WIDTH - 1, bytes);
		tui_put(y, area.x + LABEL_WIDTH, 1, TUI_DIM, false, mark);
	}
}

/* Seconds before now, at the left end and on the way to the right one. */
static void draw_time_axis(double span, struct tui_area area)
{
	const char *line = tui_screen_utf8() ? "─" : "-", *corner = tui_screen_utf8() ? "╰" : "+";
	int labels = area.width / TIME_EVERY;
	char text[40], seconds[32];

	tui_put(area.y, area.x, LABEL_WIDTH, TUI_DIM, true, "");
	tui_put(area.y, area.x + LABEL_WIDTH, 1, TUI_DIM, false, corner);
	area.x += LABEL_WIDTH + 1;
	area.width -= LABEL_WIDTH + 1;
	for (int i = 0; i < area.width; i++)
		tui_put(area.y, area.x + i, 1, TUI_DIM, false, line);
	for (int i = 0; i < labels && span > 0; i++) {
		double part = (double)i / labels;

		double ago = span * (1 - part);

		if (ago < 60)
			snprintf(seconds, sizeof(seconds), "%.*fs", span < FEW_SECONDS, ago);
		else
			tui_seconds(ago, seconds, sizeof(seconds));
		snprintf(text, sizeof(text), "-%s ", seconds);
		tui_put(area.y, area.x + (int)(part * area.width), TIME_EVERY / 2, TUI_DIM, false,
			text);
	}
	tui_put(area.y, area.x + area.width - 4, 4, TUI_DIM, false, " now");
}

/* A point of a series; behind the last one comes the limit. */
static double shown(const struct tui_memory_plot *plot, size_t series, size_t at)
{
	if (series == TUI_MEMORY_SERIES)
		return plot->limit;
	return series == SWAP && !plot->swapped ? NAN : plot->values[series][at];
}

static void draw_plot(const struct tui_memory_plot *plot, struct tui_area area)
{
	struct tui_scale scale = tui_scale_bytes(plot->least, plot->most, area.height - 1,
						 plot->from_zero);
	const double *values[TUI_MEMORY_SERIES + 1];
	enum tui_role roles[TUI_MEMORY_SERIES + 1];
	double *shifted = calloc(plot->count * (TUI_MEMORY_SERIES + 1), sizeof(*shifted));
	size_t series = plot->limit > 0 ? TUI_MEMORY_SERIES + 1
			: plot->swapped ? TUI_MEMORY_SERIES
					: TUI_MEMORY_SERIES - 1;
	struct tui_area inner = { area.y, area.x + LABEL_WIDTH + 1, area.height - 1,
				  area.width - LABEL_WIDTH - 1 };

	if (!shifted)
		return;
	for (size_t i = 0; i < series; i++) {
		double *target = shifted + i * plot->count;

		for (size_t at = 0; at < plot->count; at++)
			target[at] = shown(plot, i, at) - scale.base;
		values[i] = target;
		roles[i] = i < TUI_MEMORY_SERIES ? all_series[i].role : TUI_BAD;
	}
	tui_plot(inner, plot->times, plot->count, values, roles, series, scale.top - scale.base);
	free(shifted);
	draw_bytes_axis(&scale, (struct tui_area){ area.y, area.x, inner.height, area.width });
	draw_time_axis(-plot->times[0],
		       (struct tui_area){ area.y + inner.height, area.x, 1, area.width });
}

int tui_memory_plot_draw(const struct tui_memory_plot *plot, const struct pyspyc_live *live,
			 const struct tui_memory_now *now, struct tui_area area)
{
	struct tui_area rest = area;

	if (area.height > 0) {
		draw_legend(plot, rest);
		rest.y++;
		rest.height--;
	}
	if (rest.height > 0) {
		draw_trend(plot, live, now, rest);
		rest.y++;
		rest.height--;
	}
	if (now->known && rest.height > LEAST_PLOT + 1) {
		tui_memory_now_draw(now, rest);
		rest.y++;
		rest.height--;
	}
	if (plot->count < 2 || rest.height < 1 || area.width < 2 * LABEL_WIDTH)
		return rest.y - area.y;
	if (rest.height <= LEAST_PLOT) {
		tui_sparkline(rest.y, rest.x, rest.width, TUI_PLOT, plot->values[RSS], plot->count,
			      plot->most);
		return rest.y + 1 - area.y;
	}
	draw_plot(plot, rest);
	return area.height;
}
