#include "tui/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "tui/screen.h"

#define STACK_SIZE 65536

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
/* Whatever else would end the process in its midst. */
static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE,	 SIGILL,  SIGABRT, SIGQUIT,
			       SIGTRAP, SIGSYS, SIGXCPU, SIGALRM, SIGUSR2 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Signals are the process's own, so what their handlers know is as well. */
static volatile sig_atomic_t end_signal;
static volatile sig_atomic_t stop_wanted;
static volatile sig_atomic_t continued;
static struct sigaction before_ends[COUNT(ends)];
static struct sigaction before_crashes[COUNT(crashes)];
static struct sigaction before_stop;
static struct sigaction before_continue;
static char crash_stack[STACK_SIZE];

static void on_end(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	if (!end_signal) {
		end_signal = number;
		return;
	}
	tui_screen_emergency();
	sigaction(number, &action, NULL);
	raise(number); /* takes effect when this returns */
}

static void on_stop(int number)
{
	(void)number;
	stop_wanted = 1;
}

static void on_continue(int number)
{
	(void)number;
	continued = 1;
}

/* As if there had been no handler, but for the terminal. */
static void on_crash(int number)
{
	tui_screen_emergency();
	for (size_t i = 0; i < COUNT(crashes); i++)
		if (crashes[i] == number)
			sigaction(number, &before_crashes[i], NULL);
	raise(number); /* takes effect when this returns, where the code went wrong */
}

/* What is ignored stays so. */
static void catch (int number, void (*handler)(int number), struct sigaction *before)
{
	struct sigaction action = { .sa_handler = handler };

	/* One at a time: a second handler must not see the first one's work half done. */
	for (size_t i = 0; i < COUNT(ends); i++)
		sigaddset(&action.sa_mask, ends[i]);
	sigaction(number, NULL, before);
	if (before->sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

void tui_signals_begin(void)
{
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = crash_stack, .ss_size = sizeof(crash_stack) };

	end_signal = stop_wanted = continued = 0;
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < COUNT(crashes); i++) {
		sigaction(crashes[i], NULL, &before_crashes[i]);
		if (before_crashes[i].sa_handler != SIG_IGN)
			sigaction(crashes[i], &action, NULL);
	}
	for (size_t i = 0; i < COUNT(ends); i++)
		catch (ends[i], on_end, &before_ends[i]);
	catch (SIGTSTP, on_stop, &before_stop);
	catch (SIGCONT, on_continue, &before_continue);
}

void tui_signals_end(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	sigaction(SIGCONT, &before_continue, NULL);
	sigaction(SIGTSTP, &before_stop, NULL);
	for (size_t i = 0; i < COUNT(ends); i++)
		sigaction(ends[i], &before_ends[i], NULL);
	for (size_t i = 0; i < COUNT(crashes); i++)
		sigaction(crashes[i], &before_crashes[i], NULL);
	sigaltstack(&none, NULL);
}

int tui_signals_ended(void)
{
	return end_signal;
}

static bool take(volatile sig_atomic_t *flag)
{
	bool was = *flag;

	*flag = 0;
	return was;
}

bool tui_signals_stop(void)
{
	return take(&stop_wanted);
}

bool tui_signals_continued(void)
{
	return take(&continued);
}
