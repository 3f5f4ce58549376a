#include "sample/ostate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "target/usage.h"

/* So often in a row a thread must have run that it is not asked at 1, 3, 7, 15 looks in a row. */
#define STREAK_FROM 4
#define STREAK_LIMIT 8
#define STREAK_LOSS 3
/* What any folder has: its name and its own dot. */
#define FOLDER_LINKS 2

static int open_file(pid_t pid, pid_t tid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A file that is to be kept open; -1 when there are few descriptors left: half are for all else. */
static int kept(int fd)
{
	struct rlimit limit;

	if (fd >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd >= limit.rlim_cur / 2) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_to_keep(pid_t pid, pid_t tid, const char *name)
{
	return kept(open_file(pid, tid, name));
}

unsigned spy_ostate_threads(pid_t pid, int *fd)
{
	char path[64];
	struct stat folder;

	if (*fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
		*fd = kept(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
	}
	if (*fd < 0 || fstat(*fd, &folder) < 0 || folder.st_nlink <= FOLDER_LINKS)
		return 0;
	return (unsigned)(folder.st_nlink - FOLDER_LINKS);
}

static const char *file_of(const struct spy_ostate *ostate)
{
	return ostate->by_stat ? "stat" : "syscall";
}

bool spy_ostate_slow_kernel(const char *release)
{
	int major, minor;

	return sscanf(release, "%d.%d", &major, &minor) == 2 && major == 6 && minor >= 12 &&
	       minor <= 15;
}

static void open_kept(struct spy_ostate *ostate)
{
	ostate->fd = open_to_keep(ostate->pid, ostate->tid, file_of(ostate));
}

void spy_ostate_open(struct spy_ostate *ostate, pid_t pid, pid_t tid)
{
	struct utsname system;

	*ostate = (struct spy_ostate){ .pid = pid, .tid = tid, .fd = -1 };
	if (!tid)
		return;
	ostate->by_stat = uname(&system) < 0 || spy_ostate_slow_kernel(system.release);
	open_kept(ostate);
}

void spy_ostate_close(struct spy_ostate *ostate)
{
	if (ostate->fd >= 0)
		close(ostate->fd);
	ostate->fd = -1;
}

/* Reads a file from its start; fd is -1 for one that is opened for this. -errno. */
static ssize_t read_file(pid_t pid, pid_t tid, int fd, const char *name, char *text, size_t size)
{
	int opened = fd < 0 ? open_file(pid, tid, name) : fd;
	ssize_t done;

	if (opened < 0)
		return -errno;
	done = pread(opened, text, size, 0);
	if (done < 0)
		done = -errno;
	if (opened != fd)
		close(opened);
	return done;
}

static bool is_gone(ssize_t error)
{
	return error == -ENOENT || error == -ESRCH;
}

char spy_ostate_parse(const char *text, size_t size)
{
	/* "pid (comm) state …": comm may hold anything, its last parenthesis ends it. */
	const char *close_at = memrchr(text, ')', size);

	return close_at && close_at + 2 < text + size ? close_at[2] : '?';
}

static char read_stat(const struct spy_ostate *ostate)
{
	char text[512];
	ssize_t size = read_file(ostate->pid, ostate->tid, ostate->by_stat ? ostate->fd : -1,
				 "stat", text, sizeof(text));

	if (size <= 0)
		return is_gone(size) ? 'X' : '?';
	return spy_ostate_parse(text, (size_t)size);
}

/* What a tracer holds would go on as it was. */
static char tell(struct spy_ostate *ostate, char letter)
{
	if (letter == 't' && ostate->last)
		return ostate->last;
	if (letter != 't' && letter != '?')
		ostate->last = letter;
	return letter;
}

static void keep_call(struct spy_ostate *ostate, const char *text, ssize_t size)
{
	bool told = size > 0 && (size_t)size < sizeof(ostate->call) && text[0] != 'r';

	if (told)
		memcpy(ostate->call, text, (size_t)size);
	ostate->call[told ? size : 0] = '\0';
}

static char look_at(struct spy_ostate *ostate, bool exact)
{
	char text[SPY_SYSCALL_LINE], letter;
	ssize_t size;

	if (!ostate->tid)
		return '?';
	if (ostate->by_stat)
		return tell(ostate, read_stat(ostate));
	size = read_file(ostate->pid, ostate->tid, ostate->fd, "syscall", text, sizeof(text));
	keep_call(ostate, text, size);
	if (size == -ESRCH)
		return tell(ostate, 'X');
	if (size <= 0) {
		/* Not built into this kernel (CONFIG_HAVE_ARCH_TRACEHOOK), or not for us. */
		spy_ostate_close(ostate);
		ostate->by_stat = true;
		open_kept(ostate);
		return tell(ostate, read_stat(ostate));
	}
	if (text[0] == 'r') { /* "running" */
		ostate->line_size = 0;
		return tell(ostate, 'R');
	}
	if ((size_t)size == ostate->line_size && memcmp(text, ostate->line, (size_t)size) == 0)
		return ostate->last;
	if (!exact)
		return tell(ostate, 'S');
	letter = read_stat(ostate);
	ostate->line_size = 0;
	if (letter != 'R' && letter != 't' && letter != 'X' && letter != '?') {
		ostate->line_size = (size_t)size;
		memcpy(ostate->line, text, (size_t)size);
	}
	return tell(ostate, letter);
}

char spy_ostate_read(struct spy_ostate *ostate)
{
	return look_at(ostate, true);
}

char spy_ostate_glance(struct spy_ostate *ostate)
{
	return look_at(ostate, false);
}

const char *spy_ostate_call(struct spy_ostate *ostate)
{
	char text[SPY_SYSCALL_LINE];

	if (ostate->by_stat)
		keep_call(ostate, text, read_file(ostate->pid, ostate->tid, -1, "syscall", text,
						  sizeof(text)));
	return ostate->call;
}

void spy_runs_open(struct spy_runs *runs, pid_t pid, pid_t tid)
{
	*runs = (struct spy_runs){ .pid = pid, .tid = tid, .fd = -1 };
	if (tid)
		runs->fd = open_to_keep(pid, tid, "schedstat");
}

void spy_runs_close(struct spy_runs *runs)
{
	if (runs->fd >= 0)
		close(runs->fd);
	runs->fd = -1;
}

/* It had run: the next looks will hardly find anything else. Threads take turns by their tid. */
static bool ran(struct spy_runs *runs)
{
	unsigned pause;

	/* When it did is not known of one that was not asked at the look before: at the next it is. */
	if (runs->stale) {
		runs->stale = false;
		return true;
	}
	if (runs->streak < STREAK_LIMIT)
		runs->streak++;
	pause = runs->streak > STREAK_FROM ? (1u << (runs->streak - STREAK_FROM)) - 1 : 0;
	runs->left = (unsigned char)(pause - ((unsigned)runs->tid & (pause / 2)));
	return true;
}

bool spy_runs_turns(const struct spy_runs *runs, uint64_t *turns)
{
	char line[64];
	ssize_t size = -1;

	if (runs && runs->tid)
		size = read_file(runs->pid, runs->tid, runs->fd, "schedstat", line, sizeof(line));
	return size > 0 && spy_schedstat_turns(line, (size_t)size, turns);
}

bool spy_runs_due(struct spy_runs *runs)
{
	if (!runs->left)
		return true;
	runs->left--;
	runs->stale = true;
	return false;
}

bool spy_runs_again(struct spy_runs *runs)
{
	char line[64];
	ssize_t size;

	if (!runs->tid)
		return true;
	size = read_file(runs->pid, runs->tid, runs->fd, "schedstat", line, sizeof(line));
	if (size < 2) {
		runs->told = false;
		return ran(runs);
	}
	if (runs->told && (size_t)size == runs->line_size &&
	    memcmp(line, runs->line, (size_t)size) == 0) {
		/* Looks may come close to each other: once is not the end of it. */
		runs->streak = runs->streak > STREAK_LOSS ? runs->streak - STREAK_LOSS : 0;
		runs->left = 0;
		runs->stale = false;
		return false;
	}
	/* "ran waited slices\n"; kernels that do not count say 0 (CONFIG_SCHED_INFO). */
	runs->told = size > 2 && memcmp(line + size - 3, " 0\n", 3) != 0;
	runs->line_size = (size_t)size;
	memcpy(runs->line, line, (size_t)size);
	return ran(runs);
}
