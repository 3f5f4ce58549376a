/*
 * The flame graph: one SVG file that is a picture by itself and, where scripts run, turns into
 * a page to explore it. It loads nothing and holds no name outside of escaped text and JSON.
 */
#include "sink/flamegraph.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/bytes.h"
#include "sink/embedded.h"
#include "sink/page.h"
#include "sink/sink.h"

const char *spy_flame_nothing(const struct pyspyc_profile *profile)
{
	return profile->bytes ? "No memory" : "No samples";
}

const char *spy_flame_why_empty(const struct pyspyc_profile *profile)
{
	if (profile->bytes)
		return "No thread was seen to run while RSS changed in this direction.";
	return "No thread ran Python code while this was recorded. Threads that wait are left out "
	       "unless idle ones are asked for.";
}

const char *spy_flame_unit(const struct pyspyc_profile *profile)
{
	return profile->bytes ? "bytes" : "samples";
}

unsigned int spy_flame_colour(const struct pyspyc_profile *profile, const struct spy_frame *frame)
{
	const char *file;
	uint64_t hash;

	if (frame->origin >= SPY_ORIGIN_NONE || frame->kind != SPY_FRAME_PYTHON)
		return SPY_FLAME_COLOURS - 1;
	file = spy_profile_text(profile, frame->file);
	hash = spy_hash(file, strlen(file), 0);
	return frame->origin * SPY_FLAME_SHADES + (unsigned int)(hash % SPY_FLAME_SHADES);
}

const char *spy_flame_origin_name(enum spy_origin origin)
{
	switch (origin) {
	case SPY_ORIGIN_OWN:
		return "Own code";
	case SPY_ORIGIN_STDLIB:
		return "Standard library";
	case SPY_ORIGIN_THIRD_PARTY:
		return "Third party";
	case SPY_ORIGIN_NONE:
		break;
	}
	return "Other";
}

void spy_flame_number(struct spy_buffer *buffer, uint64_t number)
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%" PRIu64, number), i;

	for (i = 0; i < size; i++) {
		if (i && (size - i) % 3 == 0)
			spy_buffer_putc(buffer, ',');
		spy_buffer_putc(buffer, digits[i]);
	}
}

void spy_flame_amount(struct spy_buffer *buffer, const struct pyspyc_profile *profile,
		      uint64_t samples)
{
	if (profile->bytes) {
		spy_put_bytes(buffer, samples);
		return;
	}
	spy_flame_number(buffer, samples);
	spy_buffer_puts(buffer, samples == 1 ? " sample" : " samples");
}

void spy_flame_share(struct spy_buffer *buffer, uint64_t part, uint64_t whole)
{
	double share = whole ? 100.0 * (double)part / (double)whole : 0;

	if (part && share < 0.1)
		spy_buffer_puts(buffer, "<0.1 %");
	else if (part < whole && share > 99.9)
		spy_buffer_puts(buffer, ">99.9 %");
	else
		spy_buffer_printf(buffer, "%.1f %%", share);
}

void spy_flame_facts(struct spy_buffer *buffer, const struct pyspyc_profile *profile)
{
	spy_page_started(buffer, profile);
	if (profile->duration_ns)
		spy_buffer_printf(buffer, "%.1f s · ", (double)profile->duration_ns / 1e9);
	spy_flame_amount(buffer, profile, profile->samples);
}

/* One figure's tree for the script; the first one's picture before it. */
static int put_figure(struct spy_buffer *buffer, const struct pyspyc_profile *profile, bool picture,
		      struct pyspyc_error *err)
{
	struct spy_flame_tree tree;
	int ret = spy_flame_tree_make(profile, SPY_FLAME_FRAMES, SPY_FLAME_NAME_BYTES, &tree, err);

	if (ret)
		return ret;
	if (picture)
		spy_flame_picture(buffer, profile, &tree, spy_embedded_flamegraph_css);
	spy_buffer_puts(buffer, "<script type=\"application/json\" class=\"data\">");
	spy_flame_data(buffer, profile, &tree);
	spy_buffer_puts(buffer, "</script>\n");
	spy_flame_tree_free(&tree);
	return 0;
}

static int write_flamegraph(const struct pyspyc_profile *profile, FILE *file,
			    struct pyspyc_error *err)
{
	static const char *const scripts[] = { spy_embedded_flamegraph_model_js,
					       spy_embedded_flamegraph_js,
					       spy_embedded_flamegraph_events_js, NULL };
	spy_autobuffer struct spy_buffer buffer = { 0 };
	int ret;

	ret = put_figure(&buffer, profile, true, err);
	if (!ret && profile->grown)
		ret = put_figure(&buffer, profile->grown, false, err);
	if (!ret && profile->released)
		ret = put_figure(&buffer, profile->released, false, err);
	if (ret)
		return ret;
	spy_page_end(&buffer, scripts);
	if (buffer.failed)
		return spy_nomem(err);
	fwrite(buffer.data, 1, buffer.size, file);
	return 0;
}

const struct spy_sink spy_sink_flamegraph = {
	.format = {
		.name = "flamegraph",
		.aliases = (const char *const[]){ "svg", NULL },
		.extensions = (const char *const[]){ ".svg", NULL },
		.description = "interactive flame graph, one SVG file for any browser",
	},
	.write = write_flamegraph,
};
