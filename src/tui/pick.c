/* Choosing one of the machine's Python processes. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "pyspyc/snapshot.h"
#include "tui/clock.h"
#include "tui/pick.h"
#include "tui/signals.h"
#include "tui/top.h"
#include "tui/typed.h"
#include "tui/view.h"

#define REFRESH_MS 1000
/* The second look comes sooner: only then is it known how much each computes. */
#define FIRST_MS 300
#define KEYS_AT_ONCE 64
#define WAIT_MS 100
#define CTRL(letter) ((letter)&0x1f)

struct picker {
	struct tui_pick_list table;
	char pattern[128];
	bool typing, wrong; /* the filter; wrong: it is no regular expression */
	char said[1024];    /* until the next key */
	enum tui_role said_role;
	uint64_t next_ms;
	bool stale, quit;
	pid_t chosen;
	int result; /* of the last look */
	struct pyspyc_error error;
};

static void refresh(struct picker *picker)
{
	bool first = !picker->table.at_ns;

	picker->result = tui_pick_list_update(&picker->table, &picker->error);
	picker->next_ms = tui_clock_ns() / TUI_NSEC_PER_MSEC + (first ? FIRST_MS : REFRESH_MS);
	picker->stale = true;
	if (picker->result < 0)
		picker->quit = true;
}

/* --- drawing --- */

/* Bytes of text that a row takes: up to a blank where there is one. */
static size_t row_of(const char *text, int width)
{
	size_t length = strlen(text), at = 0, end = 0;
	char part[1024];

	while (at <= length && at < sizeof(part)) {
		if (at == length || text[at] == ' ') {
			memcpy(part, text, at);
			part[at] = '\0';
			if (tui_columns(part) > width)
				break;
			end = at;
		}
		at++;
	}
	if (end)
		return end;
	/* A word that is longer than the row: tui_put cuts it. */
	return strcspn(text, " ");
}

/* A sentence over as many rows as it needs, the last one of area the lowest. */
static void draw_said(const char *text, enum tui_role role, struct tui_area area)
{
	size_t starts[16], lengths[16];
	int rows = 0, most = area.height < 16 ? area.height : 16;

	for (size_t at = 0; text[at] && rows < most; rows++) {
		starts[rows] = at;
		lengths[rows] = row_of(text + at, area.width);
		at += lengths[rows];
		at += strspn(text + at, " ");
	}
	for (int i = 0; i < rows; i++)
		tui_putf(area.y + area.height - rows + i, area.x, area.width, role, true, "%.*s",
			 (int)lengths[i], text + starts[i]);
}

static void draw_hints(struct tui_area line)
{
	static const struct tui_hint hints[] = {
		{ "Enter", "choose", NULL }, { "q", "leave", NULL }, { "/", "filter", NULL },
		{ "1-6", "sort", NULL },     { "?", "help", NULL },
	};
	int x = line.x, end = line.x + line.width;

	tui_put(line.y, x, line.width, TUI_TEXT, true, "");
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		int width = tui_columns(hints[i].key) + 1 + tui_columns(hints[i].what);

		if (x + width > end)
			return;
		x += tui_put(line.y, x, end - x, TUI_KEY, false, hints[i].key) + 1;
		x += tui_put(line.y, x, end - x, TUI_HINT, false, hints[i].what) + 2;
	}
}

static const char *why_empty(const struct picker *picker)
{
	if (picker->table.count)
		return "Nothing matches the filter.";
	return "No Python process is running that can be seen from here.";
}

static void draw_title(const struct picker *picker, struct tui_area line)
{
	size_t shown = picker->table.list.shown, count = picker->table.count, unreadable = 0;
	char text[160];
	int used;

	for (size_t i = 0; i < count; i++)
		unreadable += !picker->table.processes[i].readable;
	used = snprintf(text, sizeof(text), "%zu Python process%s", count, count == 1 ? "" : "es");
	if (shown < count)
		used += snprintf(text + used, sizeof(text) - (size_t)used, ", %zu shown", shown);
	if (unreadable)
		snprintf(text + used, sizeof(text) - (size_t)used, ", %zu not to be read",
			 unreadable);
	tui_put(line.y, line.x, line.width, TUI_TITLE, true, text);
}

static void draw(struct picker *picker)
{
	struct tui_area screen = tui_screen_size(), area = screen;
	struct tui_area bottom = { screen.y + screen.height - 1, screen.x, 1, screen.width };

	tui_clear(screen);
	if (screen.height >= 4) {
		draw_title(picker, area);
		area.y++;
		area.height--;
	}
	area.height--;
	if (area.height > 0)
		tui_list_draw(&picker->table.list, area);
	if (!picker->table.list.shown && area.height > 1)
		tui_put(area.y + 1, area.x, area.width, TUI_DIM, true, why_empty(picker));
	if (picker->typing)
		tui_typed_draw(bottom.y, bottom.x, bottom.width, "Filter: ", picker->pattern,
			       picker->wrong);
	else if (picker->said[0])
		draw_said(picker->said, picker->said_role,
			  (struct tui_area){ area.y, area.x, area.height + 1, area.width });
	else
		draw_hints(bottom);
	tui_flush();
	picker->stale = false;
}

/* --- keys --- */

static void say(struct picker *picker, enum tui_role role, const char *text)
{
	picker->said_role = role;
	snprintf(picker->said, sizeof(picker->said), "%s", text);
}

/* One that may not be read is not chosen: the library says why, and what to do. */
static void choose(struct picker *picker, const struct pyspyc_process_info *process)
{
	struct pyspyc_snapshot *snapshot = NULL;
	struct pyspyc_error error = { 0 };

	if (!process->readable) {
		if (pyspyc_snapshot_take(process->pid, NULL, &snapshot, &error) < 0) {
			say(picker, TUI_BAD, error.message);
			return;
		}
		pyspyc_snapshot_free(snapshot);
	}
	picker->chosen = process->pid;
	picker->quit = true;
}

static void filter(struct picker *picker)
{
	picker->wrong = tui_list_filter(&picker->table.list, picker->pattern) < 0;
}

static void clear_filter(struct picker *picker)
{
	picker->pattern[0] = '\0';
	picker->typing = false;
	filter(picker);
}

static void typing_key(struct picker *picker, int key)
{
	switch (key) {
	case TUI_KEY_ENTER:
		picker->typing = false;
		if (picker->wrong) {
			say(picker, TUI_BAD, "What was typed is no regular expression");
			clear_filter(picker);
		}
		return;
	case TUI_KEY_ESCAPE:
		clear_filter(picker);
		return;
	case TUI_KEY_BACKSPACE:
		if (!picker->pattern[0])
			picker->typing = false;
		break;
	case TUI_KEY_UP:
	case TUI_KEY_DOWN:
		tui_list_key(&picker->table.list, key, NULL);
		return;
	default:
		break;
	}
	if (tui_typed_key(picker->pattern, sizeof(picker->pattern), key))
		filter(picker);
}

static const char help[] =
	"Enter or a double click looks into the process under the cursor. Arrows, j and k, PgUp, PgDn, "
	"Home, End and the wheel move, Left and Right go sideways. / shows only what matches a regular "
	"expression, Esc all again. 1 to 6 or a click on a heading sort, again: the other way round. "
	"Dim processes may not be read: Enter tells why. q leaves";

static void plain_key(struct picker *picker, int key, const struct tui_mouse *mouse)
{
	struct tui_list *list = &picker->table.list;
	size_t row;

	if (tui_list_chosen(list, key, mouse, &row)) {
		choose(picker, &picker->table.processes[row]);
	} else if (tui_list_key(list, key, mouse)) {
		return;
	} else if (key == '/') {
		picker->typing = true;
	} else if (key == '?' || key == TUI_KEY_F1) {
		say(picker, TUI_TEXT, help);
	} else if (key == TUI_KEY_ESCAPE && picker->pattern[0]) {
		clear_filter(picker);
	} else if (key == 'q' || key == TUI_KEY_ESCAPE) {
		picker->quit = true;
	}
}

/* As in the view itself: the terminal is given back, and taken again by fg. */
static void suspend(struct picker *picker)
{
	tui_screen_suspend();
	picker->next_ms = 0;
	picker->stale = true;
}

static void read_keys(struct picker *picker)
{
	struct tui_mouse mouse = { 0 };

	for (int i = 0; i < KEYS_AT_ONCE && !picker->quit; i++) {
		int key = tui_key_read(&mouse);
		bool said = picker->said[0];

		if (key == TUI_KEY_NONE)
			return;
		picker->stale = true;
		if (key == TUI_KEY_RESIZE)
			continue;
		picker->said[0] = '\0';
		if (key == CTRL('c') || key == TUI_KEY_HANGUP)
			picker->quit = true;
		else if (key == CTRL('z'))
			suspend(picker);
		else if (key == CTRL('l'))
			tui_screen_redraw();
		else if (picker->typing && key != TUI_KEY_MOUSE)
			typing_key(picker, key);
		else
			plain_key(picker, key == TUI_KEY_ESCAPE && said ? TUI_KEY_NONE : key,
				  &mouse);
	}
}

/* A terminal that is gone can always be read, and never gives a key. */
static bool wait_for_keys(const struct picker *picker)
{
	struct pollfd terminal = { .fd = tui_key_fd(), .events = POLLIN };
	uint64_t now = tui_clock_ns() / TUI_NSEC_PER_MSEC;

	/* Not for long: a signal may have come just before. */
	if (now + WAIT_MS < picker->next_ms)
		now = picker->next_ms - WAIT_MS;
	poll(&terminal, 1, now < picker->next_ms ? (int)(picker->next_ms - now) : 0);
	return !(terminal.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Returns the signal that ended it, or 0. */
static int run(struct picker *picker)
{
	while (!picker->quit && !tui_signals_ended()) {
		if (tui_signals_stop())
			suspend(picker);
		if (tui_signals_continued()) {
			tui_screen_redraw();
			picker->stale = true;
		}
		if (tui_clock_ns() / TUI_NSEC_PER_MSEC >= picker->next_ms)
			refresh(picker);
		read_keys(picker);
		if (picker->stale && !picker->quit)
			draw(picker);
		if (!picker->quit && !wait_for_keys(picker))
			return tui_signals_ended() ? tui_signals_ended() : SIGHUP;
	}
	return tui_signals_ended();
}

int tui_pick(pid_t *ret, int *signal, struct pyspyc_error *err)
{
	struct picker picker = { 0 };
	int result;

	*ret = 0;
	*signal = 0;
	result = tui_screen_open(err);
	if (result < 0)
		return result;
	tui_signals_begin();
	tui_pick_list_open(&picker.table);
	*signal = run(&picker);
	tui_pick_list_close(&picker.table);
	tui_screen_close();
	tui_signals_end();
	if (picker.result < 0 && err)
		*err = picker.error;
	if (picker.result < 0)
		return picker.result;
	*ret = *signal ? 0 : picker.chosen;
	return 0;
}
