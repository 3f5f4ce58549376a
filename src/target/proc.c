/* Facts from /proc: files in full, stat lines, threads, children. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "target/process.h"

#define STAT_LIMIT 4096
#define CHILDREN_LIMIT (1u << 20)

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

int spy_proc_read(const char *path, size_t limit, char **ret, size_t *size,
		  struct pyspyc_error *err)
{
	spy_autobuffer struct spy_buffer buffer = { 0 };
	spy_autofree char *full = NULL;
	spy_autoclose int fd = -1;
	ssize_t got;

	if (asprintf(&full, "/proc/%s", path) < 0) {
		full = NULL;
		return spy_nomem(err);
	}
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return spy_fail_errno(err,
				      errno == ENOENT || errno == ESRCH	  ? PYSPYC_ENOPROC
				      : errno == EACCES || errno == EPERM ? PYSPYC_EPERM
									  : PYSPYC_ESYS,
				      errno, "cannot open %s", full);
	do {
		size_t room = limit - buffer.size < 65536 ? limit - buffer.size : 65536;

		if (!spy_buffer_reserve(&buffer, room))
			return spy_nomem(err);
		got = room ? read(fd, buffer.data + buffer.size, room) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return spy_fail_errno(err,
					      errno == ESRCH ? PYSPYC_ENOPROC : PYSPYC_ESYS, errno,
					      "cannot read %s", full);
		buffer.size += (size_t)got;
	} while (got != 0);
	if (size)
		*size = buffer.size;
	*ret = spy_buffer_steal(&buffer);
	return *ret ? 0 : spy_nomem(err);
}

/* The n-th of the space-separated fields that follow comm, the first of which is n = 0. */
static bool field(const char *text, const char *end, unsigned n, uint64_t *ret)
{
	for (; n > 0; n--) {
		text = memchr(text, ' ', (size_t)(end - text));
		if (!text)
			return false;
		text++;
	}
	if (text < end && *text == '-') { /* ppid and the like are never negative */
		*ret = 0;
		return true;
	}
	for (*ret = 0; text < end && isdigit((unsigned char)*text); text++)
		*ret = *ret * 10 + (uint64_t)(*text - '0');
	return true;
}

int spy_stat_parse(const char *text, size_t size, struct spy_stat *ret, struct pyspyc_error *err)
{
	const char *end = text + size, *open = memchr(text, '(', size), *close, *rest;
	spy_autobuffer struct spy_buffer command = { 0 };
	uint64_t ppid, flags, children;

	/* comm may hold anything, ") R 1" included: the last parenthesis ends it. */
	close = open ? memrchr(open, ')', (size_t)(end - open)) : NULL;
	if (!close || end - close < 4 || close[1] != ' ')
		return spy_fail(err, PYSPYC_ECORRUPT, "a stat line of /proc makes no sense");
	rest = close + 2;
	*ret = (struct spy_stat){ .state = *rest };
	if (!field(rest, end, 1, &ppid) || !field(rest, end, 6, &flags) ||
	    !field(rest, end, 7, &ret->minor) || !field(rest, end, 9, &ret->major) ||
	    !field(rest, end, 11, &ret->utime) || !field(rest, end, 12, &ret->stime) ||
	    !field(rest, end, 13, &ret->children) || !field(rest, end, 14, &children) ||
	    !field(rest, end, 17, &ret->threads) || !field(rest, end, 19, &ret->start_time))
		return spy_fail(err, PYSPYC_ECORRUPT, "a stat line of /proc is too short");
	ret->children += children;
	ret->ppid = (pid_t)ppid;
	ret->flags = (unsigned)flags;
	spy_utf8_append(&command, open + 1, (size_t)(close - open - 1));
	snprintf(ret->command, sizeof(ret->command), "%s", spy_buffer_text(&command));
	return 0;
}

int spy_stat_read(pid_t pid, pid_t tid, struct spy_stat *ret, struct pyspyc_error *err)
{
	spy_autofree char *text = NULL;
	char path[64];
	size_t size;
	int result;

	if (tid)
		snprintf(path, sizeof(path), "%d/task/%d/stat", (int)pid, (int)tid);
	else
		snprintf(path, sizeof(path), "%d/stat", (int)pid);
	result = spy_proc_read(path, STAT_LIMIT, &text, &size, err);
	return result < 0 ? result : spy_stat_parse(text, size, ret, err);
}

/* The last number of the NSpid line: the tid in the innermost PID namespace. */
static pid_t innermost_tid(pid_t pid, pid_t tid)
{
	spy_autofree char *text = NULL;
	char path[64], *line, *end;
	long value = tid;

	snprintf(path, sizeof(path), "%d/task/%d/status", (int)pid, (int)tid);
	if (spy_proc_read(path, 65536, &text, NULL, NULL) < 0)
		return tid;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return tid;
	for (line += 7;; line = end) {
		long number = strtol(line, &end, 10);

		if (end == line || memchr(line, '\n', (size_t)(end - line)))
			return (pid_t)value;
		value = number;
	}
}

static int compare_tasks(const void *left, const void *right)
{
	const struct spy_task *a = left, *b = right;

	return (a->tid > b->tid) - (a->tid < b->tid);
}

/* True when pid lives in another PID namespace than we, so that its tids differ. */
static bool other_pid_namespace(pid_t pid)
{
	char path[64], ours[64], theirs[64];
	ssize_t a = readlink("/proc/self/ns/pid", ours, sizeof(ours)), b;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	b = readlink(path, theirs, sizeof(theirs));
	return a > 0 && b > 0 && (a != b || memcmp(ours, theirs, (size_t)a) != 0);
}

int spy_process_tasks(const struct spy_process *process, struct spy_tasks *ret,
		      struct pyspyc_error *err)
{
	spy_cleanup(close_directory) DIR *directory = NULL;
	struct spy_tasks tasks = { 0 };
	bool translate = other_pid_namespace(process->pid);
	size_t capacity = 0;
	struct dirent *entry;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process->pid);
	directory = opendir(path);
	if (!directory)
		return spy_fail_errno(err, PYSPYC_ENOPROC, errno, "cannot list %s", path);
	while ((entry = readdir(directory))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid <= 0)
			continue;
		if (tasks.count == capacity) {
			struct spy_task *items;

			capacity = capacity ? capacity * 2 : 16;
			items = realloc(tasks.items, capacity * sizeof(*items));
			if (!items) {
				spy_tasks_free(&tasks);
				return spy_nomem(err);
			}
			tasks.items = items;
		}
		tasks.items[tasks.count++] = (struct spy_task){
			tid, translate ? innermost_tid(process->pid, tid) : tid
		};
	}
	if (tasks.count)
		qsort(tasks.items, tasks.count, sizeof(*tasks.items), compare_tasks);
	*ret = tasks;
	return 0;
}

void spy_tasks_free(struct spy_tasks *tasks)
{
	free(tasks->items);
	*tasks = (struct spy_tasks){ 0 };
}

static bool append_pid(pid_t **pids, size_t *count, pid_t pid)
{
	/* Grown by doubling at the powers of two. */
	if ((*count & (*count - 1)) == 0) {
		pid_t *larger = realloc(*pids, (*count ? *count * 2 : 1) * sizeof(*larger));

		if (!larger)
			return false;
		*pids = larger;
	}
	(*pids)[(*count)++] = pid;
	return true;
}

/* For kernels without /proc/PID/task/TID/children: every process that names pid as parent. */
static int scan_children(pid_t pid, pid_t **ret, size_t *count, struct pyspyc_error *err)
{
	spy_cleanup(close_directory) DIR *directory = opendir("/proc");
	struct dirent *entry;

	if (!directory)
		return spy_fail_errno(err, PYSPYC_ESYS, errno, "cannot list /proc");
	while ((entry = readdir(directory))) {
		pid_t child = (pid_t)atoi(entry->d_name);
		struct spy_stat stat;

		if (child > 0 && spy_stat_read(child, 0, &stat, NULL) == 0 && stat.ppid == pid &&
		    !append_pid(ret, count, child))
			return spy_nomem(err);
	}
	return 0;
}

int spy_process_children(pid_t pid, pid_t **ret, size_t *count, struct pyspyc_error *err)
{
	spy_cleanup(close_directory) DIR *directory = NULL;
	struct dirent *entry;
	char path[96];

	if (access("/proc/thread-self/children", F_OK) != 0)
		return scan_children(pid, ret, count, err);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	directory = opendir(path);
	if (!directory)
		return spy_fail_errno(err, PYSPYC_ENOPROC, errno, "cannot list %s", path);
	while ((entry = readdir(directory))) {
		spy_autofree char *text = NULL;
		int tid = atoi(entry->d_name);
		char *at, *end;

		snprintf(path, sizeof(path), "%d/task/%d/children", (int)pid, tid);
		if (tid <= 0 || spy_proc_read(path, CHILDREN_LIMIT, &text, NULL, NULL) < 0)
			continue;
		for (at = text;; at = end) {
			long child = strtol(at, &end, 10);

			if (end == at)
				break;
			if (!append_pid(ret, count, (pid_t)child))
				return spy_nomem(err);
		}
	}
	return 0;
}
