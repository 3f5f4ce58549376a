/* pyspyc maps: what a process uses its memory for. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/maps.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/pids.h"
#include "cli/progress.h"
#include "pyspyc/process.h"

#define COMMAND "maps"

struct failure {
	pid_t pid;
	struct pyspyc_error err;
};

struct look {
	struct pyspyc_maps **maps;
	size_t count;
	struct failure *failures;
	size_t failure_count;
	int status;
};

static int out_of_memory(struct look *look)
{
	return look->status = cli_error("out of memory");
}

static bool is_known(const struct look *look, pid_t pid)
{
	for (size_t i = 0; i < look->count; i++)
		if (look->maps[i]->pid == pid)
			return true;
	return false;
}

static void report(struct look *look, pid_t pid, const struct pyspyc_error *err)
{
	struct failure *grown = realloc(look->failures, (look->failure_count + 1) * sizeof(*grown));

	look->status = cli_error("%s", err->message);
	if (!grown)
		return;
	look->failures = grown;
	grown[look->failure_count++] = (struct failure){ pid, *err };
}

static void look_at(struct look *look, pid_t pid, bool is_child)
{
	struct pyspyc_error err = { 0 };
	struct pyspyc_maps *maps = NULL;
	struct pyspyc_maps **grown;
	int ret;

	if (is_known(look, pid))
		return;
	ret = pyspyc_maps_take(pid, &maps, &err);
	if (ret) {
		if (!is_child || ret != -(int)PYSPYC_ENOPROC)
			report(look, pid, &err);
		return;
	}
	if (is_child && !maps->version) {
		pyspyc_maps_free(maps);
		return;
	}
	grown = realloc(look->maps, (look->count + 1) * sizeof(struct pyspyc_maps *));
	if (!grown) {
		pyspyc_maps_free(maps);
		out_of_memory(look);
		return;
	}
	look->maps = grown;
	grown[look->count++] = maps;
}

static void look_at_tree(struct look *look, pid_t root)
{
	struct pyspyc_error err = { 0 };
	pid_t *pids = NULL;
	size_t count = 0;
	size_t before = look->failure_count;

	look_at(look, root, false);
	if (look->failure_count > before)
		return;
	if (pyspyc_descendants(root, &pids, &count, &err)) {
		report(look, root, &err);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (pids[i] != getpid())
			look_at(look, pids[i], true);
	free(pids);
}

static void print_json(struct look *look, FILE *file, bool all)
{
	json_t *document = cli_maps_document((const struct pyspyc_maps *const *)look->maps,
					     look->count, all);

	for (size_t i = 0; document && i < look->failure_count; i++)
		cli_json_add_error(document, look->failures[i].pid, &look->failures[i].err);
	if (!document)
		out_of_memory(look);
	else
		cli_json_print(file, document);
	json_decref(document);
}

static void print_text(struct look *look, FILE *file, bool all)
{
	const bool colour = cli_wants_colour(stdout);

	for (size_t i = 0; i < look->count; i++) {
		if (i)
			cli_dump_rule(file, cli_width(stdout, 79));
		cli_maps_text(file, look->maps[i], all, colour);
	}
	if (look->count > 1) {
		cli_dump_rule(file, cli_width(stdout, 79));
		cli_maps_text_sum(file, (const struct pyspyc_maps *const *)look->maps, look->count,
				  colour);
	}
}

static int write_picture(const void *context, FILE *file, struct pyspyc_error *err)
{
	const struct look *look = context;

	return pyspyc_maps_picture((const struct pyspyc_maps *const *)look->maps, look->count, file,
				   err);
}

/* Whether the picture's name says that it is one: SVG is what there is. */
static bool names_svg(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	return !dot || !strcasecmp(dot, ".svg");
}

static void draw(struct look *look, struct cli_output *output)
{
	char size[32];

	if (!cli_output_write_by(output, write_picture, look))
		look->status = CLI_FAILED;
	else if (output->stream < 0)
		cli_note("wrote %s (%s)", output->path,
			 cli_format_size(output->size, size, sizeof(size)));
}

static void print(struct look *look, const struct cli_arguments *arguments)
{
	const bool all = cli_has(arguments, "all");
	struct cli_out out;

	if (cli_has(arguments, "output") && !cli_has(arguments, "json"))
		return;
	cli_out_open(&out);
	if (out.file && cli_has(arguments, "json"))
		print_json(look, out.file, all);
	else if (out.file)
		print_text(look, out.file, all);
	look->status = cli_out_close(&out, look->status);
}

static int run(const struct cli_arguments *arguments)
{
	struct cli_output output = CLI_OUTPUT_NONE;
	const char *path = cli_value(arguments, "output");
	struct look look = { 0 };
	struct cli_pids pids;

	look.status = cli_pids_read(arguments, &pids);
	if (!look.status && path && !names_svg(path))
		look.status = cli_usage(COMMAND,
					"the picture is SVG: give --output '%s' the ending .svg",
					path);
	if (!look.status && path && !cli_output_open(&output, path))
		look.status = CLI_FAILED;
	if (!look.status) {
		for (size_t i = 0; i < pids.count; i++) {
			if (cli_has(arguments, "subprocesses"))
				look_at_tree(&look, pids.items[i]);
			else
				look_at(&look, pids.items[i], false);
		}
		if (path && look.count)
			draw(&look, &output);
		print(&look, arguments);
	}
	cli_output_close(&output);
	for (size_t i = 0; i < look.count; i++)
		pyspyc_maps_free(look.maps[i]);
	free(look.maps);
	free(look.failures);
	cli_pids_free(&pids);
	return look.status;
}

const struct cli_command cli_command_maps = {
	.name = COMMAND,
	.summary = "shows what a process uses its memory for, by segment",
	.synopses = (const char *const[]){ "[options] --pid PID", "[options] PID...", NULL },
	.operand = "pid",
	.operands = CLI_OPERANDS_ANYWHERE,
	.examples =
		(const char *const[]){
			"pyspyc maps --pid 1234",
			"kinds of memory, and the largest libraries, files and stacks",
			"pyspyc maps -s -o maps.svg 1234",
			"a picture of a process and its children",
			NULL,
		},
	.run = run,
};
