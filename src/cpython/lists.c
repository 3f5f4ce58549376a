#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/head.h"

int spy_list_read(const struct spy_heap *heap, uint64_t list, uint64_t **ret, size_t *count,
		  struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	spy_autofree uint64_t *items = NULL;
	uint64_t size, address, flags;
	struct spy_head head;
	int result;

	*ret = NULL;
	*count = 0;
	result = spy_object_read(heap, list, SPY_TYPE_LIST | SPY_TYPE_TUPLE, "list", &head, &flags,
				 err);
	if (result < 0)
		return result;
	size = spy_head_word(&head, layout->var_size);
	if (size > INT64_MAX)
		return spy_corrupt(err, "list", list);
	if (size > SPY_ENTRIES_LIMIT)
		size = SPY_ENTRIES_LIMIT;
	if (flags & SPY_TYPE_LIST)
		address = spy_head_word(&head, layout->list_items);
	else
		address = list + layout->tuple_items;
	items = malloc((size_t)(size ? size : 1) * sizeof(*items));
	if (!items)
		return spy_nomem(err);
	if (size) {
		result = spy_memory_read(heap->memory, address, items,
					 (size_t)size * sizeof(*items), err);
		if (result < 0)
			return result;
	}
	*ret = spy_steal(items);
	*count = (size_t)size;
	return 0;
}
