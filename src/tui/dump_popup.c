/* d: the stacks of all threads of all processes, as they are now. */
#include <stdio.h>

#include "pyspyc/snapshot.h"
#include "tui/app.h"
#include "tui/paper.h"
#include "tui/threads.h"

static const char *state_of(const struct pyspyc_thread_info *thread)
{
	if (thread->gil_wait)
		return "waiting for the GIL";
	if (thread->active)
		return thread->gil ? "active+gil" : "active";
	return thread->gil ? "idle+gil" : "idle";
}

static void add_thread(struct tui_paper *paper, const struct pyspyc_thread_info *thread)
{
	const char *name = thread->name ? thread->name : thread->os_name;
	char text[TUI_CELL];

	tui_paper_addf(paper, thread->active ? TUI_STRONG : TUI_TEXT, "Thread %d (%s)%s%s%s",
		       (int)thread->tid, state_of(thread), name && *name ? ": \"" : "",
		       name ? name : "", name && *name ? "\"" : "");
	for (size_t i = 0; i < thread->frame_count; i++) {
		tui_frame_text(&thread->frames[i], text, sizeof(text));
		tui_paper_addf(paper, TUI_TEXT, "    %s", text);
	}
	if (thread->truncated)
		tui_paper_add(paper, TUI_WARM, "    ... (the outermost frames are left out)", NULL);
	if (thread->error)
		tui_paper_addf(paper, TUI_BAD, "    (not readable: %s)", thread->error);
}

static void add_process(struct tui_paper *paper, const struct tui_app *app,
			const struct pyspyc_live_process *process)
{
	struct pyspyc_snapshot *snapshot = NULL;
	struct pyspyc_error err = { 0 };

	if (paper->count)
		tui_paper_add(paper, TUI_TEXT, "", NULL);
	if (pyspyc_snapshot_take(process->pid, &app->options->dump, &snapshot, &err)) {
		tui_paper_addf(paper, TUI_BAD, "Process %d: %s", (int)process->pid, err.message);
		return;
	}
	tui_paper_addf(paper, TUI_STRONG, "Process %d: %s", (int)snapshot->pid, snapshot->command);
	tui_paper_addf(paper, TUI_TEXT, "Python v%s (%s)", snapshot->version, snapshot->executable);
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		tui_paper_add(paper, TUI_TEXT, "", NULL);
		add_thread(paper, &snapshot->threads[i]);
	}
	pyspyc_snapshot_free(snapshot);
}

static void begin(void *state, const void *argument)
{
	struct tui_paper *paper = state;
	const struct tui_app *app = argument;

	tui_paper_begin(paper, "Stacks as they were when d was pressed", 0);
	for (size_t i = 0; i < app->live->process_count; i++)
		if (app->live->processes[i].sampling && !app->live->processes[i].ended)
			add_process(paper, app, &app->live->processes[i]);
	tui_paper_end(paper);
}

static const struct tui_view dump = {
	.name = "dump",
	.title = "Dump",
	.help = "The stacks of all threads, as pyspyc dump shows them.",
	.size = sizeof(struct tui_paper),
	.close = tui_paper_free,
	.draw = tui_paper_draw,
	.key = tui_paper_key,
	.list = tui_paper_list,
};

void tui_app_dump(struct tui_app *app)
{
	if (app->finished)
		tui_app_say(app, TUI_WARM, "There is no process any more");
	else
		tui_app_push(app, &dump, begin, app);
}
