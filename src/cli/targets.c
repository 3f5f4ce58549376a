#include "cli/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/program.h"
#include "cli/signals.h"
#include "cli/stand_in.h"
#include "cli/values.h"

#define DESCRIPTORS 65536
#define MEANWHILE_NS 50000000

static bool interrupted(void *context)
{
	(void)context;
	return cli_signals_ended() != 0;
}

static int fail(const struct pyspyc_error *err)
{
	return cli_error("%s", err->message);
}

/* A number alone is a forgotten --pid rather than a program. */
static int fail_to_start(const struct cli_order *order, const struct pyspyc_error *err)
{
	pid_t pid;

	if (!order->program[1] && !cli_parse_pid(order->program[0], &pid))
		return cli_error("%s (to %s process %d: --pid %d)", err->message,
				 order->options.live ? "look at" : "record", (int)pid, (int)pid);
	return fail(err);
}

/* Some are kept open for each thread. A program that was started has its own limit by now. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int attach(const struct cli_order *order, struct pyspyc_recorder *recorder)
{
	struct pyspyc_error err = { 0 };

	for (size_t i = 0; i < order->pid_count; i++) {
		if (!pyspyc_recorder_add(recorder, order->pids[i], false, interrupted, NULL, &err))
			continue;
		if (cli_signals_ended())
			return cli_error("interrupted while waiting for process %d",
					 (int)order->pids[i]);
		return fail(&err);
	}
	return CLI_OK;
}

int cli_targets_add(const struct cli_order *order, struct pyspyc_recorder *recorder,
		    struct pyspyc_child **child)
{
	struct pyspyc_error err = { 0 };
	int status;

	if (order->program) {
		if (pyspyc_child_start(order->program, child, &err))
			return fail_to_start(order, &err);
		if (pyspyc_recorder_add(recorder, pyspyc_child_pid(*child), true, interrupted, NULL,
					&err))
			return fail(&err);
	}
	status = attach(order, recorder);
	if (!status)
		allow_descriptors();
	return status;
}

void cli_targets_tell(const struct cli_order *order, const struct pyspyc_recorder *recorder,
		      const char *done)
{
	for (size_t i = 0; !order->options.subprocesses && i < order->pid_count; i++)
		cli_stand_in_tell(order->pids[i],
				  pyspyc_recorder_sampled(recorder, order->pids[i]), done,
				  " (--subprocesses takes all)");
}

pid_t cli_targets_first(const struct cli_order *order, const struct pyspyc_child *child)
{
	return child ? pyspyc_child_pid(child) : order->pid_count ? order->pids[0] : 0;
}

char *cli_targets_stem(const struct cli_order *order, pid_t pid)
{
	char *program = order->program ? cli_program_name(order->program) : cli_process_name(pid);
	char *stem = NULL;

	if (program && asprintf(&stem, "%s-%d", program, (int)pid) < 0)
		stem = NULL;
	free(program);
	return stem;
}

int cli_targets_wait(struct pyspyc_child *child, void (*meanwhile)(void *context), void *context)
{
	const int again = -(int)PYSPYC_EAGAIN;
	const struct timespec pause = { .tv_nsec = MEANWHILE_NS };
	int status = CLI_FAILED;
	int ret = pyspyc_child_status(child, false, &status);

	if (ret == again && isatty(STDERR_FILENO))
		/* The terminal sends Ctrl-C to both; what ends pyspyc alone needs its own number. */
		cli_note("waiting for the program (process %d) to end; Ctrl-C reaches it as well; "
			 "kill %d%s leaves it running",
			 (int)pyspyc_child_pid(child), (int)getpid(),
			 cli_signals_ended() ? "" : ", twice,");
	while (ret == again) {
		if (meanwhile) {
			meanwhile(context);
			nanosleep(&pause, NULL);
		}
		ret = pyspyc_child_status(child, !meanwhile, &status);
	}
	return ret ? cli_error("cannot learn how the program ended") : status;
}

int cli_targets_end(struct pyspyc_child *child, int status)
{
	int program_status;

	if (!child)
		return status;
	program_status = cli_targets_wait(child, NULL, NULL);
	pyspyc_child_free(child);
	return status ? status : program_status;
}
