#include <poll.h>
#include <stdint.h>

#include "tui/clock.h"
#include "tui/screen_parts.h"

/* How long two presses may lie apart to be a double click. */
#define DOUBLE_CLICK_MS 400
/* After Escape: how long what follows may take to be of the same key. */
#define ESCAPE_MS 25
#define MOST_EVENTS 16
#define MOST_SEQUENCE 32

/* The keys' part of the one terminal (see screen.c). */
static struct {
	/* Of a character of several bytes: what has come, and how much is to come. */
	uint32_t code;
	int rest;
	/* Presses that curses had read together, the newest first, as it hands them out. */
	MEVENT events[MOST_EVENTS];
	int event_count;
	/* The last press. */
	int y, x;
	uint64_t at_ms;
} keys;

static const struct {
	int theirs, ours;
} names[] = {
	{ KEY_ENTER, TUI_KEY_ENTER },	{ KEY_BACKSPACE, TUI_KEY_BACKSPACE },
	{ KEY_UP, TUI_KEY_UP },		{ KEY_DOWN, TUI_KEY_DOWN },
	{ KEY_LEFT, TUI_KEY_LEFT },	{ KEY_RIGHT, TUI_KEY_RIGHT },
	{ KEY_PPAGE, TUI_KEY_PAGE_UP }, { KEY_NPAGE, TUI_KEY_PAGE_DOWN },
	{ KEY_HOME, TUI_KEY_HOME },	{ KEY_END, TUI_KEY_END },
	{ KEY_FIND, TUI_KEY_HOME },	{ KEY_SELECT, TUI_KEY_END },
	{ KEY_A1, TUI_KEY_HOME },	{ KEY_C1, TUI_KEY_END },
	{ KEY_A3, TUI_KEY_PAGE_UP },	{ KEY_C3, TUI_KEY_PAGE_DOWN },
	{ KEY_DC, TUI_KEY_DELETE },	{ KEY_BTAB, TUI_KEY_BACKTAB },
	{ KEY_RESIZE, TUI_KEY_RESIZE },
};

/*
 * What terminals send whatever TERM says: PuTTY, tmux and screen are often taken for an xterm, and
 * not each heeds the mode in which that sends other arrows (xterm's ctlseqs, "PC-Style Function
 * Keys" and "VT220-Style Function Keys"; console_codes(4) for the first F-keys of Linux).
 */
static const struct {
	const char *bytes;
	int key;
} sequences[] = {
	{ "\033[A", KEY_UP },	   { "\033OA", KEY_UP },      { "\033[B", KEY_DOWN },
	{ "\033OB", KEY_DOWN },	   { "\033[C", KEY_RIGHT },   { "\033OC", KEY_RIGHT },
	{ "\033[D", KEY_LEFT },	   { "\033OD", KEY_LEFT },    { "\033[H", KEY_HOME },
	{ "\033OH", KEY_HOME },	   { "\033[1~", KEY_HOME },   { "\033[7~", KEY_HOME },
	{ "\033[F", KEY_END },	   { "\033OF", KEY_END },     { "\033[4~", KEY_END },
	{ "\033[8~", KEY_END },	   { "\033[3~", KEY_DC },     { "\033[5~", KEY_PPAGE },
	{ "\033[6~", KEY_NPAGE },  { "\033[Z", KEY_BTAB },    { "\033OM", KEY_ENTER },
	{ "\033OP", KEY_F(1) },	   { "\033OQ", KEY_F(2) },    { "\033OR", KEY_F(3) },
	{ "\033OS", KEY_F(4) },	   { "\033[11~", KEY_F(1) },  { "\033[12~", KEY_F(2) },
	{ "\033[13~", KEY_F(3) },  { "\033[14~", KEY_F(4) },  { "\033[[A", KEY_F(1) },
	{ "\033[[B", KEY_F(2) },   { "\033[[C", KEY_F(3) },   { "\033[[D", KEY_F(4) },
	{ "\033[[E", KEY_F(5) },   { "\033[15~", KEY_F(5) },  { "\033[17~", KEY_F(6) },
	{ "\033[18~", KEY_F(7) },  { "\033[19~", KEY_F(8) },  { "\033[20~", KEY_F(9) },
	{ "\033[21~", KEY_F(10) }, { "\033[23~", KEY_F(11) }, { "\033[24~", KEY_F(12) },
};

void tui_keys_open(void)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (key_defined(sequences[i].bytes) == 0)
			define_key(sequences[i].bytes, sequences[i].key);
	keys.rest = 0;
	keys.event_count = 0;
	keys.at_ms = 0;
	set_escdelay(ESCAPE_MS);
	/* Presses are told at once; what makes two of them a double click is decided here. */
	mouseinterval(0);
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
}

static int tell_event(const MEVENT *event, struct tui_mouse *mouse)
{
	uint64_t now = tui_clock_ns() / TUI_NSEC_PER_MSEC;

	*mouse = (struct tui_mouse){ .y = event->y, .x = event->x };
	if (event->bstate & BUTTON4_PRESSED) {
		mouse->wheel = -1;
	} else if (event->bstate & BUTTON5_PRESSED) {
		mouse->wheel = 1;
	} else {
		mouse->click = true;
		mouse->twice = keys.at_ms && now - keys.at_ms <= DOUBLE_CLICK_MS &&
			       keys.y == event->y && keys.x == event->x;
		/* A third press begins anew. */
		keys.at_ms = mouse->twice ? 0 : now;
		keys.y = event->y;
		keys.x = event->x;
	}
	return TUI_KEY_MOUSE;
}

static int next_event(struct tui_mouse *mouse)
{
	static const mmask_t wanted = BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED;

	while (keys.event_count > 0) {
		const MEVENT *event = &keys.events[--keys.event_count];

		if (event->bstate & wanted)
			return tell_event(event, mouse);
	}
	return TUI_KEY_NONE;
}

/* One byte or key of curses. TUI_KEY_NONE when it was no key, or not a whole one yet. */
static int take(int got)
{
	if (keys.rest && got >= 0x80 && got < 0xc0) {
		keys.code = keys.code << 6 | ((uint32_t)got & 0x3f);
		if (--keys.rest > 0)
			return TUI_KEY_NONE;
		return keys.code >= 0xa0 && keys.code < TUI_KEY_UP ? (int)keys.code : TUI_KEY_NONE;
	}
	keys.rest = 0;
	if (got == '\r')
		return TUI_KEY_ENTER;
	if (got == '\b')
		return TUI_KEY_BACKSPACE;
	if (got < 0x80)
		return got;
	if (got < 0x100) {
		if (tui_screen_utf8() && got >= 0xc2 && got <= 0xf4) {
			keys.rest = got >= 0xf0 ? 3 : got >= 0xe0 ? 2 : 1;
			keys.code = (uint32_t)got & (0x3fu >> keys.rest);
		}
		return TUI_KEY_NONE;
	}
	if (got >= KEY_F(1) && got <= KEY_F(12))
		return TUI_KEY_F1 + (got - KEY_F(1));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].theirs == got)
			return names[i].ours;
	return TUI_KEY_NONE;
}

/*
 * After an Escape: whether it began a sequence of a key that nobody knows, which is then read to
 * its end (ECMA-48, 5.4; O and a letter for those of the keypad). Its bytes are not to be taken
 * for keys.
 */
static bool skip_sequence(WINDOW *input)
{
	int got = wgetch(input);

	if (got != '[' && got != 'O') {
		if (got != ERR)
			ungetch(got);
		return false;
	}
	for (int i = 0; i < MOST_SEQUENCE; i++) {
		got = wgetch(input);
		if (got == ERR || got >= 0x40)
			break;
	}
	return true;
}

/* Nothing came: is that because nothing ever will? */
static int nothing_or_hangup(void)
{
	struct pollfd poll_fd = { .fd = tui_key_fd(), .events = POLLIN };

	if (poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL))
		return TUI_KEY_HANGUP;
	return TUI_KEY_NONE;
}

int tui_key_read(struct tui_mouse *mouse)
{
	struct tui_mouse ignored;
	WINDOW *input = tui_screen_input();
	int key;

	if (!input)
		return TUI_KEY_NONE;
	mouse = mouse ? mouse : &ignored;
	*mouse = (struct tui_mouse){ 0 };
	if (tui_screen_resized())
		return TUI_KEY_RESIZE;
	for (;;) {
		if ((key = next_event(mouse)))
			return key;

		int got = wgetch(input);

		if (got == ERR)
			return nothing_or_hangup();
		if (got == KEY_MOUSE) {
			while (keys.event_count < MOST_EVENTS &&
			       getmouse(&keys.events[keys.event_count]) == OK)
				keys.event_count++;
		} else if (got == TUI_KEY_ESCAPE && skip_sequence(input)) {
			continue;
		} else if ((key = take(got))) {
			return key;
		}
	}
}
