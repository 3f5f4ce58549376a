#include "tui/growing.h"

#include <stdlib.h>

#include "tui/cells.h"

static int compare(const void *left, const void *right)
{
	const struct tui_grown *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

static uint64_t known(const struct tui_growing *growing, uint64_t id)
{
	const struct tui_grown wanted = { .id = id };
	const struct tui_grown *found = growing->count
						? bsearch(&wanted, growing->known, growing->count,
							  sizeof(wanted), compare)
						: NULL;

	return found ? found->grown : 0;
}

const struct pyspyc_row *tui_growing_update(struct tui_growing *growing,
					    const struct pyspyc_table *table, uint64_t *bytes)
{
	struct tui_growing now = { .known = calloc(table->count + 1, sizeof(*now.known)) };
	const struct pyspyc_row *most = NULL;

	*bytes = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct pyspyc_row *row = &table->rows[i];
		uint64_t id, before, grown = row->amounts.grown;

		if (!grown)
			continue;
		id = tui_place_identity(&row->place);
		before = known(growing, id);
		/* Less than before: all counts anew. */
		before = before <= grown ? before : 0;
		if (grown - before > *bytes) {
			*bytes = grown - before;
			most = row;
		}
		if (now.known)
			now.known[now.count++] = (struct tui_grown){ id, grown };
	}
	if (now.count)
		qsort(now.known, now.count, sizeof(*now.known), compare);
	tui_growing_free(growing);
	*growing = now;
	return most;
}

void tui_growing_free(struct tui_growing *growing)
{
	free(growing->known);
	*growing = (struct tui_growing){ 0 };
}
