#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "tui/screen.h"
#include "tui/text.h"

/* Columns that one call draws at most, and the bytes of so many characters. */
#define MOST_COLUMNS 1024
#define MOST_BYTES (4 * MOST_COLUMNS + 1)

/* What is no number, or less than nothing, counts as nothing. */
static double share_of(double value, double most)
{
	if (!(value > 0) || !(most > 0))
		return 0;
	return value < most ? value / most : 1;
}

void tui_sparkline(int y, int x, int width, enum tui_role role, const double *values, size_t count,
		   double most)
{
	static const char ascii[] = " .:|#";
	bool utf8 = tui_screen_utf8();
	int steps = utf8 ? 8 : 4;
	char text[MOST_BYTES];
	size_t size = 0;

	if (width <= 0)
		return;
	if (width > MOST_COLUMNS)
		width = MOST_COLUMNS;
	for (int column = 0; column < width; column++) {
		size_t back = (size_t)(width - column);
		int level = 0;

		if (back <= count) {
			double value = values[count - back];

			/* A little is not nothing. */
			level = (int)(share_of(value, most) * steps + 0.5);
			if (!level && value > 0)
				level = 1;
		}
		if (!level || !utf8)
			text[size++] = ascii[level];
		else
			size += tui_text_encode(L'\u2580' + level, text + size);
	}
	text[size] = '\0';
	tui_put(y, x, width, role, true, text);
}

void tui_bar(int y, int x, int width, enum tui_role role, double share)
{
	bool utf8 = tui_screen_utf8();
	char text[MOST_BYTES];
	size_t size = 0;
	int eighths, full;

	if (width <= 0)
		return;
	if (width > MOST_COLUMNS)
		width = MOST_COLUMNS;
	eighths = (int)(share_of(share, 1) * width * 8 + 0.5);
	if (!utf8)
		eighths = (eighths + 4) / 8 * 8;
	full = eighths / 8;
	for (int column = 0; column < full; column++) {
		if (utf8)
			size += tui_text_encode(L'\u2588', text + size);
		else
			text[size++] = '#';
	}
	/* Blocks of an eighth to seven, from the left: U+258F down to U+2589. */
	if (eighths % 8)
		size += tui_text_encode(L'\u2590' - eighths % 8, text + size);
	text[size] = '\0';
	tui_put(y, x, width, role, true, text);
}

/* --- plots --- */

/* A grid of dots, of which each cell of the screen has down × across. */
struct plot {
	int rows, columns;
	int down, across;
	struct plot_cell {
		uint8_t dots;	/* as braille numbers them */
		uint8_t series; /* 1 and up: the last one that drew here */
	} * cells;
};

static void dot(struct plot *plot, int y, int x, size_t series)
{
	/* Dots of U+2800 by row and column (Unicode 15, chapter 21.1). */
	static const uint8_t bits[4][2] = {
		{ 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
	};
	struct plot_cell *cell;

	if (y < 0 || x < 0 || y >= plot->rows * plot->down || x >= plot->columns * plot->across)
		return;
	cell = &plot->cells[y / plot->down * plot->columns + x / plot->across];
	cell->dots |= bits[y % plot->down][x % plot->across];
	cell->series = (uint8_t)(series + 1);
}

static void line(struct plot *plot, int y, int x, int to_y, int to_x, size_t series)
{
	int rows = to_y - y, columns = to_x - x;
	int steps = abs(rows) > abs(columns) ? abs(rows) : abs(columns);

	for (int i = 0; i <= steps; i++)
		dot(plot, steps ? y + rows * i / steps : y, steps ? x + columns * i / steps : x,
		    series);
}

static void plot_series(struct plot *plot, const double *times, size_t count, const double *values,
			size_t series, double most)
{
	int last_row = plot->rows * plot->down - 1, last_column = plot->columns * plot->across - 1;
	double span = count ? times[count - 1] - times[0] : 0;
	int from_y = -1, from_x = 0;

	for (size_t i = 0; i < count; i++) {
		int y, x;

		if (isnan(values[i])) {
			from_y = -1;
			continue;
		}
		y = last_row - (int)(share_of(values[i], most) * last_row + 0.5);
		x = last_column;
		if (span > 0)
			x = (int)(share_of(times[i] - times[0], span) * last_column + 0.5);
		if (from_y < 0)
			dot(plot, y, x, series);
		else
			line(plot, from_y, from_x, y, x, series);
		from_y = y;
		from_x = x;
	}
}

static void put_plot(const struct plot *plot, struct tui_area area, const enum tui_role *roles)
{
	static const char letters[] = "*+ox=";
	bool utf8 = tui_screen_utf8();
	char text[8];

	for (int row = 0; row < plot->rows; row++) {
		for (int column = 0; column < plot->columns; column++) {
			const struct plot_cell *cell = &plot->cells[row * plot->columns + column];
			size_t size = 1;

			if (!cell->dots)
				continue;
			text[0] = letters[(cell->series - 1) % 5];
			if (utf8)
				size = tui_text_encode(L'\u2800' + cell->dots, text);
			text[size] = '\0';
			tui_put(area.y + row, area.x + column, 1, roles[cell->series - 1], false,
				text);
		}
	}
}

void tui_plot(struct tui_area area, const double *times, size_t count, const double *const *values,
	      const enum tui_role *roles, size_t series, double most)
{
	bool utf8 = tui_screen_utf8();
	struct plot plot = { .down = utf8 ? 4 : 1, .across = utf8 ? 2 : 1 };
	struct tui_area screen = tui_screen_size();

	plot.rows = area.height < screen.height ? area.height : screen.height;
	plot.columns = area.width < screen.width ? area.width : screen.width;
	if (plot.rows <= 0 || plot.columns <= 0 || series > UINT8_MAX - 1)
		return;
	tui_clear(area);
	plot.cells = calloc((size_t)plot.rows * (size_t)plot.columns, sizeof(*plot.cells));
	if (!plot.cells)
		return;
	/* The first ones last, so that they lie above. */
	for (size_t i = series; i-- > 0;)
		plot_series(&plot, times, count, values[i], i, most);
	put_plot(&plot, area, roles);
	free(plot.cells);
}
