/* Reading whole segments of an image, piece by piece. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "elf/image.h"

#define CHUNK ((size_t)256 * 1024)
#define PAGE UINT64_C(4096)

struct walk {
	const struct spy_image *image;
	spy_image_visitor *visit;
	void *context;
	uint8_t *buffer;
	uint64_t budget; /* bytes that may still be read */
};

/* True to go on with the next segment. */
static bool visit_load(struct walk *walk, const struct spy_load *load)
{
	uint64_t at = load->address, end = load->address + load->size;

	while (at < end && walk->budget) {
		size_t size = end - at < CHUNK ? (size_t)(end - at) : CHUNK;

		if (size > walk->budget)
			size = (size_t)walk->budget;
		if (spy_memory_read(walk->image->memory, at, walk->buffer, size, NULL) < 0) {
			/* Protected pages inside: find their limits page by page. */
			size = PAGE - at % PAGE < end - at ? (size_t)(PAGE - at % PAGE)
							   : (size_t)(end - at);
			if (spy_memory_read(walk->image->memory, at, walk->buffer, size, NULL) <
			    0) {
				walk->budget -= size < walk->budget ? size : walk->budget;
				at += size;
				continue;
			}
		}
		if (!walk->visit(walk->context, at, walk->buffer, size))
			return false;
		walk->budget -= size < walk->budget ? size : walk->budget;
		if (at + size >= end)
			break;
		at += size > 2 * SPY_VISIT_OVERLAP ? size - SPY_VISIT_OVERLAP : size;
	}
	return true;
}

int spy_image_visit(const struct spy_image *image, enum spy_loads which, uint64_t limit,
		    spy_image_visitor *visit, void *context, struct pyspyc_error *err)
{
	spy_autofree uint8_t *buffer = malloc(CHUNK);
	struct walk walk = { image, visit, context, buffer, limit };
	unsigned pass;
	size_t i;

	if (!buffer)
		return spy_nomem(err);
	/* Constants are in a segment of their own or, from older linkers, with the code. */
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < image->load_count; i++) {
			const struct spy_load *load = &image->loads[i];

			if (load->writable == (which == SPY_LOADS_WRITABLE) &&
			    load->executable == (pass == 1) && !visit_load(&walk, load))
				return 0;
		}
	}
	return 0;
}
