/* Round numbers along the axis of a plot. Pure functions. */
#ifndef TUI_PLOT_SCALE_H
#define TUI_PLOT_SCALE_H

#include <stdbool.h>
#include <stddef.h>

/* From base to top, with a label at base and every step above it: all round numbers of bytes. */
struct tui_scale {
	double base, top, step;
};

/*
 * A scale that takes in least to most on rows of a screen, with a label on every third of them
 * at most. It begins at zero when from_zero, or when that costs no more than half of the height.
 */
struct tui_scale tui_scale_bytes(double least, double most, int rows, bool from_zero);

/* A value of the axis as text, with so many decimals that two labels never are the same. */
const char *tui_scale_label(const struct tui_scale *scale, double value, char *buffer, size_t size);

/* The row (0 is the top one) of a value, of rows; as tui_plot puts it. */
int tui_scale_row(const struct tui_scale *scale, double value, int rows);

#endif
