#include <string.h>

#include "cli/maps.h"
#include "cli/message.h"
#include "tui/view.h"

#define ITEMS 5 /* of a kind, without --all */
#define COLUMNS 6

static const char *const headings[COLUMNS] = { "RSS", "PSS", "USS", "Dirty", "Swap", "Size" };

static void put_heading(FILE *file, const char *first, bool colour)
{
	if (colour)
		fputs("\033[1m", file);
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(file, "%10s", headings[i]);
	fprintf(file, "  %s", first);
	if (colour)
		fputs("\033[0m", file);
	fputc('\n', file);
}

static void put_sizes(FILE *file, const struct pyspyc_map_sizes *sizes, bool about)
{
	const uint64_t figures[COLUMNS] = { sizes->rss,	  sizes->pss,  sizes->uss,
					    sizes->dirty, sizes->swap, sizes->size };

	for (size_t i = 0; i < COLUMNS; i++) {
		char text[32], marked[40];

		if (figures[i])
			tui_bytes((double)figures[i], text, sizeof(text));
		else
			snprintf(text, sizeof(text), "0");
		snprintf(marked, sizeof(marked), "%s%s",
			 about && figures[i] && i + 1 < COLUMNS ? "~" : "", text);
		fprintf(file, "%10s", marked);
	}
	fputs("  ", file);
}

static bool is_empty(const struct pyspyc_map_sizes *sizes)
{
	return !sizes->size;
}

static void put_kinds(FILE *file, const struct pyspyc_map_kind_sum *kinds,
		      const struct pyspyc_map_sizes *total, bool colour)
{
	put_heading(file, "Kind", colour);
	for (unsigned kind = 0; kind < PYSPYC_MAP_KINDS; kind++) {
		if (is_empty(&kinds[kind].sizes))
			continue;
		put_sizes(file, &kinds[kind].sizes, kinds[kind].about);
		fprintf(file, "%s\n", pyspyc_map_kind_title(kind));
	}
	put_sizes(file, total, false);
	fputs("Total\n", file);
}

static void put_item(FILE *file, const struct pyspyc_map_item *item)
{
	put_sizes(file, &item->sizes, item->about);
	cli_put_safe(file, item->name);
	if (item->tid)
		fprintf(file, " (thread %d)", (int)item->tid);
	if (item->deleted)
		fputs(" (deleted)", file);
	if (item->ranges > 1)
		fprintf(file, ", %zu parts", item->ranges);
	fputc('\n', file);
}

static void put_items(FILE *file, const struct pyspyc_maps *maps, enum pyspyc_map_kind kind,
		      bool all, bool colour)
{
	const struct pyspyc_map_kind_sum *sum = &maps->kinds[kind];
	struct pyspyc_map_item others = { 0 };
	size_t shown = all || sum->item_count <= ITEMS + 1 ? sum->item_count : ITEMS;

	if (!sum->item_count)
		return;
	fputc('\n', file);
	put_heading(file, pyspyc_map_kind_title(kind), colour);
	for (size_t i = 0; i < sum->item_count; i++) {
		const struct pyspyc_map_item *item = &maps->items[sum->first_item + i];

		if (i < shown) {
			put_item(file, item);
			continue;
		}
		pyspyc_map_sizes_add(&others.sizes, &item->sizes);
		others.about = others.about || item->about;
	}
	if (shown < sum->item_count) {
		put_sizes(file, &others.sizes, others.about);
		fprintf(file, "%zu others (--all shows them)\n", sum->item_count - shown);
	}
}

void cli_maps_text(FILE *file, const struct pyspyc_maps *maps, bool all, bool colour)
{
	fprintf(file, "Process %d: ", (int)maps->pid);
	cli_put_safe(file, maps->command);
	fputc('\n', file);
	if (maps->version)
		fprintf(file, "Python v%s\n", maps->version);
	for (size_t i = 0; i < maps->note_count; i++) {
		fputs("Note: ", file);
		cli_put_safe(file, maps->notes[i]);
		fputc('\n', file);
	}
	fputc('\n', file);
	put_kinds(file, maps->kinds, &maps->total, colour);
	for (unsigned kind = 0; kind < PYSPYC_MAP_KINDS; kind++)
		put_items(file, maps, kind, all, colour);
}

void cli_maps_text_sum(FILE *file, const struct pyspyc_maps *const *maps, size_t count, bool colour)
{
	struct pyspyc_map_kind_sum kinds[PYSPYC_MAP_KINDS];
	struct pyspyc_map_sizes total = { 0 };

	memset(kinds, 0, sizeof(kinds));
	for (size_t i = 0; i < count; i++) {
		pyspyc_map_sizes_add(&total, &maps[i]->total);
		for (unsigned kind = 0; kind < PYSPYC_MAP_KINDS; kind++) {
			pyspyc_map_sizes_add(&kinds[kind].sizes, &maps[i]->kinds[kind].sizes);
			kinds[kind].about = kinds[kind].about || maps[i]->kinds[kind].about;
		}
	}
	fprintf(file, "All %zu processes (RSS counts what they share once for each, PSS once)\n\n",
		count);
	put_kinds(file, kinds, &total, colour);
}
