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

/* Waits at most until wake_ns; 0 when time is over. */
static int wait_for(struct pollfd *polled, nfds_t count, uint64_t now, uint64_t wake_ns)
{
	uint64_t left = wake_ns > now ? wake_ns - now : 0;
	struct timespec timeout = moment_of(left);

	return ppoll(polled, count, &timeout, NULL);
}

/*
 * Sleeps until the moment; true when a signal handler ran or something can be read. Is over as well
 * when memory begins to grow.
 */
static bool sleep_until(struct pyspyc_recorder *recorder, uint64_t moment_ns)
{
	struct spy_growth *growth = recorder->growth;
	struct pollfd polled[] = {
		{ .fd = -1, .events = POLLIN }, /* poll(2) passes over those below 0 */
		{ .fd = growth && growth->listening ? growth->fd : -1, .events = POLLIN },
	};
	struct timespec moment = moment_of(moment_ns);
	uint64_t now, until;
	int ready;

	if (!recorder->wakes && polled[1].fd < 0)
		return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR;
	do {
		now = spy_clock_now();
		until = moment_ns;
		if (recorder->wakes && now >= recorder->ready_ns)
			polled[0].fd = recorder->wake_fd;
		else if (recorder->wakes && recorder->ready_ns < until)
			until = recorder->ready_ns;
		ready = wait_for(polled, 2, now, until);
	} while (ready == 0 && until < moment_ns);
	if (ready > 0 && polled[1].revents)
		growth->woken = true;
	if (ready > 0 && polled[0].revents)
		recorder->ready_ns = spy_clock_now() + READY_EVERY_NS;
	return (ready > 0 && polled[0].revents) || (ready < 0 && errno == EINTR);
}

/* Without waiting: whether it is time for tick. */
static bool ready_now(struct pyspyc_recorder *recorder, uint64_t now)
{
	struct pollfd polled = { .fd = recorder->wake_fd, .events = POLLIN };

	if (!recorder->wakes || now < recorder->ready_ns)
		return false;
	recorder->ready_ns = now + READY_EVERY_NS;
	return wait_for(&polled, 1, now, now) > 0;
}

static bool peeks(const struct pyspyc_recorder *recorder, uint64_t before_ns)
{
	size_t i;

	/* When memory begins to grow that is to be looked at. */
	if (recorder->paused || recorder->growth)
		return false;
	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->state == SPY_TRACKED_SAMPLING &&
		    spy_sampler_peeks(recorder->tracked[i]->sampler, before_ns))
			return true;
	return false;
}

/* Threads that wait for the GIL are looked at only when they have had it (spy_sampler_peeks). */
static void peek(struct pyspyc_recorder *recorder, uint64_t before_ns)
{
	size_t i;

	for (i = 0; i < recorder->tracked_count; i++)
		if (recorder->tracked[i]->state == SPY_TRACKED_SAMPLING &&
		    spy_sampler_peeks(recorder->tracked[i]->sampler, before_ns))
			spy_sampler_peek(recorder->tracked[i]->sampler);
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
	while (wake > now + SPY_PEEK_EVERY_NS && peeks(recorder, wake - now)) {
		if (sleep_until(recorder, now + SPY_PEEK_EVERY_NS))
			return true;
		peek(recorder, wake - now);
		now = spy_clock_now();
	}
	return sleep_until(recorder, wake);
}
