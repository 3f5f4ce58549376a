/*
 * How memory grows between two samples (options.memory). The kernel tells of a thread's first page
 * fault (target/faults.h), whereupon its stack and RSS are looked at again and again until the
 * faults stop: growth is booked on the lines that grew, at whatever rate samples are taken. Such a
 * look is no sample: no time is booked. Where the kernel does not tell, RSS itself is watched.
 */
#ifndef SPY_LIB_GROWTH_H
#define SPY_LIB_GROWTH_H

#include "sample/sampler.h"
#include "target/faults.h"

struct pyspyc_recorder;
struct spy_process_gauge;
struct spy_thread_gauge;

/* One thread's page faults. */
struct spy_thread_growth {
	struct spy_faults faults;
	pid_t tid;	   /* whose they are */
	bool tried;	   /* to have them told */
	bool hot;	   /* there were some just now: they are counted at each look */
	uint64_t count;	   /* so far, as last read */
	uint64_t counted;  /* and when RSS was read last */
	uint64_t first_ns; /* of those since then, when the kernel told of it; 0: not known */
	uint64_t more_ns;  /* when there were last seen to be more */
	bool grows;	   /* its stack made faults when RSS was read last, as far as is known */
	/* Of those since then that told their time: where the longest time without any was. */
	size_t told, told_before; /* so many in all, and before it */
	uint64_t told_ns, gap_ns; /* the last of them (or that reading), and how long it was */
};

struct spy_process_growth {
	struct spy_growth *of;	/* the recorder's; NULL without options.memory */
	size_t hot;		/* threads that are */
	uint64_t more_ns;	/* when there was last seen a fault, or RSS to be another */
	uint64_t fault_bytes;	/* that RSS grows by with a fault, as seen lately; 0: not known */
	unsigned exact;		/* how often lately that was a page, to a few of them */
	/* Where most of the last difference in RSS was booked, and of which generation that is. */
	uint32_t node, generation;
	uint64_t node_bytes; /* 0: nowhere, node is what ran */
	bool seen;	     /* there is a node */
	bool rests;	     /* nothing had changed at the last look, and who ran then is known */
	bool shrinks;	     /* RSS went on shrinking when it was booked last */
	bool followed;	     /* as the last tick saw */
	/* The history's. */
	uint32_t number; /* there, plus one; 0: it is not there yet */
	uint64_t point_ns, point_rss;
	uint64_t peak_before;	/* VmHWM at first, where that is of the time before the recording */
	uint64_t status_ns;	/* when VmHWM was read */
	uint64_t status_rss;	/* the largest RSS at that time */
	uint64_t most_rss;	/* the largest that was read */
	uint64_t faults_ns;	/* when minor and major were read, */
	uint64_t faults_rss;	/* and RSS at that time */
	uint64_t minor_before, major_before; /* the first time */
	uint64_t minor, major;	/* since then */
};

struct spy_growth {
	int fd;		 /* of an epoll(7) of all events; -1: none are to be had */
	bool refused;	 /* by the kernel */
	size_t watched;	 /* threads */
	bool watched_ever;
	size_t unwatched; /* threads that could not be */
	bool woken;	 /* something is to be read from fd */
	bool listening;	 /* fd may wake, see spy_growth_next */
	bool hurried;	 /* the scheduler was asked to be quick */
	uint64_t look_ns;  /* when to look again, woken or not */
	uint64_t burst_ns; /* since when it is the same stacks that grow */
	uint64_t woken_ns; /* when the kernel told of a first fault last, */
	bool calm;	   /* and whether that was long after the one before */
	uint64_t poll_ns;  /* when to look at all processes' RSS next */
	int64_t credit_ns; /* time that looks may take */
	uint64_t credit_at_ns;
	uint64_t cost_ns; /* of a look, lately */
	uint64_t looks, spent_ns;
};

struct spy_growth *spy_growth_new(void);
void spy_growth_free(struct spy_growth *growth);

/* Has a thread's faults told from now on, if that can be. */
void spy_growth_watch(struct spy_growth *growth, struct spy_thread_gauge *gauge,
		      const struct spy_thread *thread);

/* A thread that is forgotten: nothing of it is told any more. */
void spy_growth_unwatch(struct spy_thread_gauge *gauge);

/* Which threads have had faults, before the moment or look at now_ns. */
void spy_growth_listen(struct spy_growth *growth, uint64_t now_ns);

/*
 * Reads how many faults the threads of a process have had, of those that are hot, or of all of them.
 * True when there are more.
 */
bool spy_growth_count(struct spy_process_gauge *process, bool all, uint64_t now_ns);

/* RSS was read at now_ns, and the faults so far are accounted for. */
void spy_growth_account(struct spy_thread_growth *growth, uint64_t now_ns);

/* Nanoseconds; who makes faults more rarely than that is not seen to. */
#define SPY_GOES_ON_NS 20000u

/*
 * Whether a thread makes faults at this moment. Waits for them, for as long as some of them took on
 * the average when there were `faults` in elapsed_ns, up to SPY_GOES_ON_NS. False where they cannot
 * be counted any more.
 */
bool spy_growth_goes_on(const struct spy_thread_growth *growth, uint64_t faults,
			uint64_t elapsed_ns);

/* Whether RSS shrinks at this moment: it is read for SPY_GOES_ON_NS. False where it cannot be. */
bool spy_growth_shrinks(struct spy_process_gauge *process);

/* When the recorder's loop is to call spy_growth_turn; earlier if it wakes by growth->fd. */
uint64_t spy_growth_next(const struct spy_growth *growth);

/* Looks at the processes whose memory changes. */
void spy_growth_turn(struct pyspyc_recorder *recorder);

#endif
