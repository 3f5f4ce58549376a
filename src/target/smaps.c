#include "target/smaps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

/* What is read at once: the kernel gives a page or a few in each call anyway. */
#define READ_SIZE ((size_t)128 * 1024)

/* The lines that are wanted, and the number that each adds to. */
static const struct field {
	const char *name;
	size_t offset;
} fields[] = {
	{ "Rss:", offsetof(struct spy_smap_sizes, rss) },
	{ "Pss:", offsetof(struct spy_smap_sizes, pss) },
	{ "Private_Clean:", offsetof(struct spy_smap_sizes, private_bytes) },
	{ "Private_Dirty:", offsetof(struct spy_smap_sizes, private_bytes) },
	{ "Private_Hugetlb:", offsetof(struct spy_smap_sizes, private_bytes) },
	{ "Shared_Dirty:", offsetof(struct spy_smap_sizes, dirty) },
	{ "Private_Dirty:", offsetof(struct spy_smap_sizes, dirty) },
	{ "Swap:", offsetof(struct spy_smap_sizes, swap) },
	/* hugetlbfs' pages are in none of the numbers above (fs/proc/task_mmu.c) */
	{ "Shared_Hugetlb:", offsetof(struct spy_smap_sizes, rss) },
	{ "Private_Hugetlb:", offsetof(struct spy_smap_sizes, rss) },
};

/* "   12 kB" as bytes. */
static bool parse_size(const char *text, const char *end, uint64_t *ret)
{
	uint64_t value = 0;
	bool any = false;

	while (text < end && *text == ' ')
		text++;
	for (; text < end && isdigit((unsigned char)*text); text++, any = true) {
		if (value > (UINT64_MAX >> 10) / 10 - 1)
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*ret = value * 1024;
	return any && end - text >= 3 && memcmp(text, " kB", 3) == 0;
}

static int take_field(struct spy_smap_sizes *sizes, const char *line, size_t size)
{
	size_t i, length;
	uint64_t value;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t *sum = (uint64_t *)((char *)sizes + fields[i].offset);

		length = strlen(fields[i].name);
		if (size < length || memcmp(line, fields[i].name, length) != 0)
			continue;
		if (!parse_size(line + length, line + size, &value) || value > UINT64_MAX - *sum)
			return -PYSPYC_ECORRUPT;
		*sum += value;
	}
	return 0;
}

/*
 * The kernel goes on where the last read ended, with the mapping that is there by then: one that
 * has been merged with those before it comes whole, and they are in it.
 */
static void forget_covered(struct spy_smaps_parser *parser, const struct spy_mapping *mapping)
{
	while (parser->count && mapping->start < mapping->end) {
		const struct spy_mapping *last = &parser->items[parser->count - 1].mapping;

		if (mapping->start > last->start || mapping->end < last->end)
			break;
		free(last->path);
		parser->count--;
	}
}

static int take_mapping(struct spy_smaps_parser *parser, const char *line, size_t size)
{
	struct spy_smap smap = { 0 };

	if (parser->count == parser->capacity) {
		size_t capacity = parser->capacity ? parser->capacity * 2 : 256;
		struct spy_smap *items = realloc(parser->items, capacity * sizeof(*items));

		if (!items)
			return -PYSPYC_ENOMEM;
		parser->items = items;
		parser->capacity = capacity;
	}
	if (parser->count >= SPY_MAPS_LIMIT || !spy_mapping_parse(line, size, &smap.mapping))
		return -PYSPYC_ECORRUPT;
	forget_covered(parser, &smap.mapping);
	if (parser->count && smap.mapping.start < parser->items[parser->count - 1].mapping.end) {
		smap.mapping.start = parser->items[parser->count - 1].mapping.end;
		parser->torn = true;
	}
	if (smap.mapping.start >= smap.mapping.end) {
		free(smap.mapping.path);
		return -PYSPYC_ECORRUPT;
	}
	parser->items[parser->count++] = smap;
	return 0;
}

/* A mapping's line begins with its address, all others with a name in capitals. */
static int take_line(struct spy_smaps_parser *parser, const char *line, size_t size,
		     struct pyspyc_error *err)
{
	int result;

	if (!size)
		return 0;
	if (line[0] >= 'A' && line[0] <= 'Z')
		result = parser->count
				 ? take_field(&parser->items[parser->count - 1].sizes, line, size)
				 : -PYSPYC_ECORRUPT;
	else
		result = take_mapping(parser, line, size);
	if (result == -PYSPYC_ENOMEM)
		return spy_nomem(err);
	return result < 0 ? spy_fail(err, PYSPYC_ECORRUPT, "smaps makes no sense: '%.*s'",
				     (int)(size < 80 ? size : 80), line)
			  : 0;
}

int spy_smaps_feed(struct spy_smaps_parser *parser, const char *text, size_t size,
		   struct pyspyc_error *err)
{
	const char *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);
		int result = 0;

		if (parser->rest.size + length > SPY_SMAPS_LINE_LIMIT)
			return spy_fail(err, PYSPYC_ECORRUPT, "smaps has a line without an end");
		if (newline && !parser->rest.size) {
			result = take_line(parser, text, length, err);
		} else {
			spy_buffer_append(&parser->rest, text, length);
			if (parser->rest.failed)
				return spy_nomem(err);
			if (newline) {
				result = take_line(parser, parser->rest.data, parser->rest.size,
						   err);
				spy_buffer_clear(&parser->rest);
			}
		}
		if (result < 0)
			return result;
		text += length + (newline ? 1 : 0);
	}
	return 0;
}

int spy_smaps_finish(struct spy_smaps_parser *parser, struct spy_smaps *ret,
		     struct pyspyc_error *err)
{
	int result = take_line(parser, spy_buffer_text(&parser->rest), parser->rest.size, err);

	if (result == 0) {
		*ret = (struct spy_smaps){ parser->items, parser->count, parser->torn };
		parser->items = NULL;
		parser->count = 0;
	}
	spy_smaps_parser_free(parser);
	return result;
}

void spy_smaps_parser_free(struct spy_smaps_parser *parser)
{
	struct spy_smaps smaps = { parser->items, parser->count, false };

	spy_smaps_free(&smaps);
	spy_buffer_free(&parser->rest);
	*parser = (struct spy_smaps_parser){ 0 };
}

void spy_smaps_free(struct spy_smaps *smaps)
{
	size_t i;

	for (i = 0; i < smaps->count; i++)
		free(smaps->items[i].mapping.path);
	free(smaps->items);
	*smaps = (struct spy_smaps){ 0 };
}

static int fail_read(pid_t pid, int errnum, struct pyspyc_error *err)
{
	if (errnum == ENOENT || errnum == ESRCH)
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has ended", (int)pid);
	if (errnum == EACCES || errnum == EPERM)
		return spy_fail(err, PYSPYC_EPERM,
				"not permitted to read the mappings of process %d", (int)pid);
	return spy_fail_errno(err, PYSPYC_ESYS, errnum, "cannot read /proc/%d/smaps", (int)pid);
}

int spy_smaps_read(pid_t pid, struct spy_smaps *ret, struct pyspyc_error *err)
{
	spy_cleanup(spy_smaps_parser_free) struct spy_smaps_parser parser = { 0 };
	spy_autofree char *piece = malloc(READ_SIZE);
	spy_autoclose int fd = -1;
	char path[64];
	ssize_t got;
	int result;

	if (!piece)
		return spy_nomem(err);
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_read(pid, errno, err);
	while ((got = read(fd, piece, READ_SIZE)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_read(pid, errno, err);
		result = spy_smaps_feed(&parser, piece, (size_t)got, err);
		if (result < 0)
			return result;
	}
	if (!parser.count)
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has ended", (int)pid);
	return spy_smaps_finish(&parser, ret, err);
}

const struct spy_smap *spy_smaps_find(const struct spy_smaps *smaps, uint64_t address)
{
	size_t low = 0, high = smaps->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct spy_smap *smap = &smaps->items[middle];

		if (address < smap->mapping.start)
			high = middle;
		else if (address >= smap->mapping.end)
			low = middle + 1;
		else
			return smap;
	}
	return NULL;
}
