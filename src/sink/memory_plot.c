/*
 * Memory over time: one SVG file that is a picture by itself and, where scripts run, turns into a
 * page to explore it. It loads nothing and holds no name outside of escaped text and JSON.
 */
#include "sink/memory_plot.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/embedded.h"
#include "sink/page.h"

static int write_plot(const struct spy_memory_recording *memory, FILE *file,
		      struct pyspyc_error *err)
{
	static const char *const scripts[] = {
		spy_embedded_memory_plot_model_js,  spy_embedded_memory_plot_text_js,
		spy_embedded_memory_plot_draw_js,   spy_embedded_memory_plot_js,
		spy_embedded_memory_plot_events_js, NULL
	};
	spy_autobuffer struct spy_buffer buffer = { 0 };
	spy_cleanup(spy_plot_free) struct spy_plot plot = { 0 };
	int ret;

	ret = spy_plot_make(memory, &plot, err);
	if (ret)
		return ret;
	if (spy_plot_picture(&buffer, &plot))
		return spy_nomem(err);
	spy_buffer_puts(&buffer, "<script type=\"application/json\" class=\"data\">");
	spy_plot_data(&buffer, &plot);
	spy_buffer_puts(&buffer, "</script>\n");
	spy_page_end(&buffer, scripts);
	if (buffer.failed)
		return spy_nomem(err);
	fwrite(buffer.data, 1, buffer.size, file);
	return 0;
}

const struct spy_memory_sink spy_memory_sink_plot = {
	.format = {
		.name = "plot",
		.aliases = (const char *const[]){ "svg", NULL },
		.extensions = (const char *const[]){ ".svg", NULL },
		.description = "interactive plot of memory over time, one SVG file for any browser",
	},
	.write = write_plot,
};
