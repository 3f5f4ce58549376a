/* The machine's Python processes. */
#include "pyspyc/processes.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/export.h"
#include "lib/pythons.h"
#include "target/process.h"

/* For attaching to those that are new, of all the time that a list may take. */
#define ATTACH_NS (150u * SPY_NSEC_PER_MSEC)
/* Processes are shown to a user: not more than this, whatever /proc says. */
#define PROCESSES_LIMIT 100000
#define STATUS_LIMIT 65536

struct list {
	struct pyspyc_process_info *items;
	size_t count, room;
};

static void free_list(struct list *list)
{
	pyspyc_processes_free(list->items, list->count);
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Seconds since the epoch at which the machine started, as stat's start times count. */
static double boot_time(void)
{
	return ((double)spy_clock_read(CLOCK_REALTIME) - (double)spy_clock_read(CLOCK_BOOTTIME)) /
	       SPY_NSEC_PER_SEC;
}

static uint64_t resident(pid_t pid)
{
	spy_autofree char *text = NULL;
	unsigned long long size, pages;
	char path[64];

	snprintf(path, sizeof(path), "%d/statm", (int)pid);
	if (spy_proc_read(path, 256, &text, NULL, NULL) < 0 ||
	    sscanf(text, "%llu %llu", &size, &pages) != 2)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The effective user, as ps(1) shows it. */
static uid_t user(pid_t pid)
{
	spy_autofree char *text = NULL;
	unsigned real, effective;
	const char *line;
	char path[64];

	snprintf(path, sizeof(path), "%d/status", (int)pid);
	if (spy_proc_read(path, STATUS_LIMIT, &text, NULL, NULL) < 0 ||
	    !(line = strstr(text, "\nUid:")) || sscanf(line + 5, "%u %u", &real, &effective) != 2)
		return (uid_t)-1;
	return (uid_t)effective;
}

static bool make_room(struct list *list)
{
	struct pyspyc_process_info *larger;
	size_t room = list->room ? list->room * 2 : 32;

	if (list->count < list->room)
		return true;
	larger = realloc(list->items, room * sizeof(*larger));
	if (!larger)
		return false;
	list->items = larger;
	list->room = room;
	return true;
}

static int add(struct list *list, pid_t pid, const struct spy_pythons_answer *answer,
	       struct pyspyc_error *err)
{
	uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct pyspyc_process_info info = { .pid = pid, .readable = answer->readable };
	struct spy_stat stat;

	if (!hertz || spy_stat_read(pid, 0, &stat, NULL) < 0)
		return 0; /* gone meanwhile */
	if (!make_room(list))
		return spy_nomem(err);
	info.parent = stat.ppid;
	info.uid = user(pid);
	info.rss = resident(pid);
	info.cpu_ns = (stat.utime + stat.stime) * (SPY_NSEC_PER_SEC / hertz);
	info.started_at = (int64_t)(boot_time() + (double)stat.start_time / (double)hertz);
	info.command = spy_process_command(pid);
	info.version = strdup(answer->version);
	list->items[list->count++] = info;
	return info.command && info.version ? 0 : spy_nomem(err);
}

static int compare(const void *a, const void *b)
{
	pid_t x = ((const struct pyspyc_process_info *)a)->pid;
	pid_t y = ((const struct pyspyc_process_info *)b)->pid;

	return x < y ? -1 : x > y;
}

PYSPYC_EXPORT int pyspyc_processes(struct pyspyc_process_info **ret, size_t *count,
				   struct pyspyc_error *err)
{
	spy_cleanup(spy_pythons_free) struct spy_pythons pythons = {
		.limit_ns = spy_clock_read(CLOCK_THREAD_CPUTIME_ID) + ATTACH_NS
	};
	spy_cleanup(close_directory) DIR *directory = opendir("/proc");
	spy_cleanup(free_list) struct list list = { 0 };
	struct spy_pythons_answer answer;
	struct dirent *entry;
	int result = 0;

	if (!directory)
		return spy_fail_errno(err, PYSPYC_ESYS, errno, "cannot list /proc");
	while (result == 0 && list.count < PROCESSES_LIMIT && (entry = readdir(directory))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 0 && pid != getpid() && spy_pythons_ask(&pythons, pid, &answer))
			result = add(&list, pid, &answer, err);
	}
	if (result < 0)
		return result;
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare);
	*count = list.count;
	*ret = spy_steal(list.items);
	return 0;
}

PYSPYC_EXPORT void pyspyc_processes_free(struct pyspyc_process_info *processes, size_t count)
{
	size_t i;

	for (i = 0; processes && i < count; i++) {
		free(processes[i].command);
		free(processes[i].version);
	}
	free(processes);
}
