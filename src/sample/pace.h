/* When to sample next: absolute deadlines with jitter, what was missed counted. */
#ifndef SPY_SAMPLE_PACE_H
#define SPY_SAMPLE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct spy_pace {
	uint64_t start_ns;
	uint64_t period_ns;
	uint64_t slot;	 /* number of the period to come */
	uint64_t missed; /* periods that went by unused */
	uint32_t covered; /* periods that the sample to come stands for: those missed just before too */
	uint64_t random; /* state of the jitter */
};

/* rate in moments a second; seed makes the jitter. */
void spy_pace_begin(struct spy_pace *pace, double rate, uint64_t now_ns, uint64_t seed);

/* Goes on at another rate; what was missed so far stays counted. */
void spy_pace_set_rate(struct spy_pace *pace, double rate, uint64_t now_ns);

/*
 * The moment for the next sample, in ns of spy_clock_now: somewhere in the next period,
 * so that a target that works in step with the rate is seen at every phase. Periods that
 * are over already are counted as missed.
 */
uint64_t spy_pace_next(struct spy_pace *pace, uint64_t now_ns);

/* As spy_pace_next, but what has gone by does not count as missed: there was nothing to see. */
uint64_t spy_pace_skip(struct spy_pace *pace, uint64_t now_ns);

/* Counts what has gone by unused when the sampling ends. */
void spy_pace_end(struct spy_pace *pace, uint64_t now_ns);

#endif
