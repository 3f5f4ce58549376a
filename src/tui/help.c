/* ?: every key, of the view that is shown and of all. */
#include <stdio.h>

#include "tui/app.h"
#include "tui/paper.h"

#define KEYS 12

struct subject {
	const struct tui_view *view;
};

static const struct tui_hint moving[] = {
	{ "Up Down", "", "a row; also k and j" },
	{ "PgUp PgDn", "", "a page" },
	{ "Home End", "", "the first, the last row" },
	{ "Left Right", "", "sideways; also h and l" },
	{ "1 2 3 4", "", "sort by that column, again: the other way round" },
	{ "Mouse", "",
	  "a click chooses a tab, a row or a column to sort by, a double click is Enter; "
	  "the wheel scrolls" },
	{ NULL, NULL, NULL },
};

static void add_hints(struct tui_paper *paper, const char *title, const struct tui_hint *hints)
{
	char text[32];

	if (!hints || !hints->key)
		return;
	tui_paper_add(paper, TUI_TEXT, "", "");
	tui_paper_add(paper, TUI_STRONG, title, "");
	for (; hints->key; hints++) {
		snprintf(text, sizeof(text), "  %s", hints->key);
		tui_paper_add(paper, TUI_KEY, text,
			      hints->help && *hints->help ? hints->help : hints->what);
	}
}

static void begin(void *state, const void *argument)
{
	struct tui_paper *paper = state;
	const struct subject *subject = argument;

	tui_paper_begin(paper, "Help", KEYS);
	tui_paper_add(paper, TUI_STRONG, subject->view->title, subject->view->help);
	add_hints(paper, "Here", subject->view->hints);
	add_hints(paper, "Everywhere", tui_app_hints);
	add_hints(paper, "In tables", moving);
	tui_paper_add(paper, TUI_TEXT, "", "");
	tui_paper_add(paper, TUI_STRONG, "Views", "");
	for (size_t i = 0; tui_views[i]; i++) {
		char text[32];

		snprintf(text, sizeof(text), "  F%zu", i + 2);
		tui_paper_add(paper, TUI_KEY, text, tui_views[i]->help);
	}
	tui_paper_end(paper);
}

static const struct tui_view help = {
	.name = "help",
	.title = "Help",
	.help = "The keys.",
	.size = sizeof(struct tui_paper),
	.close = tui_paper_free,
	.draw = tui_paper_draw,
	.key = tui_paper_key,
	.list = tui_paper_list,
};

void tui_app_help(struct tui_app *app)
{
	const struct subject subject = { tui_app_layer(app)->view };

	if (subject.view == &help)
		tui_app_pop(app);
	else
		tui_app_push(app, &help, begin, &subject);
}
