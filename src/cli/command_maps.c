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

struct look {
	struct pyspyc_maps **maps;
	size_t count;
	json_t *document; /* NULL: no JSON is wanted */
	int status;
};

static bool is_known(const struct look *look, pid_t pid)
{
	for (size_t i = 0; i < look->count; i++)
		if (look->maps[i]->pid == pid)
			return true;
	return false;
}

static void report(struct look *look, pid_t pid, const struct pyspyc_error *err)
{
	look->status = cli_error("%s", err->message);
	if (look->document)
		cli_json_add_error(look->document, pid, err);
}

/* False when it was to be looked at and could not be, which has then been said. */
static bool look_at(struct look *look, pid_t pid, bool is_child)
{
	struct pyspyc_error err = { 0 };
	struct pyspyc_maps *maps = NULL;
	struct pyspyc_maps **grown;
	int ret;

	if (is_known(look, pid))
		return true;
	ret = pyspyc_maps_take(pid, &maps, &err);
	if (ret && is_child && ret == -(int)PYSPYC_ENOPROC)
		return true;
	if (ret) {
		report(look, pid, &err);
		return false;
	}
	if (is_child && !maps->version) {
		pyspyc_maps_free(maps);
		return true;
	}
	grown = realloc(look->maps, (look->count + 1) * sizeof(struct pyspyc_maps *));
	if (!grown) {
		pyspyc_maps_free(maps);
		look->status = cli_error("out of memory");
		return true;
	}
	look->maps = grown;
	grown[look->count++] = maps;
	return true;
}

static void look_at_tree(struct look *look, pid_t root)
{
	struct pyspyc_error err = { 0 };
	pid_t *pids = NULL;
	size_t count = 0;

	if (!look_at(look, root, false))
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
	for (size_t i = 0; i < look->count; i++)
		if (!cli_maps_add(look->document, look->maps[i], all))
			look->status = cli_error("out of memory");
	cli_json_print(file, look->document);
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

	if (cli_has(arguments, "output") && !look->document)
		return;
	cli_out_open(&out);
	if (out.file && look->document)
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
	if (!look.status && path && !strcmp(path, "-") && cli_has(arguments, "json"))
		look.status = cli_usage(COMMAND,
					"--json and --output - cannot both have standard output");
	if (!look.status && path && !cli_output_open(&output, path))
		look.status = CLI_FAILED;
	if (!look.status && cli_has(arguments, "json")) {
		look.document = cli_json_document(CLI_MAPS_SCHEMA_NAME, CLI_MAPS_SCHEMA);
		if (!look.document)
			look.status = cli_error("out of memory");
	}
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
	json_decref(look.document);
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
