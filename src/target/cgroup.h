/* How much memory the control groups of a process let it have. */
#ifndef SPY_TARGET_CGROUP_H
#define SPY_TARGET_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPY_CGROUP_PATH 4096

/* --- texts of /proc, of size bytes --- */

/*
 * A line of /proc/PID/cgroup (cgroups(7)): the group that has the memory controller, as a path.
 * That of version 1 ("4:memory:/path"), or, with unified, that of version 2 ("0::/path"). False
 * when there is none or it is too long.
 */
bool spy_cgroup_parse(const char *text, size_t size, bool unified, char ret[SPY_CGROUP_PATH]);

/* Where a hierarchy of groups is mounted, and which of its groups that is. */
struct spy_cgroup_mount {
	char root[SPY_CGROUP_PATH];
	char point[SPY_CGROUP_PATH];
};

/*
 * The line of mountinfo (proc(5)) of type cgroup2, or (unified is false) cgroup with the option
 * memory, under which the group at path can be seen: its root is path or above it. Of several, the
 * one of the outermost root. Escapes such as \040 are undone.
 */
bool spy_cgroup_mount_parse(const char *text, size_t size, bool unified, const char *path,
			    struct spy_cgroup_mount *ret);

/* A limit in bytes; false for "max", for the huge number that means none, for 0 and for no number. */
bool spy_cgroup_limit_parse(const char *text, size_t size, uint64_t *ret);

/*
 * The smallest limit of a process' group and all groups above it that can be seen, by the texts of
 * its cgroup and of this process' mountinfo; the limits are read from where these say. See
 * spy_cgroup_limit.
 */
uint64_t spy_cgroup_find(const char *groups, size_t group_size, const char *mounts,
			 size_t mount_size, char **name);

/* --- a process --- */

/*
 * The smallest limit of its groups; *name (the caller frees it, valid UTF-8) is whose it is, as a
 * path from the topmost group that can be seen, such as "/system.slice/app.service". 0: none is
 * known, *name is NULL.
 */
uint64_t spy_cgroup_limit(pid_t pid, char **name);

#endif
