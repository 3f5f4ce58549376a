/* Roots of a profile: processes and threads. A part of booking.c. */
#ifndef SPY_LIB_BOOKING_ROOTS_H
#define SPY_LIB_BOOKING_ROOTS_H

#include "lib/booking.h"

/* The number of the marker called name; SPY_NO_FRAME when memory ran out. */
uint32_t spy_booking_marker(struct spy_booking *booking, const char *name);

/*
 * Sees to it that path->root is the node below which the thread's stacks hang; forgets nodes
 * that have got new numbers. False when memory ran out.
 */
bool spy_booking_root(struct spy_booking *booking, struct spy_process_book *book,
		      struct spy_thread_book *path, const struct spy_sampler *sampler,
		      const struct spy_thread *thread);

#endif
