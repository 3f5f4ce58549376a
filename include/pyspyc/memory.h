/*
 * pyspyc: memory over time. For a recorder made with options.memory; everything here is called from
 * its tick or after its run, never at the same time as it samples.
 */
#ifndef PYSPYC_MEMORY_H
#define PYSPYC_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pyspyc/error.h"
#include "pyspyc/profile.h"
#include "pyspyc/recorder.h"
#include "pyspyc/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the processes of a recording use now, in sum. Bytes; 0 where it is not known. */
struct pyspyc_memory_now {
	uint64_t at_ns;		/* since the recording began */
	uint64_t rss;		/* as the last moment saw it */
	uint64_t pss, uss, swap; /* some seconds old where they take long */
	uint64_t peak_rss;	/* the largest sum seen, or a process' own VmHWM where that is more */
	uint64_t first_rss;	/* at the first moment */
	uint64_t last_rss;	/* at the last one with a process, and when that was */
	uint64_t last_ns;
	uint64_t limit;		/* the smallest of the control groups' limits, 0: none */
	double rss_per_minute;	/* bytes, by a line through the last minute; 0 in the first 10 s */
	uint64_t minor, major;	/* page faults since the recording began */
	bool fault_events;	/* the kernel tells of page faults as they happen, of every thread */
};

/* -PYSPYC_EINVAL for a recorder without options.memory. */
int pyspyc_recorder_memory(struct pyspyc_recorder *recorder, struct pyspyc_memory_now *ret,
			   struct pyspyc_error *err);

/* The most that all processes together were seen to use. */
struct pyspyc_memory_peak {
	uint64_t at_ns; /* since the recording began */
	uint64_t rss;
	struct pyspyc_frame_info frame; /* innermost of what ran then; name NULL: not known */
};

/* Strings are the recorder's. -PYSPYC_EINVAL for a recorder without options.memory. */
int pyspyc_recorder_memory_peak(struct pyspyc_recorder *recorder, struct pyspyc_memory_peak *ret,
				struct pyspyc_error *err);

/* --- formats of a recording of memory --- */

/* All of them, NULL-terminated; the first is the default. Not those of profile.h, though some
 * have their names. */
const struct pyspyc_format *const *pyspyc_memory_formats(void);

/* The format called name (or an alias), or NULL. */
const struct pyspyc_format *pyspyc_memory_format_by_name(const char *name);

/* The format whose extension path ends in, or NULL. */
const struct pyspyc_format *pyspyc_memory_format_by_path(const char *path);

struct pyspyc_memory_output {
	bool released;	/* formats with stacks: bytes by which RSS shrank, not those by which it grew */
	bool all_lines; /* format lines: those that nothing is to be told of too */
	bool threads;	/* formats with stacks: each thread a root (processes are where there are more) */
};

/*
 * Writes what has been seen so far to file in full. -PYSPYC_EIO when the file could not take it;
 * -PYSPYC_EINVAL for a recorder without options.memory.
 */
int pyspyc_memory_write(struct pyspyc_recorder *recorder, const struct pyspyc_format *format,
			const struct pyspyc_memory_output *output, FILE *file,
			struct pyspyc_error *err);

#ifdef __cplusplus
}
#endif

#endif
