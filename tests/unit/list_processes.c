/*
 * Shows what the library says of processes: `list_processes` prints one JSON object a line, the
 * last of them the milliseconds that the list took; `list_processes PID PATH` a source file, or
 * on standard error why it cannot be had.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pyspyc/processes.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int print(json_t *object)
{
	int failed = !object || json_dumpf(object, stdout, JSON_COMPACT) < 0;

	putchar('\n');
	json_decref(object);
	return failed;
}

static int list(void)
{
	struct pyspyc_process_info *processes = NULL;
	struct pyspyc_error err;
	double start = now(), took;
	size_t count = 0, i;
	int failed = 0;

	if (pyspyc_processes(&processes, &count, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	took = now() - start;
	for (i = 0; i < count; i++) {
		const struct pyspyc_process_info *info = &processes[i];

		failed |= print(json_pack("{si si si ss ss sb sI sI sI}", "pid", (int)info->pid,
					  "parent", (int)info->parent, "uid", (int)info->uid,
					  "command", info->command, "version", info->version,
					  "readable", (int)info->readable, "cpu_ns",
					  (json_int_t)info->cpu_ns, "rss", (json_int_t)info->rss,
					  "started_at", (json_int_t)info->started_at));
	}
	pyspyc_processes_free(processes, count);
	return failed | print(json_pack("{sf}", "milliseconds", took));
}

static int show(int pid, const char *path)
{
	struct pyspyc_error err;
	char *text = NULL;
	size_t size = 0;

	if (pyspyc_source_read(pid, path, &text, &size, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return err.code == PYSPYC_EIO ? 1 : 2;
	}
	fwrite(text, 1, size, stdout);
	if (text[size] != '\0')
		return 3;
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	return argc == 3 ? show(atoi(argv[1]), argv[2]) : list();
}
