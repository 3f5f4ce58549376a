/* pyspyc help: the program's help, or a command's. */
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/message.h"

static int run(const struct cli_arguments *arguments)
{
	const struct cli_command *command = NULL;

	if (arguments->operand_count > 1)
		return cli_usage("help", "help takes one command, not %zu",
				 arguments->operand_count);
	if (arguments->operand_count) {
		command = cli_command_find(arguments->operands[0], NULL);
		if (!command)
			return cli_usage(NULL, "there is no command '%s'", arguments->operands[0]);
	}
	return cli_help_show(command);
}

const struct cli_command cli_command_help = {
	.name = "help",
	.summary = "tells about a command",
	.synopses = (const char *const[]){ "[COMMAND]", NULL },
	.operand = "command",
	.operands = CLI_OPERANDS_ANYWHERE,
	.run = run,
};
