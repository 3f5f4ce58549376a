/* The kinds of memory, and what a mapping is by its path and permissions. */
#include <string.h>

#include "base/export.h"
#include "lib/maps_parts.h"

/* A row for each kind; unnamed is what a mapping of it without a path is called. */
static const struct kind {
	const char *name;
	const char *title;
	const char *unnamed;
} kinds[PYSPYC_MAP_KINDS] = {
	[PYSPYC_MAP_CODE] = { "code", "Program code", NULL },
	[PYSPYC_MAP_DATA] = { "data", "Program data", NULL },
	[PYSPYC_MAP_LIBRARIES] = { "libraries", "Shared libraries", NULL },
	[PYSPYC_MAP_ARENAS] = { "arenas", "Python's arenas", NULL },
	[PYSPYC_MAP_MIMALLOC] = { "mimalloc", "Python's mimalloc", NULL },
	[PYSPYC_MAP_DATA_STACKS] = { "data-stacks", "Python's frames", NULL },
	[PYSPYC_MAP_HEAP] = { "heap", "Heap", NULL },
	[PYSPYC_MAP_MALLOC] = { "malloc", "malloc's mappings", NULL },
	[PYSPYC_MAP_STACKS] = { "stacks", "Thread stacks", NULL },
	[PYSPYC_MAP_FILES] = { "files", "Mapped files", NULL },
	[PYSPYC_MAP_SHARED] = { "shared", "Shared memory", "shared, without a name" },
	[PYSPYC_MAP_ANONYMOUS] = { "anonymous", "Other private", "private, without a name" },
	[PYSPYC_MAP_RESERVED] = { "reserved", "No access", "guard pages, addresses set aside" },
	[PYSPYC_MAP_KERNEL] = { "kernel", "The kernel's", NULL },
};

PYSPYC_EXPORT const char *pyspyc_map_kind_name(enum pyspyc_map_kind kind)
{
	return kinds[kind].name;
}

PYSPYC_EXPORT const char *pyspyc_map_kind_title(enum pyspyc_map_kind kind)
{
	return kinds[kind].title;
}

uint32_t spy_look_name(struct spy_maps_look *look, const char *text)
{
	uint32_t name = spy_strings_intern(&look->strings, text);

	if (name == SPY_NO_STRING) {
		look->failed = true;
		name = 0;
	}
	return name;
}

const char *spy_look_path(const struct spy_maps_look *look, const struct spy_mapping *mapping)
{
	return look->process->root ? spy_path_strip(mapping->path, look->process->root)
				   : mapping->path;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Memory that only looks like a file: shmem_kernel_file_setup's names, and tmpfs for shm_open. */
static bool is_shared_memory(const struct spy_mapping *mapping, const char *path)
{
	return (mapping->flags & SPY_MAP_SHARED && !*path) || starts_with(path, "/dev/shm/") ||
	       starts_with(path, "/memfd:") || starts_with(path, "/SYSV") ||
	       starts_with(path, "/dev/zero") || starts_with(path, "[anon_shmem:");
}

/* x.so, x.so.6 and x.cpython-312-x86_64-linux-gnu.so */
static bool named_library(const char *path)
{
	const char *slash = strrchr(path, '/'), *found = strstr(slash ? slash : path, ".so");

	return found && (!found[3] || found[3] == '.');
}

static bool is_file(const struct spy_mapping *mapping)
{
	return mapping->path[0] == '/' && !is_shared_memory(mapping, mapping->path);
}

void spy_look_libraries(struct spy_maps_look *look)
{
	size_t i;

	for (i = 0; i < look->smaps.count; i++) {
		const struct spy_mapping *mapping = &look->smaps.items[i].mapping;
		const char *path = spy_look_path(look, mapping);

		if (is_file(mapping) &&
		    ((mapping->flags & SPY_MAP_EXEC && !(mapping->flags & SPY_MAP_SHARED)) ||
		     named_library(path)) &&
		    !spy_map_insert(&look->libraries, spy_look_name(look, path), NULL))
			look->failed = true;
	}
}

bool spy_look_is_program(const struct spy_maps_look *look, const struct spy_mapping *mapping)
{
	return is_file(mapping) && strcmp(spy_look_path(look, mapping), look->process->exe) == 0;
}

bool spy_look_is_library(const struct spy_maps_look *look, const struct spy_mapping *mapping)
{
	uint32_t name;

	if (!is_file(mapping))
		return false;
	name = spy_strings_find(&look->strings, spy_look_path(look, mapping));
	return name != SPY_NO_STRING && spy_map_find(&look->libraries, name);
}

/* A process may give private memory a name (PR_SET_VMA_ANON_NAME). */
static bool is_anonymous(const char *path)
{
	return !*path || starts_with(path, "[anon:");
}

bool spy_look_is_plain(const struct spy_mapping *mapping)
{
	const unsigned wanted = SPY_MAP_READ | SPY_MAP_WRITE;

	return is_anonymous(mapping->path) &&
	       (mapping->flags & (wanted | SPY_MAP_SHARED)) == wanted;
}

static enum pyspyc_map_kind kind_of(const struct spy_maps_look *look,
				    const struct spy_mapping *mapping, const char *path)
{
	if (is_shared_memory(mapping, path))
		return PYSPYC_MAP_SHARED;
	if (is_anonymous(path))
		return mapping->flags & (SPY_MAP_READ | SPY_MAP_WRITE | SPY_MAP_EXEC)
			       ? PYSPYC_MAP_ANONYMOUS
			       : PYSPYC_MAP_RESERVED;
	if (starts_with(path, "[heap]"))
		return PYSPYC_MAP_HEAP;
	if (starts_with(path, "[stack"))
		return PYSPYC_MAP_STACKS;
	if (path[0] == '[')
		return PYSPYC_MAP_KERNEL;
	if (spy_look_is_program(look, mapping))
		return mapping->flags & SPY_MAP_WRITE ? PYSPYC_MAP_DATA : PYSPYC_MAP_CODE;
	return spy_look_is_library(look, mapping) ? PYSPYC_MAP_LIBRARIES : PYSPYC_MAP_FILES;
}

struct spy_claim spy_look_kind(struct spy_maps_look *look, const struct spy_mapping *mapping)
{
	const char *path = spy_look_path(look, mapping);
	enum pyspyc_map_kind kind = kind_of(look, mapping, path);

	if (kind == PYSPYC_MAP_ANONYMOUS && !*path && mapping->flags & SPY_MAP_EXEC)
		path = "private, executable";
	else if (!*path || (kind == PYSPYC_MAP_SHARED && starts_with(path, "/dev/zero")))
		path = kinds[kind].unnamed;
	return (struct spy_claim){
		.start = mapping->start,
		.end = mapping->end,
		.kind = kind,
		.name = spy_look_name(look, path),
		.tid = kind == PYSPYC_MAP_STACKS && !strcmp(path, "[stack]") ? look->process->pid
									     : 0,
		.deleted = mapping->flags & SPY_MAP_DELETED && kind != PYSPYC_MAP_SHARED,
	};
}
