/* Opening a target's files: the very ones that are mapped, never the host's by mistake. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "target/process.h"

static bool is_regular(int fd, struct stat *stat)
{
	return fstat(fd, stat) == 0 && S_ISREG(stat->st_mode);
}

static int open_in_root(const struct spy_process *process, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, process->root_fd, path, &how, sizeof(how));

	/* Before Linux 5.6 there is no openat2: only the host's own root is safe then. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM) && process->same_root)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd;
}

int spy_process_open_path(const struct spy_process *process, const char *path, int *ret,
			  struct pyspyc_error *err)
{
	struct stat stat;
	int fd = open_in_root(process, path);

	if (fd < 0)
		return spy_fail_errno(err, PYSPYC_EIO, errno, "cannot open %s of process %d", path,
				      (int)process->pid);
	if (!is_regular(fd, &stat)) {
		close(fd);
		return spy_fail(err, PYSPYC_EIO, "%s of process %d is no regular file", path,
				(int)process->pid);
	}
	*ret = fd;
	return 0;
}

static bool is_mapped_file(int fd, const struct spy_mapping *mapping)
{
	struct stat stat;

	/* The inode alone: overlay and btrfs show another device in maps than in stat. */
	return is_regular(fd, &stat) && stat.st_ino == mapping->inode;
}

static int open_by_map_files(const struct spy_process *process, const struct spy_mapping *mapping)
{
	char path[96];

	/* Needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; proc(5). */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)process->pid,
		 (unsigned long long)mapping->start, (unsigned long long)mapping->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int spy_process_open_mapped(const struct spy_process *process, const struct spy_mapping *mapping,
			    int *ret, struct pyspyc_error *err)
{
	char path[64];
	struct stat stat;
	int fd;

	fd = open_by_map_files(process, mapping);
	if (fd >= 0 && is_regular(fd, &stat))
		goto found;
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)process->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && is_mapped_file(fd, mapping))
		goto found;
	if (fd >= 0)
		close(fd);
	fd = open_in_root(process, mapping->path);
	if (fd >= 0 && is_mapped_file(fd, mapping))
		goto found;
	if (fd >= 0)
		close(fd);
	return spy_fail(err, PYSPYC_EIO,
			"%s, mapped by process %d, has been deleted or replaced and cannot be opened",
			mapping->path, (int)process->pid);
found:
	*ret = fd;
	return 0;
}
