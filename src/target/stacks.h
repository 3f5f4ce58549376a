/* Where a thread's stack lies, from what the C library keeps at its top. */
#ifndef SPY_TARGET_STACKS_H
#define SPY_TARGET_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/memory.h"
#include "target/smaps.h"

/* The writable part of a thread's stack, without its guard pages. */
struct spy_stack_bounds {
	uint64_t start;
	uint64_t end;
};

/*
 * The stack pointer in the text of /proc/PID/task/TID/syscall (proc(5)), size bytes; false for a
 * thread that runs, and when the text makes no sense.
 */
bool spy_stack_pointer_parse(const char *text, size_t size, uint64_t *ret);

/* Reads it; false also when it may not be read. */
bool spy_stack_pointer_read(pid_t pid, pid_t tid, uint64_t *ret);

/*
 * Looks at size bytes from address on, at most 1 MiB, for the two words in which a C library's
 * thread descriptor keeps what the thread's stack was mapped as, its lowest address and its size:
 * stackblock and stackblock_size in glibc (nptl/descr.h), map_base and map_size in musl
 * (src/internal/pthread_impl.h). They count when they contain the words themselves and agree with
 * the mappings: one that is readable and writable and, below it, the guard pages or nothing.
 * address is a pthread_t (with a size of 4096) or a thread's stack pointer. False when there are
 * no such words.
 */
bool spy_stack_find(struct spy_memory *memory, const struct spy_smaps *smaps, uint64_t address,
		    size_t size, struct spy_stack_bounds *ret);

#endif
