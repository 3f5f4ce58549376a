#include "target/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "target/process.h"

#define ROLLUP_LIMIT 16384
#define STATUS_LIMIT 65536

/* --- texts --- */

/* Decimal digits at *text, which is put behind them; false for none or too many. */
static bool number(const char **text, const char *end, uint64_t *ret)
{
	const char *at = *text;
	uint64_t value = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*ret = value;
	return true;
}

bool spy_statm_parse(const char *text, size_t size, uint64_t *pages)
{
	const char *end = text + size;
	uint64_t total;

	if (!number(&text, end, &total) || text == end || *text++ != ' ')
		return false;
	return number(&text, end, pages) && text < end && *text == ' ';
}

bool spy_schedstat_parse(const char *text, size_t size, uint64_t *ran_ns)
{
	const char *end = text + size;

	return number(&text, end, ran_ns) && text < end && *text == ' ';
}

bool spy_schedstat_turns(const char *text, size_t size, uint64_t *turns)
{
	const char *end = text + size;
	int before;

	for (before = 0; before < 2; before++)
		if (!number(&text, end, turns) || text == end || *text++ != ' ')
			return false;
	return number(&text, end, turns) && text < end && *text == '\n' && *turns;
}

/* The kB of a line "KEY:   12 kB", in bytes. */
static bool kilobytes(const char *line, const char *end, const char *key, uint64_t *ret)
{
	size_t length = strlen(key);
	uint64_t value;

	if ((size_t)(end - line) <= length || memcmp(line, key, length) != 0 || line[length] != ':')
		return false;
	for (line += length + 1; line < end && (*line == ' ' || *line == '\t'); line++)
		;
	if (!number(&line, end, &value) || end - line < 3 || memcmp(line, " kB", 3) != 0)
		return false;
	return !__builtin_mul_overflow(value, 1024, ret);
}

/* The line at *text, which is put behind it; false at the end. */
static bool next_line(const char **text, const char *end, const char **line, const char **line_end)
{
	if (*text >= end)
		return false;
	*line = *text;
	*line_end = memchr(*text, '\n', (size_t)(end - *text));
	if (!*line_end)
		*line_end = end;
	*text = *line_end + 1;
	return true;
}

bool spy_rollup_parse(const char *text, size_t size, struct spy_rollup *ret)
{
	const char *end = text + size, *line, *line_end;
	bool has_rss = false, has_pss = false;
	uint64_t value;

	*ret = (struct spy_rollup){ 0 };
	/* "Pss" is not "Pss_Dirty": the colon tells them apart. */
	while (next_line(&text, end, &line, &line_end)) {
		if (kilobytes(line, line_end, "Rss", &ret->rss))
			has_rss = true;
		else if (kilobytes(line, line_end, "Pss", &ret->pss))
			has_pss = true;
		else if (kilobytes(line, line_end, "Swap", &ret->swap))
			continue;
		else if ((kilobytes(line, line_end, "Private_Clean", &value) ||
			  kilobytes(line, line_end, "Private_Dirty", &value) ||
			  kilobytes(line, line_end, "Private_Hugetlb", &value)) &&
			 __builtin_add_overflow(ret->uss, value, &ret->uss))
			return false;
	}
	return has_rss && has_pss;
}

bool spy_status_parse(const char *text, size_t size, struct spy_status *ret)
{
	const char *end = text + size, *line, *line_end;
	bool found = false;

	*ret = (struct spy_status){ 0 };
	while (next_line(&text, end, &line, &line_end))
		found |= kilobytes(line, line_end, "VmHWM", &ret->peak_rss) ||
			 kilobytes(line, line_end, "VmSwap", &ret->swap);
	return found;
}

/* --- a process --- */

static int open_statm(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void spy_rss_open(struct spy_rss *rss, pid_t pid)
{
	struct rlimit limit;

	*rss = (struct spy_rss){ .pid = pid, .fd = open_statm(pid) };
	/* Half of the descriptors are for all else. */
	if (rss->fd >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    (rlim_t)rss->fd >= limit.rlim_cur / 2)
		spy_rss_close(rss);
}

void spy_rss_close(struct spy_rss *rss)
{
	if (rss->fd >= 0)
		close(rss->fd);
	rss->fd = -1;
}

bool spy_rss_read(const struct spy_rss *rss, uint64_t *bytes)
{
	spy_autoclose int opened = rss->fd < 0 ? open_statm(rss->pid) : -1;
	int fd = rss->fd < 0 ? opened : rss->fd;
	char text[192];
	uint64_t pages;
	ssize_t size;

	if (fd < 0)
		return false;
	size = pread(fd, text, sizeof(text), 0);
	if (size <= 0 || !spy_statm_parse(text, (size_t)size, &pages) || !pages)
		return false;
	return !__builtin_mul_overflow(pages, (uint64_t)sysconf(_SC_PAGESIZE), bytes);
}

static uint64_t of_ticks(uint64_t count)
{
	long ticks = sysconf(_SC_CLK_TCK);

	return count * (SPY_NSEC_PER_SEC / (uint64_t)(ticks > 0 ? ticks : 100));
}

bool spy_cpu_read(pid_t pid, uint64_t *ns)
{
	struct timespec time;
	struct spy_stat stat;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0) {
		*ns = (uint64_t)time.tv_sec * SPY_NSEC_PER_SEC + (uint64_t)time.tv_nsec;
		return true;
	}
	if (spy_stat_read(pid, 0, &stat, NULL) < 0)
		return false;
	*ns = of_ticks(stat.utime + stat.stime);
	return true;
}

bool spy_children_cpu_read(pid_t pid, uint64_t *ns)
{
	struct spy_stat stat;

	if (spy_stat_read(pid, 0, &stat, NULL) < 0)
		return false;
	*ns = of_ticks(stat.children);
	return true;
}

static char *read_of(pid_t pid, const char *name, size_t limit, size_t *size)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	return spy_proc_read(path, limit, &text, size, NULL) == 0 ? text : NULL;
}

bool spy_rollup_read(pid_t pid, struct spy_rollup *ret)
{
	size_t size;
	spy_autofree char *text = read_of(pid, "smaps_rollup", ROLLUP_LIMIT, &size);

	return text && spy_rollup_parse(text, size, ret);
}

bool spy_status_read(pid_t pid, struct spy_status *ret)
{
	size_t size;
	spy_autofree char *text = read_of(pid, "status", STATUS_LIMIT, &size);

	return text && spy_status_parse(text, size, ret);
}

int64_t spy_start_time(uint64_t ticks)
{
	long per_second = sysconf(_SC_CLK_TCK);
	uint64_t up = spy_clock_read(CLOCK_BOOTTIME), now = spy_clock_read(CLOCK_REALTIME), started;

	if (__builtin_mul_overflow(ticks, SPY_NSEC_PER_SEC, &started))
		return 0;
	started /= (uint64_t)(per_second > 0 ? per_second : 100);
	return started <= up && up - started <= now
		       ? (int64_t)((now - (up - started)) / SPY_NSEC_PER_SEC)
		       : 0;
}
