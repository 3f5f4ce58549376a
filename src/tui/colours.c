#include <stdlib.h>

#include "tui/screen_parts.h"

#define NONE (-1)

struct paint {
	int text, ground; /* NONE: the terminal's own */
};

/*
 * How each role looks. The text colours on the terminal's own ground are of middle brightness, so
 * that they can be read on a light one as well as on a dark one.
 */
struct look {
	attr_t plain;	   /* without colours */
	attr_t coloured;   /* with */
	struct paint few;  /* of 8 colours */
	struct paint many; /* of 256 */
};

static const struct look looks[TUI_ROLES] = {
	[TUI_TEXT] = { 0, 0, { NONE, NONE }, { NONE, NONE } },
	[TUI_DIM] = { 0, 0, { NONE, NONE }, { 244, NONE } },
	[TUI_STRONG] = { A_BOLD, A_BOLD, { NONE, NONE }, { NONE, NONE } },
	[TUI_TITLE] = { 0, 0, { COLOR_CYAN, NONE }, { 32, NONE } },
	[TUI_HEADING] = { A_UNDERLINE, 0, { COLOR_BLACK, COLOR_WHITE }, { 252, 237 } },
	[TUI_SORTED] = { A_UNDERLINE | A_BOLD, A_BOLD, { COLOR_BLUE, COLOR_WHITE }, { 117, 237 } },
	[TUI_CURSOR] = { A_REVERSE, 0, { COLOR_BLACK, COLOR_CYAN }, { 16, 117 } },
	[TUI_TAB] = { 0, 0, { NONE, NONE }, { 252, 237 } },
	[TUI_TAB_ON] = { A_REVERSE, A_BOLD, { COLOR_BLACK, COLOR_CYAN }, { 16, 117 } },
	[TUI_KEY] = { A_BOLD, A_BOLD, { COLOR_CYAN, NONE }, { 32, NONE } },
	[TUI_HINT] = { 0, 0, { NONE, NONE }, { NONE, NONE } },
	[TUI_HOT] = { A_BOLD, A_BOLD, { COLOR_RED, NONE }, { 196, NONE } },
	[TUI_WARM] = { 0, 0, { COLOR_YELLOW, NONE }, { 172, NONE } },
	[TUI_COOL] = { 0, 0, { NONE, NONE }, { NONE, NONE } },
	[TUI_GOOD] = { 0, 0, { COLOR_GREEN, NONE }, { 34, NONE } },
	[TUI_BAD] = { A_BOLD, A_BOLD, { COLOR_RED, NONE }, { 196, NONE } },
	[TUI_MATCH] = { A_BOLD | A_UNDERLINE, 0, { COLOR_BLACK, COLOR_YELLOW }, { 16, 220 } },
	[TUI_OWN] = { 0, 0, { NONE, NONE }, { NONE, NONE } },
	[TUI_STDLIB] = { 0, 0, { COLOR_BLUE, NONE }, { 67, NONE } },
	[TUI_THIRD] = { 0, 0, { COLOR_MAGENTA, NONE }, { 133, NONE } },
	[TUI_PLOT] = { 0, 0, { COLOR_CYAN, NONE }, { 32, NONE } },
	[TUI_PLOT_2] = { 0, 0, { COLOR_YELLOW, NONE }, { 172, NONE } },
	[TUI_PLOT_3] = { 0, 0, { COLOR_GREEN, NONE }, { 34, NONE } },
};

static bool coloured;
static bool dim; /* TUI_DIM has no colour of its own */

/*
 * A number of xterm's palette of 256 as red, green and blue: 16 of the terminal's, a cube of six
 * steps each way, greys (xterm's 256colres.pl).
 */
static int red_green_blue(int colour)
{
	static const int steps[] = { 0, 95, 135, 175, 215, 255 };

	if (colour < 16)
		return colour;
	if (colour >= 232)
		return (8 + (colour - 232) * 10) * 0x010101;
	colour -= 16;
	return steps[colour / 36] << 16 | steps[colour / 6 % 6] << 8 | steps[colour % 6];
}

/*
 * Terminals with "direct" colours take them as red, green and blue in one number; the lowest ones
 * are the eight of old, so black is taken from there.
 */
static int direct(int colour)
{
	return colour == NONE ? NONE : colour == 16 ? COLOR_BLACK : red_green_blue(colour);
}

void tui_colours_open(void)
{
	const char *off = getenv("NO_COLOR");

	coloured = !(off && *off) && has_colors() && start_color() != ERR && COLORS >= 8 &&
		   COLOR_PAIRS > TUI_ROLES;
	dim = coloured && COLORS < 256;
	if (!coloured)
		return;

	bool own = use_default_colors() != ERR;

	for (int role = 0; role < TUI_ROLES; role++) {
		struct paint paint = COLORS >= 256 ? looks[role].many : looks[role].few;

		if (COLORS >= 1 << 24) {
			paint.text = direct(paint.text);
			paint.ground = direct(paint.ground);
		}
		if (!own && paint.text == NONE)
			paint.text = COLOR_WHITE;
		if (!own && paint.ground == NONE)
			paint.ground = COLOR_BLACK;
		init_extended_pair(role + 1, paint.text, paint.ground);
	}
}

void tui_colours_look(enum tui_role role, attr_t *attributes, int *pair)
{
	if ((unsigned int)role >= TUI_ROLES)
		role = TUI_TEXT;
	*attributes = coloured ? looks[role].coloured : looks[role].plain;
	if (dim && role == TUI_DIM)
		*attributes |= A_DIM;
	/* Text in the terminal's own colours needs none of the pairs. */
	*pair = coloured && (looks[role].few.text != NONE || looks[role].many.text != NONE)
			? (int)role + 1
			: 0;
}
