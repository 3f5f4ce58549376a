/* Clocks in nanoseconds. */
#ifndef SPY_BASE_CLOCK_H
#define SPY_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SPY_NSEC_PER_SEC 1000000000u
#define SPY_NSEC_PER_MSEC 1000000u
#define SPY_NSEC_PER_USEC 1000u

static inline uint64_t spy_clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SPY_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* Time that never jumps, in nanoseconds since some moment. */
static inline uint64_t spy_clock_now(void)
{
	return spy_clock_read(CLOCK_MONOTONIC);
}

/* CPU time that this process has used, in nanoseconds. */
static inline uint64_t spy_clock_cpu(void)
{
	return spy_clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

#endif
