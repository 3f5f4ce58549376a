/* Memory of a captured image: segments held by the caller. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "target/memory.h"

struct image_memory {
	struct spy_memory memory;
	size_t count;
	struct spy_segment segments[];
};

static const struct spy_segment *find(const struct image_memory *image, uint64_t address)
{
	size_t low = 0, high = image->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct spy_segment *segment = &image->segments[middle];

		if (address < segment->address)
			high = middle;
		else if (address - segment->address >= segment->size)
			low = middle + 1;
		else
			return segment;
	}
	return NULL;
}

/* A range may span segments that lie next to each other. */
static int read_range(const struct image_memory *image, const struct spy_range *range,
		      struct pyspyc_error *err)
{
	size_t done = 0;

	while (done < range->size) {
		const struct spy_segment *segment = find(image, range->address + done);
		size_t offset, size;

		if (!segment)
			return spy_fault(err, range->address + done,
					 "address 0x%llx is not in the image",
					 (unsigned long long)(range->address + done));
		offset = (size_t)(range->address + done - segment->address);
		size = segment->size - offset;
		if (size > range->size - done)
			size = range->size - done;
		memcpy((char *)range->buffer + done, (const char *)segment->bytes + offset, size);
		done += size;
	}
	return 0;
}

static int image_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		      struct pyspyc_error *err)
{
	const struct image_memory *image = (const struct image_memory *)memory;
	size_t i;

	for (i = 0; i < count; i++) {
		int result = read_range(image, &ranges[i], err);

		if (result < 0)
			return result;
	}
	return 0;
}

static void image_destroy(struct spy_memory *memory)
{
	free(memory);
}

static const struct spy_memory_ops image_ops = {
	.read = image_read,
	.destroy = image_destroy,
};

static int compare_segments(const void *left, const void *right)
{
	const struct spy_segment *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

int spy_memory_open_image(const struct spy_segment *segments, size_t count,
			  struct spy_memory **ret, struct pyspyc_error *err)
{
	struct image_memory *image =
		calloc(1, sizeof(*image) + count * sizeof(image->segments[0]));

	if (!image)
		return spy_nomem(err);
	image->memory.ops = &image_ops;
	image->count = count;
	if (count) {
		memcpy(image->segments, segments, count * sizeof(*segments));
		qsort(image->segments, count, sizeof(*segments), compare_segments);
	}
	*ret = &image->memory;
	return 0;
}
