#include "tui/cells.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void tui_cell_text(struct tui_cell *cell, enum tui_role role, const char *text)
{
	cell->role = role;
	snprintf(cell->text, sizeof(cell->text), "%s", text);
}

void tui_cell_share(struct tui_cell *cell, double share)
{
	char text[32];

	tui_cell_text(cell, share > 0 ? tui_heat(share) : TUI_DIM,
		      tui_percent(share, text, sizeof(text)));
}

void tui_cell_seconds(struct tui_cell *cell, double seconds, double all)
{
	char text[32];
	double share = all > 0 ? seconds / all : 0;

	tui_cell_text(cell, seconds > 0 ? tui_heat(share) : TUI_DIM,
		      tui_seconds(seconds, text, sizeof(text)));
}

void tui_cell_bar(struct tui_cell *cell, double share, int width)
{
	/* U+2588 is a full block, the seven after it ever narrower ones from the left. */
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int parts = tui_screen_utf8() ? 8 : 1, filled;
	size_t length = 0;

	cell->role = tui_heat(share);
	cell->text[0] = 0;
	if (!(share > 0))
		return;
	filled = (int)((share < 1 ? share : 1) * width * parts + 0.5);
	for (int i = 0; i < filled / parts && length + 8 < sizeof(cell->text); i++)
		length += (size_t)snprintf(cell->text + length, sizeof(cell->text) - length, "%s",
					   parts == 8 ? "█" : "#");
	if (filled % parts)
		snprintf(cell->text + length, sizeof(cell->text) - length, "%s",
			 eighths[filled % parts]);
}

enum tui_role tui_place_role(const struct pyspyc_place *place)
{
	if (place->kind != PYSPYC_ROW_CODE)
		return TUI_STRONG;
	switch (place->origin) {
	case PYSPYC_ORIGIN_OWN:
		return TUI_OWN;
	case PYSPYC_ORIGIN_STDLIB:
		return TUI_STDLIB;
	case PYSPYC_ORIGIN_THIRD_PARTY:
		return TUI_THIRD;
	case PYSPYC_ORIGIN_NONE:
		break;
	}
	return TUI_TEXT;
}

/* What snprintf wrote of what it wanted to. */
static size_t written(int length, size_t size)
{
	if (length < 0 || !size)
		return 0;
	return (size_t)length < size ? (size_t)length : size - 1;
}

size_t tui_where(const char *file, int line, char *text, size_t size)
{
	int length;

	if (!file || !file[0])
		length = snprintf(text, size, "%s", "");
	else if (line > 0)
		length = snprintf(text, size, "%s:%d", file, line);
	else
		length = snprintf(text, size, "%s", file);
	return written(length, size);
}

size_t tui_place_where(const struct pyspyc_place *place, char *text, size_t size)
{
	return tui_where(place->file, place->line, text, size);
}

/* The first word at text without its directories; *length gets its length. */
static const char *base_name(const char *text, size_t *length)
{
	size_t end = strcspn(text, " "), begin = end;

	while (begin && text[begin - 1] != '/')
		begin--;
	*length = end - begin;
	return text + begin;
}

/* The word after this one, "" at the end. */
static const char *next_word(const char *text)
{
	text += strcspn(text, " ");
	return text + strspn(text, " ");
}

size_t tui_command_short(const char *command, char *text, size_t size)
{
	const char *word, *program;
	size_t length, program_length;

	/* What a process calls itself, such as "gunicorn: worker". */
	length = strcspn(command, " ");
	if (length && command[length - 1] == ':')
		return written(snprintf(text, size, "%s", command), size);
	program = base_name(command, &program_length);
	if (strncmp(program, "python", 6) != 0)
		return written(snprintf(text, size, "%.*s", (int)program_length, program), size);
	for (word = next_word(command); word[0] == '-'; word = next_word(word)) {
		if (word[1] == 'c')
			break;
		/* Options that have another word, of which that of -m is what is run. */
		if (strcspn(word, " ") == 2 && strchr("WXm", word[1])) {
			bool module = word[1] == 'm';

			word = next_word(word);
			if (module)
				break;
		}
	}
	if (!word[0] || word[0] == '-') {
		word = program;
		length = program_length;
	} else {
		word = base_name(word, &length);
	}
	return written(snprintf(text, size, "%.*s", (int)length, word), size);
}

size_t tui_place_full(const struct pyspyc_place *place, char *text, size_t size)
{
	const char *name = place->name ? place->name : "";
	char where[TUI_CELL];
	size_t base;
	int length;

	if (place->kind == PYSPYC_ROW_PROCESS)
		length = snprintf(text, size, "process %d: %s", (int)place->pid,
				  base_name(name, &base));
	else if (place->kind == PYSPYC_ROW_THREAD)
		length = snprintf(text, size, "thread %s (%d)", name, (int)place->tid);
	else if (tui_place_where(place, where, sizeof(where)))
		length = snprintf(text, size, "%s (%s)", name, where);
	else
		length = snprintf(text, size, "%s", name);
	return written(length, size);
}

void tui_place_whose(const struct pyspyc_place *place, char *text, size_t size)
{
	const char *name = place->whose ? place->whose : "";
	char command[128];

	if (!place->tid) {
		tui_command_short(name, command, sizeof(command));
		name = command;
	}
	snprintf(text, size, "%d %s", (int)(place->tid ? place->tid : place->pid), name);
}

/* FNV-1a, which is enough to tell rows apart. */
static uint64_t hash(uint64_t seed, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ at[i]) * 0x100000001b3u;
	return seed;
}

void tui_place_searched(const struct pyspyc_place *place, bool apart, struct tui_cell *cell)
{
	size_t length = tui_place_full(place, cell->text, sizeof(cell->text));

	if (apart && length + 2 < sizeof(cell->text)) {
		cell->text[length++] = ' ';
		tui_place_whose(place, cell->text + length, sizeof(cell->text) - length);
	}
}

int tui_compare_names(const char *a, const char *b)
{
	return strcasecmp(a ? a : "", b ? b : "");
}

uint64_t tui_place_identity(const struct pyspyc_place *place)
{
	const char *texts[] = { place->name, place->path };
	int numbers[] = { place->line, (int)place->pid, (int)place->tid, (int)place->kind };
	uint64_t ret = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i])
			ret = hash(ret, texts[i], strlen(texts[i]) + 1);
	return hash(ret, numbers, sizeof(numbers));
}

int tui_larger_share(double a, double b)
{
	return tui_larger(rint(a * 1000), rint(b * 1000));
}

const char *tui_why_empty(enum pyspyc_scope scope)
{
	switch (scope) {
	case PYSPYC_SCOPE_ACTIVE:
		return "Nothing has run yet (i: threads that wait, too).";
	case PYSPYC_SCOPE_GIL:
		return "No thread has held the GIL yet (g: all that run).";
	case PYSPYC_SCOPE_ALL:
		break;
	}
	return "Nothing has been seen yet.";
}
