/* The chart in the picture of a plot of memory. */
#include <string.h>

#include "sink/escape.h"
#include "sink/memory_plot_picture.h"

#define TICK 52 /* least pixels between ticks of the size axis */

static void put_tick_text(const struct spy_plot_picture *picture, double x, double y,
			  const char *anchor, const char *text)
{
	spy_buffer_printf(picture->buffer,
			  "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y,
			  anchor);
	spy_escape_xml(picture->buffer, text);
	spy_buffer_puts(picture->buffer, "</text>\n");
}

static void put_size_axis(const struct spy_plot_picture *picture)
{
	const struct spy_plot_box *chart = &picture->chart;
	uint64_t top = (uint64_t)(chart->height / picture->scale_y), at;
	uint64_t step = spy_plot_size_step(top, (unsigned int)(chart->height / TICK));

	for (at = 0; at <= top; at += step) {
		spy_autobuffer struct spy_buffer text = { 0 };
		double y = spy_plot_y(picture, at);

		spy_plot_tick(&text, at, step);
		spy_buffer_printf(picture->buffer,
				  "<path class=\"grid%s\" d=\"M%.1f %.1fH%.1f\"/>\n",
				  at ? "" : " zero", chart->left, y, chart->left + chart->width);
		put_tick_text(picture, chart->left - 8, y + 4, "end", spy_buffer_text(&text));
	}
}

static void put_time_axis(const struct spy_plot_picture *picture)
{
	const struct spy_plot *plot = picture->plot;
	const struct spy_plot_box *chart = &picture->chart;
	double y = chart->top + chart->height + (plot->faults ? SPY_PLOT_BAND : 0);
	uint64_t step = spy_plot_time_step(plot->span_ns, 11), at;

	for (at = 0; at <= plot->span_ns; at += step) {
		spy_autobuffer struct spy_buffer text = { 0 }, clock = { 0 };
		double x = spy_plot_x(picture, at);
		const char *anchor = at ? "middle" : "start";

		if (x > chart->left + chart->width - 16)
			anchor = "end";
		spy_plot_time(&text, at, step);
		spy_plot_clock(&clock, plot->profile->started_at, at, step);
		spy_buffer_printf(picture->buffer, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n",
				  x, chart->top, y + 4);
		put_tick_text(picture, x, y + 18, anchor, spy_buffer_text(&text));
		if (step >= 1000000000u)
			put_tick_text(picture, x, y + 33, anchor, spy_buffer_text(&clock));
	}
}

/* What is stacked up to a layer, as a line. */
static void put_edge(const struct spy_plot_picture *picture, uint32_t layers)
{
	const struct spy_plot *plot = picture->plot;
	uint32_t i, j;

	for (i = 0; i < plot->moment_count; i++) {
		const struct spy_plot_moment *moment = &plot->moments[i];
		uint64_t sum = plot->others && layers == plot->layer_count
				       ? moment->layers[SPY_PLOT_LAYERS - 1]
				       : 0;

		for (j = 0; j < layers && plot->layer_process[j] != UINT32_MAX; j++)
			sum += moment->layers[j];
		spy_buffer_printf(picture->buffer, "%s%.1f %.1f", i ? "L" : "M",
				  spy_plot_x(picture, moment->at_ns), spy_plot_y(picture, sum));
	}
}

/* From the highest layer down, each drawn over what is above it. */
static void put_layers(const struct spy_plot_picture *picture)
{
	const struct spy_plot *plot = picture->plot;
	const struct spy_plot_moment *moments = plot->moments;
	double bottom = picture->chart.top + picture->chart.height;
	uint32_t i;

	for (i = plot->layer_count; i--;) {
		bool rest = plot->layer_process[i] == UINT32_MAX;

		spy_buffer_puts(picture->buffer, "<path class=\"");
		if (plot->layer_count > 1)
			spy_buffer_printf(picture->buffer, "layer p%d",
					  rest ? SPY_PLOT_LAYERS - 1 : (int)i);
		else
			spy_buffer_puts(picture->buffer, "area");
		spy_buffer_puts(picture->buffer, "\" d=\"");
		put_edge(picture, i + 1);
		spy_buffer_printf(picture->buffer, "V%.1fH%.1fZ\"/>\n", bottom,
				  spy_plot_x(picture, moments[0].at_ns));
	}
	spy_buffer_puts(picture->buffer, "<path class=\"line rss\" d=\"");
	put_edge(picture, plot->layer_count);
	spy_buffer_puts(picture->buffer, "\"/>\n");
}

/*
 * These are read now and then only, and stand until the next reading; PSS and USS can be no more
 * than RSS meanwhile. No line where they are not known of every process.
 */
static void put_readings(const struct spy_plot_picture *picture, int line)
{
	const struct spy_plot *plot = picture->plot;
	const struct spy_plot_moment *same =
		NULL; /* the last one of a level stretch, not put yet */
	uint64_t latest = 0;
	bool down = false;
	uint32_t i;

	for (i = 0; i <= plot->moment_count; i++) {
		const struct spy_plot_moment *moment = &plot->moments[i];
		bool shown = i < plot->moment_count && (line == SPY_PLOT_SWAP || moment->read);
		uint64_t size = shown ? moment->lines[line] : 0;

		if (line != SPY_PLOT_SWAP && shown && size > moment->rss)
			size = moment->rss;
		if (down && shown && size == latest) {
			same = moment;
			continue;
		}
		if (same)
			spy_buffer_printf(picture->buffer, "L%.1f %.1f",
					  spy_plot_x(picture, same->at_ns),
					  spy_plot_y(picture, latest));
		if (shown)
			spy_buffer_printf(picture->buffer, "%s%.1f %.1f", down ? "L" : "M",
					  spy_plot_x(picture, moment->at_ns),
					  spy_plot_y(picture, size));
		same = NULL;
		down = shown;
		latest = size;
	}
}

static void put_lines(const struct spy_plot_picture *picture)
{
	int i;

	for (i = 0; i < SPY_PLOT_LINES; i++) {
		if (!picture->plot->known[i])
			continue;
		spy_buffer_printf(picture->buffer, "<path class=\"line %s\" d=\"",
				  spy_plot_line_classes[i]);
		put_readings(picture, i);
		spy_buffer_puts(picture->buffer, "\"/>\n");
	}
}

static void put_limit(const struct spy_plot_picture *picture)
{
	const struct spy_history *history = picture->plot->history;
	const struct spy_plot_box *chart = &picture->chart;
	spy_autobuffer struct spy_buffer text = { 0 };
	double y = spy_plot_y(picture, history->limit);

	if (!spy_plot_shows_limit(picture->plot))
		return;
	spy_buffer_puts(&text, "limit ");
	spy_plot_size(&text, history->limit);
	if (history->limit_name && *history->limit_name && strcmp(history->limit_name, "/") != 0) {
		spy_buffer_puts(&text, " of ");
		spy_escape_visible(&text, history->limit_name, 60);
	}
	spy_buffer_printf(picture->buffer, "<path class=\"limit\" d=\"M%.1f %.1fH%.1f\"/>\n",
			  chart->left, y, chart->left + chart->width);
	spy_buffer_printf(picture->buffer, "<text class=\"limit-text\" x=\"%.1f\" y=\"%.1f\">",
			  chart->left + 8, y - 5);
	spy_escape_xml(picture->buffer, spy_buffer_text(&text));
	spy_buffer_puts(picture->buffer, "</text>\n");
}

static void put_bars(const struct spy_plot_picture *picture, const double *minor,
		     const double *major, double most, double bottom, const char *class)
{
	double width = picture->chart.width / SPY_PLOT_BUCKETS;
	int i;

	spy_buffer_printf(picture->buffer, "<path class=\"%s\" d=\"M%.1f %.1f", class,
			  picture->chart.left, bottom);
	for (i = 0; i < SPY_PLOT_BUCKETS; i++) {
		double count = major[i] + (minor ? minor[i] : 0);
		double height = count / most * (SPY_PLOT_BAND - 14);

		if (count > 0)
			spy_buffer_printf(picture->buffer, "M%.1f %.1fv%.1fh%.1fV%.1fz",
					  picture->chart.left + i * width, bottom,
					  height < 1 ? -1 : -height, width, bottom);
	}
	spy_buffer_puts(picture->buffer, "\"/>\n");
}

/* Page faults: a band of its own, all of them and over these the major ones. */
static void put_faults(const struct spy_plot_picture *picture)
{
	const struct spy_plot *plot = picture->plot;
	double bottom = picture->chart.top + picture->chart.height + SPY_PLOT_BAND, most = 0;
	double second = 1e9 * SPY_PLOT_BUCKETS / (double)plot->span_ns;
	int i;

	for (i = 0; i < SPY_PLOT_BUCKETS; i++)
		if (plot->minor[i] + plot->major[i] > most)
			most = plot->minor[i] + plot->major[i];
	if (!plot->faults || most <= 0)
		return;
	put_bars(picture, plot->minor, plot->major, most, bottom, "faults");
	put_bars(picture, NULL, plot->major, most, bottom, "major");
	spy_buffer_printf(picture->buffer, "<path class=\"grid zero\" d=\"M%.1f %.1fH%.1f\"/>\n",
			  picture->chart.left, bottom, picture->chart.left + picture->chart.width);
	put_tick_text(picture, picture->chart.left - 8, bottom - 16, "end", "faults");
	{
		char text[48];

		if (most * second < 10000)
			snprintf(text, sizeof(text), "%.0f/s", most * second);
		else
			snprintf(text, sizeof(text), "%.0f k/s", most * second / 1000);
		put_tick_text(picture, picture->chart.left - 8, bottom - 2, "end", text);
	}
}

void spy_plot_put_chart(const struct spy_plot_picture *picture)
{
	put_size_axis(picture);
	put_time_axis(picture);
	put_layers(picture);
	put_lines(picture);
	put_limit(picture);
	put_faults(picture);
}
