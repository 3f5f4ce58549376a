/* What a process or a command line is called. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A name fit for a file: the script, the module after -m, or the executable that argv
 * (NULL-terminated) runs; at most 64 letters, digits and "._+-". The caller frees it.
 */
char *cli_program_name(char *const argv[]);

/* The same for a running process, from /proc/PID/cmdline; "python" when it cannot be read. */
char *cli_process_name(pid_t pid);

/* The command line of a running process, joined by blanks, or NULL. The caller frees it. */
char *cli_process_command(pid_t pid);

#endif
