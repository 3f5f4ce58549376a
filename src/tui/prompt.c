/* Questions in the bottom line: the filter, and how to save. */
#include "tui/app.h"
#include "tui/typed.h"

/* Columns from which the ways to save are spelt out. */
#define WIDE 76

static struct tui_list *list_of(struct tui_app *app)
{
	const struct tui_layer *layer = tui_app_layer(app);

	return layer->view->list ? layer->view->list(layer->state) : NULL;
}

/* Whether the list leaves out what does not match; in a source or a stack one only looks. */
static bool filters(const struct tui_list *list)
{
	return !list->fixed || list->rebuild;
}

/* Takes pattern over into the list; false when it is no regular expression. */
static bool apply(struct tui_app *app, const char *pattern)
{
	struct tui_list *list = list_of(app);

	app->internal->stale = true;
	if (!list)
		return true;
	if (tui_list_search(list, pattern))
		return false;
	return !filters(list) || !tui_list_filter(list, pattern);
}

void tui_prompt_filter(struct tui_app *app)
{
	if (!list_of(app)) {
		tui_app_say(app, TUI_WARM, "There is nothing to filter here");
		return;
	}
	app->internal->prompt = TUI_PROMPT_FILTER;
	app->internal->wrong = false;
}

void tui_prompt_save(struct tui_app *app)
{
	app->internal->prompt = TUI_PROMPT_SAVE;
}

bool tui_prompt_clear(struct tui_app *app)
{
	struct tui_layer *layer = tui_app_layer(app);
	bool any = layer->pattern[0];

	layer->pattern[0] = 0;
	if (any)
		apply(app, NULL);
	return any;
}

static void filter_key(struct tui_app *app, int key)
{
	struct tui_internal *internal = app->internal;
	char *pattern = tui_app_layer(app)->pattern;

	if (key == TUI_KEY_ENTER) {
		internal->prompt = TUI_PROMPT_NONE;
		if (internal->wrong) {
			tui_app_say(app, TUI_BAD, "'%s' is no regular expression", pattern);
			tui_prompt_clear(app);
		}
		return;
	}
	if (key == TUI_KEY_ESCAPE) {
		internal->prompt = TUI_PROMPT_NONE;
		tui_prompt_clear(app);
		return;
	}
	if (key == TUI_KEY_BACKSPACE && !*pattern) {
		internal->prompt = TUI_PROMPT_NONE;
		return;
	}
	if (tui_typed_key(pattern, TUI_INPUT, key))
		internal->wrong = !apply(app, pattern);
	else if (key == TUI_KEY_UP || key == TUI_KEY_DOWN)
		tui_list_key(list_of(app), key, NULL);
}

static void save_key(struct tui_app *app, int key)
{
	const struct tui_saving *saving = tui_app_savings(app);

	app->internal->prompt = TUI_PROMPT_NONE;
	while (saving->key && saving->key != key && key != TUI_KEY_ENTER)
		saving++;
	if (saving->key)
		tui_app_save(app, saving);
	else
		tui_app_say(app, TUI_TEXT, "Not saved");
}

void tui_prompt_key(struct tui_app *app, int key)
{
	if (app->internal->prompt == TUI_PROMPT_FILTER)
		filter_key(app, key);
	else
		save_key(app, key);
}

static void draw_filter(struct tui_app *app, struct tui_area line)
{
	const struct tui_internal *internal = app->internal;
	const struct tui_list *list = list_of(app);
	const char *label = list && !filters(list) ? "Search: " : "Filter: ";
	int end = line.x + line.width;
	int x = tui_typed_draw(line.y, line.x, line.width, label, tui_app_layer(app)->pattern,
			       internal->wrong) +
		1;

	if (internal->wrong)
		tui_put(line.y, x, end - x, TUI_BAD, false, "not a regular expression (yet)");
	else if (end - x >= 24)
		tui_put(line.y, x, end - x, TUI_DIM, false, "Enter keeps, Esc ends it");
}

static void draw_save(struct tui_app *app, struct tui_area line)
{
	bool narrow = line.width < WIDE;
	int end = line.x + line.width, x = line.x;
	const char *glue = ":";

	tui_put(line.y, x, line.width, TUI_KEY, true, "");
	x += tui_put(line.y, x, line.width, TUI_KEY, false, narrow ? "Save" : "Save what is seen");
	for (const struct tui_saving *saving = tui_app_savings(app); saving->key && x < end;
	     saving++, glue = ",")
		x += tui_putf(line.y, x, end - x, TUI_KEY, false, "%s %c %s", glue, saving->key,
			      narrow ? saving->brief : saving->what);
	if (x < end)
		tui_put(line.y, x, end - x, TUI_KEY, false, narrow ? ", Esc" : ", Esc not");
}

void tui_prompt_draw(struct tui_app *app, struct tui_area line)
{
	if (app->internal->prompt == TUI_PROMPT_FILTER)
		draw_filter(app, line);
	else
		draw_save(app, line);
}
