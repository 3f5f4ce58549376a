#include "sink/page.h"

#include <time.h>

#include "base/cleanup.h"
#include "sink/embedded.h"
#include "sink/escape.h"

void spy_page_fit(struct spy_buffer *buffer, const char *text, size_t columns)
{
	spy_autobuffer struct spy_buffer fit = { 0 };

	spy_text_fit(&fit, text, columns);
	spy_escape_xml(buffer, spy_buffer_text(&fit));
}

void spy_page_visible(struct spy_buffer *buffer, const char *text, size_t most)
{
	spy_autobuffer struct spy_buffer visible = { 0 };

	spy_escape_visible(&visible, text ? text : "", most);
	spy_escape_xml(buffer, spy_buffer_text(&visible));
}

void spy_page_started(struct spy_buffer *buffer, const struct pyspyc_profile *profile)
{
	time_t start = (time_t)profile->started_at;
	char text[64];
	struct tm tm;

	if (start && localtime_r(&start, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm))
		spy_buffer_printf(buffer, "%s · ", text);
}

static const char *title_of(const struct pyspyc_profile *profile, const char *untitled)
{
	return profile->title && *profile->title ? profile->title : untitled;
}

void spy_page_start(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		    const char *untitled, const char *kind, const char *style, int height)
{
	spy_buffer_printf(
		buffer,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pyspyc\" width=\"100%%\" "
		"viewBox=\"0 0 %d %d\" preserveAspectRatio=\"xMinYMin meet\" "
		"style=\"height:%.2fvw\" role=\"img\" "
		"aria-labelledby=\"pyspyc-title\">\n<title id=\"pyspyc-title\">",
		/* Browsers would shrink a picture that is higher than their window. */
		SPY_PAGE_WIDTH, height, 100.0 * height / SPY_PAGE_WIDTH);
	spy_page_visible(buffer, title_of(profile, untitled), 200);
	spy_buffer_printf(
		buffer,
		" – %s by pyspyc</title>\n<style><![CDATA[\n%s%s]]></style>\n"
		"<g class=\"picture\">\n<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n",
		kind, spy_embedded_page_css, style, SPY_PAGE_WIDTH, height);
}

/* Text at the margin. */
static void put_line(struct spy_buffer *buffer, const char *class, int y, const char *text,
		     size_t most)
{
	spy_buffer_printf(buffer, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, SPY_PAGE_MARGIN,
			  y);
	spy_page_visible(buffer, text, most);
	spy_buffer_puts(buffer, "</text>\n");
}

void spy_page_head(struct spy_buffer *buffer, const struct pyspyc_profile *profile, size_t most,
		   const char *facts)
{
	put_line(buffer, "head", 32, title_of(profile, "pyspyc"), most);
	put_line(buffer, "meta", 53, facts, 165);
	put_line(buffer, "meta", 71, profile->summary, 165);
}

void spy_page_empty(struct spy_buffer *buffer, int y, const char *what, const char *why)
{
	spy_buffer_printf(buffer,
			  "<text class=\"head\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s"
			  "</text>\n<text class=\"meta\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
			  SPY_PAGE_WIDTH / 2, y + 60, what, SPY_PAGE_WIDTH / 2, y + 84);
	spy_escape_xml(buffer, why);
	spy_buffer_puts(buffer, "</text>\n");
}

void spy_page_member(struct spy_buffer *buffer, const char *key, const char *text, size_t most)
{
	spy_autobuffer struct spy_buffer visible = { 0 };

	spy_escape_visible(&visible, text ? text : "", most);
	spy_buffer_printf(buffer, ",\n\"%s\":", key);
	spy_escape_json(buffer, spy_buffer_text(&visible));
	if (visible.failed)
		buffer->failed = true;
}

void spy_page_end(struct spy_buffer *buffer, const char *const *scripts)
{
	spy_buffer_puts(buffer, "<script><![CDATA[\n(function () {\n\"use strict\";\n");
	spy_buffer_puts(buffer, spy_embedded_page_js);
	for (; *scripts; scripts++)
		spy_buffer_puts(buffer, *scripts);
	spy_buffer_puts(buffer, "}());\n]]></script>\n</svg>\n");
}
