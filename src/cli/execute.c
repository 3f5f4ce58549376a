#include "cli/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/signals.h"
#include "tui/clock.h"

#define SHELL "/bin/sh"
#define POLL_NS 20000000

/* The environment with variables in place of those of their names, which the caller frees. */
static char **environment(char *const variables[])
{
	size_t count = 0;
	size_t kept = 0;
	char **made;

	for (char **at = environ; *at; at++)
		count++;
	for (char *const *at = variables; *at; at++)
		count++;
	made = calloc(count + 1, sizeof(*made));
	if (!made)
		return NULL;
	for (char *const *at = variables; *at; at++)
		made[kept++] = *at;
	for (char **at = environ; *at; at++) {
		bool replaced = false;

		for (char *const *own = variables; *own && !replaced; own++)
			replaced = !strncmp(*at, *own, strcspn(*own, "=") + 1);
		if (!replaced)
			made[kept++] = *at;
	}
	return made;
}

static int spawn(struct cli_execute *execute, const char *command, char *const environment_of[])
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)command, NULL };
	posix_spawn_file_actions_t actions;
	int wrong = posix_spawn_file_actions_init(&actions);

	if (wrong)
		return wrong;
	wrong = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!wrong)
		wrong = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (!wrong)
		wrong = posix_spawn(&execute->pid, SHELL, &actions, NULL, argv, environment_of);
	posix_spawn_file_actions_destroy(&actions);
	if (wrong)
		execute->pid = 0;
	return wrong;
}

bool cli_execute_start(struct cli_execute *execute, const char *command, char *const variables[])
{
	char **all;
	int wrong;

	cli_execute_look(execute);
	if (execute->pid) {
		cli_error("the command of --exec still runs (process %d): not started again",
			  (int)execute->pid);
		return false;
	}
	all = environment(variables);
	wrong = all ? spawn(execute, command, all) : ENOMEM;
	free(all);
	if (wrong)
		cli_error("cannot start the command of --exec: %s", strerror(wrong));
	return !wrong;
}

void cli_execute_look(struct cli_execute *execute)
{
	int status;

	if (!execute->pid || waitpid(execute->pid, &status, WNOHANG) != execute->pid)
		return;
	execute->pid = 0;
	if (WIFSIGNALED(status))
		cli_note("the command of --exec was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		cli_note("the command of --exec ended with exit status %d", WEXITSTATUS(status));
}

void cli_execute_wait(struct cli_execute *execute)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	uint64_t end_ns = tui_clock_ns() + UINT64_C(1000000000) * CLI_EXECUTE_SECONDS;
	int before = cli_signals_ended();

	for (cli_execute_look(execute);
	     execute->pid && tui_clock_ns() < end_ns && cli_signals_ended() == before;
	     cli_execute_look(execute))
		nanosleep(&pause, NULL);
	if (execute->pid)
		cli_note("the command of --exec still runs (process %d) and is left alone",
			 (int)execute->pid);
}
