#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/signals.h"
#include "pyspyc/process.h"

#define CURRENT_DIRECTORY "./"
#define STANDARD_OUTPUT "standard output"

static bool refuse(const char *path, const char *why)
{
	if (!strcmp(path, CURRENT_DIRECTORY))
		cli_error("cannot write to the current directory: %s; choose a file with --output",
			  why);
	else
		cli_error("cannot write %s: %s", path, why);
	return false;
}

static bool refuse_errno(const char *path, int errnum)
{
	return refuse(path, strerror(errnum));
}

/* Where nobody reads standard output any more (`… | head`), there is nobody to be told. */
static bool refuse_pipe(const struct cli_output *output)
{
	return strcmp(output->path, STANDARD_OUTPUT) != 0 && refuse_errno(output->path, EPIPE);
}

/* Whether it is a pipe that nobody reads any more. */
static bool is_closed(int fd)
{
	struct pollfd poller = { .fd = fd };

	return poll(&poller, 1, 0) == 1 && (poller.revents & POLLERR);
}

/* Under sudo, what root makes belongs to the user who called it. */
static void give_to_caller(int fd)
{
	uid_t user;
	gid_t group;

	if (pyspyc_caller(&user, &group))
		(void)!fchown(fd, user, group);
}

/* What was private, or shared, stays so when it is replaced. */
static void keep_mode(const struct cli_output *output, int fd)
{
	struct stat old;

	if (!fstatat(output->directory, output->name, &old, AT_SYMLINK_NOFOLLOW) &&
	    S_ISREG(old.st_mode))
		(void)!fchmod(fd, old.st_mode & 0777);
}

/*
 * A new file in directory that has no name yet, so that nothing is left whatever happens;
 * where the file system has no such files, one called name, which is then not empty.
 */
static int make_temporary(int directory, char name[64])
{
	static unsigned int serial;
	int fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);

	name[0] = 0;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	for (int tries = 0; tries < 100; tries++) {
		snprintf(name, 64, ".pyspyc-%d-%u.tmp", (int)getpid(), serial++);
		cli_signals_undo(directory, name);
		fd = openat(directory, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC,
			    0666);
		if (fd >= 0)
			return fd;
		cli_signals_undo(-1, NULL);
		if (errno != EEXIST)
			break;
	}
	name[0] = 0;
	return -1;
}

static void drop_temporary(int directory, const char *name)
{
	if (*name)
		unlinkat(directory, name, 0);
	cli_signals_undo(-1, NULL);
}

/* Gives the nameless file a name of its own first, as no call replaces a file by it. */
static bool name_temporary(int directory, int fd, char name[64])
{
	char self[64];

	if (*name)
		return true;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	for (unsigned int tries = 0; tries < 100; tries++) {
		snprintf(name, 64, ".pyspyc-%d-%u.tmp", (int)getpid(), tries);
		cli_signals_undo(directory, name);
		if (!linkat(AT_FDCWD, self, directory, name, AT_SYMLINK_FOLLOW))
			return true;
		cli_signals_undo(-1, NULL);
		if (errno != EEXIST)
			break;
	}
	name[0] = 0;
	return false;
}

/* What the last component names now must be something that may be replaced. */
static bool check_existing(const struct cli_output *output)
{
	struct stat file;
	struct stat parent;

	if (fstatat(output->directory, output->name, &file, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return true;
		return refuse_errno(output->path, errno);
	}
	if (!S_ISLNK(file.st_mode) &&
	    faccessat(output->directory, output->name, W_OK, AT_EACCESS) != 0)
		return refuse_errno(output->path, errno);
	if (!fstat(output->directory, &parent) && (parent.st_mode & S_ISVTX) && geteuid() != 0 &&
	    file.st_uid != geteuid() && parent.st_uid != geteuid())
		return refuse(output->path, "it belongs to another user");
	return true;
}

static bool open_directory(struct cli_output *output)
{
	const char *slash = strrchr(output->path, '/');
	char *directory = slash ? strndup(output->path, slash == output->path
								? 1
								: (size_t)(slash - output->path))
				: strdup(".");
	char temporary[64];
	int fd;

	output->name = slash ? slash + 1 : output->path;
	output->directory = directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (output->directory < 0) {
		if (errno == ENOENT)
			cli_error("cannot write %s: there is no directory %s", output->path,
				  directory ? directory : "");
		else
			refuse_errno(output->path, errno);
		free(directory);
		return false;
	}
	free(directory);
	if (!*output->name && strcmp(output->path, CURRENT_DIRECTORY) != 0)
		return refuse_errno(output->path, EISDIR);
	if (strlen(output->name) > NAME_MAX)
		return refuse_errno(output->path, ENAMETOOLONG);
	if (*output->name && !check_existing(output))
		return false;
	fd = make_temporary(output->directory, temporary);
	if (fd < 0)
		return refuse_errno(output->path, errno);
	drop_temporary(output->directory, temporary);
	close(fd);
	return true;
}

/* A descriptor that is open already. */
static bool open_descriptor(struct cli_output *output, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return refuse(output->path, "it is not open for writing");
	if (is_closed(fd))
		return refuse_pipe(output);
	output->stream = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return output->stream >= 0 || refuse_errno(output->path, errno);
}

/* The number of the descriptor that path stands for, or -1. */
static int descriptor_of(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
	char *end;
	long number;

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t size = strlen(folders[i]);

		if (strncmp(path, folders[i], size) != 0)
			continue;
		number = strtol(path + size, &end, 10);
		if (path[size] >= '0' && path[size] <= '9' && !*end && number <= INT_MAX)
			return (int)number;
	}
	return -1;
}

/* Not a regular file: what can be written as it comes, and what cannot be written. */
static bool open_special(struct cli_output *output, mode_t mode)
{
	if (S_ISDIR(mode))
		return refuse_errno(output->path, EISDIR);
	if (!S_ISCHR(mode) && !S_ISFIFO(mode))
		return refuse(output->path, "it is neither a file, a pipe nor a character device");
	output->stream = open(output->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return output->stream >= 0 || refuse_errno(output->path, errno);
}

bool cli_output_open(struct cli_output *output, const char *path)
{
	int descriptor = path ? descriptor_of(path) : -1;
	struct stat info;

	*output = CLI_OUTPUT_NONE;
	output->path = strdup(!path		   ? CURRENT_DIRECTORY
			      : !strcmp(path, "-") ? STANDARD_OUTPUT
						   : path);
	if (!output->path)
		return refuse_errno(path ? path : CURRENT_DIRECTORY, ENOMEM);
	output->name = output->path;
	if (descriptor >= 0)
		return open_descriptor(output, descriptor);
	if (path && !stat(path, &info) && !S_ISREG(info.st_mode))
		return open_special(output, info.st_mode);
	return open_directory(output);
}

bool cli_output_set_name(struct cli_output *output, const char *name)
{
	char *path = strdup(name);

	if (!path)
		return refuse_errno(name, ENOMEM);
	free(output->path);
	output->path = path;
	output->name = path;
	return true;
}

/* Everything but the closing of fd. */
static bool fill(struct cli_output *output, int fd, cli_writer *write, const void *context)
{
	struct pyspyc_error err = { 0 };
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	int errnum;

	if (!file) {
		errnum = errno;
		if (copy >= 0)
			close(copy);
		return refuse_errno(output->path, errnum);
	}
	if (write(context, file, &err) != 0) {
		fclose(file);
		return is_closed(fd) ? refuse_pipe(output) : refuse(output->path, err.message);
	}
	if (fclose(file) != 0)
		return is_closed(fd) ? refuse_pipe(output) : refuse_errno(output->path, errno);
	return true;
}

static bool write_stream(struct cli_output *output, cli_writer *write, const void *context)
{
	if (output->spent)
		return refuse(output->path, "it can be written only once");
	output->spent = true;
	return fill(output, output->stream, write, context);
}

/* From a filled temporary file to the final name. */
static bool publish(struct cli_output *output, int fd, char temporary[64])
{
	struct stat info;

	if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
		return refuse_errno(output->path, errno);
	if (!fstat(fd, &info))
		output->size = (uint64_t)info.st_size;
	if (!name_temporary(output->directory, fd, temporary))
		return refuse_errno(output->path, errno);
	if (renameat(output->directory, temporary, output->directory, output->name) != 0)
		return refuse_errno(output->path, errno);
	temporary[0] = 0;
	return true;
}

bool cli_output_write_by(struct cli_output *output, cli_writer *write, const void *context)
{
	char temporary[64];
	bool done;
	int fd;

	if (output->stream >= 0)
		return write_stream(output, write, context);
	fd = make_temporary(output->directory, temporary);
	if (fd < 0)
		return refuse_errno(output->path, errno);
	give_to_caller(fd);
	keep_mode(output, fd);
	done = fill(output, fd, write, context) && publish(output, fd, temporary);
	drop_temporary(output->directory, temporary);
	close(fd);
	return done;
}

void cli_output_close(struct cli_output *output)
{
	if (output->directory >= 0)
		close(output->directory);
	if (output->stream >= 0)
		close(output->stream);
	free(output->path);
	*output = CLI_OUTPUT_NONE;
}
