/* Records of page faults in the kernel's ring: wrapped, cut short, lost, and ones that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "target/faults.h"

#define RING 64

static size_t put(uint8_t *bytes, size_t at, uint32_t type, uint16_t size, uint64_t time)
{
	struct perf_event_header head = { .type = type, .size = size };

	memcpy(bytes + at, &head, sizeof(head));
	if (size >= sizeof(head) + sizeof(time))
		memcpy(bytes + at + sizeof(head), &time, sizeof(time));
	return at + size;
}

static void test_records(void **state)
{
	struct spy_fault_news news;
	uint8_t bytes[128] = { 0 };
	size_t size;

	size = put(bytes, 0, PERF_RECORD_SAMPLE, 16, 100);
	size = put(bytes, size, PERF_RECORD_LOST, 24, 77);
	size = put(bytes, size, PERF_RECORD_SAMPLE, 24, 140); /* of a kernel that tells more */
	size = put(bytes, size, 0xffffffff, 8, 0);
	size = put(bytes, size, PERF_RECORD_SAMPLE, 16, 150);
	spy_faults_parse(bytes, size, &news);
	assert_int_equal(news.faults, 3);
	assert_int_equal(news.first_ns, 100);
	assert_int_equal(news.last_ns, 150);
	spy_faults_parse(bytes, 0, &news);
	assert_int_equal(news.faults, 0);
	assert_int_equal(news.first_ns, 0);
	/* Times that go back are taken as they are. */
	put(bytes, 0, PERF_RECORD_SAMPLE, 16, UINT64_MAX);
	spy_faults_parse(bytes, size, &news);
	assert_int_equal(news.faults, 3);
	assert_int_equal(news.last_ns, 150);
}

static void test_records_that_lie(void **state)
{
	static const uint16_t sizes[] = { 0, 1, 7, 33, 0xffff };
	struct spy_fault_news news;
	uint8_t *bytes;
	size_t i, cut;

	/* The size of the second one is none, or more than there is. */
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		bytes = calloc(1, 32);
		put(bytes, put(bytes, 0, PERF_RECORD_SAMPLE, 16, 5), PERF_RECORD_SAMPLE, 16, 6);
		memcpy(bytes + 16 + offsetof(struct perf_event_header, size), &sizes[i],
		       sizeof(sizes[i]));
		spy_faults_parse(bytes, 32, &news);
		assert_int_equal(news.faults, 1);
		assert_int_equal(news.last_ns, 5);
		free(bytes);
	}
	/* No record without its time; nothing is read behind the end, as ASan would see. */
	for (cut = 0; cut <= 32; cut++) {
		bytes = malloc(cut ? cut : 1);
		for (i = 0; i + 16 <= cut; i += 16)
			put(bytes, i, PERF_RECORD_SAMPLE, 16, i + 1);
		memset(bytes + i, 0xff, cut - i);
		spy_faults_parse(bytes, cut, &news);
		assert_int_equal(news.faults, cut / 16);
		free(bytes);
	}
	bytes = calloc(1, 8);
	put(bytes, 0, PERF_RECORD_SAMPLE, 8, 0);
	spy_faults_parse(bytes, 8, &news);
	assert_int_equal(news.faults, 0);
	free(bytes);
}

/* Wherever the ring is cut: the same news. */
static void test_wrapped(void **state)
{
	uint8_t straight[RING] = { 0 }, *ring = malloc(RING);
	struct spy_fault_news news;
	uint64_t tail;
	size_t i, used;

	used = put(straight, 0, PERF_RECORD_SAMPLE, 16, 10);
	used = put(straight, used, PERF_RECORD_LOST, 24, 1);
	used = put(straight, used, PERF_RECORD_SAMPLE, 16, 20);
	for (tail = 0; tail < 3 * RING; tail++) {
		for (i = 0; i < RING; i++)
			ring[(tail + i) % RING] = straight[i];
		spy_faults_unwrap(ring, RING, tail, tail + used, &news);
		assert_int_equal(news.faults, 2);
		assert_int_equal(news.first_ns, 10);
		assert_int_equal(news.last_ns, 20);
		/* Short of a byte, the last one is not there yet. */
		spy_faults_unwrap(ring, RING, tail, tail + used - 1, &news);
		assert_int_equal(news.faults, 1);
	}
	/* The counters themselves may wrap. */
	tail = UINT64_MAX - 7;
	for (i = 0; i < RING; i++)
		ring[(tail + i) % RING] = straight[i];
	spy_faults_unwrap(ring, RING, tail, tail + used, &news);
	assert_int_equal(news.faults, 2);
	free(ring);
}

static void test_rings_that_lie(void **state)
{
	static const uint64_t heads[] = { RING + 1, UINT64_MAX, (uint64_t)1 << 32 };
	uint8_t *ring = calloc(1, RING);
	struct spy_fault_news news;
	size_t i;

	for (i = 0; i < RING; i += 16)
		put(ring, i, PERF_RECORD_SAMPLE, 16, i + 1);
	for (i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		spy_faults_unwrap(ring, RING, 0, heads[i], &news);
		assert_int_equal(news.faults, 0);
	}
	spy_faults_unwrap(ring, RING, 16, 0, &news); /* head before tail */
	assert_int_equal(news.faults, 0);
	spy_faults_unwrap(NULL, 0, 5, 5, &news);
	spy_faults_unwrap(NULL, 0, 5, 6, &news);
	assert_int_equal(news.faults, 0);
	spy_faults_unwrap(NULL, SPY_FAULTS_RING + 1, 0, 16, &news);
	assert_int_equal(news.faults, 0);
	spy_faults_unwrap(ring, RING, 0, RING, &news);
	assert_int_equal(news.faults, RING / 16);
	free(ring);
}

/* This very thread's, where the kernel lets us. */
static void test_own(void **state)
{
	enum { PAGES = 32 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	struct spy_faults faults;
	uint64_t before, after, began = spy_clock_now();
	struct spy_fault_news news;
	volatile char *memory;
	int result = spy_faults_open(&faults, (pid_t)syscall(SYS_gettid));

	if (result < 0) {
		assert_null(faults.ring);
		assert_false(spy_faults_read(&faults, &before));
		spy_faults_take(&faults);
		spy_faults_arm(&faults, false);
		spy_faults_close(&faults);
		skip();
	}
	memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	madvise((void *)memory, PAGES * page, MADV_NOHUGEPAGE);
	assert_true(spy_faults_read(&faults, &before));
	for (i = 0; i < PAGES; i++)
		memory[i * page] = 1;
	assert_true(spy_faults_read(&faults, &after));
	assert_in_range(after - before, PAGES, PAGES + 8);
	news = spy_faults_take(&faults);
	assert_in_range(news.faults, PAGES, after + 16); /* taking them makes some, too */
	assert_in_range(news.first_ns, began, spy_clock_now());
	assert_in_range(news.last_ns, news.first_ns, spy_clock_now());
	assert_true(spy_faults_take(&faults).faults <
		    PAGES); /* nobody else's, and not these again */
	munmap((void *)memory, PAGES * page);
	spy_faults_close(&faults);
	assert_true(spy_faults_open(&faults, 0x3fffff) < 0);
	assert_null(faults.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_records_that_lie),
		cmocka_unit_test(test_wrapped), cmocka_unit_test(test_rings_that_lie),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
