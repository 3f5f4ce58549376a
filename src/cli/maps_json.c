/* A process' memory by segment as JSON; docs/maps-schema.json describes it. */
#include <inttypes.h>

#include "cli/json.h"
#include "cli/maps.h"

static json_t *sizes_object(const struct pyspyc_map_sizes *sizes)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "size", (json_int_t)sizes->size, "rss",
			 (json_int_t)sizes->rss, "pss", (json_int_t)sizes->pss, "uss",
			 (json_int_t)sizes->uss, "dirty", (json_int_t)sizes->dirty, "swap",
			 (json_int_t)sizes->swap);
}

/* The figures and the members of `more` in one object. */
static json_t *with_sizes(json_t *more, const struct pyspyc_map_sizes *sizes)
{
	json_t *figures = sizes_object(sizes);

	if (more && figures)
		json_object_update(more, figures);
	json_decref(figures);
	return more;
}

static json_t *kinds_array(const struct pyspyc_maps *maps)
{
	json_t *array = json_array();

	for (unsigned kind = 0; kind < PYSPYC_MAP_KINDS; kind++) {
		const struct pyspyc_map_kind_sum *sum = &maps->kinds[kind];

		if (sum->item_count)
			json_array_append_new(
				array, with_sizes(json_pack("{s:s, s:s, s:b}", "kind",
							    pyspyc_map_kind_name(kind), "title",
							    pyspyc_map_kind_title(kind), "about",
							    sum->about),
						  &sum->sizes));
	}
	return array;
}

static json_t *items_array(const struct pyspyc_maps *maps)
{
	json_t *array = json_array();

	for (size_t i = 0; i < maps->item_count; i++) {
		const struct pyspyc_map_item *item = &maps->items[i];

		json_array_append_new(
			array,
			with_sizes(json_pack("{s:s, s:o, s:o, s:b, s:b, s:I}", "kind",
					     pyspyc_map_kind_name(item->kind), "name",
					     cli_json_string(item->name), "tid",
					     item->tid ? json_integer(item->tid) : json_null(),
					     "deleted", item->deleted, "about", item->about,
					     "ranges", (json_int_t)item->ranges),
				   &item->sizes));
	}
	return array;
}

static json_t *ranges_array(const struct pyspyc_maps *maps)
{
	json_t *array = json_array();

	for (size_t i = 0; i < maps->range_count; i++) {
		const struct pyspyc_map_range *range = &maps->ranges[i];
		char start[24], end[24];

		snprintf(start, sizeof(start), "0x%" PRIx64, range->start);
		snprintf(end, sizeof(end), "0x%" PRIx64, range->end);
		json_array_append_new(
			array,
			with_sizes(json_pack("{s:s, s:s, s:I, s:s, s:I, s:s, s:b}", "start", start,
					     "end", end, "offset", (json_int_t)range->offset,
					     "permissions", range->permissions, "item",
					     (json_int_t)range->item, "kind",
					     pyspyc_map_kind_name(maps->items[range->item].kind),
					     "about", range->about),
				   &range->sizes));
	}
	return array;
}

bool cli_maps_add(json_t *document, const struct pyspyc_maps *maps, bool ranges)
{
	json_t *notes = json_array();
	json_t *process;

	for (size_t i = 0; i < maps->note_count; i++)
		json_array_append_new(notes, cli_json_string(maps->notes[i]));
	process = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "pid", (int)maps->pid, "command",
			    cli_json_string(maps->command), "version",
			    cli_json_string(maps->version), "notes", notes, "total",
			    sizes_object(&maps->total), "kinds", kinds_array(maps), "items",
			    items_array(maps));
	if (process && ranges)
		json_object_set_new(process, "ranges", ranges_array(maps));
	return process && !json_array_append_new(json_object_get(document, "processes"), process);
}
