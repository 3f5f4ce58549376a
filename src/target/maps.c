#include "target/maps.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A cursor over one line, which never passes its end. */
struct cursor {
	const char *at;
	const char *end;
};

static bool take_number(struct cursor *cursor, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	bool any = false;

	for (; cursor->at < cursor->end; cursor->at++, any = true) {
		char c = *cursor->at;
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a' + 10);
		else
			break;
		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return any;
}

static bool take_char(struct cursor *cursor, char c)
{
	if (cursor->at >= cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static bool take_flags(struct cursor *cursor, unsigned *flags)
{
	if (cursor->end - cursor->at < 4)
		return false;
	*flags = (cursor->at[0] == 'r' ? SPY_MAP_READ : 0) |
		 (cursor->at[1] == 'w' ? SPY_MAP_WRITE : 0) |
		 (cursor->at[2] == 'x' ? SPY_MAP_EXEC : 0) |
		 (cursor->at[3] == 's' ? SPY_MAP_SHARED : 0);
	cursor->at += 4;
	return true;
}

/* The kernel writes a newline in a path as \012 and leaves everything else as it is. */
static char *take_path(struct cursor *cursor, unsigned *flags)
{
	static const char deleted[] = " (deleted)";
	size_t size, i, used = 0, suffix = sizeof(deleted) - 1;
	char *path;

	while (cursor->at < cursor->end && *cursor->at == ' ')
		cursor->at++;
	size = (size_t)(cursor->end - cursor->at);
	if (size > suffix && memcmp(cursor->end - suffix, deleted, suffix) == 0) {
		*flags |= SPY_MAP_DELETED;
		size -= suffix;
	}
	path = malloc(size + 1);
	if (!path)
		return NULL;
	for (i = 0; i < size; i++) {
		if (size - i >= 4 && memcmp(cursor->at + i, "\\012", 4) == 0) {
			path[used++] = '\n';
			i += 3;
		} else {
			path[used++] = cursor->at[i] ? cursor->at[i] : '?';
		}
	}
	path[used] = '\0';
	return path;
}

/* start-end perms offset major:minor inode   path */
static bool parse_line(struct cursor line, struct spy_mapping *ret)
{
	uint64_t major, minor;

	if (!take_number(&line, 16, &ret->start) || !take_char(&line, '-') ||
	    !take_number(&line, 16, &ret->end) || !take_char(&line, ' ') ||
	    !take_flags(&line, &ret->flags) || !take_char(&line, ' ') ||
	    !take_number(&line, 16, &ret->offset) || !take_char(&line, ' ') ||
	    !take_number(&line, 16, &major) || !take_char(&line, ':') ||
	    !take_number(&line, 16, &minor) || !take_char(&line, ' ') ||
	    !take_number(&line, 10, &ret->inode) || ret->end < ret->start)
		return false;
	ret->device_major = (uint32_t)major;
	ret->device_minor = (uint32_t)minor;
	ret->path = take_path(&line, &ret->flags);
	return ret->path != NULL;
}

bool spy_mapping_parse(const char *line, size_t size, struct spy_mapping *ret)
{
	*ret = (struct spy_mapping){ 0 };
	return parse_line((struct cursor){ line, line + size }, ret);
}

static bool append(struct spy_maps *maps, size_t *capacity, const struct spy_mapping *mapping)
{
	if (maps->count == *capacity) {
		size_t larger = *capacity ? *capacity * 2 : 64;
		struct spy_mapping *items = realloc(maps->items, larger * sizeof(*items));

		if (!items)
			return false;
		maps->items = items;
		*capacity = larger;
	}
	maps->items[maps->count++] = *mapping;
	return true;
}

int spy_maps_parse(const char *text, size_t size, struct spy_maps *ret, struct pyspyc_error *err)
{
	const char *end = text + size;
	struct spy_maps maps = { 0 };
	size_t capacity = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct cursor line = { text, newline ? newline : end };
		struct spy_mapping mapping = { 0 };

		if (maps.count >= SPY_MAPS_LIMIT || !parse_line(line, &mapping)) {
			spy_maps_free(&maps);
			return spy_fail(err, PYSPYC_ECORRUPT, "mappings make no sense: '%.*s'",
					(int)(line.end - text < 80 ? line.end - text : 80), text);
		}
		if (!append(&maps, &capacity, &mapping)) {
			free(mapping.path);
			spy_maps_free(&maps);
			return spy_nomem(err);
		}
		text = newline ? newline + 1 : end;
	}
	*ret = maps;
	return 0;
}

void spy_maps_free(struct spy_maps *maps)
{
	size_t i;

	for (i = 0; i < maps->count; i++)
		free(maps->items[i].path);
	free(maps->items);
	*maps = (struct spy_maps){ 0 };
}

const char *spy_path_strip(const char *path, const char *root)
{
	size_t size = strlen(root);

	return strncmp(path, root, size) == 0 && path[size] == '/' ? path + size : path;
}

void spy_maps_strip(struct spy_maps *maps, const char *root)
{
	size_t i;

	for (i = 0; *root && i < maps->count; i++) {
		char *path = maps->items[i].path;
		const char *rest = spy_path_strip(path, root);

		memmove(path, rest, strlen(rest) + 1);
	}
}

const struct spy_mapping *spy_maps_find(const struct spy_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct spy_mapping *mapping = &maps->items[middle];

		if (address < mapping->start)
			high = middle;
		else if (address >= mapping->end)
			low = middle + 1;
		else
			return mapping;
	}
	return NULL;
}
