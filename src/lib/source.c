/* A target's source files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/export.h"
#include "cpython/find.h"
#include "pyspyc/processes.h"
#include "target/process.h"

/*
 * The target's working directory as it sees it itself. False when it has been deleted or lies
 * outside of the target's root, where names relative to it lead nowhere.
 */
static bool working_directory(const struct spy_process *process, char *ret, size_t size)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)process->pid);
	length = readlink(path, ret, size - 1);
	if (length <= 0)
		return false;
	ret[length] = '\0';
	if (process->root[0]) {
		const char *inside = spy_path_strip(ret, process->root);

		if (strcmp(ret, process->root) == 0)
			inside = "";
		else if (inside == ret)
			return false;
		memmove(ret, inside, strlen(inside) + 1);
	}
	return ret[0] == '/' || !ret[0]; /* else (unreachable)… */
}

/* Where the file is inside the target's root. */
static int absolute(const struct spy_process *process, const char *path, char **ret,
		    struct pyspyc_error *err)
{
	char directory[PATH_MAX];

	if (path[0] == '/')
		*ret = strdup(path);
	else if (!working_directory(process, directory, sizeof(directory)))
		return spy_fail(
			err, PYSPYC_EIO,
			"%s is relative to the working directory of process %d, which cannot "
			"be had",
			path, (int)process->pid);
	else if (asprintf(ret, "%s/%s", directory, path) < 0)
		*ret = NULL;
	return *ret ? 0 : spy_nomem(err);
}

static int read_all(int fd, const char *path, char **ret, size_t *size, struct pyspyc_error *err)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };
	ssize_t got = 1;

	while (got != 0 && buffer.size < PYSPYC_SOURCE_MAX) {
		size_t room = PYSPYC_SOURCE_MAX - buffer.size;

		room = room < 65536 ? room : 65536;
		if (!spy_buffer_reserve(&buffer, room))
			return spy_nomem(err);
		got = read(fd, buffer.data + buffer.size, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return spy_fail_errno(err, PYSPYC_EIO, errno, "cannot read %s", path);
		buffer.size += (size_t)got;
	}
	*size = buffer.size;
	*ret = spy_buffer_steal(&buffer);
	return *ret ? 0 : spy_nomem(err);
}

/* A file as this process sees it. */
static int open_own(const char *path, int *fd, struct pyspyc_error *err)
{
	struct stat status;

	/* What is no file may block. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &status) < 0)
		return spy_fail_errno(err, PYSPYC_EIO, errno, "cannot open %s", path);
	if (!S_ISREG(status.st_mode))
		return spy_fail(err, PYSPYC_EIO, "%s is no regular file", path);
	return 0;
}

static int read_source(pid_t pid, const char *path, char **ret, size_t *size,
		       struct pyspyc_error *err)
{
	spy_cleanup(spy_process_cleanup) struct spy_process *process = NULL;
	spy_autofree char *full = NULL;
	spy_autoclose int fd = -1;
	size_t length = strlen(path);
	int result;

	if (!length || (path[0] == '<' && path[length - 1] == '>'))
		return spy_fail(err, PYSPYC_EIO,
				"%s is no file: the code was made at run time or is part of Python",
				length ? path : "\"\"");
	if (!pid) {
		result = open_own(path, &fd, err);
		return result < 0 ? result : read_all(fd, path, ret, size, err);
	}
	result = spy_process_open(pid, &process, err);
	if (result == 0)
		result = absolute(process, path, &full, err);
	if (result == 0)
		result = spy_process_open_path(process, full, &fd, err);
	return result < 0 ? result : read_all(fd, full, ret, size, err);
}

PYSPYC_EXPORT int pyspyc_source_read(pid_t pid, const char *path, char **ret, size_t *size,
				     struct pyspyc_error *err)
{
	struct pyspyc_error error = { 0 };
	int result = read_source(pid, path, ret, size, &error);

	if (result == 0 || result == -PYSPYC_ENOMEM)
		return result == 0 ? 0 : spy_nomem(err);
	/* Names come from the target: one line, whatever they hold. */
	spy_printable(error.message, error.message, sizeof(error.message));
	return spy_fail(err, PYSPYC_EIO, "%s", error.message);
}
