#include "sink/memory_text.h"

#include <inttypes.h>

#include "base/error.h"
#include "sink/escape.h"

#define ENOUGH 65536
#define ELLIPSIS "\xe2\x80\xa6"

const char *spy_memory_visible(struct spy_memory_text *out, const char *text)
{
	spy_buffer_clear(&out->plain);
	if (out->used >= SPY_MEMORY_TEXT_BYTES)
		return ELLIPSIS;
	spy_escape_visible(&out->plain, text, SPY_MEMORY_TEXT_MOST);
	out->used += out->plain.size;
	return spy_buffer_text(&out->plain);
}

void spy_memory_put_seconds(struct spy_memory_text *out, uint64_t ns)
{
	spy_buffer_printf(&out->piece, "%" PRIu64 ".%06u", ns / 1000000000,
			  (unsigned)(ns % 1000000000 / 1000));
}

static void put_all(struct spy_memory_text *out)
{
	/* A failed write shows in ferror, which the caller of the sink checks. */
	if (out->piece.size)
		fwrite(out->piece.data, 1, out->piece.size, out->file);
	out->failed = out->failed || out->piece.failed || out->plain.failed;
	spy_buffer_clear(&out->piece);
}

void spy_memory_flush(struct spy_memory_text *out)
{
	if (out->piece.size >= ENOUGH)
		put_all(out);
}

int spy_memory_end(struct spy_memory_text *out, struct pyspyc_error *err)
{
	put_all(out);
	spy_buffer_free(&out->piece);
	spy_buffer_free(&out->plain);
	return out->failed ? spy_nomem(err) : 0;
}

const struct spy_frame *spy_memory_innermost(const struct spy_history *history,
					     const struct pyspyc_profile *profile, uint32_t stack)
{
	uint32_t first, frame;

	if (stack >= history->stack_count || !history->stacks[stack].count)
		return NULL;
	first = history->stacks[stack].first;
	if (first >= history->frame_count)
		return NULL;
	frame = history->frames[first];
	return frame < profile->frame_count ? &profile->frames[frame] : NULL;
}
