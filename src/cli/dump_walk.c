/* Snapshots of processes one after the other, and of all that they have started. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/dump.h"
#include "pyspyc/process.h"

/* Whether pid is new, and from now on it is not. */
static bool is_new(struct cli_dump_walk *walk, pid_t pid)
{
	if (cli_pids_have(&walk->seen, pid))
		return false;
	cli_pids_add(&walk->seen, pid);
	return true;
}

/* Shows one process; 0 or the error's negated code. */
static int show_process(struct cli_dump_walk *walk, pid_t pid, pid_t root, double wait,
			struct pyspyc_error *err)
{
	struct pyspyc_snapshot_options options = walk->options;
	struct pyspyc_snapshot *snapshot = NULL;
	int ret;

	options.wait = wait;
	ret = pyspyc_snapshot_take(pid, &options, &snapshot, err);
	/* Behind a wrapper it is a descendant that is shown, which may come up again. */
	if (!ret && (snapshot->pid == pid || is_new(walk, snapshot->pid))) {
		walk->show(walk->context, snapshot, snapshot->pid == root ? 0 : snapshot->parent);
		walk->shown++;
	}
	pyspyc_snapshot_free(snapshot);
	return ret;
}

static void show_tree(struct cli_dump_walk *walk, pid_t root)
{
	struct pyspyc_error root_error = { 0 };
	struct pyspyc_error err = { 0 };
	size_t before = walk->shown;
	pid_t *pids = NULL;
	size_t count = 0;
	int root_ret = is_new(walk, root) ? show_process(walk, root, root, 0, &root_error) : 0;
	int ret;

	if (pyspyc_descendants(root, &pids, &count, &err)) {
		walk->fail(walk->context, root, root_ret ? &root_error : &err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == getpid() || !is_new(walk, pids[i]))
			continue;
		ret = show_process(walk, pids[i], root, 0, &err);
		if (ret && !cli_passed_over(ret))
			walk->fail(walk->context, pids[i], &err);
	}
	free(pids);
	if (!root_ret)
		return;
	if (!cli_passed_over(root_ret))
		walk->fail(walk->context, root, &root_error);
	else if (walk->shown == before && show_process(walk, root, root, walk->wait, &root_error))
		walk->fail(walk->context, root, &root_error);
}

void cli_dump_walk(struct cli_dump_walk *walk, pid_t pid, bool subprocesses)
{
	struct pyspyc_error err = { 0 };

	if (subprocesses)
		show_tree(walk, pid);
	else if (is_new(walk, pid) && show_process(walk, pid, pid, walk->wait, &err))
		walk->fail(walk->context, pid, &err);
}

void cli_dump_walk_free(struct cli_dump_walk *walk)
{
	cli_pids_free(&walk->seen);
}
