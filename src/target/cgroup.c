#include "target/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "target/process.h"

#define TEXT_LIMIT 65536
#define MOUNTS_LIMIT (1u << 20)
#define DEPTH_LIMIT 64
/* Version 1 writes none as the largest number of whole pages (page_counter.h): 2^63 - 4096. */
#define NONE_FROM ((uint64_t)1 << 60)

struct text {
	const char *at, *end;
};

/* Cuts off what comes before the next separator (or all), which is passed over. */
static struct text cut(struct text *rest, char separator)
{
	const char *found = rest->at < rest->end
				    ? memchr(rest->at, separator, (size_t)(rest->end - rest->at))
				    : NULL;
	struct text part = { rest->at, found ? found : rest->end };

	rest->at = found ? found + 1 : rest->end;
	return part;
}

static size_t length(struct text text)
{
	return (size_t)(text.end - text.at);
}

static bool is(struct text text, const char *word)
{
	return length(text) == strlen(word) && memcmp(text.at, word, length(text)) == 0;
}

static bool lists(struct text list, const char *word)
{
	while (list.at < list.end)
		if (is(cut(&list, ','), word))
			return true;
	return false;
}

static bool copy(struct text text, char *ret, size_t size)
{
	if (length(text) >= size || memchr(text.at, '\0', length(text)))
		return false;
	memcpy(ret, text.at, length(text));
	ret[length(text)] = '\0';
	return true;
}

bool spy_cgroup_parse(const char *text, size_t size, bool unified, char ret[SPY_CGROUP_PATH])
{
	struct text rest = { text, text + size };

	while (rest.at < rest.end) {
		struct text line = cut(&rest, '\n');
		struct text number = cut(&line, ':'), controllers = cut(&line, ':');
		bool fits = unified ? is(number, "0") && !length(controllers)
				    : lists(controllers, "memory");

		if (fits && length(line) && *line.at == '/')
			return copy(line, ret, SPY_CGROUP_PATH);
	}
	return false;
}

/* \040 and the like (proc(5)). */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; to++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELD…] - TYPE SOURCE OPTIONS */
static bool parse_mount(struct text line, bool unified, struct spy_cgroup_mount *ret)
{
	struct text root, point, field = { 0 };
	int i;

	for (i = 0; i < 3; i++)
		cut(&line, ' ');
	root = cut(&line, ' ');
	point = cut(&line, ' ');
	while (line.at < line.end && !is(field, "-"))
		field = cut(&line, ' ');
	if (!is(cut(&line, ' '), unified ? "cgroup2" : "cgroup"))
		return false;
	cut(&line, ' ');
	if ((!unified && !lists(line, "memory")) || !copy(root, ret->root, sizeof(ret->root)) ||
	    !copy(point, ret->point, sizeof(ret->point)))
		return false;
	unescape(ret->root);
	unescape(ret->point);
	return true;
}

/* The part of a group's path below a mount's root; NULL when it is not there. */
static const char *below(const char *root, const char *path)
{
	size_t size = strlen(root);

	if (strcmp(root, "/") == 0)
		return path;
	if (strncmp(root, path, size) != 0 || (path[size] && path[size] != '/'))
		return NULL;
	return path + size;
}

bool spy_cgroup_mount_parse(const char *text, size_t size, bool unified, const char *path,
			    struct spy_cgroup_mount *ret)
{
	spy_autofree struct spy_cgroup_mount *mount = malloc(sizeof(*mount));
	struct text rest = { text, text + size };
	bool found = false;

	while (mount && rest.at < rest.end) {
		if (!parse_mount(cut(&rest, '\n'), unified, mount) || !below(mount->root, path) ||
		    (found && strlen(mount->root) >= strlen(ret->root)))
			continue;
		*ret = *mount;
		found = true;
	}
	return found;
}

bool spy_cgroup_limit_parse(const char *text, size_t size, uint64_t *ret)
{
	const char *at = text, *end = text + size;
	uint64_t value = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == text || (at < end && *at != '\n') || !value || value >= NONE_FROM)
		return false;
	*ret = value;
	return true;
}

/* --- a process --- */

/* The limit that a group's folder tells. */
static bool read_limit(const char *folder, bool unified, uint64_t *ret)
{
	spy_autofree char *path = NULL;
	spy_autoclose int fd = -1;
	char text[64];
	ssize_t size;

	if (asprintf(&path, "%s/%s", folder, unified ? "memory.max" : "memory.limit_in_bytes") <
	    0) {
		path = NULL;
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	return size > 0 && spy_cgroup_limit_parse(text, (size_t)size, ret);
}

static char *shown(const char *path)
{
	spy_autobuffer struct spy_buffer name = { 0 };

	spy_utf8_append(&name, path, strlen(path));
	return spy_buffer_steal(&name);
}

/* From the process' group up to the one that is mounted. */
static void climb(const struct spy_cgroup_mount *mount, const char *path, bool unified,
		  uint64_t *least, char **name)
{
	const char *part = below(mount->root, path);
	spy_autofree char *folder = NULL;
	size_t stem = strlen(mount->point);
	char *slash;
	int i;

	if (!part || strstr(part, "/.."))
		return;
	if (asprintf(&folder, "%s%s", mount->point, strcmp(part, "/") == 0 ? "" : part) < 0) {
		folder = NULL;
		return;
	}
	for (i = 0; i < DEPTH_LIMIT; i++) {
		uint64_t limit;

		if (read_limit(folder, unified, &limit) && (!*least || limit < *least)) {
			*least = limit;
			free(*name);
			*name = shown(folder[stem] ? folder + stem : "/");
		}
		slash = folder[stem] ? strrchr(folder + stem, '/') : NULL;
		if (!slash)
			return;
		*slash = '\0';
	}
}

uint64_t spy_cgroup_find(const char *groups, size_t group_size, const char *mounts,
			 size_t mount_size, char **name)
{
	spy_autofree struct spy_cgroup_mount *mount = malloc(sizeof(*mount));
	char path[SPY_CGROUP_PATH];
	uint64_t least = 0;
	int unified;

	*name = NULL;
	for (unified = 0; mount && unified <= 1; unified++)
		if (spy_cgroup_parse(groups, group_size, unified, path) &&
		    spy_cgroup_mount_parse(mounts, mount_size, unified, path, mount))
			climb(mount, path, unified, &least, name);
	return least;
}

uint64_t spy_cgroup_limit(pid_t pid, char **name)
{
	spy_autofree char *groups = NULL, *mounts = NULL;
	size_t group_size, mount_size;
	char path[64];

	*name = NULL;
	snprintf(path, sizeof(path), "%d/cgroup", (int)pid);
	if (spy_proc_read(path, TEXT_LIMIT, &groups, &group_size, NULL) < 0 ||
	    spy_proc_read("self/mountinfo", MOUNTS_LIMIT, &mounts, &mount_size, NULL) < 0)
		return 0;
	return spy_cgroup_find(groups, group_size, mounts, mount_size, name);
}
