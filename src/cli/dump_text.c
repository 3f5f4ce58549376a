/* A snapshot as text, in the form that py-spy made known. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/dump.h"
#include "cli/message.h"
#include "cli/program.h"

#define RULE_WIDTH 79

enum style {
	PLAIN,
	ID,
	BOLD,
	DIM,
	FUNCTION,
	FILE_NAME,
	WARNING,
};

static const char *const codes[] = {
	[PLAIN] = "",		[ID] = "\033[1;33m",	 [BOLD] = "\033[1m",
	[DIM] = "\033[2m",	[FUNCTION] = "\033[32m", [FILE_NAME] = "\033[36m",
	[WARNING] = "\033[31m",
};

struct text {
	FILE *file;
	bool colour;
};

static void put(const struct text *text, enum style style, const char *string)
{
	bool styled = text->colour && style != PLAIN;

	if (styled)
		fputs(codes[style], text->file);
	cli_put_safe(text->file, string);
	if (styled)
		fputs("\033[0m", text->file);
}

static void put_number(const struct text *text, enum style style, int64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, number);
	put(text, style, digits);
}

static void put_process(const struct text *text, const char *what, pid_t pid, const char *command)
{
	fputs(what, text->file);
	put_number(text, ID, pid);
	fputs(": ", text->file);
	put(text, PLAIN, command ? command : "");
	fputc('\n', text->file);
}

static const char *state_of(const struct pyspyc_thread_info *thread)
{
	if (thread->gil_wait)
		return " (waiting for the GIL)";
	if (thread->active)
		return thread->gil ? " (active+gil)" : " (active)";
	return thread->gil ? " (idle+gil)" : " (idle)";
}

static void put_frame(const struct text *text, const struct pyspyc_frame_info *frame)
{
	fputs("    ", text->file);
	put(text, FUNCTION, frame->name);
	if (!*frame->file && !frame->line) { /* a marker such as <GC> */
		fputc('\n', text->file);
		return;
	}
	fputs(" (", text->file);
	put(text, FILE_NAME, frame->file);
	if (frame->line > 0) {
		fputc(':', text->file);
		put_number(text, DIM, frame->line);
	}
	fputs(")\n", text->file);
}

static void put_thread(const struct text *text, const struct pyspyc_thread_info *thread)
{
	const char *name = thread->name ? thread->name : thread->os_name;
	char ident[24];

	fputs("Thread ", text->file);
	if (thread->tid) {
		put_number(text, ID, thread->tid);
	} else {
		snprintf(ident, sizeof(ident), "0x%" PRIX64, thread->ident);
		put(text, ID, ident);
	}
	fputs(state_of(thread), text->file);
	if (name && *name) {
		fputs(": \"", text->file);
		put(text, PLAIN, name);
		fputc('"', text->file);
	}
	if (thread->interpreter)
		fprintf(text->file, " [interpreter %" PRId64 "]", thread->interpreter);
	fputc('\n', text->file);
	for (size_t i = 0; i < thread->frame_count; i++)
		put_frame(text, &thread->frames[i]);
	if (thread->truncated)
		put(text, WARNING, "    ... (cut here: the outermost frames are left out)");
	if (thread->error) {
		put(text, WARNING, "    (not readable: ");
		put(text, WARNING, thread->error);
		put(text, WARNING, ")");
	}
	if (thread->truncated || thread->error)
		fputc('\n', text->file);
}

void cli_dump_text(FILE *file, const struct pyspyc_snapshot *snapshot, pid_t parent, bool colour)
{
	const struct text text = { .file = file, .colour = colour };
	char *command;

	put_process(&text, "Process ", snapshot->pid, snapshot->command);
	fputs("Python v", file);
	put(&text, BOLD, snapshot->version);
	fputs(" (", file);
	put(&text, DIM, snapshot->executable);
	fputs(")\n", file);
	if (parent > 0) {
		command = cli_process_command(parent);
		put_process(&text, "Parent Process ", parent, command);
		free(command);
	}
	if (!snapshot->consistent)
		put(&text, WARNING, "(not all stacks could be verified)");
	fputs(snapshot->consistent ? "\n" : "\n\n", file);
	for (size_t i = 0; i < snapshot->thread_count; i++)
		put_thread(&text, &snapshot->threads[i]);
}

void cli_dump_rule(FILE *file, int width)
{
	fputc('\n', file);
	for (; width > 0; width--)
		fputc('-', file);
	fputc('\n', file);
}

struct all {
	FILE *file;
	struct cli_dump_walk walk;
};

static void show(void *context, const struct pyspyc_snapshot *snapshot, pid_t parent)
{
	struct all *all = context;

	if (all->walk.shown)
		cli_dump_rule(all->file, RULE_WIDTH);
	cli_dump_text(all->file, snapshot, parent, false);
}

static void fail(void *context, pid_t pid, const struct pyspyc_error *err)
{
	struct all *all = context;

	(void)pid;
	cli_put_safe(all->file, err->message);
	fputc('\n', all->file);
}

void cli_dump_all(FILE *file, const pid_t *pids, size_t count, bool subprocesses,
		  const struct pyspyc_snapshot_options *options)
{
	struct all all = { .file = file };

	all.walk = (struct cli_dump_walk){
		.options = *options, .show = show, .fail = fail, .context = &all
	};
	for (size_t i = 0; i < count; i++)
		cli_dump_walk(&all.walk, pids[i], subprocesses);
	cli_dump_walk_free(&all.walk);
}
