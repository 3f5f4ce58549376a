#include "sink/maps_picture.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/bytes.h"
#include "sink/escape.h"
#include "sink/page.h"

#define WIDTH SPY_PAGE_WIDTH
#define MARGIN 24
#define INNER (WIDTH - 2 * MARGIN)
#define HEAD 76	    /* from a process' top to its bar */
#define BAR 34	    /* the bar's height */
#define KIND_ROW 26 /* from one row to the next */
#define ITEM_ROW 19
#define BAR_LEFT 470  /* where rows' bars begin */
#define BAR_WIDTH 440 /* the largest kind's */
#define ITEMS 8	      /* of a kind, the others in sum */
#define GAP 46	      /* between processes */
#define LETTER 7.3    /* width of a letter in the 12 px monospaced font, rounded up */
#define LEAST 900     /* pixels that it takes, for its text to be read */

/* A colour for each kind, alike in light and dark, with text on it dark. */
static const char *const colours[PYSPYC_MAP_KINDS] = {
	"#7aa6ff", "#5b8def", "#9db8e8", "#f2a33a", "#e8853d", "#f6c667", "#6cbf6c",
	"#97d38f", "#d58ad6", "#5cc4c0", "#8adbd8", "#c3a3e0", "#b9bec7", "#d6d9de",
};

struct picture {
	struct spy_buffer *buffer;
	const char *(*title)(enum pyspyc_map_kind kind);
};

/* Of a path that is too long, its end says more: as many of its last parts as fit. */
static void fit(struct spy_buffer *buffer, const char *text, size_t columns)
{
	const char *tail = *text == '/' && spy_text_columns(text) > columns ? text : NULL;

	while (tail && spy_text_columns(tail) + 1 > columns)
		tail = strchr(tail + 1, '/');
	if (!tail || !tail[1]) {
		spy_text_fit(buffer, text, columns);
		return;
	}
	spy_buffer_puts(buffer, "…");
	spy_buffer_puts(buffer, tail);
}

static void put_text(struct spy_buffer *buffer, const char *class, double x, double y,
		     const char *anchor, const char *text, size_t columns)
{
	spy_autobuffer struct spy_buffer visible = { 0 }, shown = { 0 };

	spy_escape_visible(&visible, text, 4096);
	fit(&shown, spy_buffer_text(&visible), columns);
	spy_buffer_printf(buffer, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
			  class, x, y, anchor);
	spy_escape_xml(buffer, spy_buffer_text(&shown));
	spy_buffer_puts(buffer, "</text>");
}

/* What hovering tells: the name in full and every figure. */
static void put_title(struct spy_buffer *buffer, const char *name,
		      const struct pyspyc_map_sizes *sizes, bool about)
{
	const struct {
		const char *label;
		uint64_t bytes;
	} figures[] = {
		{ "in memory (RSS)", sizes->rss }, { "PSS", sizes->pss },   { "USS", sizes->uss },
		{ "dirty", sizes->dirty },	   { "swap", sizes->swap }, { "size", sizes->size },
	};
	size_t i;

	spy_buffer_puts(buffer, "<title>");
	spy_page_visible(buffer, name, 400);
	for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		spy_buffer_printf(buffer, "\n%s: ", figures[i].label);
		spy_put_bytes(buffer, figures[i].bytes);
	}
	if (about)
		spy_buffer_puts(buffer, "\nabout: it shares a mapping with others");
	spy_buffer_puts(buffer, "</title>");
}

/* All kinds side by side. */
static void put_whole(const struct picture *picture, const struct pyspyc_maps *maps, double y)
{
	struct spy_buffer *buffer = picture->buffer;
	uint64_t before = 0;
	unsigned kind;

	for (kind = 0; kind < PYSPYC_MAP_KINDS; kind++) {
		const struct pyspyc_map_kind_sum *sum = &maps->kinds[kind];
		double whole = maps->total.rss ? (double)maps->total.rss : 1;
		double x = MARGIN + INNER * (double)before / whole;
		double width = INNER * (double)sum->sizes.rss / whole;
		const char *title = picture->title(kind);

		before += sum->sizes.rss;
		if (width < 0.2)
			continue;
		spy_buffer_puts(buffer, "<g>");
		put_title(buffer, title, &sum->sizes, sum->about);
		spy_buffer_printf(buffer,
				  "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" "
				  "fill=\"%s\"/>",
				  x, y, width > 1.5 ? width - 1 : width, BAR, colours[kind]);
		if (width > (double)strlen(title) * LETTER + 8)
			put_text(buffer, "on", x + 5, y + BAR / 2.0 + 4, "start", title, 40);
		spy_buffer_puts(buffer, "</g>\n");
	}
}

struct row {
	const char *name;
	const struct pyspyc_map_sizes *sizes;
	bool about;
	bool is_kind;
	unsigned kind;
};

/* A name, a bar (what no other process has solid, the rest pale), figures. */
static void put_row(const struct picture *picture, const struct row *row, uint64_t largest,
		    double y)
{
	struct spy_buffer *buffer = picture->buffer;
	spy_autobuffer struct spy_buffer figures = { 0 };
	double scale = BAR_WIDTH / (double)(largest ? largest : 1);
	double height = row->is_kind ? 15 : 9, top = y - height / 2 - 4;
	const struct pyspyc_map_sizes *sizes = row->sizes;

	spy_buffer_puts(buffer, "<g>");
	put_title(buffer, row->name, sizes, row->about);
	put_text(buffer, row->is_kind ? "kind" : "item", MARGIN + (row->is_kind ? 0 : 14), y,
		 "start", row->name, row->is_kind ? 58 : 57);
	spy_buffer_printf(
		buffer,
		"<rect x=\"%d\" y=\"%.1f\" width=\"%.2f\" height=\"%.0f\" fill=\"%s\" "
		"opacity=\".45\"/><rect x=\"%d\" y=\"%.1f\" width=\"%.2f\" height=\"%.0f\" "
		"fill=\"%s\"/>",
		BAR_LEFT, top, (double)sizes->rss * scale, height, colours[row->kind], BAR_LEFT,
		top, (double)(sizes->uss < sizes->rss ? sizes->uss : sizes->rss) * scale, height,
		colours[row->kind]);
	if (row->about)
		spy_buffer_puts(&figures, "~");
	spy_put_bytes(&figures, sizes->rss);
	put_text(buffer, row->is_kind ? "kind" : "item", BAR_LEFT + BAR_WIDTH + 100, y, "end",
		 spy_buffer_text(&figures), 20);
	spy_buffer_clear(&figures);
	spy_buffer_puts(&figures, "of ");
	spy_put_bytes(&figures, sizes->size);
	put_text(buffer, "quiet", BAR_LEFT + BAR_WIDTH + 112, y, "start", spy_buffer_text(&figures),
		 18);
	spy_buffer_puts(buffer, "</g>\n");
}

/* A kind's largest items, and the others in sum. Returns where the next row is. */
static double put_items(const struct picture *picture, const struct pyspyc_maps *maps,
			unsigned kind, uint64_t largest, double y)
{
	const struct pyspyc_map_kind_sum *sum = &maps->kinds[kind];
	struct row row = { .kind = kind };
	struct pyspyc_map_sizes others = { 0 };
	spy_autobuffer struct spy_buffer name = { 0 };
	size_t shown = sum->item_count <= ITEMS + 1 ? sum->item_count : ITEMS, i;

	for (i = 0; i < sum->item_count; i++) {
		const struct pyspyc_map_item *item = &maps->items[sum->first_item + i];

		if (i >= shown) {
			pyspyc_map_sizes_add(&others, &item->sizes);
			row.about = row.about || item->about;
			continue;
		}
		spy_buffer_clear(&name);
		spy_buffer_puts(&name, item->name);
		if (item->tid)
			spy_buffer_printf(&name, " (%d)", (int)item->tid);
		if (item->deleted)
			spy_buffer_puts(&name, " (deleted)");
		row.name = spy_buffer_text(&name);
		row.sizes = &item->sizes;
		row.about = item->about;
		put_row(picture, &row, largest, y);
		row.about = false;
		y += ITEM_ROW;
	}
	if (shown == sum->item_count)
		return y;
	spy_buffer_clear(&name);
	spy_buffer_printf(&name, "%zu others", sum->item_count - shown);
	row.name = spy_buffer_text(&name);
	row.sizes = &others;
	put_row(picture, &row, largest, y);
	return y + ITEM_ROW;
}

/* Returns where the next process begins. */
static double put_process(const struct picture *picture, const struct pyspyc_maps *maps, double y)
{
	struct spy_buffer *buffer = picture->buffer;
	spy_autobuffer struct spy_buffer text = { 0 };
	uint64_t largest = 0;
	unsigned kind;

	put_text(buffer, "head", MARGIN, y + 34, "start", maps->command, 90);
	spy_buffer_printf(&text, "process %d", (int)maps->pid);
	if (maps->version)
		spy_buffer_printf(&text, ", Python %s", maps->version);
	spy_buffer_puts(&text, ": ");
	spy_put_bytes(&text, maps->total.rss);
	spy_buffer_puts(&text, " in memory (RSS), ");
	spy_put_bytes(&text, maps->total.uss);
	spy_buffer_puts(&text, " of it in no other process (USS); PSS ");
	spy_put_bytes(&text, maps->total.pss);
	spy_buffer_puts(&text, ", dirty ");
	spy_put_bytes(&text, maps->total.dirty);
	spy_buffer_puts(&text, ", swap ");
	spy_put_bytes(&text, maps->total.swap);
	put_text(buffer, "meta", MARGIN, y + 58, "start", spy_buffer_text(&text), 400);
	spy_buffer_putc(buffer, '\n');
	put_whole(picture, maps, y + HEAD);
	y += HEAD + BAR + 30;
	for (kind = 0; kind < PYSPYC_MAP_KINDS; kind++)
		if (maps->kinds[kind].sizes.rss > largest)
			largest = maps->kinds[kind].sizes.rss;
	for (kind = 0; kind < PYSPYC_MAP_KINDS; kind++) {
		const struct pyspyc_map_kind_sum *sum = &maps->kinds[kind];
		struct row row = { picture->title(kind), &sum->sizes, sum->about, true, kind };

		if (!sum->item_count)
			continue;
		put_row(picture, &row, largest, y);
		y += ITEM_ROW + 2;
		if (sum->item_count > 1 || maps->items[sum->first_item].name[0] == '/')
			y = put_items(picture, maps, kind, largest, y);
		y += KIND_ROW - ITEM_ROW;
	}
	return y;
}

static void put_styles(struct spy_buffer *buffer)
{
	spy_buffer_puts(buffer, "<style>\n");
	spy_buffer_puts(buffer,
			".pyspyc { background: #fff; color: #14171c }\n"
			".pyspyc .page { fill: #fff }\n"
			".pyspyc text { fill: #14171c; font: 12px ui-monospace, Menlo, Consolas, "
			"\"DejaVu Sans Mono\", \"Liberation Mono\", monospace; white-space: pre }\n"
			".pyspyc .head, .pyspyc .meta, .pyspyc .kind { font-family: system-ui, "
			"\"Segoe UI\", Roboto, \"Helvetica Neue\", \"DejaVu Sans\", sans-serif }\n"
			".pyspyc .head { font-size: 19px; font-weight: 600 }\n"
			".pyspyc .meta { font-size: 12.5px; fill: #565e6b }\n"
			".pyspyc .kind { font-size: 13px; font-weight: 600 }\n"
			".pyspyc .quiet { fill: #565e6b }\n"
			".pyspyc .on { fill: #14171c }\n"
			".pyspyc g:hover rect { stroke: #0b57d0; stroke-width: 1.5 }\n"
			"@media (prefers-color-scheme: dark) {\n"
			".pyspyc { background: #14171c } .pyspyc .page { fill: #14171c }\n"
			".pyspyc text { fill: #f0f2f5 } .pyspyc .on { fill: #14171c }\n"
			".pyspyc .meta, .pyspyc .quiet { fill: #a9b1be }\n"
			".pyspyc g:hover rect { stroke: #8ab4f8 } }\n"
			"</style>\n");
}

int spy_maps_picture_write(const struct pyspyc_maps *const *maps, size_t count,
			   const char *(*title)(enum pyspyc_map_kind kind), FILE *file,
			   struct pyspyc_error *err)
{
	spy_autobuffer struct spy_buffer body = { 0 }, start = { 0 };
	struct picture picture = { &body, title };
	double y = 0;
	size_t i;

	for (i = 0; i < count; i++)
		y = put_process(&picture, maps[i], y) + (i + 1 < count ? GAP : 0);
	put_text(
		&body, "meta", MARGIN, y + 14, "start",
		"Bars: what is in memory; pale: shared with other processes. Hover for all figures.",
		120);
	y += 34;
	spy_buffer_printf(
		&start,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pyspyc\" width=\"100%%\" "
		"viewBox=\"0 0 %d %.0f\" preserveAspectRatio=\"xMinYMin meet\" "
		"style=\"height:%.2fvw;min-width:%dpx;min-height:%.0fpx\" role=\"img\" "
		"aria-label=\"memory by segment\">\n",
		WIDTH, y, 100 * y / WIDTH, LEAST, LEAST * y / WIDTH);
	put_styles(&start);
	spy_buffer_printf(&start, "<rect class=\"page\" width=\"%d\" height=\"%.0f\"/>\n", WIDTH,
			  y);
	spy_buffer_puts(&body, "\n</svg>\n");
	if (start.failed || body.failed)
		return spy_nomem(err);
	fwrite(start.data, 1, start.size, file);
	fwrite(body.data, 1, body.size, file);
	return 0;
}
