/*
 * A target's memory behind one interface: a live process, a captured image, a core file.
 * Everything that decodes a target reads through it and knows no other way.
 */
#ifndef SPY_TARGET_MEMORY_H
#define SPY_TARGET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pyspyc/error.h"

/* size bytes at the target's address, to be copied to buffer. */
struct spy_range {
	uint64_t address;
	void *buffer;
	size_t size;
};

struct spy_memory;

struct spy_memory_ops {
	/*
	 * Reads the ranges in order; a live target is read in as few system calls as can be, of
	 * at most SPY_RANGES_AT_ONCE pieces each. All or nothing: 0 when every byte arrived,
	 * else -PYSPYC_EFAULT (err->address names the first address that could not be read),
	 * -PYSPYC_ENOPROC or -PYSPYC_EPERM, and the buffers' contents are undefined.
	 */
	int (*read)(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		    struct pyspyc_error *err);
	void (*destroy)(struct spy_memory *memory);
};

#define SPY_RANGES_AT_ONCE 1024

/* The head of every implementation's own struct. */
struct spy_memory {
	const struct spy_memory_ops *ops;
};

/* Memory of a running process by process_vm_readv. Nothing is kept open. */
int spy_memory_open_live(pid_t pid, struct spy_memory **ret, struct pyspyc_error *err);

/* One piece of a captured image. The bytes are borrowed and must outlive the memory. */
struct spy_segment {
	uint64_t address;
	const void *bytes;
	size_t size;
};

/* Memory of a captured image: count segments (copied), in any order, not overlapping. */
int spy_memory_open_image(const struct spy_segment *segments, size_t count,
			  struct spy_memory **ret, struct pyspyc_error *err);

void spy_memory_close(struct spy_memory *memory);

/* The implementation's read; see spy_memory_ops. */
static inline int spy_memory_readv(struct spy_memory *memory, const struct spy_range *ranges,
				   size_t count, struct pyspyc_error *err)
{
	return memory->ops->read(memory, ranges, count, err);
}

/* Reads size bytes at address into buffer. */
int spy_memory_read(struct spy_memory *memory, uint64_t address, void *buffer, size_t size,
		    struct pyspyc_error *err);

/* Reads one 64-bit word, such as a pointer, at address. */
int spy_memory_read_word(struct spy_memory *memory, uint64_t address, uint64_t *ret,
			 struct pyspyc_error *err);

/* Reads one int at address. */
int spy_memory_read_int(struct spy_memory *memory, uint64_t address, int32_t *ret,
			struct pyspyc_error *err);

#endif
