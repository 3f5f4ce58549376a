/* Who waits for the GIL behind whom. */
#include <stdlib.h>
#include <string.h>

#include "lib/gauges.h"

/* More pairs than anybody reads; each costs a little at every update. */
#define WAITS_LIMIT 4096

static uint64_t key_of(const struct spy_wait_gauge *wait)
{
	return (uint64_t)wait->waiter->serial << 32 | wait->holder->serial;
}

static bool room(struct spy_waits *waits)
{
	size_t capacity = waits->capacity ? waits->capacity * 2 : 64;
	struct spy_wait_gauge *larger;

	if (waits->count < waits->capacity)
		return true;
	larger = realloc(waits->items, capacity * sizeof(*larger));
	if (!larger)
		return false;
	waits->items = larger;
	waits->capacity = capacity;
	return true;
}

void spy_waits_add(struct spy_gauges *gauges, struct spy_thread_gauge *waiter,
		   struct spy_thread_gauge *holder, uint64_t time_ns)
{
	struct spy_waits *waits = &gauges->waits;
	struct spy_wait_gauge made = { .waiter = waiter, .holder = holder };
	uint64_t *slot = spy_map_find(&waits->index, key_of(&made));

	if (!slot) {
		/* The next update makes room. */
		if (waits->count >= WAITS_LIMIT)
			return;
		slot = room(waits) ? spy_map_insert(&waits->index, key_of(&made), NULL) : NULL;
		if (!slot) {
			gauges->failed = true;
			return;
		}
		*slot = waits->count;
		waits->items[waits->count++] = made;
	}
	waits->items[*slot].open_ns += time_ns;
	waits->items[*slot].since_ns += time_ns;
}

void spy_waits_close(struct spy_waits *waits, uint64_t open_ns)
{
	size_t i;

	for (i = 0; i < waits->count; i++) {
		waits->items[i].now = (double)waits->items[i].open_ns / (double)open_ns;
		waits->items[i].open_ns = 0;
	}
}

static int compare(const void *left, const void *right)
{
	const struct spy_wait_gauge *a = left, *b = right;

	if (a->now != b->now)
		return a->now < b->now ? 1 : -1;
	if (a->since_ns != b->since_ns)
		return a->since_ns < b->since_ns ? 1 : -1;
	return (key_of(a) > key_of(b)) - (key_of(a) < key_of(b));
}

void spy_waits_thin(struct spy_waits *waits)
{
	size_t i, kept = 0;

	for (i = 0; i < waits->count; i++)
		if (!waits->items[i].waiter->ended_ns && !waits->items[i].holder->ended_ns)
			waits->items[kept++] = waits->items[i];
	waits->count = kept;
	if (kept)
		qsort(waits->items, kept, sizeof(*waits->items), compare);
	if (waits->count > WAITS_LIMIT * 3 / 4)
		waits->count = WAITS_LIMIT / 2;
	spy_map_clear(&waits->index);
	for (i = 0; i < waits->count; i++) {
		uint64_t *slot = spy_map_insert(&waits->index, key_of(&waits->items[i]), NULL);

		if (slot)
			*slot = i;
	}
}

void spy_waits_free(struct spy_waits *waits)
{
	free(waits->items);
	spy_map_free(&waits->index);
	*waits = (struct spy_waits){ 0 };
}
