#include "cpython/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cpython/head.h"

/* More threads than this have no names. */
#define NAMES_LIMIT 16384

/* Bytes in all names, or in all of sys.path; what follows is left out. */
#define TEXT_LIMIT (16u << 20)

/* True for errors about one object; with others there is no point in going on. */
static bool is_local(int result)
{
	return result == -PYSPYC_ECORRUPT || result == -PYSPYC_EFAULT;
}

void spy_thread_names_free(struct spy_thread_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	*names = (struct spy_thread_names){ 0 };
}

struct collect {
	const struct spy_heap *heap;
	struct spy_thread_names *names;
	size_t capacity;
	size_t size; /* of the names' texts */
	int result;
	struct pyspyc_error *err;
};

static int add_name(struct collect *collect, uint64_t ident, struct spy_buffer *text)
{
	struct spy_thread_names *names = collect->names;
	struct spy_thread_name *items;
	char *name;

	if (names->count == collect->capacity) {
		collect->capacity = collect->capacity ? collect->capacity * 2 : 16;
		items = realloc(names->items, collect->capacity * sizeof(*items));
		if (!items)
			return spy_nomem(collect->err);
		names->items = items;
	}
	collect->size += text->size;
	name = spy_buffer_steal(text);
	if (!name)
		return spy_nomem(collect->err);
	names->items[names->count++] = (struct spy_thread_name){ ident, name };
	return 0;
}

/* An entry of _active: the ident and its Thread, whose name is private in 2.7. */
static int read_name(struct collect *collect, uint64_t key, uint64_t thread)
{
	const struct spy_heap *heap = collect->heap;
	const char *attribute = heap->version.major < 3 ? "_Thread__name" : "_name";
	spy_autobuffer struct spy_buffer text = { 0 };
	uint64_t ident, name;
	int result;

	result = spy_ulong_read(heap, key, &ident, collect->err);
	if (result == 0)
		result = spy_instance_get(heap, thread, attribute, &name, collect->err);
	if (result < 0 || !name)
		return result;
	result = spy_string_read(heap, name, &text, collect->err);
	return result < 0 ? result : add_name(collect, ident, &text);
}

static bool visit_thread(void *context, uint64_t key, uint64_t value)
{
	struct collect *collect = context;
	int result = read_name(collect, key, value);

	if (result < 0 && !is_local(result))
		collect->result = result;
	return collect->result == 0 && collect->names->count < NAMES_LIMIT &&
	       collect->size < TEXT_LIMIT;
}

/* threading._active of the interpreter; 0 in *ret when there is none. */
static int find_active(const struct spy_heap *heap, uint64_t interpreter, uint64_t *ret,
		       struct pyspyc_error *err)
{
	uint64_t modules, threading;
	int result;

	*ret = 0;
	result = spy_memory_read_word(heap->memory, interpreter + heap->layout->interp_modules,
				      &modules, err);
	if (result < 0 || !modules)
		return result;
	result = spy_dict_get(heap, modules, "threading", &threading, err);
	if (result < 0 || !threading)
		return result;
	return spy_instance_get(heap, threading, "_active", ret, err);
}

int spy_thread_names_read(const struct spy_heap *heap, uint64_t interpreter,
			  struct spy_thread_names *ret, struct pyspyc_error *err)
{
	struct collect collect = { .heap = heap, .names = ret, .err = err };
	uint64_t active;
	int result;

	*ret = (struct spy_thread_names){ 0 };
	result = find_active(heap, interpreter, &active, err);
	if (result < 0 || !active)
		return result;
	result = spy_dict_visit(heap, active, visit_thread, &collect, err);
	if (collect.result < 0)
		result = collect.result;
	if (is_local(result) && ret->count)
		result = 0;
	if (result < 0)
		spy_thread_names_free(ret);
	return result;
}

void spy_paths_free(struct spy_paths *paths)
{
	size_t i;

	for (i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct spy_paths){ 0 };
}

static int longest_first(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;
	size_t size_a = strlen(*a), size_b = strlen(*b);

	return size_a != size_b ? (size_a < size_b) - (size_a > size_b) : strcmp(*a, *b);
}

/* The entry as a prefix, or NULL in *ret when it is no absolute path below the root. */
static int read_path(const struct spy_heap *heap, uint64_t object, char **ret,
		     struct pyspyc_error *err)
{
	spy_autobuffer struct spy_buffer text = { 0 };
	int result;

	*ret = NULL;
	result = spy_string_read(heap, object, &text, err);
	if (is_local(result))
		return 0;
	if (result < 0)
		return result;
	while (text.size && text.data[text.size - 1] == '/')
		text.data[--text.size] = '\0';
	if (!text.size || text.data[0] != '/')
		return 0;
	*ret = spy_buffer_steal(&text);
	return *ret ? 0 : spy_nomem(err);
}

static int read_paths(const struct spy_heap *heap, uint64_t list, struct spy_paths *ret,
		      struct pyspyc_error *err)
{
	spy_autofree uint64_t *items = NULL;
	size_t count, size = 0, i;
	int result;

	result = spy_list_read(heap, list, &items, &count, err);
	if (result < 0)
		return result;
	if (count > SPY_PATHS_LIMIT)
		count = SPY_PATHS_LIMIT;
	ret->items = calloc(count + 1, sizeof(*ret->items));
	if (!ret->items)
		return spy_nomem(err);
	for (i = 0; i < count && size < TEXT_LIMIT; i++) {
		result = read_path(heap, items[i], &ret->items[ret->count], err);
		if (result < 0)
			return result;
		if (ret->items[ret->count])
			size += strlen(ret->items[ret->count++]);
	}
	qsort(ret->items, ret->count, sizeof(*ret->items), longest_first);
	return 0;
}

int spy_sys_path_read(const struct spy_heap *heap, uint64_t interpreter, struct spy_paths *ret,
		      struct pyspyc_error *err)
{
	uint64_t sysdict, list;
	int result;

	*ret = (struct spy_paths){ 0 };
	result = spy_memory_read_word(heap->memory, interpreter + heap->layout->interp_sysdict,
				      &sysdict, err);
	if (result < 0 || !sysdict)
		return result;
	result = spy_dict_get(heap, sysdict, "path", &list, err);
	if (result < 0 || !list)
		return result;
	result = read_paths(heap, list, ret, err);
	if (result < 0)
		spy_paths_free(ret);
	return result;
}

/* True for "pythonX.Y", as the standard library's folder is called; "pythonX.Yt", too. */
static bool is_library_name(const char *name, size_t size)
{
	size_t i = sizeof("python") - 1, digits;

	if (size < i || memcmp(name, "python", i))
		return false;
	for (digits = 0; i < size && name[i] >= '0' && name[i] <= '9'; i++)
		digits++;
	if (!digits || i == size || name[i++] != '.')
		return false;
	for (digits = 0; i < size && name[i] >= '0' && name[i] <= '9'; i++)
		digits++;
	return digits && (i == size || (i + 1 == size && name[i] == 't'));
}

static bool is_packages_name(const char *name, size_t size)
{
	static const char *const names[] = { "site-packages", "dist-packages" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (size == strlen(names[i]) && memcmp(name, names[i], size) == 0)
			return true;
	return is_library_name(name, size);
}

/* What follows the last folder that is known to hold packages, or NULL. */
static const char *after_packages(const char *filename)
{
	const char *found = NULL, *name = filename, *end;

	for (; (end = strchr(name, '/')); name = end + 1)
		if (is_packages_name(name, (size_t)(end - name)))
			found = end;
	return found;
}

static const char *after_prefix(const struct spy_paths *paths, const char *filename)
{
	size_t i;

	for (i = 0; i < paths->count; i++) {
		size_t size = strlen(paths->items[i]);

		if (strncmp(filename, paths->items[i], size) == 0 && filename[size] == '/')
			return filename + size;
	}
	return NULL;
}

const char *spy_shorten_filename(const struct spy_paths *paths, const char *filename)
{
	const char *rest;

	if (filename[0] != '/')
		return filename;
	rest = after_prefix(paths, filename);
	if (!rest)
		rest = after_packages(filename);
	if (!rest)
		return filename;
	while (*rest == '/')
		rest++;
	return *rest ? rest : filename;
}
