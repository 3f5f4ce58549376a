#include "sample/spans.h"

#include <stdlib.h>
#include <string.h>

/* One larger read is cheaper than two: a further range costs as much as copying 2 KB. */
#define JOIN_GAP 512

void spy_spans_free(struct spy_spans *spans)
{
	free(spans->items);
	*spans = (struct spy_spans){ 0 };
}

void spy_spans_clear(struct spy_spans *spans)
{
	spans->count = 0;
	spans->bytes = 0;
}

bool spy_spans_add(struct spy_spans *spans, uint64_t start, size_t size)
{
	if (spans->count == spans->capacity) {
		size_t capacity = spans->capacity ? spans->capacity * 2 : 16;
		struct spy_span *items = realloc(spans->items, capacity * sizeof(*items));

		if (!items)
			return false;
		spans->items = items;
		spans->capacity = capacity;
	}
	spans->items[spans->count++] = (struct spy_span){ .start = start, .end = start + size };
	return true;
}

static int compare_spans(const void *left, const void *right)
{
	const struct spy_span *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static bool lay_out(struct spy_spans *spans)
{
	size_t i;

	spans->bytes = 0;
	for (i = 0; i < spans->count; i++) {
		spans->items[i].offset = spans->bytes;
		spans->bytes += (size_t)(spans->items[i].end - spans->items[i].start);
	}
	return spans->bytes <= SPY_SPANS_BYTES_LIMIT;
}

bool spy_spans_settle(struct spy_spans *spans)
{
	struct spy_span *items = spans->items;
	size_t from, to = 0;

	if (!spans->count)
		return true;
	qsort(items, spans->count, sizeof(*items), compare_spans);
	for (from = 1; from < spans->count; from++) {
		if (items[from].start <= items[to].end + JOIN_GAP) {
			items[to].once &= items[from].once && items[from].start == items[to].start &&
					  items[from].end == items[to].end;
			if (items[from].end > items[to].end)
				items[to].end = items[from].end;
		} else {
			items[++to] = items[from];
		}
	}
	spans->count = to + 1;
	if (lay_out(spans))
		return true;
	spy_spans_clear(spans);
	return false;
}

bool spy_spans_drop(struct spy_spans *spans, uint64_t address)
{
	size_t i;

	for (i = 0; i < spans->count; i++) {
		/* A joined span may end in a page that has gone: the fault is anywhere in it. */
		if (address >= spans->items[i].start && address < spans->items[i].end) {
			memmove(&spans->items[i], &spans->items[i + 1],
				(spans->count - i - 1) * sizeof(spans->items[0]));
			spans->count--;
			lay_out(spans);
			return true;
		}
	}
	return false;
}

static bool covers(const struct spy_span *span, uint64_t address, size_t size)
{
	return address >= span->start && address <= span->end && span->end - address >= size;
}

const struct spy_span *spy_spans_find(const struct spy_spans *spans, uint64_t address, size_t size,
				      const struct spy_span *hint)
{
	size_t low = 0, high = spans->count;

	if (hint && covers(hint, address, size))
		return hint;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct spy_span *span = &spans->items[middle];

		if (address < span->start)
			high = middle;
		else if (address >= span->end)
			low = middle + 1;
		else
			return covers(span, address, size) ? span : NULL;
	}
	return NULL;
}
