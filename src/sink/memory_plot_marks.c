/* Marks and labels at the peaks and climbs in the picture of a plot of memory. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "sink/escape.h"
#include "sink/memory_plot_picture.h"
#include "sink/memory_text.h"
#include "sink/page.h"

#define LETTER 7.0 /* widest letter of a label's monospaced line, and average of the other */
#define LINE 15.0
#define MOST 10	   /* labels */
#define LEAST 18   /* part of the largest size that a climb is told of from */
#define COLUMNS 46 /* of a label */

struct mark {
	uint64_t at_ns, rss;
	uint32_t stack;
	const struct spy_history_climb *climb; /* NULL: a peak */
	struct spy_buffer first, second, place;
};

struct marks {
	struct mark items[MOST];
	struct spy_plot_label labels[MOST + 1]; /* and the limit's, where there is one */
	size_t count;
};

static void marks_free(struct marks *marks)
{
	size_t i;

	for (i = 0; i < marks->count; i++) {
		spy_buffer_free(&marks->items[i].first);
		spy_buffer_free(&marks->items[i].second);
		spy_buffer_free(&marks->items[i].place);
	}
}

static void describe(const struct spy_plot *plot, struct mark *mark)
{
	const struct spy_frame *frame = spy_memory_innermost(plot->history, plot->profile,
							     mark->stack);

	spy_plot_place(plot->profile, frame, &mark->first, &mark->place);
	if (mark->climb) {
		spy_plot_growth(&mark->second, mark->climb, frame != NULL);
		spy_buffer_puts(&mark->second, " in ");
		spy_plot_duration(&mark->second, mark->climb->to_ns - mark->climb->from_ns);
	} else {
		spy_buffer_puts(&mark->second, "peak ");
		spy_plot_size(&mark->second, mark->rss);
	}
}

/* Text columns of the first line: the name, and as much of the place as fits. */
static size_t first_columns(const struct mark *mark)
{
	size_t name = spy_text_columns(spy_buffer_text(&mark->first));
	size_t place = spy_text_columns(spy_buffer_text(&mark->place));
	size_t columns = name + (place ? place + 1 : 0);

	return columns > COLUMNS ? COLUMNS : columns;
}

static void add(const struct spy_plot_picture *picture, struct marks *marks,
		const struct mark *mark)
{
	struct mark *item = &marks->items[marks->count];
	struct spy_plot_label *label = &marks->labels[marks->count];
	size_t columns, other;

	if (marks->count == MOST)
		return;
	*item = *mark;
	marks->count++;
	describe(picture->plot, item);
	columns = first_columns(item);
	other = spy_text_columns(spy_buffer_text(&item->second));
	label->x = spy_plot_x(picture, item->at_ns);
	label->y = spy_plot_y(picture, item->rss);
	label->box.width = LETTER * (double)(columns > other ? columns : other) + 4;
	label->box.height = LINE * (columns ? 2 : 1) + 2;
}

/* True when a climb leads to a peak: its label says already which line it was. */
static bool is_told(const struct spy_plot *plot, const struct spy_history_climb *climb,
		    const struct mark *peak)
{
	return climb->from_ns <= peak->at_ns && climb->to_ns + plot->span_ns / 10 >= peak->at_ns &&
	       climb->to_rss >= peak->rss - peak->rss / 10;
}

/* Climbs first, as they are what one looks for; a peak at the end of one says only what is new. */
static void find_marks(const struct spy_plot_picture *picture, struct marks *marks)
{
	const struct spy_plot *plot = picture->plot;
	uint32_t i, j;

	for (i = 0; i < plot->peak_count && i < 3; i++) {
		struct mark mark = { .at_ns = plot->peaks[i].at_ns,
				     .rss = plot->peaks[i].rss,
				     .stack = plot->peaks[i].stack };

		for (j = 0; j < plot->climb_count; j++)
			if (is_told(plot, &plot->climbs[j], &mark))
				mark.stack = SPY_NO_STACK;
		add(picture, marks, &mark);
		/* The highest one; others give way to climbs. */
		for (j = 0; !i && j < plot->climb_count && j < 6; j++) {
			const struct spy_history_climb *climb = &plot->climbs[j];
			struct mark slope = { .climb = climb, .stack = climb->stack };

			spy_plot_middle(plot, climb, &slope.at_ns, &slope.rss);
			if (climb->grown >= plot->most / LEAST)
				add(picture, marks, &slope);
		}
	}
}

static void make_room(const struct spy_plot_picture *picture, double *highest, double *lowest,
		      size_t columns)
{
	const struct spy_plot *plot = picture->plot;
	double bottom = picture->chart.top + picture->chart.height;
	size_t i;
	uint32_t j;

	for (i = 0; i < columns; i++)
		highest[i] = lowest[i] = bottom;
	for (j = 0; j + 1 < plot->moment_count; j++) {
		const struct spy_plot_moment *a = &plot->moments[j], *b = a + 1;
		double from = spy_plot_x(picture, a->at_ns) - picture->chart.left;
		double to = spy_plot_x(picture, b->at_ns) - picture->chart.left;
		double y = spy_plot_y(picture, a->rss), end = spy_plot_y(picture, b->rss);

		for (i = (size_t)from; i <= (size_t)to && i < columns; i++) {
			double left = (double)i > from ? (double)i : from;
			double right = (double)i + 1 < to ? (double)i + 1 : to;
			double one = to > from ? y + (end - y) * (left - from) / (to - from) : y;
			double other = to > from ? y + (end - y) * (right - from) / (to - from)
						 : end;

			if (lowest[i] == bottom && highest[i] == bottom)
				lowest[i] = 0;
			highest[i] = one < highest[i] ? one : highest[i];
			highest[i] = other < highest[i] ? other : highest[i];
			lowest[i] = one > lowest[i] ? one : lowest[i];
			lowest[i] = other > lowest[i] ? other : lowest[i];
		}
	}
}

/* The part of the curve that a climb is. */
static void put_slope(const struct spy_plot_picture *picture, const struct spy_history_climb *climb)
{
	const struct spy_plot *plot = picture->plot;
	bool begun = false, ended = false;
	uint32_t i;

	spy_buffer_puts(picture->buffer, "<path class=\"climb\" d=\"");
	for (i = 0; i < plot->moment_count; i++) {
		const struct spy_plot_moment *moment = &plot->moments[i];

		/* At its first moment there may be what was before, too, at its last what came then. */
		if (moment->at_ns < climb->from_ns || moment->at_ns > climb->to_ns || ended ||
		    (i + 1 < plot->moment_count && moment[1].at_ns == climb->from_ns))
			continue;
		ended = moment->at_ns == climb->to_ns && moment->rss >= climb->to_rss;
		spy_buffer_printf(picture->buffer, "%s%.1f %.1f", begun ? "L" : "M",
				  spy_plot_x(picture, moment->at_ns),
				  spy_plot_y(picture, moment->rss));
		begun = true;
	}
	spy_buffer_puts(picture->buffer, "\"/>\n");
}

static void put_leader(const struct spy_plot_picture *picture, const struct mark *mark,
		       const struct spy_plot_label *label)
{
	const struct spy_plot_box *box = &label->box;
	double x = spy_plot_nearest(label->x, box->left, box->left + box->width);
	double y = spy_plot_nearest(label->y, box->top, box->top + box->height);

	spy_buffer_printf(picture->buffer,
			  "<path class=\"leader\" d=\"M%.1f %.1fL%.1f %.1f\"/>"
			  "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
			  label->x, label->y, x, y, mark->climb ? "dot" : "dot top", label->x,
			  label->y);
}

static void put_label(const struct spy_plot_picture *picture, const struct mark *mark,
		      const struct spy_plot_label *label)
{
	const struct spy_plot_box *box = &label->box;
	struct spy_buffer *buffer = picture->buffer;
	size_t columns = first_columns(mark), used;
	double y = box->top + LINE - 3;

	if (label->below)
		spy_buffer_printf(buffer,
				  "<rect class=\"paper\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
				  "height=\"%.1f\" rx=\"4\"/>",
				  box->left - 3, box->top - 1, box->width + 6, box->height + 3);
	if (columns) {
		const char *name = spy_buffer_text(&mark->first);
		const char *place = spy_buffer_text(&mark->place);

		spy_buffer_printf(buffer, "<text class=\"label code\" x=\"%.1f\" y=\"%.1f\">",
				  box->left + 2, y);
		used = spy_text_columns(name);
		if (used + spy_text_columns(place) + 1 > COLUMNS && used > COLUMNS / 2)
			used = COLUMNS / 2;
		spy_page_fit(buffer, name, used);
		if (*place) {
			spy_buffer_puts(buffer, " <tspan class=\"where\">");
			spy_page_fit(buffer, place, COLUMNS - used - 1);
			spy_buffer_puts(buffer, "</tspan>");
		}
		spy_buffer_puts(buffer, "</text>");
		y += LINE;
	}
	spy_buffer_printf(buffer, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">", box->left + 2, y);
	spy_escape_xml(buffer, spy_buffer_text(&mark->second));
	spy_buffer_puts(buffer, "</text>\n");
}

/* Keeps labels off the limit's line and text: how many boxes it adds for that. */
static size_t avoid_limit(const struct spy_plot_picture *picture, struct marks *marks)
{
	const struct spy_plot_box *chart = &picture->chart;
	double y = spy_plot_y(picture, picture->plot->history->limit);

	if (!spy_plot_shows_limit(picture->plot))
		return 0;
	marks->labels[marks->count] = (struct spy_plot_label){
		.box = { chart->left, y - 16, chart->width, 16 },
		.placed = true,
		.wall = true,
	};
	return 1;
}

bool spy_plot_put_labels(const struct spy_plot_picture *picture)
{
	spy_cleanup(marks_free) struct marks marks = { 0 };
	size_t columns = (size_t)picture->chart.width + 1, i;
	spy_autofree double *highest = calloc(columns, sizeof(*highest));
	spy_autofree double *lowest = calloc(columns, sizeof(*lowest));
	struct spy_plot_room room = { picture->chart, highest, lowest, columns };

	if (!highest || !lowest)
		return false;
	find_marks(picture, &marks);
	make_room(picture, highest, lowest, columns);
	spy_plot_place_labels(&room, marks.labels, marks.count + avoid_limit(picture, &marks));
	for (i = 0; i < marks.count; i++)
		if (marks.labels[i].placed && marks.items[i].climb)
			put_slope(picture, marks.items[i].climb);
	for (i = 0; i < marks.count; i++)
		if (marks.labels[i].placed)
			put_leader(picture, &marks.items[i], &marks.labels[i]);
	for (i = 0; i < marks.count; i++)
		if (marks.labels[i].placed)
			put_label(picture, &marks.items[i], &marks.labels[i]);
	return true;
}
