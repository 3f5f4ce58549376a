/*
 * A program that is looked at on the screen must not write over it. What it would print to the
 * terminal goes into a file in memory, which never makes it wait, and is shown afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/top.h"

#define KEPT ((int64_t)64 << 10)
#define PAGE ((int64_t)4096)

static bool fail(const char *what)
{
	cli_error("cannot keep the program's output off the screen: %s: %s", what, strerror(errno));
	return false;
}

/* For appending, whoever writes and wherever the file was cut meanwhile. */
static bool open_file(struct cli_capture *capture)
{
	char path[64];
	int memory = memfd_create("pyspyc-output", MFD_CLOEXEC);

	if (memory < 0)
		return fail("no file in memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	capture->file = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
	close(memory);
	return capture->file >= 0 || fail("/proc");
}

static bool lead(struct cli_capture *capture, int stream, int to)
{
	capture->saved[stream] = fcntl(stream, F_DUPFD_CLOEXEC, 3);
	if (capture->saved[stream] >= 0 && dup2(to, stream) >= 0)
		return true;
	return fail("too many open files");
}

bool cli_capture_begin(struct cli_capture *capture)
{
	bool done = true;
	int nothing;

	*capture = CLI_CAPTURE_NONE;
	for (int stream = STDERR_FILENO; stream >= STDOUT_FILENO; stream--)
		if (isatty(stream))
			capture->stream = stream;
	if (capture->stream >= 0 && !open_file(capture))
		return false;
	for (int stream = STDOUT_FILENO; done && stream <= STDERR_FILENO; stream++)
		if (isatty(stream))
			done = lead(capture, stream, capture->file);
	if (done && isatty(STDIN_FILENO)) {
		nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
		done = nothing >= 0 ? lead(capture, STDIN_FILENO, nothing) : fail("/dev/null");
		if (nothing >= 0)
			close(nothing);
	}
	if (!done)
		cli_capture_end(capture);
	return done;
}

void cli_capture_end(struct cli_capture *capture)
{
	for (int stream = 0; stream < 3; stream++) {
		if (capture->saved[stream] < 0)
			continue;
		dup2(capture->saved[stream], stream);
		close(capture->saved[stream]);
		capture->saved[stream] = -1;
	}
}

/* Where the newest part begins. */
static int64_t newest(const struct cli_capture *capture, int64_t *end)
{
	*end = lseek(capture->file, 0, SEEK_END);
	return *end > KEPT ? *end - KEPT : 0;
}

static void trim(struct cli_capture *capture)
{
	int64_t end;
	int64_t begin;

	begin = newest(capture, &end) / PAGE * PAGE;
	if (begin > 0)
		fallocate(capture->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, begin);
}

const char *cli_capture_last(void *context)
{
	struct cli_capture *capture = context;
	char bytes[sizeof(capture->last)];
	int64_t end;
	ssize_t size;
	char *line;

	capture->last[0] = 0;
	if (capture->file < 0)
		return NULL;
	trim(capture);
	newest(capture, &end);
	end = end >= (int64_t)sizeof(bytes) ? end - (int64_t)sizeof(bytes) + 1 : 0;
	size = pread(capture->file, bytes, sizeof(bytes) - 1, end);
	while (size > 0 && strchr("\r\n", bytes[size - 1]))
		size--;
	if (size <= 0)
		return NULL;
	bytes[size] = 0;
	line = bytes;
	for (ssize_t i = 0; i < size; i++)
		if (!bytes[i] || bytes[i] == '\n' || bytes[i] == '\r')
			line = bytes + i + 1;
	snprintf(capture->last, sizeof(capture->last), "%s", line);
	return capture->last;
}

static bool write_all(int stream, const char *bytes, size_t size)
{
	while (size) {
		ssize_t done = write(stream, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		size -= (size_t)done;
	}
	return true;
}

void cli_capture_show(void *context)
{
	struct cli_capture *capture = context;
	char bytes[8192];
	int64_t end;
	int64_t begin;
	ssize_t size;

	if (capture->file < 0)
		return;
	begin = newest(capture, &end);
	if (begin > capture->shown) {
		cli_note("%lld bytes that the program printed before are left out",
			 (long long)(begin - capture->shown));
		capture->shown = begin;
	}
	while (capture->shown < end) {
		size = pread(capture->file, bytes, sizeof(bytes), capture->shown);
		if (size <= 0 || !write_all(capture->stream, bytes, (size_t)size))
			break;
		capture->shown += size;
	}
	trim(capture);
}

void cli_capture_close(struct cli_capture *capture)
{
	if (capture->file >= 0)
		close(capture->file);
	capture->file = -1;
}
