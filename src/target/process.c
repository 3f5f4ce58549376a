#include "target/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "target/permission.h"

#define PF_KTHREAD 0x00200000u /* linux/sched.h */
#define MAPS_SIZE_LIMIT (256u << 20)
#define COMMAND_LIMIT 65536

/* Refuses what can never be a target, before anything of it is opened. */
static int check_pid(pid_t pid, struct spy_stat *stat, struct pyspyc_error *err)
{
	spy_autofree char *status = NULL;
	char path[64];
	const char *line;

	if (pid <= 0)
		return spy_fail(err, PYSPYC_EINVAL, "%d is no process id", (int)pid);
	if (pid == getpid())
		return spy_fail(err, PYSPYC_EINVAL,
				"process %d is pyspyc itself: name the Python process to look at",
				(int)pid);
	if (kill(pid, 0) < 0 && errno == ESRCH)
		return spy_fail(err, PYSPYC_ENOPROC,
				"no process %d: it does not exist, or has exited", (int)pid);
	if (spy_stat_read(pid, 0, stat, NULL) < 0)
		return kill(pid, 0) < 0 && errno == ESRCH
			? spy_fail(err, PYSPYC_ENOPROC, "process %d has exited", (int)pid)
			: spy_permission_denied(pid, err);
	if (stat->flags & PF_KTHREAD)
		return spy_fail(err, PYSPYC_ENOTPYTHON,
				"process %d (%s) is a kernel thread and runs no Python", (int)pid,
				stat->command);
	snprintf(path, sizeof(path), "%d/status", (int)pid);
	if (spy_proc_read(path, 65536, &status, NULL, NULL) == 0 &&
	    (line = strstr(status, "\nTgid:")) && atoi(line + 6) != pid && atoi(line + 6) > 0)
		return spy_fail(err, PYSPYC_EINVAL, "%d is a thread of process %d: use --pid %d",
				(int)pid, atoi(line + 6), atoi(line + 6));
	return 0;
}

/* A process in a chroot of ours: its paths in /proc begin with that folder, as we see them. */
static char *read_root(pid_t pid)
{
	char path[64], target[4096];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 1 || (size == 1 && target[0] == '/'))
		size = 0;
	target[size] = '\0';
	return strdup(target);
}

static char *read_exe(pid_t pid, const char *root)
{
	static const char deleted[] = " (deleted)";
	size_t suffix = sizeof(deleted) - 1;
	char path[64], target[4096];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 0)
		size = 0;
	if ((size_t)size > suffix && memcmp(target + size - suffix, deleted, suffix) == 0)
		size -= (ssize_t)suffix;
	target[size] = '\0';
	return strdup(spy_path_strip(target, root));
}

char *spy_process_command(pid_t pid)
{
	spy_autobuffer struct spy_buffer command = { 0 };
	spy_autofree char *text = NULL;
	struct spy_stat stat;
	char path[64];
	size_t size, i;

	snprintf(path, sizeof(path), "%d/cmdline", (int)pid);
	if (spy_proc_read(path, COMMAND_LIMIT, &text, &size, NULL) == 0) {
		while (size > 0 && !text[size - 1])
			size--;
		for (i = 0; i < size; i++)
			if (!text[i])
				text[i] = ' ';
		spy_utf8_append(&command, text, size);
	}
	if (!command.size && spy_stat_read(pid, 0, &stat, NULL) == 0)
		spy_buffer_puts(&command, stat.command);
	return spy_buffer_steal(&command);
}

static int read_maps(pid_t pid, struct spy_maps *ret, struct pyspyc_error *err)
{
	spy_autofree char *text = NULL;
	char path[64];
	size_t size;
	int result;

	snprintf(path, sizeof(path), "%d/maps", (int)pid);
	result = spy_proc_read(path, MAPS_SIZE_LIMIT, &text, &size, err);
	if (result == -PYSPYC_EPERM)
		return spy_permission_denied(pid, err);
	return result < 0 ? result : spy_maps_parse(text, size, ret, err);
}

/* One byte of the target, to learn now and not in mid-sample whether it may be read. */
static int check_permission(const struct spy_process *process, struct pyspyc_error *err)
{
	char byte;
	int result;

	if (!process->maps.count)
		return 0;
	result = spy_memory_read(process->memory, process->maps.items[0].start, &byte, 1, err);
	if (result == -PYSPYC_EPERM)
		return spy_permission_denied(process->pid, err);
	return result == -PYSPYC_ENOPROC || result == -PYSPYC_ESYS ? result : 0;
}

static bool is_same_root(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	if (stat("/", &ours) < 0 || stat(path, &theirs) < 0 || ours.st_dev != theirs.st_dev ||
	    ours.st_ino != theirs.st_ino)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return stat("/proc/self/ns/mnt", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino;
}

static void release_image(struct spy_process *process)
{
	spy_maps_free(&process->maps);
	free(process->root);
	free(process->exe);
	free(process->command);
	process->root = process->exe = process->command = NULL;
	if (process->image_fd >= 0)
		close(process->image_fd);
	if (process->root_fd >= 0)
		close(process->root_fd);
	process->image_fd = process->root_fd = -1;
}

int spy_process_refresh(struct spy_process *process, struct pyspyc_error *err)
{
	pid_t pid = process->pid;
	struct spy_stat stat;
	char path[64];
	int result;

	release_image(process);
	/* The image's descriptor comes first: an exec from here on will be noticed. */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	process->image_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	process->root_fd = open(path, O_PATH | O_CLOEXEC);
	process->same_root = is_same_root(pid);
	result = spy_stat_read(pid, 0, &stat, NULL);
	if (result < 0 || (process->start_time && process->start_time != stat.start_time))
		return spy_fail(err, PYSPYC_ENOPROC, "process %d has exited", (int)pid);
	process->start_time = stat.start_time;
	process->root = read_root(pid);
	process->exe = process->root ? read_exe(pid, process->root) : NULL;
	process->command = spy_process_command(pid);
	if (!process->exe || !process->command)
		return spy_nomem(err);
	result = read_maps(pid, &process->maps, err);
	if (result < 0)
		return result;
	spy_maps_strip(&process->maps, process->root);
	if (!process->maps.count)
		return stat.state == 'Z' || stat.state == 'X'
			? spy_fail(err, PYSPYC_ENOPROC,
				   "process %d (%s) has exited: it is a zombie that its parent %d has "
				   "not collected", (int)pid, stat.command, (int)stat.ppid)
			: spy_fail(err, PYSPYC_ENOPROC, "process %d is exiting", (int)pid);
	return check_permission(process, err);
}

int spy_process_open(pid_t pid, struct spy_process **ret, struct pyspyc_error *err)
{
	spy_cleanup(spy_process_cleanup) struct spy_process *process = NULL;
	struct spy_stat stat;
	int result = check_pid(pid, &stat, err);

	if (result < 0)
		return result;
	process = calloc(1, sizeof(*process));
	if (!process)
		return spy_nomem(err);
	process->pid = pid;
	process->image_fd = process->root_fd = -1;
	result = spy_memory_open_live(pid, &process->memory, err);
	if (result < 0)
		return result;
	result = spy_process_refresh(process, err);
	if (result < 0)
		return result;
	*ret = spy_steal(process);
	return 0;
}

void spy_process_close(struct spy_process *process)
{
	if (!process)
		return;
	release_image(process);
	spy_memory_close(process->memory);
	free(process);
}

bool spy_process_same_image(const struct spy_process *process)
{
	char byte;

	/* Once the address space has no users left, reads of it end: 0 bytes, no error. */
	if (process->image_fd >= 0)
		return pread(process->image_fd, &byte, 1, 0) != 0;
	return kill(process->pid, 0) == 0 || errno == EPERM;
}

bool spy_pid_alive(pid_t pid, uint64_t start_time)
{
	struct spy_stat stat;
	int result = spy_stat_read(pid, 0, &stat, NULL);

	if (result < 0)
		return result != -PYSPYC_ENOPROC;
	if ((start_time && stat.start_time != start_time) || stat.state == 'X')
		return false;
	/* A leader that called pthread_exit is a zombie although its process lives on. */
	return stat.state != 'Z' || stat.threads > 1;
}

bool spy_process_alive(const struct spy_process *process)
{
	return spy_pid_alive(process->pid, process->start_time);
}
