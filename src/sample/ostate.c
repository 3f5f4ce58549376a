#include "sample/ostate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_stat(const struct spy_ostate *ostate)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)ostate->pid, (int)ostate->tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void spy_ostate_open(struct spy_ostate *ostate, pid_t pid, pid_t tid, int keep)
{
	*ostate = (struct spy_ostate){ pid, tid, -1 };
	if (keep && tid)
		ostate->fd = open_stat(ostate);
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
	ssize_t size;

	if (!ostate->tid)
		return '?';
	if (fd < 0)
		fd = open_stat(ostate);
	if (fd < 0)
		return '?';
	size = pread(fd, text, sizeof(text), 0);
	if (fd != ostate->fd)
		close(fd);
	if (size <= 0)
		return '?';
	/* "pid (comm) state …": comm may hold anything, its last parenthesis ends it. */
	close_at = memrchr(text, ')', (size_t)size);
	return close_at && close_at + 2 < text + size ? close_at[2] : '?';
}
