/*
 * Replays line tables of a real interpreter: `check_lines KIND < cases`, in the form that
 * tests/targets/tables.py prints. Asks for each offset and tells what differs; its exit status is
 * 1 then. KIND is lnotab, lnotab_unsigned, 310 or locations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/lines.h"

static const char *const kinds[] = {
	[SPY_LINES_LNOTAB] = "lnotab",
	[SPY_LINES_LNOTAB_UNSIGNED] = "lnotab_unsigned",
	[SPY_LINES_310] = "310",
	[SPY_LINES_LOCATIONS] = "locations",
};

static unsigned long differences, lookups;

static size_t unhex(const char *text, uint8_t *bytes)
{
	size_t count = 0;
	unsigned value;

	for (; sscanf(text, "%2x", &value) == 1 && *text != '-'; text += 2)
		bytes[count++] = (uint8_t)value;
	return count;
}

/* Compares the offsets from start up to end, which all have the same line. */
static void check_run(enum spy_line_table kind, const uint8_t *table, size_t size, int first,
		      long start, long end, int line)
{
	for (; start < end; start++) {
		int got = spy_line_of(kind, table, size, first, start);

		lookups++;
		if (got != line && differences++ < 20)
			printf("offset %ld of a code from line %d: %d, should be %d\n", start,
			       first, got, line);
	}
}

static int check_case(enum spy_line_table kind, char *text)
{
	char *save = NULL, *word[3], *run;
	long start = 0, total, next;
	int line = -1, first, i;
	uint8_t *table;
	size_t size;

	for (i = 0; i < 3; i++) {
		word[i] = strtok_r(i ? NULL : text, " \n", &save);
		if (!word[i])
			return -1;
	}
	first = atoi(word[0]);
	total = atol(word[1]);
	table = malloc(strlen(word[2]));
	if (!table)
		return -1;
	size = unhex(word[2], table);
	while ((run = strtok_r(NULL, " \n", &save))) {
		next = strtol(run, &run, 10);
		check_run(kind, table, size, first, start, next, line);
		start = next;
		line = atoi(run + 1);
	}
	check_run(kind, table, size, first, start, total, line);
	free(table);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long cases = 0;
	size_t capacity = 0, kind = 0;
	char *text = NULL;

	while (argc == 2 && kind < sizeof(kinds) / sizeof(*kinds) && strcmp(argv[1], kinds[kind]))
		kind++;
	if (argc != 2 || kind == sizeof(kinds) / sizeof(*kinds))
		return 2;
	while (getline(&text, &capacity, stdin) > 0) {
		if (check_case((enum spy_line_table)kind, text) < 0)
			return 2;
		cases++;
	}
	free(text);
	printf("%lu tables, %lu look-ups, %lu differences\n", cases, lookups, differences);
	return differences || !cases;
}
