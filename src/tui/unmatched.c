/* --thread where no thread is called so: which ones there are. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/top.h"

struct sentence {
	char *text;
	size_t size, used;
	size_t names;
};

static void add(struct sentence *sentence, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct sentence *sentence, const char *format, ...)
{
	va_list args;
	int length;

	if (sentence->used >= sentence->size)
		return;
	va_start(args, format);
	length = vsnprintf(sentence->text + sentence->used, sentence->size - sentence->used, format,
			   args);
	va_end(args);
	sentence->used += length > 0 ? (size_t)length : 0;
}

/* The threads of a process, each name once in a row. */
static void add_threads(struct sentence *sentence, pid_t pid,
			const struct pyspyc_snapshot_options *options)
{
	struct pyspyc_snapshot *snapshot = NULL;
	const char *last = "";

	if (pyspyc_snapshot_take(pid, options, &snapshot, NULL))
		return;
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct pyspyc_thread_info *thread = &snapshot->threads[i];
		const char *name = thread->name ? thread->name : thread->os_name;

		if (!name || !*name)
			add(sentence, "%s %d", sentence->names++ ? "," : "", (int)thread->tid);
		else if (strcmp(name, last) != 0)
			add(sentence, "%s '%s'", sentence->names++ ? "," : "", name);
		last = name ? name : "";
	}
	pyspyc_snapshot_free(snapshot);
}

bool tui_unmatched(const struct pyspyc_live *live, const char *const *threads,
		   const struct pyspyc_snapshot_options *options, char *text, size_t size)
{
	struct sentence sentence = { text, size, 0, 0 };
	size_t sampled = 0;

	for (size_t i = 0; i < live->process_count; i++)
		sampled += live->processes[i].sampling;
	if (!threads || !threads[0] || live->thread_count || !sampled)
		return false;
	add(&sentence, "no thread is called '%s'%s; there are", threads[0],
	    threads[1] ? " or the like" : "");
	for (size_t i = 0; i < live->process_count; i++)
		if (live->processes[i].sampling)
			add_threads(&sentence, live->processes[i].pid, options);
	return true;
}
