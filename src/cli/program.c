#include "cli/program.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LENGTH 64
#define COMMAND_SIZE 65536 /* of a command line that is read */
#define ARGUMENT_COUNT 256

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Only the characters that need no quoting anywhere, and no leading dot or dash. */
static char *make_name(const char *text, bool script)
{
	char *name = calloc(1, NAME_LENGTH + 1);
	size_t size = strlen(text);
	size_t used = 0;

	if (!name)
		return NULL;
	if (script && size > 3 && !strcmp(text + size - 3, ".py"))
		size -= 3;
	for (size_t i = 0; i < size && used < NAME_LENGTH; i++) {
		unsigned char byte = (unsigned char)text[i];
		bool plain = byte < 0x80 && (isalnum(byte) || byte == '_' || byte == '+' ||
					     (used && (byte == '.' || byte == '-')));

		if (plain)
			name[used++] = (char)byte;
		else if (used && name[used - 1] != '_')
			name[used++] = '_';
	}
	while (used && (name[used - 1] == '_' || name[used - 1] == '.'))
		used--;
	name[used] = 0;
	if (!used)
		memcpy(name, "python", sizeof("python"));
	return name;
}

/*
 * The interpreter's options that take a value, as `python --help` of 2.7 to 3.15 lists them;
 * the value may follow in the same word. -m and -c end the options.
 */
static char *python_program(char *const argv[])
{
	for (size_t i = 1; argv[i]; i++) {
		const char *word = argv[i];

		if (word[0] != '-')
			return make_name(base_name(word), true);
		if (!word[1])
			break; /* the program comes from standard input */
		if (word[1] == '-') {
			if (!strcmp(word, "--check-hash-based-pycs") && argv[i + 1])
				i++;
			continue;
		}
		for (const char *letter = word + 1; *letter; letter++) {
			if (*letter == 'm' && (letter[1] || argv[i + 1]))
				return make_name(letter[1] ? letter + 1 : argv[i + 1], false);
			if (*letter == 'c')
				return make_name(base_name(argv[0]), false);
			if (*letter == 'W' || *letter == 'X' || *letter == 'Q') {
				if (!letter[1] && argv[i + 1])
					i++;
				break;
			}
		}
	}
	return make_name(base_name(argv[0]), false);
}

char *cli_program_name(char *const argv[])
{
	const char *program = argv[0] ? base_name(argv[0]) : "";

	if (!strncmp(program, "python", 6))
		return python_program(argv);
	return make_name(program, true);
}

/* The words of a process's command line, in *storage; 0 when there are none. */
static size_t read_words(pid_t pid, char *storage, char *words[ARGUMENT_COUNT + 1])
{
	char path[64];
	size_t size = 0;
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (file) {
		size = fread(storage, 1, COMMAND_SIZE - 1, file);
		fclose(file);
	}
	storage[size] = 0;
	for (size_t at = 0; at < size && count < ARGUMENT_COUNT; at += strlen(storage + at) + 1)
		words[count++] = storage + at;
	words[count] = NULL;
	return count;
}

char *cli_process_name(pid_t pid)
{
	char *words[ARGUMENT_COUNT + 1];
	char *storage = malloc(COMMAND_SIZE);
	char *name = NULL;

	if (storage)
		name = read_words(pid, storage, words) ? cli_program_name(words)
						       : make_name("python", false);
	free(storage);
	return name;
}

char *cli_process_command(pid_t pid)
{
	char *words[ARGUMENT_COUNT + 1];
	char *storage = malloc(COMMAND_SIZE);
	char *text = NULL;
	size_t size;
	FILE *memory;

	if (storage && read_words(pid, storage, words)) {
		memory = open_memstream(&text, &size);
		for (size_t i = 0; memory && words[i]; i++)
			fprintf(memory, "%s%s", i ? " " : "", words[i]);
		if (memory)
			fclose(memory);
	}
	free(storage);
	return text;
}
