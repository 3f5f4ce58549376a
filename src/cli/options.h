/*
 * The one table of options. Parsing, --help, the man pages' option lists and the shells'
 * completions all come from it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* What a shell should offer as the option's value. */
enum cli_hint {
	CLI_HINT_NONE,
	CLI_HINT_FILE,
	CLI_HINT_PID,
	CLI_HINT_FORMAT, /* the names of the command's formats */
};

/* The word that stands for the program itself (no command) in cli_option.commands. */
#define CLI_PROGRAM "pyspyc"

/* Lists below are words separated by one blank; NULL where there are none. */
struct cli_option {
	const char *name;	 /* without the dashes */
	char letter;		 /* 0 when there is none */
	const char *metavar;	 /* the value's name; NULL for an option without one */
	const char *commands;	 /* list: where it may be given */
	const char *group;	 /* the heading that --help and the man pages put it under */
	const char *fallback;	 /* the default, or NULL */
	const char *help;	 /* a phrase for --help, without a capital or a full stop */
	const char *more;	 /* further sentences for the man page only, or NULL */
	const char *choices;	 /* list: the only values allowed */
	const char *conflicts;	 /* list: options that contradict it (said once is enough) */
	const char *unsupported; /* when set, giving it is refused with this text */
	enum cli_hint hint;
	bool repeats; /* several values add up */
	bool hidden;  /* accepted and nowhere shown */
};

extern const struct cli_option cli_options[];
extern const size_t cli_option_count;

/* Whether list holds word (of size bytes). */
bool cli_list_has(const char *list, const char *word, size_t size);

/* The next word of a list: *size gets its length and *list moves on; NULL at the end. */
const char *cli_list_next(const char **list, size_t *size);

/* Whether option may be given to command. */
bool cli_option_of(const struct cli_option *option, const char *command);

/* Whether --help, the man pages and the completions of command show option. */
bool cli_option_shown(const struct cli_option *option, const char *command);

#endif
