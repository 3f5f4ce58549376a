#include "cli/commands.h"

#include <string.h>

#define CLI_ROW(name) &cli_command_##name,
const struct cli_command *const cli_commands[] = { CLI_COMMANDS(CLI_ROW) NULL };
#undef CLI_ROW

const struct cli_command *cli_command_find(const char *name, size_t *matches)
{
	const struct cli_command *found = NULL;
	size_t size = strlen(name);
	size_t count = 0;

	for (size_t i = 0; cli_commands[i] && size; i++) {
		if (strncmp(cli_commands[i]->name, name, size) != 0)
			continue;
		found = cli_commands[i];
		count++;
		if (!found->name[size]) {
			count = 1;
			break;
		}
	}
	if (matches)
		*matches = count;
	return count == 1 ? found : NULL;
}
