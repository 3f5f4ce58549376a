/*
 * What a live recording knows of its processes and threads beside where the time goes: what
 * they are doing, what they use, who waits for whom. See pyspyc/live.h.
 */
#ifndef SPY_LIB_GAUGES_H
#define SPY_LIB_GAUGES_H

#include "base/map.h"
#include "lib/booking.h"
#include "lib/growth.h"
#include "pyspyc/live.h"
#include "target/usage.h"

/* One thread; lives on for a while when that has ended. */
struct spy_thread_gauge {
	uint32_t serial; /* never used again */
	struct spy_process_gauge *process;
	struct spy_thread_book *book; /* NULL when it has gone */
	uint32_t *frames;	      /* its last stack then, root first: frames of the profile */
	size_t frame_count;
	char *name;		  /* as it was copied; shown.name points here */
	uint32_t gil;		  /* its GIL: the index of an interpreter that has it */
	unsigned doing;		  /* SPY_DOES_*, at the last moment */
	uint64_t ran_ns, used_ns; /* CPU time up to then, and of it since RSS was read */
	bool visited; /* in the moment under way */
	struct spy_growth_mark {
		uint64_t at_ns;		   /* when RSS was read and this was so */
		bool booked, active;	   /* the thread */
		bool grows;		   /* and made page faults there, as far as could be seen */
		uint32_t node, generation; /* and where its stack was booked */
	} mark;
	struct spy_thread_growth growth; /* options.memory */
	bool present;		  /* seen by the update under way */
	uint64_t ended_ns;	  /* when that was seen; 0: it goes on */
	struct spy_amount_of_doing {
		uint64_t active_ns, gil_ns, wait_ns;
	} open, since;		    /* in the window that has not ended; since the start */
	uint64_t cpu_ns, cpu_at_ns; /* what it had used, and when */
	size_t index;		    /* in the list of the last update */
	struct pyspyc_live_thread shown;
};

/* One process; lives on for a while when that has ended. */
struct spy_process_gauge {
	pid_t pid;
	uint64_t start_time;
	struct spy_thread_gauge **threads; /* in the order in which they came */
	size_t thread_count, thread_capacity;
	size_t sleep_turn;		   /* of the threads whose sleep is told next */
	const struct spy_sampler *sampler; /* that looks at it; NULL: none does now */
	bool given;
	char *command;
	char *told;   /* the one that the caller knows of, until the next update */
	uint64_t exe; /* command is of this program (spy_tracked.exe) */
	char version[32];
	struct spy_rss rss;
	uint64_t rss_ns;    /* when it was read; 0: not yet, or not since a pause */
	uint64_t rss_bytes; /* and what was there */
	struct spy_process_growth growth; /* options.memory */
	uint64_t cpu_ns, cpu_at_ns;
	uint64_t used_ns; /* of it since the update before */
	uint64_t untold_cpu_ns;
	uint64_t children_ns; /* CPU time of children it has waited for */
	bool children_told;
	uint64_t rollup_ns;  /* when smaps_rollup was last tried */
	uint64_t rollup_rss; /* and what was shown as RSS then */
	bool present;	    /* followed, as the last update saw */
	uint64_t ended_ns;
	struct pyspyc_live_process shown;
};

/* Who waited for the GIL while whom had it. */
struct spy_wait_gauge {
	struct spy_thread_gauge *waiter, *holder;
	uint64_t open_ns, since_ns;
	double now; /* share in the last window */
};

struct spy_waits {
	struct spy_wait_gauge *items;
	size_t count, capacity;
	struct spy_map index; /* both serials → place in items */
};

/* The last minutes, and thinned what was before. */
struct spy_points {
	struct pyspyc_live_point *items;
	size_t count, capacity;
};

#define SPY_POINTS_LIMIT 4096

/* What was counted when the window began. */
struct spy_window {
	uint64_t at_ns; /* since the recording began */
	uint64_t passes, missed, errors;
};

struct spy_gauges {
	struct spy_process_gauge **processes;
	size_t process_count, process_capacity;
	uint32_t serials;
	/* The moment under way, of one process: threads that were visited. */
	struct spy_thread_gauge **moment;
	size_t moment_count, moment_capacity;
	bool collecting;
	struct spy_waits waits;
	struct spy_points points;
	/* The window that has not ended. */
	struct spy_window window;
	uint64_t open_ns, gil_ns, gc_ns; /* time that its moments stand for */
	uint64_t late_ns, late_count;
	/* Of children: what the last moments of ended ones have cost, and what was told of these. */
	uint64_t lost_cpu_ns, owed_cpu_ns;
	uint64_t ended_minor, ended_major; /* page faults of processes that were forgotten */
	size_t turn; /* of the processes whose details are read next */
	int64_t rollup_budget_ns;
	uint64_t rollup_at_ns;
	/* What the last update told. */
	struct pyspyc_live shown;
	struct pyspyc_live_thread *threads;
	struct pyspyc_live_process *shown_processes;
	struct pyspyc_live_wait *shown_waits;
	bool failed; /* memory ran out */
};

/* --- live_moment.c: what each moment adds --- */

/*
 * A thread was looked at: time_ns is what the moment stands for. After spy_booking_add, which
 * tells where its stack was booked.
 */
void spy_gauges_visit(struct spy_gauges *gauges, struct spy_process_gauge *process,
		      const struct spy_thread *thread, struct spy_thread_book *path, unsigned doing,
		      uint64_t time_ns);

/*
 * All threads of a process have been. Books what its RSS has grown or shrunk by since the moment
 * before on its threads, by the CPU time that each has used since: pages come and go while their
 * thread runs. Where none has and none is active, it was the OS that took them, and it is not
 * booked. Of a thread's part, its stack at the moment before and its stack now have half each, or
 * one has all where it is seen which of them makes page faults or gives back; at a moment at which
 * it waited its stack has no part, and what ran between two such is unknown.
 */
void spy_gauges_moment(struct spy_gauges *gauges, struct spy_process_gauge *process,
		       struct spy_booking *booking, struct spy_process_book *book, uint64_t now_ns,
		       uint64_t time_ns);

/* Forgets the moment under way: spy_gauges_moment has done so already. */
void spy_gauges_end_moment(struct spy_gauges *gauges);

/* --- live_growth.c: whose memory it is --- */

/*
 * A process' RSS is rss_bytes at now_ns: books the difference on its threads, as spy_gauges_moment
 * says. Where page faults are told (growth.h), growth goes by each thread's faults rather than by
 * CPU time, and to those that the moment has not visited too.
 */
void spy_gauges_book_rss(struct spy_gauges *gauges, struct spy_process_gauge *process,
			 struct spy_booking *booking, struct spy_process_book *book,
			 uint64_t rss_bytes, uint64_t now_ns);

/* --- live_threads.c --- */

/* The gauge of the thread that path belongs to, made when it is new; NULL: no memory, or too many. */
struct spy_thread_gauge *spy_thread_gauge_of(struct spy_gauges *gauges,
					     struct spy_process_gauge *process,
					     const struct spy_thread *thread,
					     struct spy_thread_book *path);

/* Brings a process' threads up to date, and ends those that are no more; book: of its sampler. */
void spy_threads_update(struct spy_process_gauge *process, const struct spy_process_book *book,
			const struct spy_booking *booking, uint64_t now_ns);

/* Ends the window of so much time. */
void spy_threads_close(struct spy_process_gauge *process, uint64_t open_ns);

/* Forgets threads that have ended some time ago (all: whenever that was), of many the oldest. */
void spy_threads_forget(struct spy_process_gauge *process, uint64_t now_ns, bool all);

/* The thread's book goes: its last stack stays with the gauge. */
void spy_thread_gauge_leave(struct spy_thread_gauge *thread);

/* Most frames that spy_thread_frames can tell. */
size_t spy_thread_frame_count(const struct spy_thread_gauge *thread);

/* What is told of a frame of the profile. */
struct pyspyc_frame_info spy_frame_info(const struct pyspyc_profile *profile, uint32_t number);

/* The frames of a thread's last stack, innermost first, at most limit: their number. */
size_t spy_thread_frames(const struct spy_booking *booking, const struct spy_thread_gauge *thread,
			 size_t limit, struct pyspyc_frame_info *ret);

/* --- live_processes.c --- */

/* The gauge of a process, made when it is new; NULL: no memory. */
struct spy_process_gauge *spy_process_gauge_of(struct spy_gauges *gauges, pid_t pid,
					       uint64_t start_time);

void spy_process_gauge_free(struct spy_process_gauge *process);

/* What an update tells of it, valid until the next one does. */
void spy_process_gauge_tell(struct spy_process_gauge *process, struct pyspyc_live_process *ret);

/* Reads smaps_rollup of some, which may take a hundredth of the time. */
void spy_rollups_update(struct spy_gauges *gauges, uint64_t now_ns);

/* Forgets processes that have ended some time ago, of many the oldest. */
void spy_processes_forget(struct spy_gauges *gauges, uint64_t now_ns);

/* So long what has ended stays listed, and so many of them. */
#define SPY_ENDED_NS ((uint64_t)5 * 1000000000u)
#define SPY_ENDED_LIMIT 256

/* --- live_waits.c --- */

void spy_waits_add(struct spy_gauges *gauges, struct spy_thread_gauge *waiter,
		   struct spy_thread_gauge *holder, uint64_t time_ns);

/* Forgets pairs with a thread that has ended, and of too many the least; sorts them by now. */
void spy_waits_thin(struct spy_waits *waits);

/* Ends the window of so much time. */
void spy_waits_close(struct spy_waits *waits, uint64_t open_ns);

void spy_waits_free(struct spy_waits *waits);

/* --- live_points.c --- */

/* Adds a point. What is old is thinned: memory keeps its peaks, shares their average. */
bool spy_points_add(struct spy_points *points, const struct pyspyc_live_point *point);

/*
 * Bytes a minute by which RSS grows: the line of least squares through the last minute's points,
 * those of the recording's first seconds left out. 0 while there are too few.
 */
double spy_points_slope(const struct spy_points *points);

#endif
