/* What a process uses of memory and CPU, as the OS counts. */
#ifndef SPY_TARGET_USAGE_H
#define SPY_TARGET_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- texts of /proc/PID, of size bytes; false when they make no sense --- */

/* The resident pages that statm tells, its second number (proc(5)). */
bool spy_statm_parse(const char *text, size_t size, uint64_t *pages);

/* The time in ns that a thread has been on a CPU, schedstat's first number. */
bool spy_schedstat_parse(const char *text, size_t size, uint64_t *ran_ns);

/*
 * How often a thread has got a CPU, schedstat's third number. Of one that has had one at all this
 * is not 0, but for kernels that do not count (CONFIG_SCHED_INFO): false then.
 */
bool spy_schedstat_turns(const char *text, size_t size, uint64_t *turns);

/* Bytes of all mappings together. */
struct spy_rollup {
	uint64_t rss, pss, swap;
	uint64_t uss; /* what no other process shares: clean, dirty and in huge pages */
};

/* smaps_rollup (Documentation/ABI/testing/procfs-smaps_rollup); Rss and Pss have to be there. */
bool spy_rollup_parse(const char *text, size_t size, struct spy_rollup *ret);

struct spy_status {
	uint64_t peak_rss; /* VmHWM, bytes */
	uint64_t swap;	   /* VmSwap, bytes */
};

/* status; what is missing, as with a zombie, is 0. False when nothing of it is there. */
bool spy_status_parse(const char *text, size_t size, struct spy_status *ret);

/* --- a process --- */

/*
 * How much memory of a process is resident, again and again. The kernel keeps this number for
 * each CPU and adds it up now and then: it may lag behind by 32 pages for each of them (64 faults
 * of each thread before Linux 6.2, SPLIT_RSS_COUNTING).
 */
struct spy_rss {
	pid_t pid;
	int fd; /* of statm; -1: opened for each reading */
};

void spy_rss_open(struct spy_rss *rss, pid_t pid);
void spy_rss_close(struct spy_rss *rss);

/* Bytes; false when the process has gone or has no memory (a zombie). */
bool spy_rss_read(const struct spy_rss *rss, uint64_t *bytes);

/* CPU time in ns of all threads that a process has and has had; false when it has gone. */
bool spy_cpu_read(pid_t pid, uint64_t *ns);

/* The same of children that it has waited for, and theirs, in clock ticks' precision. */
bool spy_children_cpu_read(pid_t pid, uint64_t *ns);

/* Dear: walks the page tables, some ms for a gigabyte. False when it cannot be had. */
bool spy_rollup_read(pid_t pid, struct spy_rollup *ret);

bool spy_status_read(pid_t pid, struct spy_status *ret);

/* When a process started, in seconds since the epoch, by the start time of its stat (ticks). */
int64_t spy_start_time(uint64_t ticks);

#endif
