/*
 * Memory against time: what each process used at the moments of a recording, and the stack that
 * ran. Its size is bounded, however long the recording is (some 8 MB): old points are thinned,
 * peaks stay.
 * Pure computation. Frames are those of the profile that it belongs to, by number (they keep them).
 */
#ifndef SPY_PROFILE_HISTORY_H
#define SPY_PROFILE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "profile/profile.h"

#define SPY_NO_STACK UINT32_MAX
#define SPY_NO_POINT UINT32_MAX

/* Frames that are kept of a stack, the innermost ones. */
#define SPY_HISTORY_DEPTH 24

#define SPY_HISTORY_POINTS (1u << 16) /* of all processes together */
#define SPY_HISTORY_STACKS (1u << 14)
#define SPY_HISTORY_PROCESSES 4096

/* One process at one moment. Bytes. */
struct spy_history_point {
	uint64_t at_ns; /* since the recording began; never less than the point's before */
	uint64_t rss;
	uint64_t pss, uss, swap; /* as last read; 0 until then */
	uint64_t minor, major;	 /* page faults since the recording began */
	uint32_t process;	 /* index */
	uint32_t stack; /* that ran (grew, where several did); SPY_NO_STACK: none was seen */
};

struct spy_history_process {
	int32_t pid, parent;	     /* parent: 0 when it is none of the recorded ones */
	char *command;		     /* valid UTF-8, may hold control characters */
	char *version;		     /* "3.12.1" or "" */
	uint64_t since_ns, until_ns; /* first and last moment seen */
	uint64_t first_rss;
	uint64_t peak_rss; /* VmHWM where it has risen: also what was between two moments */
	uint64_t seen_rss; /* the largest of its points */
	bool ended;
	uint32_t latest; /* index of its last point; kept by spy_history_add; SPY_NO_POINT: none */
	bool flat;	 /* that says what the one before it says; kept by spy_history_add */
};

struct spy_history_stack {
	uint32_t first; /* in frames, innermost first */
	uint32_t count; /* at most SPY_HISTORY_DEPTH */
};

struct spy_history {
	struct spy_history_process *processes;
	uint32_t process_count, process_capacity;
	struct spy_history_point *points; /* in the order of time */
	uint32_t point_count, point_capacity;
	uint32_t point_limit;	/* SPY_HISTORY_POINTS; may be changed while it is empty */
	uint64_t resolution_ns; /* of old points, see spy_history_add; 0: all are as they were */
	struct spy_history_stack *stacks;
	uint32_t stack_count, stack_capacity;
	uint32_t *frames; /* of the profile */
	uint32_t frame_count, frame_capacity;
	struct spy_map stack_index;
	uint64_t limit;			  /* of the control groups, bytes; 0: none */
	char *limit_name;		  /* whose: "/system.slice/app.service", or NULL */
	uint64_t peak_rss;		  /* of all processes together at one moment, */
	uint64_t peak_ns;		  /* when */
	uint64_t sum_rss;		  /* and now */
	uint64_t moment_ns;		  /* of the newest point */
	uint64_t settled_rss, settled_ns; /* the peak of all moments before that */
	bool fault_events;		  /* the kernel told of page faults as they happened */
};

struct spy_history *spy_history_new(void);
void spy_history_free(struct spy_history *history);

/*
 * A new process, first seen at at_ns: its index; UINT32_MAX when memory ran out. With no room for
 * more, the last one stands for those that come later.
 */
uint32_t spy_history_process(struct spy_history *history, int32_t pid, int32_t parent,
			     const char *command, const char *version, uint64_t at_ns);

/* It is no more; it counts for nothing from at_ns on. */
void spy_history_end(struct spy_history *history, uint32_t process, uint64_t at_ns);

/*
 * The number of a stack given as count frames of the profile, innermost first. SPY_NO_STACK for
 * none. With no room for a new one: that of its innermost frame alone where that is known, else
 * SPY_NO_STACK. UINT32_MAX - 1 when memory ran out.
 */
uint32_t spy_history_stack(struct spy_history *history, const uint32_t *frames, size_t count);

#define SPY_STACK_NOMEM (UINT32_MAX - 1)

/*
 * Adds a point. One that says what its process' last two said already (rss and stack) moves the
 * later of these on instead, and one of the same time as its process' last replaces it. Points of
 * one moment should have one time: the sum of all processes is of all points of that time.
 *
 * When there are too many, a process keeps two of those in each span of resolution_ns, as they
 * were: the one of the largest rss and the one of the least, so that each peak and each low stays
 * where it was. Its first and last point stay too, and those that make up the peak of all. False
 * when memory ran out.
 */
bool spy_history_add(struct spy_history *history, const struct spy_history_point *point);

/* --- what is to be seen in it --- */

#define SPY_ALL_PROCESSES UINT32_MAX

/* RSS of one process, or of all together, at one moment. */
struct spy_history_value {
	uint64_t at_ns, rss;
	uint64_t grown; /* rss; of all: less what those that came later began with, see below */
	uint32_t stack; /* that ran then; of all: where most was added at that moment */
};

/*
 * The curve of one process, or of all (SPY_ALL_PROCESSES): a value for each moment at which
 * something was added or a process ended, in the order of time. Of all: what a process used last
 * counts until it says something else or ends. The caller frees *ret. Returns how many; -1 when
 * memory ran out.
 *
 * That a process begins is no growth: what it begins with, which is its parent's memory when it was
 * forked, counts in rss only, or so much of it as it keeps (a fork that runs another program keeps
 * little). Those that are there at the first moment count in full.
 */
long spy_history_curve(const struct spy_history *history, uint32_t process,
		       struct spy_history_value **ret);

/* A time at which RSS, of one process or of all (SPY_ALL_PROCESSES), was highest near by. */
struct spy_history_peak {
	uint64_t at_ns, rss;
	uint32_t process; /* as asked for */
	uint32_t stack;	  /* that ran when it was reached */
};

/* A time in which it climbed. */
struct spy_history_climb {
	uint64_t from_ns, to_ns;
	uint64_t from_rss, to_rss; /* at these times */
	uint64_t grown; /* by what it climbed: to_rss - from_rss but for processes that began or ended */
	uint32_t process;  /* as asked for */
	uint32_t stack;	   /* of the innermost line that grew most of it */
	uint64_t of_stack; /* bytes of the climb that came while this line ran */
};

/*
 * The most prominent peaks, the highest first: each rises above what lies between it and a higher
 * one by at least a tenth of the range of all. Returns how many, at most most; none when memory
 * ran out.
 */
size_t spy_history_peaks(const struct spy_history *history, uint32_t process, size_t most,
			 struct spy_history_peak *ret);

/*
 * The climbs by most bytes, the largest first; a climb is growth without a fall of more than a
 * twentieth of it, by at least a twentieth of the range of all. No two share a moment. Returns how
 * many, at most most. -1: no memory.
 */
long spy_history_climbs(const struct spy_history *history, uint32_t process, size_t most,
			struct spy_history_climb *ret);

#endif
