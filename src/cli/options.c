#include "cli/options.h"

#include <string.h>

#include "tui/top.h"

#define TARGET "Target options"
#define SAMPLING "Sampling options"
#define OUTPUT "Output options"
#define ALARMS "Alarm options"
#define OTHER "Other options"

#define WHOLE_FILE                                                                           \
	"The file appears whole when the recording ends, or not at all.  An existing file "  \
	"or symbolic link of that name is replaced; devices and named pipes are written to " \
	"directly."

#define WORD(name) #name
#define NEXT_WORD(name) " " #name
#define NEXT_OF_SENTENCE(name) ", " #name

const struct cli_option cli_options[] = {
	{
		.name = "pid",
		.letter = 'p',
		.metavar = "PID",
		.commands = "record top mem maps dump gc",
		.group = TARGET,
		.help = "process to look at, in decimal or 0x hexadecimal; may be repeated",
		.hint = CLI_HINT_PID,
		.repeats = true,
	},
	{
		.name = "pid",
		.letter = 'p',
		.metavar = "PID",
		.commands = "tracemalloc",
		.group = TARGET,
		.help = "process to look at, in decimal or 0x hexadecimal",
		.hint = CLI_HINT_PID,
	},
	{
		.name = "subprocesses",
		.letter = 's',
		.commands = "record top mem maps dump gc",
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
		.commands = "record top mem",
		.group = SAMPLING,
		.fallback = "100",
		.help = "samples a second: 100, 1k, 10khz",
		.more = "At most 1000000.",
	},
	{
		.name = "duration",
		.letter = 'd',
		.metavar = "TIME",
		.commands = "record top mem",
		.group = SAMPLING,
		.fallback = "unlimited",
		.help = "how long to sample: 10 (seconds), 0.5, 10s, 5m, 1h30m, unlimited",
		.more = "A program that pyspyc started runs on afterwards.",
	},
	{
		.name = "duration",
		.letter = 'd',
		.metavar = "TIME",
		.commands = "gc",
		.group = SAMPLING,
		.fallback = "unlimited",
		.help = "how long to watch: 10 (seconds), 0.5, 10s, 5m, 1h30m, unlimited",
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
		.commands = "record top mem dump",
		.group = SAMPLING,
		.help = "never stop a thread, not even when its stack cannot be read otherwise",
		.more = "By default a thread is stopped for some microseconds only when several "
			"readings of its stack disagreed.  With this option such a stack is left "
			"out instead, and counted.",
		.conflicts = "blocking",
	},
	{
		.name = "blocking",
		.commands = "record top mem dump",
		.group = SAMPLING,
		.help = "stop each thread for every reading of its stack",
		.more = "Slower for the process, and never needed for a stack to be right.  "
			"Threads that sleep are not stopped: some system calls would end early.",
	},
	{
		.name = "max-slowdown",
		.metavar = "PERCENT",
		.commands = "record top mem",
		.group = SAMPLING,
		.fallback = "10",
		.help = "how much of a thread's time stops may take: fewer samples rather than more",
		.more = "Matters for code that does little but make short calls, at high rates.  "
			"100 is no limit.  Not heeded with --blocking.",
	},
	{
		.name = "memory",
		.commands = "record",
		.group = SAMPLING,
		.help = "the bytes by which memory grew and shrank too, in the same file",
		.more = "The flame graph has a switch between time, growth and release, speedscope "
			"a profile for each.  The order in time is not kept: what has grown "
			"between two looks belongs to stacks, not to a moment.",
	},
	{
		.name = "growth",
		.metavar = "TIME",
		.commands = "tracemalloc",
		.group = SAMPLING,
		.help = "look twice, so far apart, and show what has changed: 10 (seconds), 5m",
		.more = "SIGINT ends the wait early.",
	},
	{
		.name = "nonblocking",
		.commands = "tracemalloc",
		.group = SAMPLING,
		.help = "never stop the process, not even when its traces change all the time",
		.more = "By default the threads that run are stopped while the memory of the tables "
			"is copied, some milliseconds, when the traces changed while they were "
			"read.  With this option what could be read is shown, and how much that is.",
	},
	{
		.name = "by",
		.metavar = "WHAT",
		.commands = "tracemalloc",
		.group = OUTPUT,
		.fallback = "line",
		.help = "what blocks are added up by: line, file or traceback",
		.choices = "line file traceback",
	},
	{
		.name = "count",
		.letter = 'n',
		.metavar = "COUNT",
		.commands = "tracemalloc",
		.group = OUTPUT,
		.fallback = "10",
		.help = "how many rows to show; unlimited for all",
	},
	{
		.name = "output",
		.letter = 'o',
		.metavar = "FILE",
		.commands = "tracemalloc",
		.group = OUTPUT,
		.help = "write a file that tracemalloc.Snapshot.load opens, - for standard output",
		.more = "It appears whole or not at all.  With --growth it holds the second moment.",
		.hint = CLI_HINT_FILE,
	},
	{
		.name = "output",
		.letter = 'o',
		.metavar = "FILE",
		.commands = "record",
		.group = OUTPUT,
		.help = "file to write, - for standard output; else PROGRAM-PID-TIME.svg",
		.more = WHOLE_FILE,
		.hint = CLI_HINT_FILE,
	},
	{
		.name = "output",
		.letter = 'o',
		.metavar = "FILE",
		.commands = "mem",
		.group = OUTPUT,
		.help = "file to write, - for standard output; else it is shown, or with --format "
			"goes to PROGRAM-PID-TIME",
		.more = WHOLE_FILE,
		.hint = CLI_HINT_FILE,
	},
	{
		.name = "output",
		.letter = 'o',
		.metavar = "FILE",
		.commands = "maps",
		.group = OUTPUT,
		.help = "write a picture (SVG) to this file, - for standard output, instead of text",
		.more = "With --json both are written.",
		.hint = CLI_HINT_FILE,
	},
	{
		.name = "all",
		.letter = 'a',
		.commands = "maps",
		.group = OUTPUT,
		.help = "show everything, not only the largest of each kind",
		.more = "As JSON: each mapping, too.",
	},
	{
		.name = "format",
		.letter = 'f',
		.metavar = "FORMAT",
		.commands = "record mem",
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
		.commands = "top mem",
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
		.commands = "record top mem",
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
		.commands = "record top mem dump",
		.group = OUTPUT,
		.help = "no frame <GC> where the garbage collector runs",
		.more = "The time is then that of the function in which it began to run.",
	},
	{
		.name = "full-filenames",
		.commands = "record top mem dump tracemalloc",
		.group = OUTPUT,
		.help = "show whole file names instead of package/module.py",
	},
	{
		.name = "function-names",
		.metavar = "KIND",
		.commands = "record top mem dump",
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
		.commands = "maps dump tracemalloc",
		.group = OUTPUT,
		.help = "write JSON instead of text",
		.more = "See JSON below.",
	},
	{
		.name = "json",
		.letter = 'j',
		.commands = "top",
		.group = OUTPUT,
		.help = "write JSON instead of text, a line at each refresh",
		.more = "See JSON below.",
	},
	{
		.name = "json",
		.letter = 'j',
		.commands = "gc",
		.group = OUTPUT,
		.help = "write JSON instead of text; with --watch, a line for each collection",
		.more = "See JSON below.",
	},
	{
		.name = "watch",
		.letter = 'w',
		.commands = "gc",
		.group = OUTPUT,
		.help = "print a line for each collection from now on, until --duration or Ctrl-C",
	},
	{
		.name = "hideprogress",
		.commands = "record mem",
		.group = OUTPUT,
		.help = "show no progress line",
		.more = "There is none anyway where standard error is not a terminal, or where "
			"pyspyc started the program.",
	},
	{
		.name = "released",
		.commands = "mem",
		.group = OUTPUT,
		.help = "formats with stacks: bytes by which RSS shrank, not those by which it grew",
		.more = "The flame graph and speedscope hold both, and begin with these.",
	},
	{
		.name = "all-lines",
		.commands = "mem",
		.group = OUTPUT,
		.help = "format lines: all lines of a file, not only those that count",
	},
	{
		.name = "capture",
		.commands = "record",
		.group = OUTPUT,
		.help = "accepted for py-spy's sake, without effect",
		.hidden = true,
	},
	{
		.name = "max-rss",
		.metavar = "SIZE",
		.commands = "record mem",
		.group = ALARMS,
		.help = "give the alarm when RSS is more than this: 2G, 512M, 1.5GiB, 300MB",
		.more = "K, M, G and T are powers of 1024, kB, MB, GB and TB of 1000.",
	},
	{
		.name = "max-growth",
		.metavar = "SIZE/TIME",
		.commands = "record mem",
		.group = ALARMS,
		.help = "give the alarm when RSS grows by more than this: 50M/min, 1G/h, 200K/s",
		.more = "Without a time it is a minute.  What counts is a line through the last "
			"minute; the first ten seconds give no alarm.",
	},
	{
		.name = "exec",
		.metavar = "COMMAND",
		.commands = "record mem",
		.group = ALARMS,
		.help = "run this shell command after an alarm",
		.more = "See Alarms.",
	},
	{
		.name = "keep-going",
		.commands = "record mem",
		.group = ALARMS,
		.help = "go on after an alarm instead of ending with exit status 3",
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
		.commands = CLI_PROGRAM " record top mem maps dump tracemalloc gc help",
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
