/* The picture that stands in the file of a plot of memory: where things are, and its two halves. */
#ifndef SPY_SINK_MEMORY_PLOT_PICTURE_H
#define SPY_SINK_MEMORY_PLOT_PICTURE_H

#include "sink/memory_plot.h"

/* A picture on its way into a buffer. */
struct spy_plot_picture {
	struct spy_buffer *buffer;
	const struct spy_plot *plot;
	struct spy_plot_box chart; /* inside the axes */
	double scale_x, scale_y;   /* pixels per nanosecond, per byte */
};

static inline double spy_plot_x(const struct spy_plot_picture *picture, uint64_t at_ns)
{
	return picture->chart.left + (double)at_ns * picture->scale_x;
}

static inline double spy_plot_y(const struct spy_plot_picture *picture, uint64_t bytes)
{
	return picture->chart.top + picture->chart.height - (double)bytes * picture->scale_y;
}

/* Height of the band of page faults below the chart, with the gap above it. */
#define SPY_PLOT_BAND 44

/* Appends axes, layers, lines, the limit, faults. */
void spy_plot_put_chart(const struct spy_plot_picture *picture);

/* Appends marks and texts at peaks and climbs. False when memory ran out. */
bool spy_plot_put_labels(const struct spy_plot_picture *picture);

#endif
