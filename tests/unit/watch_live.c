/*
 * What the library says of a recording as it goes on: `watch_live [-s] PID [RATE]` follows PID and
 * obeys commands, one a line on its input, each answered with a line of JSON:
 *
 *	update		pyspyc_live_update
 *	stack PID TID	pyspyc_live_stack
 *	rate NUMBER	another rate
 *	pause, go	nothing is read meanwhile
 *	reset		since the start: from now on
 *	stats		what has been counted so far, and how often tick was called
 *
 * The end of its input or of the target ends it.
 */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pyspyc/pyspyc.h"

struct watch {
	struct pyspyc_recorder *recorder;
	char line[256];
	size_t size;
	unsigned ticks;
	int failed;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static json_t *frame(const struct pyspyc_frame_info *info)
{
	return info->name ? json_pack("[s s i i]", info->name, info->path, info->line,
				      info->first_line)
			  : json_null();
}

static json_t *threads(const struct pyspyc_live *live)
{
	static const char *const doings[] = { "idle", "gil wait", "active", "gil", "ended" };
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < live->thread_count; i++) {
		const struct pyspyc_live_thread *thread = &live->threads[i];

		json_array_append_new(
			list,
			json_pack("{si si ss ss ss# sf s[fff] s[fff] so}", "pid", (int)thread->pid,
				  "tid", (int)thread->tid, "name", thread->name, "doing",
				  doings[thread->doing], "state", &thread->os_state, 1, "cpu",
				  thread->cpu, "now", thread->active, thread->gil, thread->gil_wait,
				  "seconds", thread->active_s, thread->gil_s, thread->gil_wait_s,
				  "frame", frame(&thread->frame)));
	}
	return list;
}

static json_t *processes(const struct pyspyc_live *live)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < live->process_count; i++) {
		const struct pyspyc_live_process *process = &live->processes[i];

		json_array_append_new(
			list,
			json_pack("{si si ss ss sI sb sb sf si sI sI sI sI sI}", "pid",
				  (int)process->pid, "parent", (int)process->parent, "command",
				  process->command, "version", process->version, "started_at",
				  (json_int_t)process->started_at, "sampling",
				  (int)process->sampling, "ended", (int)process->ended, "cpu",
				  process->cpu, "threads", (int)process->threads, "rss",
				  (json_int_t)process->rss, "pss", (json_int_t)process->pss, "uss",
				  (json_int_t)process->uss, "swap", (json_int_t)process->swap,
				  "peak", (json_int_t)process->peak_rss));
	}
	return list;
}

static json_t *waits(const struct pyspyc_live *live)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < live->wait_count; i++)
		json_array_append_new(list, json_pack("[s s f f]",
						      live->threads[live->waits[i].waiter].name,
						      live->threads[live->waits[i].holder].name,
						      live->waits[i].now, live->waits[i].seconds));
	return list;
}

static json_t *update(struct watch *watch)
{
	const struct pyspyc_live *live;
	struct pyspyc_error err;
	double before = now(), took;

	if (pyspyc_live_update(watch->recorder, &live, &err) < 0)
		return json_pack("{ss}", "error", err.message);
	took = now() - before;
	return json_pack(
		"{sf sI sI sf sI sI sI sf sf sf s[iii] sf si sI so so so}", "took", took, "at",
		(json_int_t)live->at_ns, "window", (json_int_t)live->window_ns, "rate", live->rate,
		"missed", (json_int_t)live->missed, "errors", (json_int_t)live->errors, "late",
		(json_int_t)live->late_ns, "cpu", live->cpu, "gil", live->gil, "gc", live->gc,
		"counts", (int)live->active, (int)live->idle, (int)live->gil_wait, "rss_per_minute",
		live->rss_per_minute, "points", (int)live->point_count, "last_rss",
		(json_int_t)(live->point_count ? live->points[live->point_count - 1].rss : 0),
		"processes", processes(live), "threads", threads(live), "waits", waits(live));
}

static json_t *stack(struct watch *watch, int pid, int tid)
{
	struct pyspyc_frame_info *frames = NULL;
	struct pyspyc_error err;
	size_t count = 0, i;
	json_t *list;

	if (pyspyc_live_stack(watch->recorder, pid, tid, &frames, &count, &err) < 0)
		return json_pack("{ss}", "error", err.message);
	list = json_array();
	for (i = 0; i < count; i++)
		json_array_append_new(list, frame(&frames[i]));
	free(frames);
	return list;
}

static json_t *stats(struct watch *watch)
{
	const struct pyspyc_recorder_stats *told = pyspyc_recorder_stats(watch->recorder);

	return json_pack("{sI sI sI sI si}", "elapsed", (json_int_t)told->elapsed_ns, "passes",
			 (json_int_t)told->passes, "missed", (json_int_t)told->missed, "samples",
			 (json_int_t)told->samples, "ticks", (int)watch->ticks);
}

static json_t *obey(struct watch *watch, const char *command)
{
	struct pyspyc_error err = { 0 };
	int pid, tid, result = 0;
	double rate;

	if (strcmp(command, "update") == 0)
		return update(watch);
	if (sscanf(command, "stack %d %d", &pid, &tid) == 2)
		return stack(watch, pid, tid);
	if (strcmp(command, "stats") == 0)
		return stats(watch);
	if (sscanf(command, "rate %lf", &rate) == 1)
		result = pyspyc_recorder_set_rate(watch->recorder, rate, &err);
	else if (strcmp(command, "pause") == 0 || strcmp(command, "go") == 0)
		pyspyc_recorder_set_paused(watch->recorder, *command == 'p');
	else if (strcmp(command, "reset") == 0)
		pyspyc_live_reset(watch->recorder);
	else
		result = -1;
	return json_pack("{sb ss}", "done", result == 0, "error", err.message);
}

static void answer(struct watch *watch, const char *command)
{
	json_t *object = obey(watch, command);

	watch->failed |= !object || json_dumpf(object, stdout, JSON_COMPACT) < 0;
	putchar('\n');
	fflush(stdout);
	json_decref(object);
}

static enum pyspyc_next tick(void *context, const struct pyspyc_recorder_stats *so_far)
{
	struct pollfd polled = { .fd = STDIN_FILENO, .events = POLLIN };
	struct watch *watch = context;
	ssize_t size;
	char *end;

	watch->ticks++;
	if (poll(&polled, 1, 0) <= 0)
		return PYSPYC_CONTINUE;
	size = read(STDIN_FILENO, watch->line + watch->size, sizeof(watch->line) - watch->size - 1);
	if (size <= 0)
		return PYSPYC_STOP;
	watch->size += (size_t)size;
	watch->line[watch->size] = '\0';
	while ((end = strchr(watch->line, '\n'))) {
		*end = '\0';
		answer(watch, watch->line);
		watch->size -= (size_t)(end + 1 - watch->line);
		memmove(watch->line, end + 1, watch->size + 1);
	}
	return PYSPYC_CONTINUE;
}

int main(int argc, char **argv)
{
	struct pyspyc_recorder_options options = { .live = true, .wait = 5 };
	struct watch watch = { 0 };
	struct pyspyc_error err;
	int result;

	if (argc > 1 && strcmp(argv[1], "-s") == 0) {
		options.subprocesses = true;
		argv++;
		argc--;
	}
	if (argc > 2)
		options.rate = atof(argv[2]);
	if (argc < 2)
		return 2;
	result = pyspyc_recorder_new(&options, &watch.recorder, &err);
	if (result == 0)
		result = pyspyc_recorder_add(watch.recorder, atoi(argv[1]), false, NULL, NULL,
					     &err);
	if (result == 0) {
		pyspyc_recorder_wake_on(watch.recorder, STDIN_FILENO);
		result = pyspyc_recorder_run(watch.recorder, tick, &watch, &err);
	}
	if (result < 0)
		fprintf(stderr, "%s\n", err.message);
	else
		answer(&watch, "update");
	pyspyc_recorder_free(watch.recorder);
	return result < 0 || watch.failed;
}
