#include "cli/pids.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/values.h"
#include "pyspyc/process.h"

bool cli_pids_have(const struct cli_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

bool cli_pids_add(struct cli_pids *pids, pid_t pid)
{
	pid_t *grown;

	if (cli_pids_have(pids, pid))
		return true;
	grown = realloc(pids->items, (pids->count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	pids->items = grown;
	grown[pids->count++] = pid;
	return true;
}

void cli_pids_add_descendants(struct cli_pids *pids)
{
	/* Descendants of what is added here are among those already. */
	size_t roots = pids->count;

	for (size_t i = 0; i < roots; i++) {
		pid_t *below = NULL;
		size_t count = 0;

		if (pyspyc_descendants(pids->items[i], &below, &count, NULL))
			continue;
		for (size_t k = 0; k < count; k++)
			if (below[k] != getpid())
				cli_pids_add(pids, below[k]);
		free(below);
	}
}

int cli_pids_read(const struct cli_arguments *arguments, struct cli_pids *ret)
{
	size_t at = 0, operand = 0;

	*ret = (struct cli_pids){ 0 };
	for (;;) {
		const char *text = cli_value_next(arguments, "pid", &at);
		const char *wrong;
		pid_t pid;

		if (!text && operand == arguments->operand_count)
			break;
		if (!text)
			text = arguments->operands[operand++];
		wrong = cli_parse_pid(text, &pid);
		if (wrong)
			return cli_usage(arguments->command, "'%s' %s", text, wrong);
		if (!cli_pids_add(ret, pid))
			return cli_error("out of memory");
	}
	if (!ret->count)
		return cli_usage(arguments->command, "no process: --pid PID is missing");
	return CLI_OK;
}

void cli_pids_free(struct cli_pids *pids)
{
	free(pids->items);
	*pids = (struct cli_pids){ 0 };
}

bool cli_passed_over(int ret)
{
	return ret == -(int)PYSPYC_ENOTPYTHON || ret == -(int)PYSPYC_ENOTREADY ||
	       ret == -(int)PYSPYC_ENOPROC;
}
