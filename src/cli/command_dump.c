/* pyspyc dump: what every thread does now. */
#include <string.h>

#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/message.h"
#include "cli/pids.h"

#define COMMAND "dump"

struct dump {
	struct cli_dump_walk walk;
	json_t *document; /* NULL for text */
	struct cli_out out;
	bool colour;
	int status;
};

static void report(void *context, pid_t pid, const struct pyspyc_error *err)
{
	struct dump *dump = context;

	dump->status = cli_error("%s", err->message);
	if (dump->document)
		cli_json_add_error(dump->document, pid, err);
}

static void show(void *context, const struct pyspyc_snapshot *snapshot, pid_t parent)
{
	struct dump *dump = context;

	if (dump->document) {
		if (!cli_dump_add(dump->document, snapshot))
			dump->status = cli_error("out of memory");
	} else if (dump->out.file) {
		if (dump->walk.shown)
			cli_dump_rule(dump->out.file, cli_width(stdout, 79));
		cli_dump_text(dump->out.file, snapshot, parent, dump->colour);
		cli_out_flush(&dump->out);
	}
}

static void set_options(struct dump *dump, const struct cli_arguments *arguments)
{
	dump->colour = cli_wants_colour(stdout);
	dump->walk = (struct cli_dump_walk){
		.options = {
			.no_gc = cli_has(arguments, "no-gc"),
			.full_filenames = cli_has(arguments, "full-filenames"),
			.blocking = cli_has(arguments, "nonblocking") ? PYSPYC_BLOCKING_NEVER
				    : cli_has(arguments, "blocking")  ? PYSPYC_BLOCKING_ALWAYS
								      : PYSPYC_BLOCKING_AUTO,
			.names = !strcmp(cli_value(arguments, "function-names"), "plain")
					 ? PYSPYC_NAMES_PLAIN
					 : PYSPYC_NAMES_QUALIFIED,
		},
		.wait = CLI_WAIT_SECONDS,
		.show = show,
		.fail = report,
		.context = dump,
	};
}

static int run(const struct cli_arguments *arguments)
{
	struct dump dump = { 0 };
	struct cli_pids pids;

	dump.status = cli_pids_read(arguments, &pids);
	set_options(&dump, arguments);
	if (!dump.status && cli_has(arguments, "json")) {
		dump.document = cli_json_document(CLI_DUMP_SCHEMA_NAME, CLI_DUMP_SCHEMA);
		if (!dump.document)
			dump.status = cli_error("out of memory");
	}
	if (!dump.status) {
		cli_out_open(&dump.out);
		for (size_t i = 0; i < pids.count; i++)
			cli_dump_walk(&dump.walk, pids.items[i],
				      cli_has(arguments, "subprocesses"));
		if (dump.document && dump.out.file)
			cli_json_print(dump.out.file, dump.document);
		dump.status = cli_out_close(&dump.out, dump.status);
	}
	json_decref(dump.document);
	cli_dump_walk_free(&dump.walk);
	cli_pids_free(&pids);
	return dump.status;
}

const struct cli_command cli_command_dump = {
	.name = COMMAND,
	.summary = "shows what every thread of a process does now",
	.synopses = (const char *const[]){ "[options] --pid PID", "[options] PID...", NULL },
	.operand = "pid",
	.operands = CLI_OPERANDS_ANYWHERE,
	.examples =
		(const char *const[]){
			"pyspyc dump --pid 1234",
			"the stacks of a process",
			"pyspyc dump -s -j 1234",
			"its children's as well, as JSON",
			NULL,
		},
	.run = run,
};
