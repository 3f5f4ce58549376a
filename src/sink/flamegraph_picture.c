/* The flame graph that stands in its file, drawn for a width of 1200 pixels. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "sink/escape.h"
#include "sink/flamegraph.h"
#include "sink/page.h"

#define MARGIN SPY_PAGE_MARGIN
#define INNER (SPY_PAGE_WIDTH - 2 * MARGIN)
#define TOP 112	      /* of the first row */
#define ROW 19	      /* from one row to the next */
#define MOST_ROWS 400 /* deeper stacks are for the script, which scrolls */
#define MOST_RECTS 5000
#define NAME_COLUMNS 160 /* of a tooltip */
#define LETTER 7.3	 /* width of a letter in a 12 px monospaced font, rounded up */

/* A picture on its way into a buffer. */
struct picture {
	struct spy_buffer *buffer;
	const struct pyspyc_profile *profile;
	const struct spy_flame_tree *tree;
	uint64_t least;		 /* samples of a frame that is drawn */
	uint64_t narrow;	 /* frames that are not, for their width */
	uint64_t narrow_samples; /* whose innermost frame is one of those */
	uint64_t deep;		 /* frames that are not drawn for their depth */
	uint32_t rows;
};

static bool is_drawn(const struct picture *picture, const struct spy_flame_node *node)
{
	return node->total >= picture->least && node->depth < MOST_ROWS;
}

/* Decides what is drawn: frames of half a pixel and more, fewer when those are too many. */
static void plan(struct picture *picture)
{
	const struct spy_flame_tree *tree = picture->tree;
	uint64_t drawn_samples, deep_samples;
	uint32_t drawn, i;

	picture->least = tree->nodes[0].total / (2 * INNER) + 1;
	for (;; picture->least += picture->least / 4 + 1) {
		drawn = 0;
		drawn_samples = deep_samples = picture->deep = 0;
		picture->rows = 1;
		for (i = 0; i < tree->count; i++) {
			const struct spy_flame_node *node = &tree->nodes[i];

			if (i && !is_drawn(picture, node)) {
				if (node->total >= picture->least) {
					picture->deep++;
					deep_samples += node->self;
				}
				continue;
			}
			drawn++;
			drawn_samples += node->self;
			if (node->depth >= picture->rows)
				picture->rows = node->depth + 1;
		}
		if (drawn <= MOST_RECTS)
			break;
	}
	picture->narrow = tree->left_out + tree->count - drawn - picture->deep;
	picture->narrow_samples = tree->nodes[0].total - drawn_samples - deep_samples;
}

static void put_share(struct spy_buffer *buffer, uint64_t part, uint64_t whole)
{
	spy_autobuffer struct spy_buffer share = { 0 };

	spy_flame_share(&share, part, whole);
	spy_escape_xml(buffer, spy_buffer_text(&share));
}

/* `file:line`, or as much as there is of it. */
static void make_place(const struct picture *picture, const struct spy_frame *frame,
		       struct spy_buffer *place)
{
	if (frame->kind != SPY_FRAME_PYTHON)
		return;
	spy_buffer_puts(place, picture->tree->texts[frame->file]);
	if (frame->line > 0)
		spy_buffer_printf(place, ":%d", (int)frame->line);
}

static void put_tooltip(const struct picture *picture, const struct spy_flame_node *node,
			const char *name, const char *place)
{
	struct spy_buffer *buffer = picture->buffer;
	uint64_t all = picture->tree->nodes[0].total;

	spy_buffer_puts(buffer, "<title>");
	spy_page_visible(buffer, name, NAME_COLUMNS);
	if (*place) {
		spy_buffer_puts(buffer, " (");
		spy_page_visible(buffer, place, NAME_COLUMNS);
		spy_buffer_putc(buffer, ')');
	}
	spy_buffer_puts(buffer, "\n");
	spy_flame_amount(buffer, picture->profile, node->total);
	spy_buffer_puts(buffer, ", ");
	put_share(buffer, node->total, all);
	if (node->self) {
		spy_buffer_puts(buffer, "; self ");
		put_share(buffer, node->self, all);
	}
	spy_buffer_puts(buffer, "</title>");
}

/*
 * The text on a frame: its name and, when there is room for some of it, its place. The classes
 * and functions around it are the first to go.
 */
static void put_label(const struct picture *picture, double x, double y, double width,
		      const char *name, const char *place)
{
	size_t columns = width > 8 ? (size_t)((width - 8) / LETTER) : 0;
	struct spy_buffer *buffer = picture->buffer;
	const char *last = strrchr(name, '.');
	size_t used;

	if (columns < 2)
		return;
	if (*place && last && last[1] && spy_text_columns(name) > columns)
		name = last + 1;
	used = spy_text_columns(name);
	spy_buffer_printf(buffer, "<text x=\"%.1f\" y=\"%.0f\">", x + 4, y + 13);
	spy_page_fit(buffer, name, columns);
	if (*place && used + 5 <= columns) {
		spy_buffer_puts(buffer, " <tspan class=\"where\">");
		spy_page_fit(buffer, place, columns - used - 1);
		spy_buffer_puts(buffer, "</tspan>");
	}
	spy_buffer_puts(buffer, "</text>");
}

static void put_frame(const struct picture *picture, const struct spy_flame_node *node)
{
	const struct pyspyc_profile *profile = picture->profile;
	double scale = (double)INNER / (double)picture->tree->nodes[0].total;
	double x = MARGIN + (double)node->start * scale, width = (double)node->total * scale;
	double y = TOP + (double)node->depth * ROW, gap = width > 3 ? 1 : width > 1 ? .3 : 0;
	spy_autobuffer struct spy_buffer place = { 0 };
	const char *name = "all";
	unsigned int colour = SPY_FLAME_COLOURS - 1;

	if (node->depth) {
		const struct spy_frame *frame = &profile->frames[profile->nodes[node->node].frame];

		name = picture->tree->texts[frame->name];
		colour = spy_flame_colour(profile, frame);
		make_place(picture, frame, &place);
	}
	spy_buffer_puts(picture->buffer, "<g>");
	put_tooltip(picture, node, name, spy_buffer_text(&place));
	spy_buffer_printf(picture->buffer,
			  "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" "
			  "class=\"c%u\"%s/>",
			  x, y, width - gap, ROW - 1, colour, width > 6 ? " rx=\"2\"" : "");
	put_label(picture, x, y, width, name, spy_buffer_text(&place));
	spy_buffer_puts(picture->buffer, "</g>\n");
}

/* Colours, and how many samples were in whose code. */
static void put_legend(const struct picture *picture)
{
	uint64_t all = picture->tree->nodes[0].total;
	struct spy_buffer *buffer = picture->buffer;
	int i, x = MARGIN;

	for (i = 0; i <= SPY_ORIGIN_NONE && all; i++) {
		if (i == SPY_ORIGIN_NONE && !picture->tree->origins[i])
			continue;
		spy_buffer_printf(
			buffer,
			"<rect class=\"c%d\" x=\"%d\" y=\"84\" width=\"12\" height=\"12\" "
			"rx=\"3\"/><text class=\"meta\" x=\"%d\" y=\"94.5\">%s ",
			i * SPY_FLAME_SHADES, x, x + 18, spy_flame_origin_name((enum spy_origin)i));
		put_share(buffer, picture->tree->origins[i], all);
		spy_buffer_puts(buffer, "</text>\n");
		x += 200;
	}
}

static void put_note(const struct picture *picture, int y)
{
	struct spy_buffer *buffer = picture->buffer;

	if (!picture->narrow && !picture->deep)
		return;
	spy_buffer_printf(buffer, "<text class=\"meta\" x=\"%d\" y=\"%d\">", MARGIN, y);
	if (picture->narrow) {
		spy_flame_number(buffer, picture->narrow);
		spy_buffer_puts(buffer,
				picture->narrow == 1 ? " narrow frame (" : " narrow frames (");
		put_share(buffer, picture->narrow_samples, picture->tree->nodes[0].total);
		spy_buffer_printf(buffer, " of %s) not drawn. ", spy_flame_unit(picture->profile));
	}
	if (picture->deep) {
		spy_flame_number(buffer, picture->deep);
		spy_buffer_printf(buffer, " frames below row %d not drawn without JavaScript.",
				  MOST_ROWS);
	}
	spy_buffer_puts(buffer, "</text>\n");
}

void spy_flame_picture(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		       const struct spy_flame_tree *tree, const char *style)
{
	struct picture picture = { .buffer = buffer, .profile = profile, .tree = tree };
	spy_autobuffer struct spy_buffer facts = { 0 };
	bool empty = !tree->nodes[0].total;
	int height;
	uint32_t i;

	if (!empty)
		plan(&picture);
	height = TOP + (empty ? 120 : (int)picture.rows * ROW) + 36;
	spy_flame_facts(&facts, profile);
	spy_page_start(buffer, profile, "profile", "flame graph", style, height);
	spy_page_head(buffer, profile, 105, spy_buffer_text(&facts));
	if (empty) {
		spy_page_empty(buffer, TOP, spy_flame_nothing(profile),
			       spy_flame_why_empty(profile));
	} else {
		put_legend(&picture);
		for (i = 0; i < tree->count; i++)
			if (!i || is_drawn(&picture, &tree->nodes[i]))
				put_frame(&picture, &tree->nodes[i]);
		put_note(&picture, height - 14);
	}
	spy_buffer_puts(buffer, "</g>\n");
}
