/* The time that intervals on the screen are measured by. */
#ifndef TUI_CLOCK_H
#define TUI_CLOCK_H

#include <stdint.h>
#include <time.h>

#define TUI_NSEC_PER_MSEC UINT64_C(1000000)

/* Nanoseconds since some moment in the past. */
static inline uint64_t tui_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
