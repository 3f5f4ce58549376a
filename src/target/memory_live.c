/* Memory of a running process: process_vm_readv(2), in as few calls as can be. */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/error.h"
#include "target/memory.h"

struct live_memory {
	struct spy_memory memory;
	pid_t pid;
};

/*
 * A further range costs as much as copying some KB: one that follows so closely is of the same piece,
 * with what lies in between. No page is read for that alone, for it is shorter than one.
 */
#define GAP_MOST 2048

static bool joins(const struct spy_range *range, const struct spy_range *next)
{
	uint64_t end = range->address + range->size;

	return range->size && next->size && end >= range->address && next->address >= end &&
	       next->address - end <= GAP_MOST;
}

/* The bytes in between of two that are one piece. */
static size_t gap_between(const struct spy_range *range, const struct spy_range *next)
{
	return (size_t)(next->address - range->address - range->size);
}

static int fail(const struct live_memory *live, int errnum, const struct spy_range *ranges,
		size_t count, size_t done, struct pyspyc_error *err)
{
	size_t i = 0, gap;

	if (errnum == ESRCH)
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has exited", (int)live->pid);
	if (errnum == EPERM)
		return spy_fail(err, PYSPYC_EPERM, "not permitted to read process %d",
				(int)live->pid);
	if (errnum != EFAULT && errnum != 0)
		return spy_fail_errno(err, PYSPYC_ESYS, errnum, "cannot read process %d",
				      (int)live->pid);
	while (i + 1 < count && done >= ranges[i].size) {
		done -= ranges[i].size;
		gap = joins(&ranges[i], &ranges[i + 1]) ? gap_between(&ranges[i], &ranges[i + 1])
							: 0;
		done -= done < gap ? done : gap;
		i++;
	}
	return spy_fault(err, ranges[i].address + done,
			 "address 0x%llx of process %d cannot be read",
			 (unsigned long long)(ranges[i].address + done), (int)live->pid);
}

/* One system call: of both lists, the kernel takes UIO_MAXIOV. */
struct call {
	struct iovec local[SPY_RANGES_AT_ONCE], remote[SPY_RANGES_AT_ONCE];
	size_t locals, remotes, total;
	uint8_t gap[GAP_MOST]; /* what lies between ranges */
};

/* Buffers in a row are one to the kernel: less for it to go through. */
static void put_local(struct call *call, uint8_t *buffer, size_t size)
{
	struct iovec *last = call->locals ? &call->local[call->locals - 1] : NULL;

	call->total += size;
	if (last && (uint8_t *)last->iov_base + last->iov_len == buffer)
		last->iov_len += size;
	else
		call->local[call->locals++] = (struct iovec){ buffer, size };
}

/* False when there is no room for it. */
static bool put(struct call *call, const struct spy_range *last, const struct spy_range *range)
{
	if (call->locals + 2 > SPY_RANGES_AT_ONCE || call->remotes == SPY_RANGES_AT_ONCE)
		return false;
	if (last && joins(last, range)) {
		size_t gap = gap_between(last, range);

		call->remote[call->remotes - 1].iov_len += gap + range->size;
		if (gap)
			put_local(call, call->gap, gap);
	} else {
		call->remote[call->remotes++] = (struct iovec){ (void *)(uintptr_t)range->address,
								range->size };
	}
	put_local(call, range->buffer, range->size);
	return true;
}

/* As many as fit; *taken is how many these were. */
static int read_at_once(const struct live_memory *live, const struct spy_range *ranges,
			size_t count, size_t *taken, struct pyspyc_error *err)
{
	struct call call;
	ssize_t got;
	size_t i;

	call.locals = call.remotes = call.total = 0;
	for (i = 0; i < count && put(&call, i ? &ranges[i - 1] : NULL, &ranges[i]); i++)
		;
	*taken = i;
	got = process_vm_readv(live->pid, call.local, call.locals, call.remote, call.remotes, 0);
	if (got >= 0 && (size_t)got == call.total)
		return 0;
	return fail(live, got < 0 ? errno : 0, ranges, *taken, got < 0 ? 0 : (size_t)got, err);
}

static int live_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		     struct pyspyc_error *err)
{
	const struct live_memory *live = (const struct live_memory *)memory;
	size_t taken;

	for (; count > 0; ranges += taken, count -= taken) {
		int result = read_at_once(live, ranges, count, &taken, err);

		if (result < 0)
			return result;
	}
	return 0;
}

static void live_destroy(struct spy_memory *memory)
{
	free(memory);
}

static const struct spy_memory_ops live_ops = {
	.read = live_read,
	.destroy = live_destroy,
};

int spy_memory_open_live(pid_t pid, struct spy_memory **ret, struct pyspyc_error *err)
{
	struct live_memory *live = calloc(1, sizeof(*live));

	if (!live)
		return spy_nomem(err);
	live->memory.ops = &live_ops;
	live->pid = pid;
	*ret = &live->memory;
	return 0;
}
