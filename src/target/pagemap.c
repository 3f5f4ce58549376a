#include "target/pagemap.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
/* Entries read at once. */
#define AT_ONCE 4096
#define LOOKED_AT (UINT64_C(1) << 20)

uint64_t spy_page_size(void)
{
	long size = sysconf(_SC_PAGESIZE);

	return size > 0 ? (uint64_t)size : 4096;
}

int spy_pagemap_open(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The entries of count pages from page on; how many there are, 0 for an error. */
static size_t read_entries(int fd, uint64_t page, size_t count, uint64_t entries[AT_ONCE])
{
	ssize_t got = pread(fd, entries, count * sizeof(*entries),
			    (off_t)(page * sizeof(*entries)));

	return got > 0 ? (size_t)got / sizeof(*entries) : 0;
}

bool spy_pagemap_count(int fd, uint64_t start, uint64_t end, struct spy_pages *ret)
{
	uint64_t size = spy_page_size(), page = start / size, last = end / size;
	uint64_t entries[AT_ONCE];
	struct spy_pages pages = { 0 };

	while (page < last) {
		size_t count = last - page < AT_ONCE ? (size_t)(last - page) : AT_ONCE;
		size_t got = fd < 0 ? 0 : read_entries(fd, page, count, entries);
		size_t i;

		if (!got)
			return false;
		for (i = 0; i < got; i++) {
			pages.present += !!(entries[i] & PRESENT);
			pages.swapped += !!(entries[i] & SWAPPED);
		}
		page += got;
	}
	*ret = pages;
	return true;
}

size_t spy_pagemap_present(int fd, uint64_t start, uint64_t end, uint64_t *ret, size_t limit,
			   uint64_t *next)
{
	uint64_t size = spy_page_size(), page = start / size, last = end / size;
	uint64_t entries[AT_ONCE];
	size_t found = 0;

	if (last - page > LOOKED_AT)
		last = page + LOOKED_AT;
	while (page < last && found < limit) {
		size_t count = last - page < AT_ONCE ? (size_t)(last - page) : AT_ONCE;
		size_t got = fd < 0 ? 0 : read_entries(fd, page, count, entries);
		size_t i;

		if (!got) {
			page = last;
			break;
		}
		for (i = 0; i < got && found < limit; i++)
			if (entries[i] & PRESENT)
				ret[found++] = (page + i) * size;
		page += i;
	}
	*next = page * size;
	return found;
}
