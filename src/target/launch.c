#include "target/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

static bool number(const char *text, unsigned long *ret)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	return !errno && !*end && *ret < UINT32_MAX;
}

struct spy_identity spy_identity_of_caller(void)
{
	unsigned long uid, gid;

	if (geteuid() != 0 || getuid() != 0 || !number(getenv("SUDO_UID"), &uid) ||
	    !number(getenv("SUDO_GID"), &gid) || uid == 0)
		return (struct spy_identity){ 0 };
	return (struct spy_identity){ true, (uid_t)uid, (gid_t)gid };
}

/* In the child: from here on the user is the caller of sudo. */
static int become(const struct spy_identity *identity, const struct passwd *user)
{
	if (user && initgroups(user->pw_name, identity->gid) < 0)
		return -1;
	if (!user && setgroups(0, NULL) < 0)
		return -1;
	if (setgid(identity->gid) < 0 || setuid(identity->uid) < 0)
		return -1;
	if (user) {
		setenv("HOME", user->pw_dir, 1);
		setenv("USER", user->pw_name, 1);
		setenv("LOGNAME", user->pw_name, 1);
	}
	return 0;
}

/*
 * In the child, where all signals are blocked: exec would undo handlers too, but until then
 * they would swallow what is meant for the program.
 */
static void reset_signals(const sigset_t *mask)
{
	struct sigaction action;
	int number;

	for (number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
		    action.sa_handler != SIG_DFL)
			signal(number, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static void run_child(char *const argv[], const struct spy_identity *identity,
		      const struct passwd *user, const sigset_t *mask, int report)
{
	int errnum;

	reset_signals(mask);
	if (!identity->change || become(identity, user) == 0)
		execvp(argv[0], argv);
	errnum = errno;
	while (write(report, &errnum, sizeof(errnum)) < 0 && errno == EINTR)
		;
	_exit(127);
}

int spy_launch(char *const argv[], const struct spy_identity *identity, pid_t *ret,
	       struct pyspyc_error *err)
{
	const struct passwd *user = identity->change ? getpwuid(identity->uid) : NULL;
	spy_autoclose int report = -1;
	int ends[2], errnum = 0;
	sigset_t all, mask;
	ssize_t got;
	pid_t pid;

	if (!argv[0])
		return spy_fail(err, PYSPYC_EINVAL, "no program to start");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return spy_fail_errno(err, PYSPYC_ESYS, errno, "cannot start %s", argv[0]);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid == 0)
		run_child(argv, identity, user, &mask, ends[1]);
	errnum = errno;
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	report = ends[0];
	close(ends[1]);
	if (pid < 0)
		return spy_fail_errno(err, PYSPYC_ESYS, errnum, "cannot start %s", argv[0]);
	/* The pipe closes by itself when exec succeeds. */
	do
		got = read(report, &errnum, sizeof(errnum));
	while (got < 0 && errno == EINTR);
	if (got == (ssize_t)sizeof(errnum)) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return spy_fail_errno(err, PYSPYC_EIO, errnum, "cannot start %s", argv[0]);
	}
	*ret = pid;
	return 0;
}
