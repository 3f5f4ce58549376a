#include "tui/plot_scale.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#define ROWS_PER_LABEL 3
#define LARGEST 1e18
#define POWERS 6 /* of 1024, below LARGEST */
#define FINE 5	 /* parts of a step to which the top is rounded */
#define DECIMALS 3
#define DOTS 4 /* of a braille character, one above the other */

/* The least round number of bytes that is not below size. */
static double round_up(double size)
{
	static const double rounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500 };

	double unit = 1;

	for (int power = 0; power < POWERS; power++, unit *= 1024)
		for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++)
			if (rounds[i] * unit >= size)
				return rounds[i] * unit;
	return LARGEST;
}

static double sane(double value)
{
	return value > 0 ? (value < LARGEST ? value : LARGEST) : 0;
}

struct tui_scale tui_scale_bytes(double least, double most, int rows, bool from_zero)
{
	struct tui_scale scale = { 0 };
	int labels = rows > 2 * ROWS_PER_LABEL ? rows / ROWS_PER_LABEL : 2;

	least = sane(least);
	most = sane(most);
	if (least > most)
		least = most;
	if (from_zero || most - least >= most / 2)
		least = 0;
	/* What hardly changes is not blown up to a mountain range. */
	if (least > 0 && most - least < most / 50)
		least = most - most / 50;
	scale.step = round_up((most - least) / labels);
	for (;;) {
		double fine = scale.step / FINE;

		scale.base = floor(least / scale.step) * scale.step;
		scale.top = ceil(most / fine) * fine;
		if (scale.top < scale.base + scale.step)
			scale.top = scale.base + scale.step;
		if ((scale.top - scale.base) / scale.step <= labels || scale.step >= LARGEST)
			return scale;
		scale.step = round_up(scale.step * 1.01);
	}
}

const char *tui_scale_label(const struct tui_scale *scale, double value, char *buffer, size_t size)
{
	static const char units[] = "BKMGTPE";
	double amount = value, step = scale->step;
	size_t unit = 0;
	int decimals = 0;

	while (unit + 2 < sizeof(units) && amount >= 1023.5) {
		amount /= 1024;
		step /= 1024;
		unit++;
	}
	if (unit && amount < 99.95)
		decimals = 1;
	while (unit && decimals < DECIMALS && step < pow(10, -decimals))
		decimals++;
	snprintf(buffer, size, "%.*f%c", decimals, amount, units[unit]);
	return buffer;
}

int tui_scale_row(const struct tui_scale *scale, double value, int rows)
{
	double share = (value - scale->base) / (scale->top - scale->base);

	int last = rows * DOTS - 1;

	share = share > 0 ? (share < 1 ? share : 1) : 0;
	return rows > 0 ? (last - (int)(share * last + 0.5)) / DOTS : 0;
}
