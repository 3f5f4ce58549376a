#include "target/faults.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "target/pagemap.h"

/* A fault never happens so often. */
#define NEVER ((uint64_t)1 << 62)

static int open_event(pid_t tid, bool in_kernel, bool wakes)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = wakes ? 1 : SPY_FAULTS_SPARSE,
		.sample_type = PERF_SAMPLE_TIME,
		.wakeup_events = wakes,
		.exclude_kernel = !in_kernel,
		.exclude_hv = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int spy_faults_open(struct spy_faults *faults, pid_t tid)
{
	bool in_kernel = true;
	int fd = open_event(tid, in_kernel, true), result;
	void *ring;

	*faults = (struct spy_faults){ 0 };
	if (fd == -EACCES || fd == -EPERM)
		fd = open_event(tid, in_kernel = false, true);
	if (fd < 0)
		return fd;
	ring = mmap(NULL, 2 * spy_page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		result = -errno;
		close(fd);
		return result;
	}
	*faults = (struct spy_faults){
		.fd = fd, .times = open_event(tid, in_kernel, false), .ring = ring, .armed = true
	};
	if (faults->times >= 0 && ioctl(faults->times, PERF_EVENT_IOC_SET_OUTPUT, fd) < 0) {
		close(faults->times);
		faults->times = -1;
	}
	return 0;
}

void spy_faults_close(struct spy_faults *faults)
{
	if (faults->ring) {
		munmap(faults->ring, 2 * spy_page_size());
		if (faults->times >= 0)
			close(faults->times);
		close(faults->fd);
	}
	*faults = (struct spy_faults){ 0 };
}

bool spy_faults_read(const struct spy_faults *faults, uint64_t *count)
{
	return faults->ring && read(faults->fd, count, sizeof(*count)) == sizeof(*count);
}

void spy_faults_arm(struct spy_faults *faults, bool armed)
{
	uint64_t period = armed ? 1 : NEVER;

	if (faults->ring && faults->armed != armed &&
	    ioctl(faults->fd, PERF_EVENT_IOC_PERIOD, &period) == 0)
		faults->armed = armed;
}

static void add_fault(struct spy_fault_news *news, uint64_t time)
{
	if (!news->faults) {
		news->first_ns = time;
	} else if (time > news->last_ns && time - news->last_ns > news->gap_ns) {
		news->gap_ns = time - news->last_ns;
		news->gap_at = news->faults;
	}
	news->last_ns = time;
	news->faults++;
}

/* Records are 8 bytes of head (type, flags, size) and what sample_type asks for: the time. */
void spy_faults_parse(const uint8_t *bytes, size_t size, struct spy_fault_news *ret)
{
	struct perf_event_header head;
	size_t at = 0;
	uint64_t time;

	*ret = (struct spy_fault_news){ 0 };
	while (size - at >= sizeof(head)) {
		memcpy(&head, bytes + at, sizeof(head));
		if (head.size < sizeof(head) || head.size > size - at)
			return;
		if (head.type == PERF_RECORD_SAMPLE && head.size >= sizeof(head) + sizeof(time)) {
			memcpy(&time, bytes + at + sizeof(head), sizeof(time));
			add_fault(ret, time);
		}
		at += head.size;
	}
}

void spy_faults_unwrap(const uint8_t *ring, size_t size, uint64_t tail, uint64_t head,
		       struct spy_fault_news *ret)
{
	uint8_t copy[SPY_FAULTS_RING];
	size_t used, from, first;

	*ret = (struct spy_fault_news){ 0 };
	if (size > sizeof(copy) || head - tail > size || head == tail)
		return;
	used = (size_t)(head - tail);
	from = (size_t)(tail % size);
	first = used < size - from ? used : size - from;
	memcpy(copy, ring + from, first);
	memcpy(copy + first, ring, used - first);
	spy_faults_parse(copy, used, ret);
}

struct spy_fault_news spy_faults_take(struct spy_faults *faults)
{
	struct perf_event_mmap_page *head = faults->ring;
	struct spy_fault_news news = { 0 };
	uint64_t page = spy_page_size(), end;

	if (!head)
		return news;
	end = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE);
	spy_faults_unwrap((const uint8_t *)faults->ring + page, page, head->data_tail, end, &news);
	__atomic_store_n(&head->data_tail, end, __ATOMIC_RELEASE);
	return news;
}
