/* From mappings and claims to ranges, each of one kind, and their sums. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lib/maps_parts.h"
#include "target/pagemap.h"

/* A larger mapping's page map is not read: address space that was set aside. */
#define PAGEMAP_LIMIT (UINT64_C(64) << 30)

/* A part of the mapping at hand. */
struct part {
	struct spy_claim claim;
	struct spy_pages pages; /* of it that are in memory, once counted */
};

struct build {
	struct spy_maps_look *look;
	struct spy_owned_maps *owned;
	struct spy_map items; /* of kind, name and thread: the item's number */
	struct part *parts;
	size_t part_count, part_capacity;
};

bool spy_look_reserve(void **items, size_t count, size_t *capacity, size_t size)
{
	size_t larger = *capacity ? *capacity * 2 : 64;
	void *moved;

	if (count < *capacity)
		return true;
	moved = realloc(*items, larger * size);
	if (!moved)
		return false;
	*items = moved;
	*capacity = larger;
	return true;
}

static bool add_part(struct build *build, const struct spy_claim *claim)
{
	if (!spy_look_reserve((void **)&build->parts, build->part_count, &build->part_capacity,
			      sizeof(*build->parts)))
		return false;
	build->parts[build->part_count++] = (struct part){ .claim = *claim };
	return true;
}

/* The number of the item of a part, which is made when it is the first of its kind and name. */
static bool item_of(struct build *build, const struct spy_claim *part, size_t *ret)
{
	struct spy_owned_maps *owned = build->owned;
	uint64_t key = spy_mix((uint64_t)part->kind << 56 | (uint64_t)part->name << 24 |
			       (uint64_t)part->deleted << 23) ^
		       (uint64_t)part->tid;
	bool inserted;
	uint64_t *number = spy_map_insert(&build->items, key, &inserted);

	if (!number)
		return false;
	if (inserted) {
		*number = owned->maps.item_count;
		if (!spy_look_reserve((void **)&owned->items, owned->maps.item_count,
				      &owned->item_capacity, sizeof(*owned->items)))
			return false;
		owned->items[owned->maps.item_count++] = (struct pyspyc_map_item){
			.kind = part->kind,
			.name = build->look->strings.texts[part->name],
			.tid = part->tid,
			.deleted = part->deleted,
		};
	}
	*ret = (size_t)*number;
	return true;
}

static bool add_range(struct build *build, const struct spy_mapping *mapping,
		      const struct spy_claim *part, const struct pyspyc_map_sizes *sizes,
		      bool about)
{
	struct spy_owned_maps *owned = build->owned;
	struct pyspyc_map_range range = {
		.start = part->start,
		.end = part->end,
		.offset = mapping->path[0] == '/' ? mapping->offset + part->start - mapping->start
						  : 0,
		.permissions = {
			mapping->flags & SPY_MAP_READ ? 'r' : '-',
			mapping->flags & SPY_MAP_WRITE ? 'w' : '-',
			mapping->flags & SPY_MAP_EXEC ? 'x' : '-',
			mapping->flags & SPY_MAP_SHARED ? 's' : 'p',
		},
		.about = about,
		.sizes = *sizes,
	};
	struct pyspyc_map_item *item;

	if (!item_of(build, part, &range.item))
		return false;
	if (!spy_look_reserve((void **)&owned->ranges, owned->maps.range_count,
			      &owned->range_capacity, sizeof(*owned->ranges)))
		return false;
	owned->ranges[owned->maps.range_count++] = range;
	item = &owned->items[range.item];
	item->ranges++;
	item->about = item->about || about;
	pyspyc_map_sizes_add(&item->sizes, sizes);
	return true;
}

/* --- a mapping that is of several kinds --- */

/* Takes the mapping apart along the claims from *next on, in order of address. */
static bool take_apart(struct build *build, const struct spy_mapping *mapping, size_t *next)
{
	const struct spy_claims *claims = &build->look->claims;
	struct spy_claim rest = spy_look_kind(build->look, mapping), part;
	uint64_t at = mapping->start;
	size_t i;

	build->part_count = 0;
	while (*next < claims->count && claims->items[*next].end <= at)
		(*next)++;
	for (i = *next; spy_look_is_plain(mapping) && i < claims->count &&
			claims->items[i].start < mapping->end;
	     i++) {
		part = claims->items[i];
		if (part.start > at) {
			rest.start = at;
			rest.end = part.start;
			if (!add_part(build, &rest))
				return false;
		}
		part.start = part.start > at ? part.start : at;
		part.end = part.end < mapping->end ? part.end : mapping->end;
		if (!add_part(build, &part))
			return false;
		at = part.end;
	}
	rest.start = at;
	rest.end = mapping->end;
	return at == mapping->end || add_part(build, &rest);
}

/* What falls to weights [0, upto) of a sum of `whole`, so that all parts add up to the total. */
static uint64_t share(uint64_t total, uint64_t upto, uint64_t whole)
{
	return whole ? (uint64_t)((unsigned __int128)total * upto / whole) : 0;
}

/* Which pages of each part are in memory. False when only their sizes can tell. */
static bool count_pages(struct build *build, const struct spy_mapping *mapping,
			struct spy_pages *sum)
{
	size_t i;

	*sum = (struct spy_pages){ 0 };
	if (build->look->pagemap < 0 || mapping->end - mapping->start > PAGEMAP_LIMIT)
		return false;
	for (i = 0; i < build->part_count; i++) {
		struct part *part = &build->parts[i];

		if (!spy_pagemap_count(build->look->pagemap, part->claim.start, part->claim.end,
				       &part->pages))
			return false;
		sum->present += part->pages.present;
		sum->swapped += part->pages.swapped;
	}
	return true;
}

/* Gives each part its share; what is left of rounding goes to those behind. */
static bool divide(struct build *build, const struct spy_smap *smap)
{
	const struct spy_smap_sizes *all = &smap->sizes;
	const uint64_t page = spy_page_size();
	struct spy_pages sum, upto = { 0 };
	bool counted = count_pages(build, &smap->mapping, &sum);
	bool by_rss = counted && sum.present, by_swap = counted && sum.swapped;
	bool exact = counted && sum.present * page == all->rss && all->pss == all->rss &&
		     all->private_bytes == all->rss && all->dirty == all->rss &&
		     sum.swapped * page == all->swap;
	uint64_t whole = smap->mapping.end - smap->mapping.start;
	struct pyspyc_map_sizes before = { 0 };
	size_t i;

	for (i = 0; i < build->part_count; i++) {
		const struct part *part = &build->parts[i];
		uint64_t at = part->claim.end - smap->mapping.start, resident, swapped;
		struct pyspyc_map_sizes now, own;

		upto.present += counted ? part->pages.present : 0;
		upto.swapped += counted ? part->pages.swapped : 0;
		resident = by_rss ? upto.present : at;
		swapped = by_swap ? upto.swapped : at;
		now = (struct pyspyc_map_sizes){
			.size = at,
			.rss = share(all->rss, resident, by_rss ? sum.present : whole),
			.pss = share(all->pss, resident, by_rss ? sum.present : whole),
			.uss = share(all->private_bytes, resident, by_rss ? sum.present : whole),
			.dirty = share(all->dirty, resident, by_rss ? sum.present : whole),
			.swap = share(all->swap, swapped, by_swap ? sum.swapped : whole),
		};
		own = (struct pyspyc_map_sizes){
			.size = now.size - before.size,
			.rss = now.rss - before.rss,
			.pss = now.pss - before.pss,
			.uss = now.uss - before.uss,
			.dirty = now.dirty - before.dirty,
			.swap = now.swap - before.swap,
		};
		before = now;
		if (!add_range(build, &smap->mapping, &part->claim, &own,
			       !exact && (all->rss || all->swap)))
			return false;
	}
	return true;
}

static bool add_mapping(struct build *build, const struct spy_smap *smap, size_t *next)
{
	const struct pyspyc_map_sizes sizes = {
		.size = smap->mapping.end - smap->mapping.start,
		.rss = smap->sizes.rss,
		.pss = smap->sizes.pss,
		.uss = smap->sizes.private_bytes,
		.dirty = smap->sizes.dirty,
		.swap = smap->sizes.swap,
	};

	pyspyc_map_sizes_add(&build->owned->maps.total, &sizes);
	if (!take_apart(build, &smap->mapping, next))
		return false;
	if (build->part_count == 1)
		return add_range(build, &smap->mapping, &build->parts[0].claim, &sizes, false);
	return divide(build, smap);
}

/* --- in order --- */

static int by_kind(const void *left, const void *right, void *context)
{
	const struct pyspyc_map_item *items = context;
	const struct pyspyc_map_item *a = &items[*(const size_t *)left];
	const struct pyspyc_map_item *b = &items[*(const size_t *)right];

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->sizes.rss != b->sizes.rss)
		return a->sizes.rss > b->sizes.rss ? -1 : 1;
	if (a->sizes.size != b->sizes.size)
		return a->sizes.size > b->sizes.size ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Sorts the items and lets ranges and kinds know their new numbers. */
static bool sort_items(struct spy_owned_maps *owned)
{
	struct pyspyc_maps *maps = &owned->maps;
	size_t count = maps->item_count, i;
	struct pyspyc_map_item *items = calloc(count + 1, sizeof(*items));
	size_t *order = calloc(2 * count + 1, sizeof(*order)),
	       *place = order ? order + count : NULL;
	bool done = items && order;

	for (i = 0; done && i < count; i++)
		order[i] = i;
	if (done && count)
		qsort_r(order, count, sizeof(*order), by_kind, owned->items);
	for (i = 0; done && i < count; i++) {
		struct pyspyc_map_kind_sum *kind;

		items[i] = owned->items[order[i]];
		place[order[i]] = i;
		kind = &maps->kinds[items[i].kind];
		if (!kind->item_count++)
			kind->first_item = i;
		kind->about = kind->about || items[i].about;
		pyspyc_map_sizes_add(&kind->sizes, &items[i].sizes);
	}
	for (i = 0; done && i < maps->range_count; i++)
		owned->ranges[i].item = place[owned->ranges[i].item];
	free(order);
	if (!done) {
		free(items);
		return false;
	}
	free(owned->items);
	owned->items = items;
	return true;
}

static bool take_notes(struct spy_maps_look *look, struct spy_owned_maps *owned)
{
	const char *text = spy_buffer_text(&look->notes);
	size_t i;

	owned->notes = calloc(look->note_count + 1, sizeof(*owned->notes));
	for (i = 0; owned->notes && i < look->note_count; i++, text += strlen(text) + 1)
		owned->notes[i] = look->strings.texts[spy_look_name(look, text)];
	owned->maps.note_count = look->note_count;
	return owned->notes != NULL;
}

int spy_look_build(struct spy_maps_look *look, struct spy_owned_maps *owned,
		   struct pyspyc_error *err)
{
	struct build build = { .look = look, .owned = owned };
	size_t i, next = 0;
	bool done = !look->failed;

	for (i = 0; done && i < look->smaps.count; i++)
		done = add_mapping(&build, &look->smaps.items[i], &next) && !look->failed;
	done = done && take_notes(look, owned) && sort_items(owned) && !look->failed;
	spy_map_free(&build.items);
	free(build.parts);
	if (!done)
		return spy_nomem(err);
	owned->maps.items = owned->items;
	owned->maps.ranges = owned->ranges;
	owned->maps.notes = owned->notes;
	return 0;
}
