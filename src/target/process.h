/* A process from outside: its identity, mappings, files, memory and threads. */
#ifndef SPY_TARGET_PROCESS_H
#define SPY_TARGET_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/maps.h"
#include "target/memory.h"

struct spy_process {
	pid_t pid;
	struct spy_memory *memory;
	struct spy_maps maps; /* as of the last spy_process_refresh */
	char *root;	      /* the target's root as we see it when that is a folder of ours, else "" */
	char *exe;	      /* the executable's path as the target sees it, never NULL */
	char *command;	      /* the command line, arguments joined by spaces, valid UTF-8 */
	uint64_t start_time;  /* clock ticks since boot, tells a reused pid apart */
	int root_fd;	      /* O_PATH of /proc/PID/root */
	int image_fd;	      /* /proc/PID/mem of the current program; its reads end on exec */
	bool same_root;	      /* the target's root directory is ours */
};

/*
 * Opens a process for reading and reads its identity and mappings. Refuses, each with its
 * own message: a pid that does not exist, a zombie, a kernel thread, pyspyc itself, one
 * that may not be read (the message names what is missing: root or CAP_SYS_PTRACE, Yama's
 * setting, or a container's flag). The caller closes *ret.
 */
int spy_process_open(pid_t pid, struct spy_process **ret, struct pyspyc_error *err);

void spy_process_close(struct spy_process *process);

static inline void spy_process_cleanup(struct spy_process **process)
{
	spy_process_close(*process);
}

/* Reads exe, command line, mappings and image again, as after an exec. */
int spy_process_refresh(struct spy_process *process, struct pyspyc_error *err);

/* False once the program that was opened or refreshed last has exited or called exec. */
bool spy_process_same_image(const struct spy_process *process);

/* False when the process has gone or is a zombie, or its pid belongs to another by now. */
bool spy_process_alive(const struct spy_process *process);

/*
 * The same by pid and start time (0: of whichever process that is). True as well when /proc
 * cannot be read for another reason than that there is no such process.
 */
bool spy_pid_alive(pid_t pid, uint64_t start_time);

/*
 * Opens the file behind a mapping for reading: the very file that is mapped, also when it
 * has been deleted or replaced (/proc/PID/map_files, /proc/PID/exe), else by its path
 * inside the target's root, where the inode must match and links cannot lead out
 * (openat2(2) with RESOLVE_IN_ROOT; regular files only). On success *ret is a descriptor
 * the caller closes. -PYSPYC_EIO when it cannot be had.
 */
int spy_process_open_mapped(const struct spy_process *process, const struct spy_mapping *mapping,
			    int *ret, struct pyspyc_error *err);

/* Opens a regular file by its path inside the target's root; see above. */
int spy_process_open_path(const struct spy_process *process, const char *path, int *ret,
			  struct pyspyc_error *err);

/*
 * The command line of pid, arguments joined by spaces, or its comm when it has none; valid
 * UTF-8, the caller frees it. NULL when memory ran out.
 */
char *spy_process_command(pid_t pid);

/* One thread of a process. */
struct spy_task {
	pid_t tid;    /* as we see it */
	pid_t ns_tid; /* as the target sees it, in its innermost PID namespace */
};

struct spy_tasks {
	struct spy_task *items; /* in order of tid */
	size_t count;
};

/* The threads of the process now. The caller frees ret with spy_tasks_free. */
int spy_process_tasks(const struct spy_process *process, struct spy_tasks *ret,
		      struct pyspyc_error *err);

void spy_tasks_free(struct spy_tasks *tasks);

/* What /proc/PID/task/TID/stat (or /proc/PID/stat, for tid == pid) says; proc(5). */
struct spy_stat {
	char state; /* R, S, D, Z, T, t, X, … */
	pid_t ppid;
	uint64_t utime; /* clock ticks */
	uint64_t stime;
	uint64_t children; /* clock ticks of children that were waited for, and theirs */
	uint64_t minor;	/* page faults without and with reading a disk; of a process of all its threads */
	uint64_t major;
	uint64_t threads; /* that have not ended; a zombie leader counts */
	uint64_t start_time;
	unsigned flags;	   /* PF_* of the kernel */
	char command[64];  /* comm, valid UTF-8 */
};

/* Parses a stat file's text, size bytes. -PYSPYC_ECORRUPT when it makes no sense. */
int spy_stat_parse(const char *text, size_t size, struct spy_stat *ret, struct pyspyc_error *err);

/* Reads the stat of one thread of pid; tid 0 means the process. */
int spy_stat_read(pid_t pid, pid_t tid, struct spy_stat *ret, struct pyspyc_error *err);

/* Children of all the threads of pid, appended to *ret (an array of *count, which the caller frees). */
int spy_process_children(pid_t pid, pid_t **ret, size_t *count, struct pyspyc_error *err);

/*
 * A file of /proc in full, at most limit bytes, NUL-terminated; path is relative to /proc,
 * such as "12/cmdline". The caller frees *ret.
 */
int spy_proc_read(const char *path, size_t limit, char **ret, size_t *size,
		  struct pyspyc_error *err);

#endif
