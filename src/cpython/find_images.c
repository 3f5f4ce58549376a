/* The ELF images of a process, those that may hold a CPython first. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/find.h"

/* Images of one process at most. */
#define CANDIDATES_LIMIT 4096
/* A program's constants are searched for CPython's up to here, in bytes. */
#define HINT_LIMIT (UINT64_C(64) << 20)

const char *spy_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *spy_printable(const char *text, char *buffer, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		buffer[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	buffer[i] = '\0';
	return buffer;
}

/* python, python3, python3.11, python3.13t, python3.11-dbg, python2.7d, python3.6m */
static bool named_program(const char *name)
{
	if (strncmp(name, "python", 6) != 0)
		return false;
	for (name += 6; isdigit((unsigned char)*name) || *name == '.'; name++)
		;
	name += strspn(name, "dmut");
	return !*name || strcmp(name, "-dbg") == 0;
}

bool spy_named_python(const char *path)
{
	const char *name = spy_basename(path);

	if (strncmp(name, "libpython", 9) == 0)
		return strstr(name, ".so") != NULL;
	return named_program(name);
}

/*
 * A file that is only mapped for reading has other things where its segments should be:
 * the dynamic section tells, which lies in the last part of a program's file.
 */
static bool is_loaded(const struct spy_maps *maps, const struct spy_mapping *first,
		      const struct spy_image *image)
{
	const struct spy_mapping *mapping;

	if (!image->dynamic_address)
		return true; /* linked statically */
	mapping = spy_maps_find(maps, image->dynamic_address);
	return mapping && (!mapping->inode || (mapping->inode == first->inode &&
					       mapping->device_major == first->device_major &&
					       mapping->device_minor == first->device_minor));
}

static bool is_image(const struct spy_mapping *mapping)
{
	return mapping->path[0] == '/' && !mapping->offset && mapping->inode &&
	       mapping->flags & SPY_MAP_READ && !(mapping->flags & SPY_MAP_SHARED);
}

/* What a process maps that is no ELF image is passed over; only the executable must be one. */
static int add(struct spy_candidates *list, const struct spy_process *process,
	       const struct spy_mapping *mapping, struct pyspyc_error *err)
{
	struct spy_candidate *item = &list->items[list->count];
	char name[256];
	int r;

	*item = (struct spy_candidate){
		.process = process,
		.mapping = mapping,
		.named = spy_named_python(mapping->path),
		.is_exe = strcmp(mapping->path, process->exe) == 0,
	};
	r = spy_image_open(process->memory, mapping->start, &item->image, err);
	if (r == -PYSPYC_EVERSION && item->is_exe && item->named)
		return spy_error_prefix(err, "process %d runs %s", (int)process->pid,
					spy_printable(process->exe, name, sizeof(name)));
	if (r == -PYSPYC_ENOPROC || r == -PYSPYC_EPERM)
		return r;
	if (r == 0 && is_loaded(&process->maps, mapping, &item->image))
		list->count++;
	return 0;
}

/* The executable first, then what has CPython's name; or all the rest. */
static unsigned rank(const struct spy_process *process, const struct spy_mapping *mapping)
{
	if (strcmp(mapping->path, process->exe) == 0)
		return 0;
	return spy_named_python(mapping->path) ? 1 : 2;
}

int spy_candidates_list(const struct spy_process *process, bool others, struct spy_candidates *ret,
			struct pyspyc_error *err)
{
	unsigned wanted = others ? 2 : 0, last = others ? 2 : 1;
	size_t images = 0, i;
	int r = 0;

	*ret = (struct spy_candidates){ 0 };
	for (i = 0; i < process->maps.count; i++)
		images += is_image(&process->maps.items[i]);
	if (images > CANDIDATES_LIMIT)
		images = CANDIDATES_LIMIT;
	ret->items = calloc(images + 1, sizeof(*ret->items));
	if (!ret->items)
		return spy_nomem(err);
	for (; r == 0 && wanted <= last; wanted++) {
		for (i = 0; r == 0 && i < process->maps.count && ret->count < images; i++) {
			const struct spy_mapping *mapping = &process->maps.items[i];

			if (is_image(mapping) && rank(process, mapping) == wanted)
				r = add(ret, process, mapping, err);
		}
	}
	if (r < 0)
		spy_candidates_free(ret);
	return r;
}

void spy_candidates_free(struct spy_candidates *candidates)
{
	size_t i;

	for (i = 0; i < candidates->count; i++) {
		spy_elf_close(candidates->items[i].file);
		spy_elf_close(candidates->items[i].debug);
	}
	free(candidates->items);
	*candidates = (struct spy_candidates){ 0 };
}

struct spy_elf *spy_candidate_file(struct spy_candidate *candidate)
{
	struct spy_build_id loaded, found;
	spy_autoclose int fd = -1;

	if (candidate->file_tried)
		return candidate->file;
	candidate->file_tried = true;
	if (spy_process_open_mapped(candidate->process, candidate->mapping, &fd, NULL) < 0 ||
	    spy_elf_open(fd, &candidate->file, NULL) < 0)
		return NULL;
	/* Written over in place, it is another file under the same inode. */
	spy_elf_build_id(candidate->file, &found);
	spy_image_build_id(&candidate->image, &loaded);
	if (loaded.size &&
	    (found.size != loaded.size || memcmp(found.bytes, loaded.bytes, found.size) != 0)) {
		spy_elf_close(candidate->file);
		candidate->file = NULL;
	}
	return candidate->file;
}

struct spy_elf *spy_candidate_debug(struct spy_candidate *candidate)
{
	struct spy_build_id id;

	if (!candidate->debug_tried) {
		candidate->debug_tried = true;
		spy_image_build_id(&candidate->image, &id);
		candidate->debug = spy_elf_open_debug(candidate->process, &id,
						      spy_candidate_file(candidate),
						      candidate->mapping->path);
	}
	return candidate->debug;
}

uint64_t spy_candidate_symbol(struct spy_candidate *candidate, enum spy_depth depth,
			      const char *name)
{
	struct spy_symbol symbol = { 0 };
	struct spy_elf *elf = NULL;
	uint64_t address;

	if (depth == SPY_DEPTH_MEMORY)
		return spy_image_symbol(&candidate->image, name, &symbol, NULL) < 0
			       ? 0
			       : symbol.address;
	if (depth == SPY_DEPTH_FILE)
		elf = spy_candidate_file(candidate);
	else if (depth == SPY_DEPTH_DEBUG)
		elf = spy_candidate_debug(candidate);
	if (!elf || spy_elf_symbol(elf, name, &symbol, NULL) < 0 || !symbol.address)
		return 0;
	address = symbol.address + candidate->image.bias;
	return address >= candidate->image.start && address < candidate->image.end ? address : 0;
}

static bool has_constant(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	/* An environment variable that every CPython from 2.7 on reads. */
	static const char text[] = "PYTHONHASHSEED";
	bool *found = context;

	(void)address;
	*found = memmem(bytes, size, text, sizeof(text)) != NULL;
	return !*found;
}

bool spy_candidate_hints(struct spy_candidate *candidate)
{
	bool found = false;
	char needed[64];

	/* A program that is linked with libpython has none of its own. */
	if (spy_image_needs(&candidate->image, "libpython", needed, sizeof(needed)))
		return false;
	if (candidate->named ||
	    spy_candidate_symbol(candidate, SPY_DEPTH_MEMORY, "Py_IsInitialized"))
		return true;
	if (candidate->is_exe)
		spy_image_visit(&candidate->image, SPY_LOADS_CONSTANT, HINT_LIMIT, has_constant,
				&found, NULL);
	return found;
}
