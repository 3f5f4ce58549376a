#include "cli/options.h"

#include <string.h>

#include "tui/top.h"

#define TARGET "Target options"
#define SAMPLING "Sampling options"
#define OUTPUT "Output options"
#define OTHER "Other options"

#define WORD(name) #name
#define NEXT_WORD(name) " " #name
#define NEXT_OF_SENTENCE(name) ", " #name

const struct cli_option cli_options[] = {
	{
		.name = "pid",
		.letter = 'p',
		.metavar = "PID",
		.commands = "record top dump",
		.group = TARGET,
		.help = "process to look at, in decimal or 0x hexadecimal; may be repeated",
		.hint = CLI_HINT_PID,
		.repeats = true,
	},
	{
		.name = "subprocesses",
		.letter = 's',
		.commands = "record top dump",
		.group = TARGET,
		.help = "take in the children of the process too, and theirs",
		.more = "Programs among them that are not Python are passed over.",
	},
	{
		.name = "thread",
		.metavar = "NAME|TID",
		.commands = "record top",
		.group = TARGET,
		.help = "only the thread with this name or OS thread id; may be repeated",
		.more = "The name is the one that the threading module knows, or else the "
			"operating system's.",
		.repeats = true,
	},
	{
		.name = "include",
		.metavar = "REGEX",
		.commands = "record top",
		.group = TARGET,
		.help = "only stacks with a frame that matches this extended regular expression",
		.more = "It is tried on each frame as the folded format writes it: "
			"function (file:line).",
	},
	{
		.name = "exclude",
		.metavar = "REGEX",
		.commands = "record top",
		.group = TARGET,
		.help = "leave out stacks with a frame that matches",
	},
	{
		.name = "rate",
		.letter = 'r',
		.metavar = "HERTZ",
		.commands = "record top",
		.group = SAMPLING,
		.fallback = "100",
		.help = "samples a second: 100, 1k, 10khz",
		.more = "At most 1000000.",
	},
	{
		.name = "duration",
		.letter = 'd',
		.metavar = "TIME",
		.commands = "record top",
		.group = SAMPLING,
		.fallback = "unlimited",
		.help = "how long to sample: 10 (seconds), 0.5, 10s, 5m, 1h30m, unlimited",
		.more = "A program that pyspyc started runs on afterwards.",
	},
	{
		.name = "mode",
		.metavar = "MODE",
		.commands = "record top",
		.group = SAMPLING,
		.help = "which threads count: all (wall), those that want a CPU (cpu), the one "
			"that holds the GIL (gil)",
		.more = "Without this option idle threads are left out, as with cpu.",
		.choices = "wall cpu gil",
		.conflicts = "gil idle",
	},
	{
		.name = "gil",
		.letter = 'g',
		.commands = "record top",
		.group = SAMPLING,
		.help = "only threads that hold the GIL; the same as --mode gil",
		.conflicts = "idle",
	},
	{
		.name = "idle",
		.letter = 'i',
		.commands = "record top",
		.group = SAMPLING,
		.help = "idle threads too; the same as --mode wall",
	},
	{
		.name = "nonblocking",
		.commands = "record top dump",
		.group = SAMPLING,
		.help = "never stop a thread, not even when its stack cannot be read otherwise",
		.more = "By default a thread is stopped for some microseconds only when several "
			"readings of its stack disagreed.  With this option such a stack is left "
			"out instead, and counted.",
		.conflicts = "blocking",
	},
	{
		.name = "blocking",
		.commands = "record top dump",
		.group = SAMPLING,
		.help = "stop each thread for every reading of its stack",
		.more = "Slower for the process, and never needed for a stack to be right.  "
			"Threads that sleep are not stopped: some system calls would end early.",
	},
	{
		.name = "max-slowdown",
		.metavar = "PERCENT",
		.commands = "record top",
		.group = SAMPLING,
		.fallback = "10",
		.help = "how much of a thread's time stops may take: fewer samples rather than more",
		.more = "Matters for code that does little but make short calls, at high rates.  "
			"100 is no limit.  Not heeded with --blocking.",
	},
	{
		.name = "output",
		.letter = 'o',
		.metavar = "FILE",
		.commands = "record",
		.group = OUTPUT,
		.help = "file to write, - for standard output; else PROGRAM-PID-TIME.svg",
		.more = "The file appears whole when the recording ends, or not at all.  An "
			"existing file or symbolic link of that name is replaced; devices and "
			"named pipes are written to directly.",
		.hint = CLI_HINT_FILE,
	},
	{
		.name = "format",
		.letter = 'f',
		.metavar = "FORMAT",
		.commands = "record",
		.group = OUTPUT,
		.help = "format of the file; without it the file's extension decides",
		.hint = CLI_HINT_FORMAT,
	},
	{
		.name = "view",
		.metavar = "NAME",
		.commands = "top",
		.group = OUTPUT,
		.help = "what the screen shows first: " TUI_VIEW_LIST(WORD, NEXT_OF_SENTENCE),
		.more = "As text, lines prints the lines and everything else the functions.",
		.choices = TUI_VIEW_LIST(WORD, NEXT_WORD),
	},
	{
		.name = "delay",
		.metavar = "TIME",
		.commands = "top",
		.group = OUTPUT,
		.fallback = "1",
		.help = "how long between two refreshes: 1 (second), 0.5, 500ms, 2m",
		.more = "At least 100ms.",
	},
	{
		.name = "batch",
		.metavar = "COUNT",
		.commands = "top",
		.group = OUTPUT,
		.help = "print so many refreshes as text and exit; unlimited for all",
		.more = "Text is printed without this option, too, where standard input or standard "
			"output is no terminal: without an end, then.",
	},
	{
		.name = "once",
		.commands = "top",
		.group = OUTPUT,
		.help = "print one refresh as text and exit; the same as --batch 1",
		.conflicts = "batch",
	},
	{
		.name = "own",
		.letter = 'e',
		.commands = "top",
		.group = OUTPUT,
		.help = "own code only: what libraries do counts as their callers' doing",
		.more = "Libraries are the standard library and what lies in site-packages.",
	},
	{
		.name = "threads",
		.letter = 't',
		.commands = "record top",
		.group = OUTPUT,
		.help = "tell threads apart, each a root of its own",
	},
	{
		.name = "function",
		.letter = 'F',
		.commands = "record top",
		.group = OUTPUT,
		.help = "show a function's first line instead of the current one",
		.conflicts = "nolineno",
	},
	{
		.name = "nolineno",
		.commands = "record",
		.group = OUTPUT,
		.help = "show no line numbers",
	},
	{
		.name = "no-gc",
		.commands = "record top dump",
		.group = OUTPUT,
		.help = "no frame <GC> where the garbage collector runs",
		.more = "The time is then that of the function in which it began to run.",
	},
	{
		.name = "full-filenames",
		.commands = "record top dump",
		.group = OUTPUT,
		.help = "show whole file names instead of package/module.py",
	},
	{
		.name = "function-names",
		.metavar = "KIND",
		.commands = "record top dump",
		.group = OUTPUT,
		.fallback = "qualified",
		.help = "names of functions: Class.method (qualified) or method (plain)",
		.more = "CPython keeps qualified names from version 3.11 on; before that, names "
			"are always plain.",
		.choices = "qualified plain",
	},
	{
		.name = "json",
		.letter = 'j',
		.commands = "top dump",
		.group = OUTPUT,
		.help = "write JSON instead of text; of top, a line at each refresh",
		.more = "See JSON below.",
	},
	{
		.name = "hideprogress",
		.commands = "record",
		.group = OUTPUT,
		.help = "show no progress line",
		.more = "There is none anyway where standard error is not a terminal, or where "
			"pyspyc started the program.",
	},
	{
		.name = "capture",
		.commands = "record",
		.group = OUTPUT,
		.help = "accepted for py-spy's sake, without effect",
		.hidden = true,
	},
	{
		.name = "native",
		.letter = 'n',
		.commands = "record top dump",
		.group = OTHER,
		.help = "frames of C, C++ and Cython too",
		.unsupported = "without it the Python frames are shown",
		.hidden = true,
	},
	{
		.name = "locals",
		.letter = 'l',
		.commands = "dump",
		.group = OTHER,
		.help = "local variables too",
		.unsupported = "without it the stacks are shown",
		.hidden = true,
	},
	{
		.name = "core",
		.letter = 'c',
		.metavar = "FILE",
		.commands = "dump",
		.group = OTHER,
		.help = "a core file instead of a process",
		.unsupported = "give a running process with --pid",
		.hidden = true,
	},
	{
		.name = "help",
		.letter = 'h',
		.commands = CLI_PROGRAM " record top dump help",
		.group = OTHER,
		.help = "show this help and exit",
	},
	{
		.name = "version",
		.letter = 'V',
		.commands = CLI_PROGRAM,
		.group = OTHER,
		.help = "show the version and exit",
	},
};

const size_t cli_option_count = sizeof(cli_options) / sizeof(cli_options[0]);

const char *cli_list_next(const char **list, size_t *size)
{
	const char *word = *list;

	if (!word)
		return NULL;
	while (*word == ' ')
		word++;
	if (!*word)
		return NULL;
	*size = strcspn(word, " ");
	*list = word + *size;
	return word;
}

bool cli_list_has(const char *list, const char *word, size_t size)
{
	const char *item;
	size_t length;

	while ((item = cli_list_next(&list, &length)))
		if (length == size && !memcmp(item, word, size))
			return true;
	return false;
}

bool cli_option_of(const struct cli_option *option, const char *command)
{
	return cli_list_has(option->commands, command, strlen(command));
}

bool cli_option_shown(const struct cli_option *option, const char *command)
{
	return !option->hidden && cli_option_of(option, command);
}
