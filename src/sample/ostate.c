#include "sample/ostate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int open_stat(const struct spy_ostate *ostate)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)ostate->pid, (int)ostate->tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void spy_ostate_open(struct spy_ostate *ostate, pid_t pid, pid_t tid)
{
	struct rlimit limit;

	*ostate = (struct spy_ostate){ pid, tid, -1 };
	if (!tid)
		return;
	ostate->fd = open_stat(ostate);
	/* Half of our descriptors are for everything else. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && ostate->fd >= 0 &&
	    (rlim_t)ostate->fd >= limit.rlim_cur / 2)
		spy_ostate_close(ostate);
}

void spy_ostate_close(struct spy_ostate *ostate)
{
	if (ostate->fd >= 0)
		close(ostate->fd);
	ostate->fd = -1;
}

char spy_ostate_read(const struct spy_ostate *ostate)
{
	char text[512], *close_at;
	int fd = ostate->fd;
	bool gone;
	ssize_t size;

	if (!ostate->tid)
		return '?';
	if (fd < 0)
		fd = open_stat(ostate);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 'X' : '?';
	size = pread(fd, text, sizeof(text), 0);
	gone = size < 0 && errno == ESRCH;
	if (fd != ostate->fd)
		close(fd);
	if (size <= 0)
		return gone ? 'X' : '?';
	/* "pid (comm) state …": comm may hold anything, its last parenthesis ends it. */
	close_at = memrchr(text, ')', (size_t)size);
	return close_at && close_at + 2 < text + size ? close_at[2] : '?';
}
