/* Places for labels beside a curve, so that they hide neither it nor each other. */
#include <math.h>

#include "sink/memory_plot.h"

#define GAP 6.0	     /* between a label and the curve, and between labels */
#define FARTHEST 190 /* that a leader may be long */
#define BELOW 60     /* so much farther counts what is on colours instead of on the page */
#define STEP 17	     /* by which a label tries to get out of another's way */
#define STEPS 9

static double distance(double at, double from, double to)
{
	return fabs(at - spy_plot_nearest(at, from, to));
}

static bool overlap(const struct spy_plot_box *a, const struct spy_plot_box *b)
{
	return a->left < b->left + b->width + 2 * GAP && b->left < a->left + a->width + 2 * GAP &&
	       a->top < b->top + b->height + GAP && b->top < a->top + a->height + GAP;
}

/* How high and how low the curve gets between two places. */
static void curve_between(const struct spy_plot_room *room, double from, double to, double *highest,
			  double *lowest)
{
	double left = from - room->inside.left - GAP, right = to - room->inside.left + GAP;
	size_t first = left > 0 ? (size_t)left : 0, last = right > 0 ? (size_t)right : 0, i;

	*highest = room->inside.top + room->inside.height;
	*lowest = room->inside.top;
	for (i = first; i <= last && i < room->columns; i++) {
		if (room->highest[i] < *highest)
			*highest = room->highest[i];
		if (room->lowest[i] > *lowest)
			*lowest = room->lowest[i];
	}
}

/* Cuts the part of a line that is on the wrong side of one edge off; false when nothing is left. */
static bool clip(double change, double room, double *from, double *to)
{
	double at = change < 0 || change > 0 ? room / change : 0;

	if (!(change < 0 || change > 0))
		return room >= 0;
	if (change < 0 && at > *from)
		*from = at;
	if (change > 0 && at < *to)
		*to = at;
	return *from <= *to;
}

/* True when the leader from a place to a label's box goes through another box. */
static bool leads_through(double x, double y, const struct spy_plot_box *box,
			  const struct spy_plot_box *other)
{
	double to_x = spy_plot_nearest(x, box->left, box->left + box->width);
	double to_y = spy_plot_nearest(y, box->top, box->top + box->height);
	double from = 0, to = 1;

	return clip(x - to_x, x - other->left, &from, &to) &&
	       clip(to_x - x, other->left + other->width - x, &from, &to) &&
	       clip(y - to_y, y - other->top, &from, &to) &&
	       clip(to_y - y, other->top + other->height - y, &from, &to);
}

static bool is_free(const struct spy_plot_room *room, const struct spy_plot_label *labels,
		    size_t count, const struct spy_plot_label *label,
		    const struct spy_plot_box *box)
{
	size_t i;

	if (box->left < room->inside.left || box->top < room->inside.top ||
	    box->left + box->width > room->inside.left + room->inside.width ||
	    box->top + box->height > room->inside.top + room->inside.height)
		return false;
	for (i = 0; i < count; i++)
		if (&labels[i] != label && labels[i].placed &&
		    (overlap(&labels[i].box, box) ||
		     (!labels[i].wall &&
		      (leads_through(label->x, label->y, box, &labels[i].box) ||
		       leads_through(labels[i].x, labels[i].y, &labels[i].box, box)))))
			return false;
	return true;
}

/* Tries places at one x, above the curve or below it, and keeps the nearest one. */
static void try_column(const struct spy_plot_room *room, struct spy_plot_label *labels,
		       size_t count, struct spy_plot_label *label, double left, bool above,
		       double *nearest)
{
	struct spy_plot_box box = label->box;
	double highest, lowest, away, sideways;
	int i;

	box.left = left;
	curve_between(room, left, left + box.width, &highest, &lowest);
	/* No nearer than the level that it speaks of, where the curve leaves room for that. */
	if (above)
		box.top = (highest < label->y + box.height / 2 ? highest - GAP
							       : label->y + box.height / 2) -
			  box.height;
	else
		box.top = lowest > label->y - box.height / 2 ? lowest + GAP
							     : label->y - box.height / 2;
	for (i = 0; i < STEPS; i++, box.top += above ? -STEP : STEP) {
		sideways = distance(label->x, box.left, box.left + box.width);
		away = distance(label->y, box.top, box.top + box.height) + sideways +
		       (above ? 0 : BELOW);
		if (away >= *nearest)
			return;
		if (!is_free(room, labels, count, label, &box))
			continue;
		*nearest = away;
		label->box = box;
		label->placed = true;
		label->below = !above;
		return;
	}
}

void spy_plot_place_labels(const struct spy_plot_room *room, struct spy_plot_label *labels,
			   size_t count)
{
	static const double shifts[] = { -1, -.75, -.5, -.25, 0 }; /* widths, from the anchor */
	size_t i, j;

	for (i = 0; i < count; i++) {
		double nearest = FARTHEST;

		if (labels[i].placed)
			continue;
		for (j = 0; j < sizeof(shifts) / sizeof(shifts[0]); j++) {
			double side = shifts[j] == -1 ? -12 : shifts[j] == 0 ? 12 : 0;
			double left = labels[i].x + shifts[j] * labels[i].box.width + side;
			double most = room->inside.left + room->inside.width - labels[i].box.width;

			if (j == 2) /* at an end of the axis, as near as it goes */
				left = spy_plot_nearest(left, room->inside.left, most);
			try_column(room, labels, count, &labels[i], left, true, &nearest);
			try_column(room, labels, count, &labels[i], left, false, &nearest);
		}
	}
}
