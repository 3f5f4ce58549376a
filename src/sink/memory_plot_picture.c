/* The plot of memory that stands in its file, drawn for a width of 1200 pixels. */
#include "sink/memory_plot_picture.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/embedded.h"
#include "sink/escape.h"
#include "sink/page.h"

#define HEAD 112  /* of the chart, with one row of legend */
#define ROW 20	  /* of the legend and of the table */
#define LEFT 92	  /* for the sizes on the axis */
#define CHART 370 /* height */
#define AXIS 46
#define TABLE_ROWS 5
#define LETTER 7.3
#define NAME_COLUMNS 34 /* of a process in the legend */
#define LEGEND_ROWS 4

/* Where the next entry of the legend goes. */
struct legend {
	double x;
	int row;
};

static void put_entry(const struct spy_plot_picture *picture, struct legend *legend,
		      const char *class, bool line, const char *text)
{
	double width = 24 + (double)spy_text_columns(text) * LETTER;
	double y = 84 + ROW * legend->row;

	if (legend->x + width > SPY_PAGE_WIDTH - SPY_PAGE_MARGIN && legend->x > SPY_PAGE_MARGIN) {
		legend->row++;
		legend->x = SPY_PAGE_MARGIN;
		y += ROW;
	}
	if (picture->buffer && legend->row < LEGEND_ROWS) {
		if (line)
			spy_buffer_printf(picture->buffer,
					  "<path class=\"line %s\" d=\"M%.1f %.1fh14\"/>", class,
					  legend->x, y + 6);
		else
			spy_buffer_printf(picture->buffer,
					  "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"12\" "
					  "height=\"12\" rx=\"3\"/>",
					  class, legend->x, y);
		spy_buffer_printf(picture->buffer, "<text class=\"meta\" x=\"%.1f\" y=\"%.1f\">",
				  legend->x + 20, y + 10.5);
		spy_escape_xml(picture->buffer, text);
		spy_buffer_puts(picture->buffer, "</text>\n");
	}
	legend->x += width + 14;
}

/* Colours of processes and lines; without a buffer only its size is found. Returns its rows. */
static int put_legend(const struct spy_plot_picture *picture)
{
	const struct spy_plot *plot = picture->plot;
	struct legend legend = { SPY_PAGE_MARGIN, 0 };
	uint32_t i;

	for (i = 0; i < plot->layer_count && plot->layer_count > 1; i++) {
		spy_autobuffer struct spy_buffer name = { 0 }, fit = { 0 };
		char class[16];

		snprintf(class, sizeof(class), "p%d",
			 plot->layer_process[i] == UINT32_MAX ? SPY_PLOT_LAYERS - 1 : (int)i);
		spy_plot_process_name(plot, i, &name);
		spy_text_fit(&fit, spy_buffer_text(&name), NAME_COLUMNS);
		put_entry(picture, &legend, class, false, spy_buffer_text(&fit));
	}
	put_entry(picture, &legend, "rss", true, plot->layer_count > 1 ? "RSS of all" : "RSS");
	for (i = 0; i < SPY_PLOT_LINES; i++)
		if (plot->known[i])
			put_entry(picture, &legend, spy_plot_line_classes[i], true,
				  spy_plot_line_names[i]);
	if (plot->faults)
		put_entry(picture, &legend, "faults", false, "page faults");
	return legend.row < LEGEND_ROWS ? legend.row + 1 : LEGEND_ROWS;
}

static void put_cell(struct spy_buffer *buffer, const char *class, int x, int y, const char *anchor,
		     const char *text, size_t columns)
{
	spy_buffer_printf(buffer, "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">", class,
			  x, y, anchor);
	spy_page_fit(buffer, text, columns);
	spy_buffer_puts(buffer, "</text>");
}

static int table_rows(const struct spy_plot *plot)
{
	return plot->grower_count < TABLE_ROWS ? (int)plot->grower_count : TABLE_ROWS;
}

/* The lines that memory grew on, whenever that was. */
static void put_table(const struct spy_plot_picture *picture, int y)
{
	const struct spy_plot *plot = picture->plot;
	struct spy_buffer *buffer = picture->buffer;
	int i;

	put_cell(buffer, "meta", 150, y, "end", "grew", 20);
	put_cell(buffer, "meta", 250, y, "end", "released", 20);
	put_cell(buffer, "meta", 274, y, "start", "on this line, in all", 40);
	for (i = 0; i < table_rows(plot); i++) {
		const struct spy_plot_grower *grower = &plot->growers[i];
		spy_autobuffer struct spy_buffer grown = { 0 }, released = { 0 }, name = { 0 },
						 place = { 0 };

		y += ROW;
		spy_plot_size(&grown, grower->grown);
		if (grower->released)
			spy_plot_size(&released, grower->released);
		spy_plot_place(plot->profile, &plot->profile->frames[grower->frame], &name, &place);
		put_cell(buffer, "figure", 150, y, "end", spy_buffer_text(&grown), 20);
		put_cell(buffer, "figure", 250, y, "end", spy_buffer_text(&released), 20);
		spy_buffer_printf(buffer, "<text class=\"code\" x=\"274\" y=\"%d\">", y);
		spy_page_fit(buffer, spy_buffer_text(&name), 60);
		spy_buffer_puts(buffer, "  <tspan class=\"where\">");
		spy_page_fit(buffer, spy_buffer_text(&place), 62);
		spy_buffer_puts(buffer, "</tspan></text>\n");
	}
}

int spy_plot_picture(struct spy_buffer *buffer, const struct spy_plot *plot)
{
	spy_autobuffer struct spy_buffer facts = { 0 };
	struct spy_plot_picture picture = { .plot = plot };
	int rows = put_legend(&picture), top = HEAD + ROW * (rows - 1), height;
	bool empty = !plot->moment_count;
	uint64_t most = plot->most;

	picture.buffer = buffer;
	if (spy_plot_shows_limit(plot) && plot->history->limit > most)
		most = plot->history->limit;
	picture.chart = (struct spy_plot_box){ LEFT, top, SPY_PAGE_WIDTH - LEFT - SPY_PAGE_MARGIN,
					       CHART };
	picture.scale_x = picture.chart.width / (double)plot->span_ns;
	/* Labels of what is highest need some room. */
	picture.scale_y = CHART / ((double)(most ? most : 1) * 1.16);
	height = top + CHART + (plot->faults ? SPY_PLOT_BAND : 0) + AXIS;
	if (plot->grower_count)
		height += 30 + ROW * table_rows(plot);
	if (empty)
		height = HEAD + 150;
	spy_plot_facts(plot, &facts);
	spy_page_start(buffer, plot->profile, "memory", "memory over time",
		       spy_embedded_memory_plot_css, height);
	spy_page_head(buffer, plot->profile, 90, spy_buffer_text(&facts));
	if (empty) {
		spy_page_empty(buffer, HEAD, "Nothing was recorded",
			       "The memory of no Python process was seen while this ran.");
	} else {
		put_legend(&picture);
		spy_buffer_printf(buffer, "<g%s>\n",
				  plot->layer_count > 1 ? " class=\"many\"" : "");
		spy_plot_put_chart(&picture);
		if (!spy_plot_put_labels(&picture))
			return -PYSPYC_ENOMEM;
		spy_buffer_puts(buffer, "</g>\n");
		if (plot->grower_count)
			put_table(&picture, height - 14 - ROW * table_rows(plot));
	}
	spy_buffer_puts(buffer, "</g>\n");
	return 0;
}
