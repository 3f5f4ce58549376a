/* Keys that mean the same in every view. */
#include <stdio.h>
#include <string.h>

#include "tui/app.h"

const struct tui_hint tui_app_hints[] = {
	{ "?", "help", "this help, also F1; X or Esc leaves it" },
	{ "q", "quit", "end, as Ctrl-C does" },
	{ "Tab", "view",
	  "the next view; Shift-Tab the one before; F2, F3 and so on a certain one" },
	{ "L", "", "from functions to lines and back" },
	{ "/", "filter",
	  "show only what matches a regular expression; Enter keeps it, Esc ends it" },
	{ "Space", "pause", "stop sampling, and go on; also p" },
	{ "i", "idle", "idle threads too, or only active ones" },
	{ "g", "GIL", "only threads that hold the GIL, or all active ones" },
	{ "e", "own", "own code only: what libraries do counts as their callers' doing" },
	{ "t", "threads", "tell threads apart" },
	{ "c", "processes",
	  "tell processes apart; the memory view then lists them, unless "
	  "threads are told apart" },
	{ "s", "save", "save what is seen: a flame graph or folded stacks, of memory a plot too" },
	{ "d", "dump", "the stacks of all threads now" },
	{ "+", "faster", "sample more often" },
	{ "-", "slower", "sample less often" },
	{ "R", "reset", "count from now on" },
	{ "n", "", "the next row that matches; N the one before" },
	{ "Ctrl-L", "", "draw the screen anew" },
	{ "Ctrl-Z", "", "suspend; fg in the shell goes on" },
	{ NULL, NULL, NULL },
};

static const double rates[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000 };

static void change_rate(struct tui_app *app, bool up)
{
	struct pyspyc_error err = { 0 };
	size_t count = sizeof(rates) / sizeof(rates[0]);
	double rate = app->rate;

	for (size_t i = 0; up && i < count; i++)
		if (rates[i] > app->rate) {
			rate = rates[i];
			break;
		}
	for (size_t i = count; !up && i > 0; i--)
		if (rates[i - 1] < app->rate) {
			rate = rates[i - 1];
			break;
		}
	if (pyspyc_recorder_set_rate(app->recorder, rate, &err)) {
		tui_app_say(app, TUI_BAD, "%s", err.message);
		return;
	}
	app->rate = rate;
	app->internal->rate_refreshes = app->internal->refreshes;
	tui_app_say(app, TUI_GOOD, "%.10g samples a second", rate);
}

static void toggle_pause(struct tui_app *app)
{
	if (app->finished)
		return;
	app->paused = !app->paused;
	pyspyc_recorder_set_paused(app->recorder, app->paused);
	tui_app_say(app, TUI_GOOD,
		    app->paused ? "Paused: nothing is sampled; Space goes on" : "Sampling goes on");
}

static void set_scope(struct tui_app *app, enum pyspyc_scope scope)
{
	static const char *const words[] = {
		[PYSPYC_SCOPE_ACTIVE] = "Only threads on a CPU or waiting for one",
		[PYSPYC_SCOPE_ALL] = "Idle threads too",
		[PYSPYC_SCOPE_GIL] = "Only threads that hold the GIL",
	};

	app->query.scope = app->query.scope == scope ? PYSPYC_SCOPE_ACTIVE : scope;
	tui_app_say(app, TUI_GOOD, "%s", words[app->query.scope]);
	tui_app_update(app);
}

static void toggle(struct tui_app *app, bool *flag, const char *on, const char *off)
{
	*flag = !*flag;
	tui_app_say(app, TUI_GOOD, "%s", *flag ? on : off);
	tui_app_update(app);
}

static void go(struct tui_app *app, size_t view)
{
	tui_app_go(app, tui_views[view % TUI_VIEWS]->name);
}

static void reset(struct tui_app *app)
{
	pyspyc_live_reset(app->recorder);
	if (app->finished)
		tui_app_update(app);
	else
		tui_app_refresh(app);
	tui_app_say(app, TUI_GOOD, "Counting from now on");
}

static void redraw(struct tui_app *app)
{
	tui_screen_redraw();
	app->internal->stale = true;
}

/* F-keys, and letters that stand for a function without arguments. */
static bool plain_key(struct tui_app *app, int key)
{
	static const struct {
		int key;
		void (*act)(struct tui_app *app);
	} acts[] = {
		{ '?', tui_app_help },	    { TUI_KEY_F1, tui_app_help },
		{ 's', tui_prompt_save },   { 'd', tui_app_dump },
		{ '/', tui_prompt_filter }, { ' ', toggle_pause },
		{ 'p', toggle_pause },	    { 'R', reset },
		{ TUI_CTRL('l'), redraw },
	};

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (acts[i].key == key) {
			acts[i].act(app);
			return true;
		}
	if (key > TUI_KEY_F1 && key <= TUI_KEY_F1 + TUI_VIEWS) {
		go(app, (size_t)(key - TUI_KEY_F1 - 1));
		return true;
	}
	return false;
}

static void common_key(struct tui_app *app, int key)
{
	struct pyspyc_query *query = &app->query;

	if (plain_key(app, key))
		return;
	switch (key) {
	case TUI_KEY_TAB:
		go(app, app->view + 1);
		break;
	case TUI_KEY_BACKTAB:
		go(app, app->view + TUI_VIEWS - 1);
		break;
	case 'L':
		tui_app_go(app,
			   strcmp(tui_views[app->view]->name, "lines") ? "lines" : "functions");
		break;
	case '+':
	case '=':
	case '-':
		change_rate(app, key != '-');
		break;
	case 'i':
		set_scope(app, PYSPYC_SCOPE_ALL);
		break;
	case 'g':
		set_scope(app, PYSPYC_SCOPE_GIL);
		break;
	case 'e':
		toggle(app, &query->own_only, "Own code only", "Libraries too");
		break;
	case 't':
		toggle(app, &query->by_thread, "Threads told apart", "All threads together");
		break;
	case 'c':
		toggle(app, &query->by_process, "Processes told apart", "All processes together");
		break;
	case TUI_KEY_ESCAPE:
		tui_prompt_clear(app);
		break;
	case 'q':
		app->internal->quit = true;
		break;
	default:
		break;
	}
}

/* A click on a tab; everything else below is the view's. */
static bool tab_click(struct tui_app *app, const struct tui_mouse *mouse)
{
	const struct tui_internal *internal = app->internal;

	if (!mouse->click || mouse->y != internal->tabs_y)
		return false;
	for (size_t i = 0; i < TUI_VIEWS; i++)
		if (mouse->x >= internal->tabs[i].x &&
		    mouse->x < internal->tabs[i].x + internal->tabs[i].width)
			go(app, i);
	return true;
}

static bool closes(int key)
{
	return key == TUI_KEY_ESCAPE || key == TUI_KEY_LEFT || key == 'q' || key == 'X';
}

void tui_app_key(struct tui_app *app, int key, const struct tui_mouse *mouse)
{
	struct tui_internal *internal = app->internal;
	struct tui_layer *layer = tui_app_layer(app);

	if (key == TUI_KEY_RESIZE)
		return;
	internal->message[0] = 0;
	if (key == TUI_CTRL('c') || key == TUI_KEY_HANGUP)
		internal->quit = true;
	else if (internal->prompt)
		tui_prompt_key(app, key);
	else if (key == TUI_KEY_MOUSE && tab_click(app, mouse))
		return;
	else if (layer->view->key && layer->view->key(app, layer->state, key, mouse))
		return;
	else if (key == TUI_KEY_ESCAPE && layer->pattern[0])
		tui_prompt_clear(app);
	else if (internal->over_count && closes(key))
		tui_app_pop(app);
	else
		common_key(app, key);
}
