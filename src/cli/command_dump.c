/* pyspyc dump: what every thread does now. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/message.h"
#include "cli/values.h"
#include "pyspyc/process.h"

#define COMMAND "dump"

/* For an interpreter that is just starting. */
#define WAIT_SECONDS 1.0

struct dump {
	struct pyspyc_snapshot_options options;
	json_t *document; /* NULL for text */
	struct cli_out out;
	bool subprocesses;
	bool colour;
	size_t shown;
	pid_t root;  /* the process that was asked for */
	pid_t *seen; /* processes that have been dealt with */
	size_t seen_count;
	int status;
};

/* Whether pid is new, and from now on it is not. */
static bool is_new(struct dump *dump, pid_t pid)
{
	pid_t *grown;

	for (size_t i = 0; i < dump->seen_count; i++)
		if (dump->seen[i] == pid)
			return false;
	grown = realloc(dump->seen, (dump->seen_count + 1) * sizeof(*grown));
	if (!grown)
		return true;
	dump->seen = grown;
	grown[dump->seen_count++] = pid;
	return true;
}

static void report(struct dump *dump, pid_t pid, const struct pyspyc_error *err)
{
	dump->status = cli_error("%s", err->message);
	if (dump->document)
		cli_dump_add_error(dump->document, pid, err);
}

static void rule(FILE *file)
{
	fputc('\n', file);
	for (int width = cli_width(stdout, 79); width > 0; width--)
		fputc('-', file);
	fputc('\n', file);
}

static void show(struct dump *dump, const struct pyspyc_snapshot *snapshot, pid_t asked)
{
	/* Behind a wrapper it is a descendant that is shown, which may come up again. */
	if (snapshot->pid != asked && !is_new(dump, snapshot->pid))
		return;
	if (dump->document) {
		if (!cli_dump_add(dump->document, snapshot))
			dump->status = cli_error("out of memory");
	} else if (dump->out.file) {
		if (dump->shown)
			rule(dump->out.file);
		cli_dump_text(dump->out.file, snapshot,
			      snapshot->pid == dump->root ? 0 : snapshot->parent, dump->colour);
		cli_out_flush(&dump->out);
	}
	dump->shown++;
}

/* Shows one process; 0 or the error's negated code. */
static int show_process(struct dump *dump, pid_t pid, double wait, struct pyspyc_error *err)
{
	struct pyspyc_snapshot_options options = dump->options;
	struct pyspyc_snapshot *snapshot = NULL;
	int ret;

	options.wait = wait;
	ret = pyspyc_snapshot_take(pid, &options, &snapshot, err);
	if (!ret)
		show(dump, snapshot, pid);
	pyspyc_snapshot_free(snapshot);
	return ret;
}

/* Not a Python process, not yet one or no longer one: nothing to show, and no fault. */
static bool is_passed_over(int ret)
{
	return ret == -(int)PYSPYC_ENOTPYTHON || ret == -(int)PYSPYC_ENOTREADY ||
	       ret == -(int)PYSPYC_ENOPROC;
}

static void show_tree(struct dump *dump, pid_t root)
{
	struct pyspyc_error root_error = { 0 };
	struct pyspyc_error err = { 0 };
	size_t before = dump->shown;
	pid_t *pids = NULL;
	size_t count = 0;
	int root_ret = is_new(dump, root) ? show_process(dump, root, 0, &root_error) : 0;
	int ret;

	if (pyspyc_descendants(root, &pids, &count, &err)) {
		report(dump, root, root_ret ? &root_error : &err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == getpid() || !is_new(dump, pids[i]))
			continue;
		ret = show_process(dump, pids[i], 0, &err);
		if (ret && !is_passed_over(ret))
			report(dump, pids[i], &err);
	}
	free(pids);
	if (!root_ret)
		return;
	if (!is_passed_over(root_ret))
		report(dump, root, &root_error);
	else if (dump->shown == before && show_process(dump, root, WAIT_SECONDS, &root_error))
		report(dump, root, &root_error);
}

static void show_one(struct dump *dump, pid_t pid)
{
	struct pyspyc_error err = { 0 };

	dump->root = pid;
	if (dump->subprocesses)
		show_tree(dump, pid);
	else if (is_new(dump, pid) && show_process(dump, pid, WAIT_SECONDS, &err))
		report(dump, pid, &err);
}

/* The pids of --pid and those without it, in *ret, which the caller frees. */
static int collect(const struct cli_arguments *arguments, pid_t **ret, size_t *count)
{
	const char *text;
	const char *wrong;
	size_t at = 0;
	size_t operand = 0;

	*count = 0;
	*ret = calloc(arguments->given_count + arguments->operand_count + 1, sizeof(**ret));
	if (!*ret)
		return cli_error("out of memory");
	for (;;) {
		text = cli_value_next(arguments, "pid", &at);
		if (!text && operand == arguments->operand_count)
			break;
		if (!text)
			text = arguments->operands[operand++];
		wrong = cli_parse_pid(text, &(*ret)[*count]);
		if (wrong)
			return cli_usage(COMMAND, "'%s' %s", text, wrong);
		(*count)++;
	}
	if (!*count)
		return cli_usage(COMMAND, "no process: --pid PID is missing");
	return CLI_OK;
}

static void print_document(struct dump *dump)
{
	if (!dump->out.file)
		return;
	json_dumpf(dump->document, dump->out.file, JSON_INDENT(2));
	fputc('\n', dump->out.file);
}

static int run(const struct cli_arguments *arguments)
{
	struct dump dump = { 0 };
	pid_t *pids = NULL;
	size_t count = 0;

	dump.status = collect(arguments, &pids, &count);
	dump.subprocesses = cli_has(arguments, "subprocesses");
	dump.colour = cli_wants_colour(stdout);
	dump.options.no_gc = cli_has(arguments, "no-gc");
	dump.options.full_filenames = cli_has(arguments, "full-filenames");
	dump.options.blocking = cli_has(arguments, "nonblocking") ? PYSPYC_BLOCKING_NEVER
				: cli_has(arguments, "blocking")  ? PYSPYC_BLOCKING_ALWAYS
								  : PYSPYC_BLOCKING_AUTO;
	dump.options.names = !strcmp(cli_value(arguments, "function-names"), "plain")
				     ? PYSPYC_NAMES_PLAIN
				     : PYSPYC_NAMES_QUALIFIED;
	if (!dump.status && cli_has(arguments, "json")) {
		dump.document = cli_dump_document();
		if (!dump.document)
			dump.status = cli_error("out of memory");
	}
	if (!dump.status) {
		cli_out_open(&dump.out);
		for (size_t i = 0; i < count; i++)
			show_one(&dump, pids[i]);
		if (dump.document)
			print_document(&dump);
		dump.status = cli_out_close(&dump.out, dump.status);
	}
	json_decref(dump.document);
	free(dump.seen);
	free(pids);
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
