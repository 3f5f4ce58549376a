#include "target/memory_copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/error.h"

#define PAGE UINT64_C(4096)
/* Copied at most, in bytes. */
#define COPY_LIMIT (UINT64_C(4) << 30)
/* One read of the target takes so many bytes, so that the clock is looked at now and then. */
#define BYTES_AT_ONCE (16u << 20)
#define RANGES_AT_ONCE 256
/* No fewer notes than these are worth sorting before all have been made. */
#define NOTES_LIMIT 65536

static int compare_pages(const void *left, const void *right)
{
	const struct spy_copied *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* Sorts, and unites what overlaps or is at most a page apart; all are without bytes then. */
static void unite(struct spy_copy *copy)
{
	size_t used = 0;

	if (copy->count)
		qsort(copy->pages, copy->count, sizeof(*copy->pages), compare_pages);
	for (size_t i = 0; i < copy->count; i++) {
		struct spy_copied *next = &copy->pages[i],
				  *last = &copy->pages[used ? used - 1 : 0];
		uint64_t end = next->address + next->size;

		if (!used || next->address > last->address + last->size + PAGE) {
			copy->pages[used] = (struct spy_copied){ next->address, next->size, NULL };
			used++;
		} else if (end > last->address + last->size) {
			last->size = (size_t)(end - last->address);
		}
	}
	copy->count = used;
	copy->prepared = copy->last = 0;
	copy->united = used;
}

static bool make_room(struct spy_copied **items, size_t *capacity, size_t count)
{
	size_t larger = *capacity ? *capacity * 2 : 256;
	void *grown;

	if (count < *capacity)
		return true;
	grown = reallocarray(*items, larger, sizeof(**items));
	if (!grown)
		return false;
	*items = grown;
	*capacity = larger;
	return true;
}

/* Notes the pages of a range; a range at the end of the address space is nobody's. */
static bool note(struct spy_copy *copy, uint64_t address, size_t size)
{
	uint64_t first = address / PAGE * PAGE, end;
	struct spy_copied *last;

	if (!size || address > UINT64_MAX - size - 2 * PAGE)
		return true;
	end = (address + size + PAGE - 1) / PAGE * PAGE;
	last = copy->count > copy->prepared ? &copy->pages[copy->count - 1] : NULL;
	if (last && first >= last->address && first <= last->address + last->size + PAGE) {
		if (end > last->address + last->size)
			last->size = (size_t)(end - last->address);
		return true;
	}
	if (!make_room(&copy->pages, &copy->capacity, copy->count))
		return false;
	copy->pages[copy->count++] = (struct spy_copied){ first, (size_t)(end - first), NULL };
	return true;
}

/* The pages with an address, among count that are sorted; NULL: none has it. */
static const struct spy_copied *find(const struct spy_copied *pages, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (address < pages[middle].address)
			high = middle;
		else if (address - pages[middle].address >= pages[middle].size)
			low = middle + 1;
		else
			return &pages[middle];
	}
	return NULL;
}

static const struct spy_copied *find_copied(struct spy_copy *copy, uint64_t address)
{
	const struct spy_copied *found = NULL;

	if (copy->last < copy->prepared)
		found = find(&copy->pages[copy->last], 1, address);
	if (!found)
		found = find(copy->pages, copy->prepared, address);
	if (found)
		copy->last = (size_t)(found - copy->pages);
	else
		found = find(copy->more, copy->more_count, address);
	return found;
}

/* Copies one page that was not prepared, into its place by address. */
static int extend(struct spy_copy *copy, uint64_t address, struct pyspyc_error *err)
{
	struct spy_copied page = { address / PAGE * PAGE, PAGE, NULL };
	size_t at;
	int result;

	if (!note(copy, page.address, PAGE) ||
	    !make_room(&copy->more, &copy->more_capacity, copy->more_count))
		return spy_nomem(err);
	page.bytes = malloc(PAGE);
	if (!page.bytes)
		return spy_nomem(err);
	result = spy_memory_read(copy->target, page.address, page.bytes, PAGE, err);
	if (result < 0) {
		free(page.bytes);
		return result;
	}
	for (at = copy->more_count; at && copy->more[at - 1].address > page.address; at--)
		;
	memmove(&copy->more[at + 1], &copy->more[at],
		(copy->more_count - at) * sizeof(*copy->more));
	copy->more[at] = page;
	copy->more_count++;
	return 0;
}

static int read_copied(struct spy_copy *copy, const struct spy_range *range,
		       struct pyspyc_error *err)
{
	size_t done = 0;
	int result;

	while (done < range->size) {
		uint64_t address = range->address + done;
		const struct spy_copied *pages = find_copied(copy, address);
		size_t size = range->size - done;

		if (!pages && copy->copying == SPY_COPY_EXTENDS) {
			result = extend(copy, address, err);
			if (result < 0)
				return result;
			continue;
		}
		if (!pages)
			return note(copy, address, size)
				       ? spy_fault(err, address, "address 0x%llx was not copied",
						   (unsigned long long)address)
				       : spy_nomem(err);
		if (size > pages->size - (address - pages->address))
			size = pages->size - (size_t)(address - pages->address);
		memcpy((uint8_t *)range->buffer + done, pages->bytes + (address - pages->address),
		       size);
		done += size;
	}
	return 0;
}

static int read_noted(struct spy_copy *copy, const struct spy_range *ranges, size_t count,
		      struct pyspyc_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!note(copy, ranges[i].address, ranges[i].size))
			return spy_nomem(err);
	if (copy->count > NOTES_LIMIT && copy->count > 2 * copy->united)
		unite(copy);
	return spy_memory_readv(copy->target, ranges, count, err);
}

static int copy_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		     struct pyspyc_error *err)
{
	struct spy_copy *copy = (struct spy_copy *)memory;
	int result = 0;

	if (copy->copying == SPY_COPY_NOTES)
		return read_noted(copy, ranges, count, err);
	for (size_t i = 0; i < count && result == 0; i++)
		result = read_copied(copy, &ranges[i], err);
	return result;
}

static void forget(struct spy_copy *copy)
{
	if (copy->bytes)
		munmap(copy->bytes, copy->size);
	copy->bytes = NULL;
	copy->size = 0;
	for (size_t i = 0; i < copy->more_count; i++)
		free(copy->more[i].bytes);
	copy->more_count = 0;
}

static void copy_destroy(struct spy_memory *memory)
{
	spy_copy_close((struct spy_copy *)memory);
}

static const struct spy_memory_ops copy_ops = {
	.read = copy_read,
	.destroy = copy_destroy,
};

void spy_copy_open(struct spy_copy *copy, struct spy_memory *target)
{
	*copy = (struct spy_copy){ .memory = { &copy_ops }, .target = target };
}

void spy_copy_close(struct spy_copy *copy)
{
	forget(copy);
	free(copy->pages);
	free(copy->more);
	spy_copy_open(copy, copy->target);
}

int spy_copy_prepare(struct spy_copy *copy, struct pyspyc_error *err)
{
	size_t i, used = 0;
	uint64_t size = 0;

	forget(copy);
	unite(copy);
	for (i = 0; i < copy->count; i++)
		size += copy->pages[i].size;
	if (!size)
		return 0;
	if (size > COPY_LIMIT)
		return spy_fail(err, PYSPYC_ENOMEM, "there is too much to copy: %llu MB",
				(unsigned long long)(size >> 20));
	copy->bytes = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (copy->bytes == MAP_FAILED) {
		copy->bytes = NULL;
		return spy_nomem(err);
	}
	copy->size = (size_t)size;
	madvise(copy->bytes, copy->size, MADV_HUGEPAGE); /* fewer faults; as well without */
	for (i = 0; i < copy->size; i += PAGE)
		((volatile uint8_t *)copy->bytes)[i] = 1;
	for (i = 0; i < copy->count; used += copy->pages[i++].size)
		copy->pages[i].bytes = copy->bytes + used;
	copy->prepared = copy->count;
	return 0;
}

/* Reads a range in halves, down to the pages that are gone: zeros are what they are filled with. */
static int take_halves(struct spy_copy *copy, struct spy_range range, struct pyspyc_error *err)
{
	for (;;) {
		struct spy_range half = range;
		int result = spy_memory_readv(copy->target, &range, 1, err);

		if (result != -PYSPYC_EFAULT)
			return result;
		if (range.size <= PAGE) {
			memset(range.buffer, 0, range.size);
			return 0;
		}
		/* No deeper than the logarithm of the pages that are read at once. */
		half.size = range.size / PAGE / 2 * PAGE;
		result = take_halves(copy, half, err);
		if (result < 0)
			return result;
		range.address += half.size;
		range.buffer = (uint8_t *)range.buffer + half.size;
		range.size -= half.size;
	}
}

static int take_each(struct spy_copy *copy, const struct spy_range *ranges, size_t count,
		     uint64_t deadline, struct pyspyc_error *err)
{
	for (size_t i = 0; i < count; i++) {
		int result = take_halves(copy, ranges[i], err);

		if (result < 0)
			return result;
		if (spy_clock_now() > deadline)
			return spy_fail(err, PYSPYC_EAGAIN, "copying took too long");
	}
	return 0;
}

static int take_ranges(struct spy_copy *copy, const struct spy_range *ranges, size_t count,
		       uint64_t deadline, struct pyspyc_error *err)
{
	int result = spy_memory_readv(copy->target, ranges, count, err);

	if (result == -PYSPYC_EFAULT)
		result = take_each(copy, ranges, count, deadline, err);
	if (result == 0 && spy_clock_now() > deadline)
		return spy_fail(err, PYSPYC_EAGAIN, "copying took too long");
	return result;
}

int spy_copy_take(struct spy_copy *copy, uint64_t deadline, struct pyspyc_error *err)
{
	struct spy_range ranges[RANGES_AT_ONCE];
	size_t count = 0, size = 0, at = 0, i = 0;
	int result = 0;

	for (size_t k = 0; k < copy->more_count; k++)
		free(copy->more[k].bytes);
	copy->more_count = 0;
	while (i < copy->prepared && result == 0) {
		const struct spy_copied *pages = &copy->pages[i];
		size_t now = pages->size - at;

		if (now > BYTES_AT_ONCE - size)
			now = BYTES_AT_ONCE - size;
		ranges[count++] = (struct spy_range){ pages->address + at, pages->bytes + at, now };
		size += now;
		at += now;
		if (at == pages->size) {
			at = 0;
			i++;
		}
		if (count == RANGES_AT_ONCE || size == BYTES_AT_ONCE || i == copy->prepared) {
			result = take_ranges(copy, ranges, count, deadline, err);
			count = size = 0;
		}
	}
	return result;
}
