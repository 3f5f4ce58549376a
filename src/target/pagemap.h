/* Which pages of a process are in memory: /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#ifndef SPY_TARGET_PAGEMAP_H
#define SPY_TARGET_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The descriptor of pid's pagemap, or -1 where it may not be read. The caller closes it. */
int spy_pagemap_open(pid_t pid);

/* Pages of a range, as far as told. A page of zeros that was only ever read is present, too. */
struct spy_pages {
	uint64_t present;
	uint64_t swapped;
};

/*
 * Counts the pages of [start, end), which begins and ends with a page. False when they cannot be
 * read.
 */
bool spy_pagemap_count(int fd, uint64_t start, uint64_t end, struct spy_pages *ret);

/*
 * The addresses of the first pages in [start, end) that are in memory, at most limit of them, in
 * *ret; how many is the result. Pages beyond the first 2^20 of the range are not looked at; *next
 * is where the looking ended.
 */
size_t spy_pagemap_present(int fd, uint64_t start, uint64_t end, uint64_t *ret, size_t limit,
			   uint64_t *next);

/* Bytes of a page. */
uint64_t spy_page_size(void);

#endif
