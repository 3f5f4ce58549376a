/* Why a process may not be read, in words that help. */
#include "target/permission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "target/process.h"

#define CAP_SYS_PTRACE_BIT 19 /* linux/capability.h */

static bool have_ptrace_capability(void)
{
	spy_autofree char *text = NULL;
	char *line;

	if (spy_proc_read("self/status", 65536, &text, NULL, NULL) < 0)
		return false;
	line = strstr(text, "\nCapEff:");
	return line && (strtoull(line + 8, NULL, 16) >> CAP_SYS_PTRACE_BIT & 1);
}

static int yama_scope(void)
{
	spy_autofree char *text = NULL;

	if (spy_proc_read("sys/kernel/yama/ptrace_scope", 64, &text, NULL, NULL) < 0)
		return 0;
	return atoi(text);
}

static bool in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
	       getenv("KUBERNETES_SERVICE_HOST") != NULL;
}

static bool same_user_namespace(pid_t pid)
{
	char path[64], ours[64] = "", theirs[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	if (readlink("/proc/self/ns/user", ours, sizeof(ours) - 1) < 0 ||
	    readlink(path, theirs, sizeof(theirs) - 1) < 0)
		return true; /* not told: assume the usual */
	return strcmp(ours, theirs) == 0;
}

int spy_permission_denied(pid_t pid, struct pyspyc_error *err)
{
	const char *container = in_container()
		? "; in Docker start the container with --cap-add SYS_PTRACE, in Kubernetes add "
		  "SYS_PTRACE to securityContext.capabilities"
		: "";
	struct stat owner;
	char path[64];
	int yama;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (have_ptrace_capability() && !same_user_namespace(pid))
		return spy_fail(err, PYSPYC_EPERM,
				"not permitted to read process %d: it lives in another user namespace, "
				"where CAP_SYS_PTRACE here counts for nothing: run pyspyc on the host "
				"or inside that namespace", (int)pid);
	if (have_ptrace_capability())
		return spy_fail(err, PYSPYC_EPERM,
				"not permitted to read process %d although CAP_SYS_PTRACE is there: it "
				"has capabilities that pyspyc lacks, or a security module (AppArmor, "
				"SELinux, Yama at 3) forbids it: run pyspyc with all capabilities",
				(int)pid);
	if (geteuid() == 0)
		return spy_fail(err, PYSPYC_EPERM,
				"not permitted to read process %d: root lacks the capability "
				"CAP_SYS_PTRACE here%s", (int)pid, container[0] ? container :
				" (a container, or a service with a bounded set): grant it");
	if (stat(path, &owner) == 0 && owner.st_uid != geteuid())
		return spy_fail(err, PYSPYC_EPERM,
				"not permitted to read process %d: it belongs to user %u: run pyspyc "
				"with sudo, or grant it CAP_SYS_PTRACE%s",
				(int)pid, (unsigned)owner.st_uid, container);
	yama = yama_scope();
	if (yama > 0)
		return spy_fail(err, PYSPYC_EPERM,
				"not permitted to read process %d: Yama forbids it "
				"(kernel.yama.ptrace_scope is %d): run pyspyc with sudo, %s%s",
				(int)pid, yama,
				yama == 1 ? "set the sysctl to 0, or launch the program with "
					    "'pyspyc record -- ...'"
					  : "or grant it CAP_SYS_PTRACE", container);
	return spy_fail(err, PYSPYC_EPERM,
			"not permitted to read process %d: it is set-user-ID, has capabilities of "
			"its own or is not dumpable: run pyspyc with sudo, or grant it "
			"CAP_SYS_PTRACE%s", (int)pid, container);
}
