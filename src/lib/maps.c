/* What a process uses its memory for. */
#include "pyspyc/maps.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/export.h"
#include "base/utf8.h"
#include "lib/maps_parts.h"
#include "sink/maps_picture.h"
#include "target/pagemap.h"

static void end_look(struct spy_maps_look *look)
{
	spy_smaps_free(&look->smaps);
	spy_threads_free(&look->states);
	spy_python_close(&look->python);
	spy_map_free(&look->libraries);
	spy_strings_free(&look->strings);
	free(look->claims.items);
	spy_buffer_free(&look->notes);
	if (look->pagemap >= 0)
		close(look->pagemap);
	spy_process_close(look->process);
}

/* Whatever keeps it from being looked at as a Python's leaves the rest to be told. */
static int find_python(struct spy_maps_look *look, struct pyspyc_error *err)
{
	struct pyspyc_error why = { 0 };
	struct spy_heap heap;
	int result = spy_python_find(look->process, &look->python, &why);

	if (result == -PYSPYC_ENOPROC || result == -PYSPYC_EPERM || result == -PYSPYC_ENOMEM) {
		if (err)
			*err = why;
		return result;
	}
	if (result < 0) {
		spy_look_note(look, "what is Python's is not told apart: %s", why.message);
		return 0;
	}
	look->is_python = true;
	heap = (struct spy_heap){ look->process->memory, &look->python.layout,
				  look->python.version };
	if (spy_threads_read(&heap, &look->python, &look->states, &why) < 0) {
		look->states.count = look->states.interpreter_count = 0;
		spy_look_note(look, "Python's threads are not told apart: %s", why.message);
	}
	return 0;
}

/* Texts of the target are made valid UTF-8 as they are interned. */
static int read_mappings(struct spy_maps_look *look, struct pyspyc_error *err)
{
	int result = spy_smaps_read(look->process->pid, &look->smaps, err);
	size_t i;

	if (result == 0 && look->smaps.torn)
		spy_look_note(look, "mappings changed while they were read: sums may be too large");
	for (i = 0; result == 0 && i < look->smaps.count; i++) {
		struct spy_mapping *mapping = &look->smaps.items[i].mapping;
		struct spy_buffer path = { 0 };

		if (!*mapping->path)
			continue;
		spy_utf8_append(&path, mapping->path, strlen(mapping->path));
		if (path.size != strlen(mapping->path)) {
			free(mapping->path);
			mapping->path = spy_buffer_steal(&path);
			if (!mapping->path) {
				mapping->path = strdup("");
				result = spy_nomem(err);
			}
		}
		spy_buffer_free(&path);
	}
	return result;
}

static int look_at(struct spy_maps_look *look, struct pyspyc_error *err)
{
	int result = find_python(look, err);

	if (result == 0)
		result = read_mappings(look, err);
	if (result < 0)
		return result;
	look->pagemap = spy_pagemap_open(look->process->pid);
	if (look->pagemap < 0)
		spy_look_note(look, "the page map cannot be read: what is in memory of a mapping "
				    "with several uses is shared out by size, and malloc's large "
				    "blocks are not told apart");
	spy_look_libraries(look);
	result = spy_look_claims(look, err);
	if (result < 0)
		return result;
	spy_look_heaps(look);
	spy_look_stacks(look);
	spy_look_sort_claims(look);
	spy_look_blocks(look);
	if (!spy_process_alive(look->process))
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has ended",
				(int)look->process->pid);
	return 0;
}

static int fill_in(struct spy_maps_look *look, struct spy_owned_maps *owned,
		   struct pyspyc_error *err)
{
	uint32_t command = spy_look_name(look, look->process->command);
	uint32_t version = 0;
	char text[32];

	if (look->is_python)
		version = spy_look_name(look, spy_version_format(&look->python.version, text,
								 sizeof(text)));
	if (look->failed)
		return spy_nomem(err);
	owned->maps.pid = look->process->pid;
	owned->maps.command = look->strings.texts[command];
	owned->maps.version = look->is_python ? look->strings.texts[version] : NULL;
	return 0;
}

PYSPYC_EXPORT int pyspyc_maps_take(pid_t pid, struct pyspyc_maps **ret, struct pyspyc_error *err)
{
	struct spy_maps_look look = { .pagemap = -1 };
	struct spy_owned_maps *owned = calloc(1, sizeof(*owned));
	int result = owned ? spy_process_open(pid, &look.process, err) : spy_nomem(err);

	if (result < 0) {
		free(owned);
		return result;
	}
	result = look_at(&look, err);
	if (result == 0)
		result = fill_in(&look, owned, err);
	if (result == 0)
		result = spy_look_build(&look, owned, err);
	owned->strings = look.strings;
	look.strings = (struct spy_strings){ 0 };
	end_look(&look);
	if (result < 0) {
		pyspyc_maps_free(&owned->maps);
		return result;
	}
	*ret = &owned->maps;
	return 0;
}

PYSPYC_EXPORT int pyspyc_maps_picture(const struct pyspyc_maps *const *maps, size_t count,
				      FILE *file, struct pyspyc_error *err)
{
	return spy_maps_picture_write(maps, count, pyspyc_map_kind_title, file, err);
}

PYSPYC_EXPORT void pyspyc_maps_free(struct pyspyc_maps *maps)
{
	struct spy_owned_maps *owned = (struct spy_owned_maps *)maps;

	if (!owned)
		return;
	free(owned->items);
	free(owned->ranges);
	free(owned->notes);
	spy_strings_free(&owned->strings);
	free(owned);
}
