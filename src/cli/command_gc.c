/* pyspyc gc: the garbage collector's state, and its collections as they come. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/gc.h"
#include "cli/message.h"
#include "cli/stand_in.h"

#define COMMAND "gc"

struct show {
	struct cli_out out;
	json_t *document; /* NULL for text */
	struct cli_pids *pids;
	size_t shown;
	bool subprocesses;
	int status;
};

static void show_process(struct show *show, pid_t pid, bool asked)
{
	struct pyspyc_error err = { 0 };
	struct pyspyc_gc *gc = NULL;
	int ret = pyspyc_gc_read(pid, asked ? CLI_WAIT_SECONDS : 0, &gc, &err);

	if (ret && !asked && cli_passed_over(ret))
		return;
	if (ret) {
		show->status = cli_error("%s", err.message);
		if (show->document)
			cli_json_add_error(show->document, pid, &err);
		return;
	}
	/* With its children, they are shown as such. */
	if (show->subprocesses && gc->pid != pid && cli_pids_have(show->pids, gc->pid)) {
		pyspyc_gc_free(gc);
		return;
	}
	cli_stand_in_tell(pid, gc->pid, "is shown", " (--subprocesses takes all)");
	if (show->document) {
		if (!cli_gc_add(show->document, gc))
			show->status = cli_error("out of memory");
	} else if (show->out.file) {
		if (show->shown++)
			cli_dump_rule(show->out.file, cli_width(stdout, 79));
		cli_gc_text(show->out.file, gc);
		cli_out_flush(&show->out);
	}
	pyspyc_gc_free(gc);
}

static int show_all(const struct cli_arguments *arguments, struct cli_pids *pids)
{
	struct show show = { .pids = pids, .subprocesses = cli_has(arguments, "subprocesses") };
	size_t asked = pids->count;

	if (show.subprocesses)
		cli_pids_add_descendants(pids);
	if (cli_has(arguments, "json")) {
		show.document = cli_json_document(CLI_GC_SCHEMA_NAME, CLI_GC_SCHEMA);
		if (!show.document)
			return cli_error("out of memory");
	}
	cli_out_open(&show.out);
	for (size_t i = 0; i < pids->count; i++)
		show_process(&show, pids->items[i], i < asked);
	if (show.document && show.out.file)
		cli_json_print(show.out.file, show.document);
	json_decref(show.document);
	return cli_out_close(&show.out, show.status);
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_pids pids = { 0 };
	int status = cli_pids_read(arguments, &pids);

	if (!status && !cli_has(arguments, "watch") && cli_has(arguments, "duration"))
		status = cli_usage(COMMAND, "--duration is for --watch");
	if (!status)
		status = cli_has(arguments, "watch") ? cli_gc_watch(arguments, &pids)
						     : show_all(arguments, &pids);
	cli_pids_free(&pids);
	return status;
}

const struct cli_command cli_command_gc = {
	.name = COMMAND,
	.summary = "shows what the garbage collector does and has done",
	.synopses = (const char *const[]){ "[options] --pid PID", "[options] PID...", NULL },
	.operand = "pid",
	.operands = CLI_OPERANDS_ANYWHERE,
	.examples =
		(const char *const[]){
			"pyspyc gc --pid 1234",
			"the state of the garbage collector",
			"pyspyc gc --watch -d 60 1234",
			"each collection of a minute, with its duration",
			NULL,
		},
	.run = run,
};
