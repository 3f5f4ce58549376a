/* The line of tabs, and the bottom line that tells the keys. */
#include <stdio.h>
#include <string.h>

#include "tui/app.h"

/* "F2 Functions" where all of them fit so, else "Functions". */
static int tab_text(size_t view, bool keys, char *text, size_t size)
{
	snprintf(text, size, keys ? " F%zu %s " : "%.0zu%s", keys ? view + 2 : 0,
		 tui_views[view]->title);
	return tui_columns(text);
}

static int tabs_width(bool keys)
{
	char text[64];
	int width = 0;

	for (size_t i = 0; tui_views[i]; i++)
		width += tab_text(i, keys, text, sizeof(text)) + !keys;
	return width - !keys;
}

/* How much the words may take: in full, short, or the keys that they stand for. */
enum wording { WORDING_LONG, WORDING_SHORT, WORDING_KEYS, WORDINGS };

struct words {
	char text[512];
	enum wording wording;
};

static void add_word(struct words *words, const char *in_full, const char *brief, const char *key)
{
	const char *const forms[WORDINGS] = { in_full, brief, key };
	size_t used = strlen(words->text);

	snprintf(words->text + used, sizeof(words->text) - used, "%s%s",
		 !used				    ? ""
		 : words->wording == WORDING_LONG ? ", "
						    : " ",
		 forms[words->wording]);
}

/* What of the program was asked for on the command line. */
static void add_given(const struct tui_options *options, struct words *words)
{
	char text[128];

	for (size_t i = 0; options->threads && options->threads[i]; i++) {
		snprintf(text, sizeof(text), "thread %s", options->threads[i]);
		if (!i || words->wording == WORDING_LONG)
			add_word(words, text, "--thread", "--thr");
	}
	if (options->include) {
		snprintf(text, sizeof(text), "include %s", options->include);
		add_word(words, text, "--include", "--inc");
	}
	if (options->exclude) {
		snprintf(text, sizeof(text), "exclude %s", options->exclude);
		add_word(words, text, "--exclude", "--exc");
	}
}

/* What the figures are about; what is so from the start is told in full or not at all. */
static void describe(const struct tui_app *app, enum wording wording, struct words *words)
{
	const struct tui_layer *layer = tui_app_layer((struct tui_app *)app);
	const struct pyspyc_query *query = &app->query;
	char pattern[TUI_INPUT + 2];

	*words = (struct words){ .wording = wording };
	if (query->scope == PYSPYC_SCOPE_ALL)
		add_word(words, "all threads", "idle", "i");
	else if (query->scope == PYSPYC_SCOPE_GIL)
		add_word(words, "GIL holders", "GIL", "g");
	else if (wording == WORDING_LONG)
		add_word(words, "wanting a CPU", "", "");
	if (query->own_only)
		add_word(words, "own code", "own", "e");
	if (query->by_thread)
		add_word(words, "by thread", "thr", "t");
	if (query->by_process)
		add_word(words, "by process", "proc", "c");
	add_given(app->options, words);
	if (layer->pattern[0]) {
		snprintf(pattern, sizeof(pattern), "/%s/", layer->pattern);
		add_word(words, pattern, pattern, pattern);
	}
}

/*
 * The longest words that fit beside the tabs, or without the tabs' keys. Returns the columns that
 * they take.
 */
static int choose_words(const struct tui_app *app, int width, bool *keys, struct words *words)
{
	bool can = tabs_width(true) <= width;

	for (*keys = can;; *keys = false) {
		int room = width - tabs_width(*keys) - 1;

		for (enum wording wording = WORDING_LONG; wording < WORDINGS; wording++) {
			describe(app, wording, words);
			if (tui_columns(words->text) <= room)
				return tui_columns(words->text);
		}
		if (!*keys)
			break;
	}
	/* Then they are cut, or some tabs are left out. */
	return tui_columns(words->text) < width / 2 ? tui_columns(words->text) : width / 2;
}

void tui_tabs_draw(struct tui_app *app, struct tui_area line)
{
	struct tui_internal *internal = app->internal;
	struct words words;
	bool keys;
	int columns = choose_words(app, line.width, &keys, &words);
	int room = line.width - (columns ? columns + 1 : 0);
	size_t first = 0;
	int x = line.x;
	char text[256];
	int width;

	memset(internal->tabs, 0, sizeof(internal->tabs));
	/* Those to the left go when the one that is shown would not be seen. */
	for (width = 0; !keys && first < app->view; first++) {
		width = 0;
		for (size_t i = first; i <= app->view; i++)
			width += tab_text(i, keys, text, sizeof(text)) + 1;
		if (width - 1 <= room)
			break;
	}
	for (size_t i = first; tui_views[i]; i++) {
		width = tab_text(i, keys, text, sizeof(text));
		if (x + width > line.x + room)
			break;
		internal->tabs[i] = (struct tui_area){ line.y, x, 1, width };
		x += tui_put(line.y, x, width, i == app->view ? TUI_TAB_ON : TUI_TAB, false, text);
		x += !keys;
	}
	tui_put(line.y, line.x + line.width - columns, columns, TUI_DIM, false, words.text);
}

/* One hint; false when it does not fit. */
static bool put_hint(struct tui_area line, int *x, const struct tui_hint *hint)
{
	int width = tui_columns(hint->key) + 1 + tui_columns(hint->what);

	if (*x + width > line.x + line.width)
		return false;
	*x += tui_put(line.y, *x, width, TUI_KEY, false, hint->key) + 1;
	*x += tui_put(line.y, *x, width, TUI_HINT, false, hint->what) + 2;
	return true;
}

static bool has_hint(const struct tui_hint *hints, const char *key)
{
	for (; hints && hints->key; hints++)
		if (!strcmp(hints->key, key))
			return true;
	return false;
}

static void put_hints(struct tui_area line, int *x, const struct tui_hint *hints,
		      const struct tui_hint *unless)
{
	for (; hints && hints->key; hints++)
		if (hints->what && *hints->what && !has_hint(unless, hints->key) &&
		    !put_hint(line, x, hints))
			return;
}

void tui_bottom_draw(struct tui_app *app, struct tui_area line)
{
	/* What q and / do over a view. */
	static const struct tui_hint over[] = {
		{ "Esc", "back", NULL },
		{ "/", "search", NULL },
		{ "q", "", NULL },
		{ NULL, NULL, NULL },
	};
	const struct tui_internal *internal = app->internal;
	const struct tui_layer *layer = tui_app_layer(app);
	int x = line.x;

	if (internal->prompt) {
		tui_prompt_draw(app, line);
		return;
	}
	if (internal->message[0]) {
		tui_put(line.y, x, line.width, internal->message_role, true, internal->message);
		return;
	}
	if (internal->over_count) {
		put_hints(line, &x, over, NULL);
		put_hints(line, &x, layer->view->hints, over);
		put_hints(line, &x, tui_app_hints, over);
		return;
	}
	for (size_t i = 0; i < 2; i++) /* ? and q are always there */
		put_hint(line, &x, &tui_app_hints[i]);
	put_hints(line, &x, layer->view->hints, NULL);
	put_hints(line, &x, tui_app_hints + 2, layer->view->hints);
}
