/* A process that a recording follows: through start, exec and exit. */
#ifndef SPY_LIB_TRACKED_H
#define SPY_LIB_TRACKED_H

#include "lib/booking.h"

enum spy_tracking {
	SPY_TRACKED_WAITING,  /* no Python there yet */
	SPY_TRACKED_SAMPLING,
	SPY_TRACKED_IGNORED,  /* a child that cannot be sampled; its own children may be */
	SPY_TRACKED_GONE,
};

struct spy_tracked {
	pid_t pid;
	enum spy_tracking state;
	bool given;		    /* by the user, not found as a child */
	bool launched;		    /* by pyspyc, so it began in this process' folder */
	bool foreign;		    /* the last program it was sampled in had another root folder */
	bool tree;		    /* children are tracked on their own */
	struct spy_sampler *sampler; /* while SAMPLING; maybe of a descendant of pid */
	struct spy_process_book book;
	struct pyspyc_error error;  /* of the last try to attach */
	bool sampled;		    /* a sampler has been had at some time */
	uint64_t start_time;	    /* of the process, to know its pid again */
	uint64_t exe;		    /* a hash of its executable's path, to see an exec */
	uint64_t since_ns;	    /* when waiting (for this program) began */
	uint64_t next_look_ns;	    /* when to see whether it has ended or called exec */
	uint64_t next_try_ns;
	struct spy_process_gauge *gauge; /* options.live: what lib/gauges.h keeps of it; or NULL */
	unsigned failures;	    /* passes of the sampler that failed, in a row */
};

/* A process to follow, not attached to yet. */
void spy_tracked_init(struct spy_tracked *tracked, pid_t pid, bool given, bool tree);
void spy_tracked_deinit(struct spy_tracked *tracked, struct spy_counters *counters);

/* Takes a sampler that has been attached already. */
void spy_tracked_take(struct spy_tracked *tracked, struct spy_sampler *sampler);

/* Drops the sampler, its counters added to counters, and waits for what comes next. */
void spy_tracked_lose(struct spy_tracked *tracked, struct spy_counters *counters);

/* While waiting: tries to attach when it is time to. Sees the end of the process as well. */
void spy_tracked_try(struct spy_tracked *tracked, enum pyspyc_blocking blocking, uint64_t now_ns);

void spy_counters_add(struct spy_counters *sum, const struct spy_counters *more);

#endif
