/* pyspyc: the program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/message.h"
#include "pyspyc/version.h"

/*
 * Closed standard streams would let files that are opened later take their numbers. Opened
 * the wrong way round, so that using them fails as it should.
 */
static void occupy_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

static void on_write_failure(int signal)
{
	(void)signal;
}

/*
 * A closed pipe or a file that may not grow is an error to be told, not a death. A handler
 * rather than SIG_IGN, which a launched program would inherit; where that is what was
 * inherited, it does as well and the program gets it too.
 */
static void survive_write_failures(void)
{
	static const int failures[] = { SIGPIPE, SIGXFSZ };
	struct sigaction action = { .sa_handler = on_write_failure, .sa_flags = SA_RESTART };
	struct sigaction before;

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (!sigaction(failures[i], NULL, &before) && before.sa_handler != SIG_IGN)
			sigaction(failures[i], &action, NULL);
}

static int run_command(const char *word, int argc, char **argv)
{
	size_t matches;
	const struct cli_command *command = cli_command_find(word, &matches);
	struct cli_arguments arguments;
	int status;

	if (!command)
		return cli_usage(NULL,
				 matches > 1 ? "'%s' could be more than one command"
					     : "there is no command '%s'",
				 word);
	if (!cli_arguments_parse(&arguments, command->name, command->operands, argc, argv)) {
		status = cli_usage(command->name, "%s", arguments.problem);
	} else if (cli_has(&arguments, "help")) {
		status = cli_help_show(command);
	} else {
		status = command->run(&arguments);
	}
	cli_arguments_free(&arguments);
	return status;
}

static int show_version(void)
{
	struct cli_out out;

	cli_out_open(&out);
	if (out.file)
		fprintf(out.file, "pyspyc %s\n", pyspyc_version());
	return cli_out_close(&out, CLI_OK);
}

static int run_program(int argc, char **argv)
{
	struct cli_arguments arguments;
	int status = CLI_OK;

	if (!cli_arguments_parse(&arguments, CLI_PROGRAM, CLI_OPERANDS_PROGRAM, argc, argv)) {
		status = cli_usage(NULL, "%s", arguments.problem);
	} else if (cli_has(&arguments, "help")) {
		status = cli_help_show(NULL);
	} else if (cli_has(&arguments, "version")) {
		status = show_version();
	} else if (!arguments.operand_count) {
		cli_help_print(stderr, NULL);
		status = CLI_USAGE;
	} else {
		status = run_command(arguments.operands[0], (int)arguments.operand_count - 1,
				     arguments.operands + 1);
	}
	cli_arguments_free(&arguments);
	return status;
}

int main(int argc, char **argv)
{
	occupy_streams();
	survive_write_failures();
	return run_program(argc > 0 ? argc - 1 : 0, argv + (argc > 0));
}
