#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What handlers write and read; the only mutable state of the program that is not passed on. */
static volatile sig_atomic_t end_signal;
static volatile sig_atomic_t flush_wanted;
static volatile sig_atomic_t progress_shown;
static volatile sig_atomic_t undo_armed;
static int undo_directory = -1;
static char undo_name[64];

static void die_of(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(number, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, number);
	kill(getpid(), number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + number);
}

static void on_end(int number)
{
	static const char clear[] = "\r\033[K";

	if (!end_signal) {
		end_signal = number;
		return;
	}
	if (undo_armed)
		unlinkat(undo_directory, undo_name, 0);
	if (progress_shown)
		(void)!write(STDERR_FILENO, clear, sizeof(clear) - 1);
	die_of(number);
}

static void on_flush(int number)
{
	(void)number;
	flush_wanted = 1;
}

/* What is ignored from the start on (nohup, trap '', a shell's background job) stays so. */
static void catch (int number, const struct sigaction *action)
{
	struct sigaction before;

	if (!sigaction(number, NULL, &before) && before.sa_handler != SIG_IGN)
		sigaction(number, action, NULL);
}

void cli_signals_catch(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_end };

	/* One at a time: a second handler must not see the first one's work half done. */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&action.sa_mask, ends[i]);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		catch (ends[i], &action);
	action.sa_handler = on_flush;
	catch (SIGUSR1, &action);
}

int cli_signals_ended(void)
{
	return end_signal;
}

void cli_signals_note(int signal)
{
	if (signal && !end_signal)
		end_signal = signal;
}

bool cli_signals_flush(void)
{
	bool wanted = flush_wanted;

	flush_wanted = 0;
	return wanted;
}

void cli_signals_undo(int fd, const char *name)
{
	undo_armed = 0;
	if (!name)
		return;
	undo_directory = fd;
	snprintf(undo_name, sizeof(undo_name), "%s", name);
	undo_armed = 1;
}

void cli_signals_progress(bool shown)
{
	progress_shown = shown;
}
