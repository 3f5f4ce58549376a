/*
 * Page faults of a thread, told by the kernel as they happen (perf_event_open(2), the software
 * event PERF_COUNT_SW_PAGE_FAULTS): how many, exactly, and the first one at once.
 */
#ifndef SPY_TARGET_FAULTS_H
#define SPY_TARGET_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero-initialise. */
struct spy_faults {
	void *ring; /* what the kernel writes: a page of its own, and one of records; NULL: none */
	int fd;	    /* of the event, to be polled for */
	int times;  /* of one that tells the times of some of them, and wakes nobody; -1: none */
	bool armed; /* each fault wakes who waits for fd */
};

/* What lies in a ring. */
struct spy_fault_news {
	size_t faults;	   /* records of faults */
	uint64_t first_ns; /* when the first and the last of them were, spy_clock_now's time; 0: none */
	uint64_t last_ns;
	uint64_t gap_ns; /* the longest time between two of them */
	size_t gap_at;	 /* after so many of them */
};

/*
 * Begins with a thread's faults, armed. A negated errno when that cannot be: -EACCES or -EPERM
 * where perf events are not permitted (/proc/sys/kernel/perf_event_paranoid, seccomp), -ENOSYS,
 * -ESRCH for a thread that has ended. Without the right to see it in the kernel, faults that
 * system calls make are not counted.
 */
int spy_faults_open(struct spy_faults *faults, pid_t tid);

void spy_faults_close(struct spy_faults *faults);

/* How many there have been so far; also of a thread that has ended. */
bool spy_faults_read(const struct spy_faults *faults, uint64_t *count);

/*
 * Armed, each fault wakes who waits, which costs its thread some microseconds; otherwise they are
 * counted, and one of SPY_FAULTS_SPARSE tells its time, which makes a fault dearer by some percent.
 * (One more may wake right after that was changed.)
 */
#define SPY_FAULTS_SPARSE 32
void spy_faults_arm(struct spy_faults *faults, bool armed);

/* Takes what has been told since the last call. */
struct spy_fault_news spy_faults_take(struct spy_faults *faults);

/*
 * Adds up records of perf_event_open(2) as spy_faults_open asks for them: size bytes, the oldest
 * first. What is no whole record ends it.
 */
void spy_faults_parse(const uint8_t *bytes, size_t size, struct spy_fault_news *ret);

/*
 * Adds up what lies in a ring of size bytes (at most SPY_FAULTS_RING) from tail up to head, both of
 * which only ever grow: nothing when that is more than there is room for.
 */
#define SPY_FAULTS_RING 65536
void spy_faults_unwrap(const uint8_t *ring, size_t size, uint64_t tail, uint64_t head,
		       struct spy_fault_news *ret);

#endif
