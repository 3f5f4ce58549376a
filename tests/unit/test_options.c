/* The table of options, the parser that it drives, and the values of options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/message.h"
#include "cli/program.h"
#include "cli/values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS 16

/* Parses a command line given as one string with blanks between its words. */
struct parsed {
	struct cli_arguments arguments;
	char text[256];
	bool ok;
};

static void parse(struct parsed *parsed, const char *command, const char *line)
{
	char *words[WORDS + 1] = { NULL };
	int count = 0;
	char *save;

	snprintf(parsed->text, sizeof(parsed->text), "%s", line);
	for (char *word = strtok_r(parsed->text, " ", &save); word && count < WORDS;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	parsed->ok = cli_arguments_parse(&parsed->arguments, command,
					 cli_command_find(command, NULL)->operands, count, words);
}

static void assert_value(const char *command, const char *line, const char *option,
			 const char *value)
{
	struct parsed parsed;

	parse(&parsed, command, line);
	if (!parsed.ok)
		fail_msg("%s %s: %s", command, line, parsed.arguments.problem);
	if (value)
		assert_string_equal(cli_value(&parsed.arguments, option), value);
	else
		assert_true(cli_has(&parsed.arguments, option));
	cli_arguments_free(&parsed.arguments);
}

static void assert_problem(const char *command, const char *line, const char *part)
{
	struct parsed parsed;

	parse(&parsed, command, line);
	if (parsed.ok)
		fail_msg("%s %s was accepted", command, line);
	if (!strstr(parsed.arguments.problem, part))
		fail_msg("%s %s: '%s' lacks '%s'", command, line, parsed.arguments.problem, part);
	cli_arguments_free(&parsed.arguments);
}

static bool is_command(const char *word, size_t size)
{
	if (size == strlen(CLI_PROGRAM) && !memcmp(word, CLI_PROGRAM, size))
		return true;
	for (size_t i = 0; cli_commands[i]; i++)
		if (strlen(cli_commands[i]->name) == size &&
		    !memcmp(cli_commands[i]->name, word, size))
			return true;
	return false;
}

static const struct cli_option *option_called(const char *name, size_t size)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (strlen(cli_options[i].name) == size && !memcmp(cli_options[i].name, name, size))
			return &cli_options[i];
	return NULL;
}

/* Whether a and b may be given to the same command. */
static bool meet(const struct cli_option *a, const struct cli_option *b)
{
	const char *commands = a->commands;
	const char *word;
	size_t size;

	while ((word = cli_list_next(&commands, &size)))
		if (cli_list_has(b->commands, word, size))
			return true;
	return false;
}

static void test_table_is_sound(void **state)
{
	const char *rest;
	const char *word;
	size_t size;

	(void)state;
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		assert_non_null(option->help);
		assert_non_null(option->group);
		assert_true(strlen(option->name) > 1);
		assert_null(strstr(option->name, " "));
		assert_true(option->help[strlen(option->help) - 1] != '.');
		assert_false(option->help[0] >= 'A' && option->help[0] <= 'Z');
		assert_true(option->metavar || (!option->choices && !option->fallback &&
						option->hint == CLI_HINT_NONE && !option->repeats));
		if (option->choices && option->fallback)
			assert_true(cli_list_has(option->choices, option->fallback,
						 strlen(option->fallback)));
		rest = option->commands;
		while ((word = cli_list_next(&rest, &size)))
			assert_true(is_command(word, size));
		rest = option->conflicts;
		while ((word = cli_list_next(&rest, &size))) {
			assert_non_null(option_called(word, size));
			assert_true(meet(option, option_called(word, size)));
		}
		for (size_t k = 0; k < i; k++) {
			if (!meet(option, &cli_options[k]))
				continue;
			assert_string_not_equal(option->name, cli_options[k].name);
			assert_true(!option->letter || option->letter != cli_options[k].letter);
		}
	}
}

static void test_options_of_one_group_are_together(void **state)
{
	(void)state;
	for (size_t i = 1; i < cli_option_count; i++)
		for (size_t k = 0; k + 1 < i; k++)
			if (!strcmp(cli_options[i].group, cli_options[k].group))
				assert_string_equal(cli_options[i - 1].group, cli_options[i].group);
}

static void test_every_command_has_help(void **state)
{
	(void)state;
	for (size_t i = 0; cli_commands[i]; i++) {
		char *text = NULL;
		size_t size;
		FILE *memory = open_memstream(&text, &size);

		cli_help_print(memory, cli_commands[i]);
		fclose(memory);
		for (size_t k = 0; k < cli_option_count; k++) {
			char name[64];
			bool shown = cli_option_shown(&cli_options[k], cli_commands[i]->name);
			const char *found;

			snprintf(name, sizeof(name), " --%s", cli_options[k].name);
			found = strstr(text, name);
			if (shown && !found)
				fail_msg("help of %s lacks%s", cli_commands[i]->name, name);
		}
		for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
			if (end - line > 80)
				fail_msg("too wide: %.*s", (int)(end - line), line);
		free(text);
	}
}

static void test_forms(void **state)
{
	(void)state;
	assert_value("record", "-r 5 prog", "rate", "5");
	assert_value("record", "-r5 prog", "rate", "5");
	assert_value("record", "-r=5 prog", "rate", "5");
	assert_value("record", "--rate 5 prog", "rate", "5");
	assert_value("record", "--rate=5 prog", "rate", "5");
	assert_value("record", "--ra=5 prog", "rate", "5");
	assert_value("record", "prog", "rate", "100");
	assert_value("record", "prog -r 5", "rate", "100");
	assert_value("record", "-sti prog", "idle", NULL);
	assert_value("record", "-stir5 prog", "rate", "5");
	assert_value("record", "-o - prog", "output", "-");
	assert_value("record", "--output=--x prog", "output", "--x");
	assert_value("record", "--thread=a,b prog", "thread", "a,b");
	assert_value("record", "--function prog", "function", NULL);
	assert_value("dump", "12 -j", "json", NULL);
}

static void test_pyspy_command_lines(void **state)
{
	static const char *const lines[] = {
		"-o profile.svg --pid 12345",
		"-o profile.svg -- python myprogram.py",
		"--pid 0x3039 --rate 200 --duration 30 --format raw --output out.txt",
		"-p 1 -d unlimited -s -F -t -g --full-filenames --nonblocking",
		"-p 1 --subprocesses --function --threads --idle --hideprogress --capture",
		"--nolineno -r 10 -f speedscope -o a.json -- python -m mod --rate x",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct parsed parsed;

		parse(&parsed, "record", lines[i]);
		if (!parsed.ok)
			fail_msg("%s: %s", lines[i], parsed.arguments.problem);
		cli_arguments_free(&parsed.arguments);
	}
}

static void test_problems(void **state)
{
	(void)state;
	assert_problem("record", "--no-such", "unknown option '--no-such'");
	assert_problem("record", "-z", "unknown option '-z'");
	assert_problem("record", "-\x1b[31m", "unknown option");
	assert_problem("record", "-o", "needs a value");
	assert_problem("record", "-o --rate 5", "needs a value");
	assert_problem("record", "--output=", "is empty");
	assert_problem("record", "--idle=yes", "takes no value");
	assert_problem("record", "--no", "--nonblocking, --nolineno");
	assert_problem("record", "--mode fast", "wall, cpu or gil");
	assert_problem("record", "-r 1 -r 2", "twice");
	assert_problem("record", "-g -i", "--gil and --idle");
	assert_problem("record", "--mode cpu -g", "--mode and --gil");
	assert_problem("record", "--mode wall -i", "--mode and --idle");
	assert_problem("record", "--blocking --nonblocking", "cannot be used together");
	assert_problem("record", "-F --nolineno", "cannot be used together");
	assert_problem("record", "--native", "not supported");
	assert_problem("record", "-sn", "not supported");
	assert_problem("dump", "-ll 5", "not supported");
	assert_problem("dump", "--core file", "not supported");
	assert_problem("dump", "-o x", "unknown option '-o'");
}

static void test_operands(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "record", "-s prog -x --help");
	assert_true(parsed.ok);
	assert_int_equal(parsed.arguments.operand_count, 3);
	assert_string_equal(parsed.arguments.operands[1], "-x");
	assert_null(parsed.arguments.operands[3]);
	assert_false(cli_has(&parsed.arguments, "help"));
	cli_arguments_free(&parsed.arguments);

	parse(&parsed, "record", "-s -- -prog --");
	assert_true(parsed.ok);
	assert_int_equal(parsed.arguments.operand_count, 2);
	assert_string_equal(parsed.arguments.operands[0], "-prog");
	cli_arguments_free(&parsed.arguments);

	parse(&parsed, "dump", "1 -p 2 3");
	assert_true(parsed.ok);
	assert_int_equal(parsed.arguments.operand_count, 2);
	assert_string_equal(parsed.arguments.operands[1], "3");
	cli_arguments_free(&parsed.arguments);

	parse(&parsed, "record", "--help --nonsense");
	assert_true(parsed.ok && cli_has(&parsed.arguments, "help"));
	cli_arguments_free(&parsed.arguments);
}

static void test_repeated(void **state)
{
	struct parsed parsed;
	size_t at = 0;

	(void)state;
	parse(&parsed, "record", "-p 1 --pid=2 -p3");
	assert_true(parsed.ok);
	assert_string_equal(cli_value_next(&parsed.arguments, "pid", &at), "1");
	assert_string_equal(cli_value_next(&parsed.arguments, "pid", &at), "2");
	assert_string_equal(cli_value_next(&parsed.arguments, "pid", &at), "3");
	assert_null(cli_value_next(&parsed.arguments, "pid", &at));
	cli_arguments_free(&parsed.arguments);
}

static void test_command_prefixes(void **state)
{
	size_t matches;

	(void)state;
	assert_string_equal(cli_command_find("r", NULL)->name, "record");
	assert_string_equal(cli_command_find("rec", NULL)->name, "record");
	assert_string_equal(cli_command_find("d", NULL)->name, "dump");
	assert_string_equal(cli_command_find("dump", NULL)->name, "dump");
	assert_null(cli_command_find("", &matches));
	assert_null(cli_command_find("records", &matches));
	assert_int_equal(matches, 0);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} good[] = { { "10", 10 },
		     { "0.5", 0.5 },
		     { ".5", 0.5 },
		     { "10s", 10 },
		     { "5m", 300 },
		     { "1h", 3600 },
		     { "1h30m", 5400 },
		     { "1h30m5s", 5405 },
		     { "250ms", 0.25 },
		     { "2d", 172800 },
		     { "1.5h", 5400 },
		     { "unlimited", 0 },
		     { "366d", 366.0 * 86400 } };
	static const char *const bad[] = { "",
					   "0",
					   "0s",
					   "-5",
					   "-0.1",
					   "nan",
					   "NaN",
					   "inf",
					   "-inf",
					   "infinity",
					   "1e3",
					   "0x10",
					   "10x",
					   "10 ",
					   " 10",
					   "+10",
					   "1m1m",
					   "1s1h",
					   "m",
					   "1h30",
					   "367d",
					   "1e400",
					   "99999999999999999999",
					   "0.0000001",
					   "5M",
					   "unlimitedx",
					   ".",
					   "1..2" };
	double value;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (cli_parse_duration(good[i].text, &value))
			fail_msg("%s was refused", good[i].text);
		assert_true(value > good[i].seconds - 1e-6 && value < good[i].seconds + 1e-6);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!cli_parse_duration(bad[i], &value))
			fail_msg("duration '%s' was accepted", bad[i]);
}

static void test_rates(void **state)
{
	static const struct {
		const char *text;
		double rate;
	} good[] = { { "100", 100 },   { "1k", 1000 },	   { "10khz", 10000 }, { "10kHz", 10000 },
		     { "0.5", 0.5 },   { "50hz", 50 },	   { "1m", 1000000 },  { "1MHz", 1000000 },
		     { "2.5K", 2500 }, { "1000000", 1e6 }, { "0.001", 0.001 } };
	static const char *const bad[] = { "",
					   "0",
					   "-1",
					   "nan",
					   "inf",
					   "1e3",
					   "k",
					   "1kk",
					   "1khzz",
					   "2m",
					   "1000001",
					   "1g",
					   "0x10",
					   "1 k",
					   "-nan",
					   "0.0001",
					   "9999999999999999999999" };
	double value;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (cli_parse_rate(good[i].text, &value))
			fail_msg("%s was refused", good[i].text);
		assert_true(value > good[i].rate * 0.999999 && value < good[i].rate * 1.000001);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!cli_parse_rate(bad[i], &value))
			fail_msg("rate '%s' was accepted", bad[i]);
}

static void test_percents(void **state)
{
	static const char *const bad[] = { "", "x", "0", "-1", "101", "10%%", "10x", "nan", "0.05" };
	double value;

	(void)state;
	assert_null(cli_parse_percent("10", &value));
	assert_true(value == 10);
	assert_null(cli_parse_percent("2.5%", &value));
	assert_true(value == 2.5);
	assert_null(cli_parse_percent("100", &value));
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!cli_parse_percent(bad[i], &value))
			fail_msg("percentage '%s' was accepted", bad[i]);
}

static void test_pids(void **state)
{
	static const char *const bad[] = { "",	   "0",	 "-1",	       "0x",
					   "0x0",  "1x", "x1",	       " 1",
					   "1 ",   "+1", "2147483648", "99999999999999999999",
					   "0x-1", "1.5" };
	pid_t pid;

	(void)state;
	assert_null(cli_parse_pid("1", &pid));
	assert_int_equal(pid, 1);
	assert_null(cli_parse_pid("0x3039", &pid));
	assert_int_equal(pid, 12345);
	assert_null(cli_parse_pid("0X3a", &pid));
	assert_int_equal(pid, 58);
	assert_null(cli_parse_pid("2147483647", &pid));
	assert_int_equal(pid, 2147483647);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!cli_parse_pid(bad[i], &pid))
			fail_msg("pid '%s' was accepted", bad[i]);
}

static void test_program_names(void **state)
{
	static const struct {
		const char *argv[8];
		const char *name;
	} rows[] = {
		{ { "python3", "/srv/app.py", "--x", NULL }, "app" },
		{ { "/usr/bin/python3.12", "-u", "-X", "dev", "app.py", NULL }, "app" },
		{ { "python", "-W", "ignore", "-Xfaulthandler", "tool", NULL }, "tool" },
		{ { "python", "-um", "http.server", "80", NULL }, "http.server" },
		{ { "python", "-mvenv", "x", NULL }, "venv" },
		{ { "python3.11", "-c", "print(1)", NULL }, "python3.11" },
		{ { "python3.11", "-Ic", "print(1)", NULL }, "python3.11" },
		{ { "python3", "-", "x", NULL }, "python3" },
		{ { "python3", NULL }, "python3" },
		{ { "python", "-m", NULL }, "python" },
		{ { "/usr/local/bin/gunicorn", "app:app", NULL }, "gunicorn" },
		{ { "gunicorn: master [app]", NULL }, "gunicorn_master_app" },
		{ { "python3", "../.hidden/..", NULL }, "python" },
		{ { "python3", "a b;c\n$(x).py", NULL }, "a_b_c_x" },
		{ { "", NULL }, "python" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *name = cli_program_name((char *const *)(uintptr_t)rows[i].argv);

		assert_string_equal(name, rows[i].name);
		free(name);
	}
}

static void test_safe_text(void **state)
{
	static const struct {
		const char *text;
		const char *safe;
	} rows[] = {
		{ "plain \xc3\xa9 \xf0\x9f\x90\x8d", "plain \xc3\xa9 \xf0\x9f\x90\x8d" },
		{ "a\x1b[31mb\nc\td\re", "a\\x1b[31mb\\nc\\td\\re" },
		{ "\x7f\xc2\x9b", "\\x7f\\x9b" },
		{ "a\xe2\x80\xae"
		  "b\xe2\x80\xa8",
		  "a\\u202eb\\u2028" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xc0\xaf", "\\xc0\\xaf" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = NULL;
		size_t size;
		FILE *memory = open_memstream(&text, &size);

		cli_put_safe(memory, rows[i].text);
		fclose(memory);
		assert_string_equal(text, rows[i].safe);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test(test_options_of_one_group_are_together),
		cmocka_unit_test(test_every_command_has_help),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_pyspy_command_lines),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_command_prefixes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_percents),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_program_names),
		cmocka_unit_test(test_safe_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
