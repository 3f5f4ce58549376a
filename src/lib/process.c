/* Process trees and launched programs, for the public interface. */
#include "pyspyc/process.h"

#include <errno.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/export.h"
#include "base/error.h"
#include "target/launch.h"
#include "target/process.h"

#define DESCENDANTS_LIMIT 100000

struct pyspyc_child {
	pid_t pid;
	bool ended;
	int status; /* as a shell gives it */
};

PYSPYC_EXPORT int pyspyc_descendants(pid_t pid, pid_t **ret, size_t *count,
				     struct pyspyc_error *err)
{
	pid_t *pids = NULL;
	size_t found = 0, next = 0;
	int result = spy_process_children(pid, &pids, &found, err);

	/* A gone descendant is no error: its children belong to another by now. */
	while (result == 0 && next < found && found < DESCENDANTS_LIMIT) {
		if (spy_process_children(pids[next++], &pids, &found, err) == -PYSPYC_ENOMEM)
			result = -PYSPYC_ENOMEM;
	}
	if (result < 0) {
		free(pids);
		return result;
	}
	*ret = pids;
	*count = found;
	return 0;
}

PYSPYC_EXPORT pid_t pyspyc_parent(pid_t pid)
{
	struct spy_stat stat;

	return spy_stat_read(pid, 0, &stat, NULL) < 0 ? 0 : stat.ppid;
}

PYSPYC_EXPORT bool pyspyc_caller(uid_t *uid, gid_t *gid)
{
	struct spy_identity identity = spy_identity_of_caller();

	if (identity.change) {
		*uid = identity.uid;
		*gid = identity.gid;
	}
	return identity.change;
}

PYSPYC_EXPORT int pyspyc_child_start(char *const argv[], struct pyspyc_child **ret,
				     struct pyspyc_error *err)
{
	struct spy_identity identity = spy_identity_of_caller();
	struct pyspyc_child *child = calloc(1, sizeof(*child));
	int result;

	if (!child)
		return spy_nomem(err);
	result = spy_launch(argv, &identity, &child->pid, err);
	if (result < 0) {
		free(child);
		return result;
	}
	*ret = child;
	return 0;
}

PYSPYC_EXPORT pid_t pyspyc_child_pid(const struct pyspyc_child *child)
{
	return child->pid;
}

PYSPYC_EXPORT int pyspyc_child_status(struct pyspyc_child *child, bool wait, int *ret)
{
	siginfo_t info = { 0 };

	if (child->ended) {
		*ret = child->status;
		return 0;
	}
	/* Looked at first, taken then: a stop of ours for a reading is the sampler's to take. */
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT | (wait ? 0 : WNOHANG)) < 0) {
		if (errno == EINTR)
			return -PYSPYC_EAGAIN;
		child->status = 1;
	} else if (info.si_pid == child->pid && info.si_code == CLD_EXITED) {
		child->status = info.si_status;
	} else if (info.si_pid == child->pid &&
		   (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)) {
		child->status = 128 + info.si_status;
	} else {
		return -PYSPYC_EAGAIN;
	}
	waitpid(child->pid, NULL, WNOHANG);
	child->ended = true;
	*ret = child->status;
	return 0;
}

PYSPYC_EXPORT void pyspyc_child_free(struct pyspyc_child *child)
{
	free(child);
}
