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

static int fail(const struct live_memory *live, int errnum, const struct spy_range *ranges,
		size_t count, size_t done, struct pyspyc_error *err)
{
	size_t i = 0;

	if (errnum == ESRCH)
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has exited", (int)live->pid);
	if (errnum == EPERM)
		return spy_fail(err, PYSPYC_EPERM, "not permitted to read process %d",
				(int)live->pid);
	if (errnum != EFAULT && errnum != 0)
		return spy_fail_errno(err, PYSPYC_ESYS, errnum, "cannot read process %d",
				      (int)live->pid);
	while (i + 1 < count && done >= ranges[i].size)
		done -= ranges[i++].size;
	return spy_fault(err, ranges[i].address + done,
			 "address 0x%llx of process %d cannot be read",
			 (unsigned long long)(ranges[i].address + done), (int)live->pid);
}

/* One system call: at most SPY_RANGES_AT_ONCE ranges, which is the kernel's UIO_MAXIOV. */
static int read_at_once(const struct live_memory *live, const struct spy_range *ranges,
			size_t count, struct pyspyc_error *err)
{
	struct iovec local[SPY_RANGES_AT_ONCE], remote[SPY_RANGES_AT_ONCE];
	size_t i, total = 0, locals = 0;
	const uint8_t *end = NULL;
	ssize_t got;

	for (i = 0; i < count; i++) {
		/* Buffers in a row are one to the kernel: less for it to go through. */
		if (end && end == ranges[i].buffer)
			local[locals - 1].iov_len += ranges[i].size;
		else
			local[locals++] = (struct iovec){ ranges[i].buffer, ranges[i].size };
		end = (const uint8_t *)ranges[i].buffer + ranges[i].size;
		remote[i] = (struct iovec){ (void *)(uintptr_t)ranges[i].address, ranges[i].size };
		total += ranges[i].size;
	}
	got = process_vm_readv(live->pid, local, locals, remote, count, 0);
	if (got >= 0 && (size_t)got == total)
		return 0;
	return fail(live, got < 0 ? errno : 0, ranges, count, got < 0 ? 0 : (size_t)got, err);
}

static int live_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
		     struct pyspyc_error *err)
{
	const struct live_memory *live = (const struct live_memory *)memory;

	while (count > 0) {
		size_t now = count < SPY_RANGES_AT_ONCE ? count : SPY_RANGES_AT_ONCE;
		int result = read_at_once(live, ranges, now, err);

		if (result < 0)
			return result;
		ranges += now;
		count -= now;
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
