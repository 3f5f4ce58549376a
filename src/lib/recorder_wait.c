/* How a recorder waits for the next moment: exactly, and as soon as there is something to read. */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "base/export.h"
#include "lib/recorder_parts.h"

/* Stacks do not stay provisional over a pause as long as this. */
#define PAUSE_NS (4u * SPY_NSEC_PER_MSEC)
/* To sleep for less takes longer, and more of the CPU, than to wait. */
#define SPIN_NS (20u * SPY_NSEC_PER_USEC)
/* A descriptor wakes no more often than this, and is looked at as often where nothing sleeps. */
#define READY_EVERY_NS (5u * SPY_NSEC_PER_MSEC)

PYSPYC_EXPORT void pyspyc_recorder_wake_on(struct pyspyc_recorder *recorder, int fd)
{
	recorder->wakes = fd >= 0;
	recorder->wake_fd = fd;
	recorder->ready_ns = 0;
}

static struct timespec moment_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / SPY_NSEC_PER_SEC), (long)(ns % SPY_NSEC_PER_SEC) };
}

/* Waits at most until wake_ns for the descriptor; 0 when time is over. */
static int wait_for(const struct pyspyc_recorder *recorder, uint64_t now, uint64_t wake_ns)
{
	struct pollfd polled = { .fd = recorder->wake_fd, .events = POLLIN };
	uint64_t left = wake_ns > now ? wake_ns - now : 0;
	struct timespec timeout = moment_of(left);

	return ppoll(&polled, 1, &timeout, NULL);
}

/* Sleeps until the moment; true when a signal handler ran or something can be read. */
static bool sleep_until(struct pyspyc_recorder *recorder, uint64_t moment_ns)
{
	struct timespec moment = moment_of(moment_ns);
	uint64_t now = recorder->wakes ? spy_clock_now() : 0;
	int ready;

	if (!recorder->wakes)
		return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR;
	if (now < recorder->ready_ns) {
		struct timespec until = moment_of(
			recorder->ready_ns < moment_ns ? recorder->ready_ns : moment_ns);

		if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			return true;
		now = spy_clock_now();
	}
	ready = wait_for(recorder, now, moment_ns);
	if (ready > 0)
		recorder->ready_ns = spy_clock_now() + READY_EVERY_NS;
	return ready > 0 || (ready < 0 && errno == EINTR);
}

/* Without waiting: whether it is time for tick. */
static bool ready_now(struct pyspyc_recorder *recorder, uint64_t now)
{
	if (!recorder->wakes || now < recorder->ready_ns)
		return false;
	recorder->ready_ns = now + READY_EVERY_NS;
	return wait_for(recorder, now, now) > 0;
}

bool spy_recorder_pause(struct pyspyc_recorder *recorder, uint64_t now, uint64_t wake)
{
	if (wake <= now + SPY_AT_ONCE_NS)
		return ready_now(recorder, now);
	while (wake - now <= SPIN_NS) {
		now = spy_clock_now();
		if (now >= wake)
			return ready_now(recorder, now);
	}
	if (wake - now > PAUSE_NS)
		spy_recorder_settle(recorder);
	return sleep_until(recorder, wake);
}
