/* The live view: one thread, all of it in the recorder's tick. */
#include <ctype.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"
#include "tui/clock.h"
#include "tui/signals.h"

/* The first figures come sooner than after a long delay. */
#define FIRST_SECONDS 0.5
/* Keys that are taken at once; more wait until what these did has been shown. */
#define KEYS_AT_ONCE 64
#define FINISHED_POLL_MS 100
/* Rows from which on there is one for what the program has printed. */
#define SAID_LEAST 18
#define MESSAGE_NS 6000000000u
#define LISTEN_NS 250000000u
#define ALIVE_NS 500000000u
/* Refreshes between two times that --thread is said to have left none. */
#define UNMATCHED_EVERY 8

void tui_app_say(struct tui_app *app, enum tui_role role, const char *format, ...)
{
	struct tui_internal *internal = app->internal;
	va_list args;

	va_start(args, format);
	vsnprintf(internal->message, sizeof(internal->message), format, args);
	va_end(args);
	internal->message_role = role;
	internal->message_ns = tui_clock_ns() + MESSAGE_NS;
	internal->stale = true;
}

void tui_app_update(struct tui_app *app)
{
	struct tui_layer *layer = tui_app_layer(app);

	if (layer->view->update)
		layer->view->update(app, layer->state);
	app->internal->stale = true;
}

void tui_app_go(struct tui_app *app, const char *name)
{
	for (size_t i = 0; tui_views[i]; i++) {
		if (strcmp(tui_views[i]->name, name) != 0)
			continue;
		while (app->internal->over_count)
			tui_app_drop(app);
		app->view = i;
		tui_app_update(app);
	}
}

/*
 * What the program has printed. Also while nothing is refreshed: that is when what it prints is
 * thrown away, too.
 */
static void listen(struct tui_app *app)
{
	const struct tui_options *options = app->options;
	struct tui_internal *internal = app->internal;
	uint64_t now = tui_clock_ns();
	const char *said;

	if (!options->output || now < internal->listen_ns)
		return;
	internal->listen_ns = now + LISTEN_NS;
	said = options->output(options->context);
	if (said && strcmp(said, internal->said) != 0) {
		snprintf(internal->said, sizeof(internal->said), "%s", said);
		internal->stale = true;
	}
}

/* An empty screen wants a reason. */
static void tell_unmatched(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;
	char text[sizeof(internal->message)];

	/* The first refresh only opens a window. */
	if (app->finished || internal->message[0] || internal->refreshes % UNMATCHED_EVERY != 2 ||
	    !tui_unmatched(app->live, app->options->threads, &app->options->dump, text,
			   sizeof(text)))
		return;
	text[0] = (char)toupper((unsigned char)text[0]);
	tui_app_say(app, TUI_BAD, "%s", text);
}

void tui_app_refresh(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;
	double delay = app->delay;

	if (pyspyc_live_update(app->recorder, &app->live, &internal->error)) {
		internal->quit = true;
		return;
	}
	if (!internal->refreshes++ && delay > FIRST_SECONDS)
		delay = FIRST_SECONDS;
	internal->next_ns = tui_clock_ns() + (uint64_t)(delay * 1e9);
	tell_unmatched(app);
	tui_app_update(app);
}

/* What the program has printed last: its own screen cannot be seen meanwhile. */
static void draw_said(const struct tui_app *app, struct tui_area line)
{
	int x = line.x + tui_put(line.y, line.x, line.width, TUI_TITLE, false, "Printed") + 1;

	tui_put(line.y, x, line.x + line.width - x, TUI_DIM, false, app->internal->said);
}

static void draw(struct tui_app *app)
{
	struct tui_area screen = tui_screen_size();
	struct tui_layer *layer = tui_app_layer(app);
	struct tui_area area = screen;
	int tabs;

	tui_clear(screen);
	area.y += tui_header_draw(app, screen);
	tabs = screen.height > 4;
	app->internal->tabs_y = tabs ? area.y : -1;
	if (tabs)
		tui_tabs_draw(app, (struct tui_area){ area.y++, screen.x, 1, screen.width });
	area.height = screen.y + screen.height - 1 - area.y;
	if (*app->internal->said && screen.height >= SAID_LEAST) {
		area.height--;
		draw_said(app,
			  (struct tui_area){ area.y + area.height, screen.x, 1, screen.width });
	}
	if (area.height > 0)
		layer->view->draw(app, layer->state, area);
	tui_bottom_draw(app, (struct tui_area){ screen.y + screen.height - 1, screen.x, 1,
						screen.width });
	tui_flush();
	app->internal->stale = false;
}

/* No time counts while nobody can look. */
static void suspend(struct tui_app *app)
{
	pyspyc_recorder_set_paused(app->recorder, true);
	tui_screen_suspend();
	pyspyc_recorder_set_paused(app->recorder, app->paused);
	app->internal->stale = true;
}

static void read_keys(struct tui_app *app)
{
	struct tui_mouse mouse = { 0 };
	int key = TUI_KEY_NONE;

	for (int i = 0; i < KEYS_AT_ONCE && !app->internal->quit; i++) {
		key = tui_key_read(&mouse);
		if (key == TUI_KEY_NONE)
			break;
		app->internal->stale = true;
		if (key == TUI_CTRL('z'))
			suspend(app);
		else
			tui_app_key(app, key, &mouse);
	}
}

static void learn_status(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;
	struct pyspyc_child *child = app->options->child;

	if (child && !internal->child_ended &&
	    !pyspyc_child_status(child, false, &internal->child_status)) {
		internal->child_ended = true;
		listen(app);
		internal->stale = true;
	}
}

/* Not even as a zombie, which only waits to be asked for its exit status (proc(5)). */
static bool is_there(pid_t pid)
{
	char path[64], text[512];
	const char *end;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] != 'Z' && end[2] != 'X';
}

/* While nothing is sampled the recorder does not see that there is nothing left to sample. */
static void look_for_end(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;
	uint64_t now = tui_clock_ns();

	if (!app->paused || app->finished || now < internal->alive_ns)
		return;
	internal->alive_ns = now + ALIVE_NS;
	for (size_t i = 0; i < app->live->process_count; i++)
		if (!app->live->processes[i].ended && is_there(app->live->processes[i].pid))
			return;
	app->paused = false;
	pyspyc_recorder_set_paused(app->recorder, false);
	internal->message[0] = 0;
	internal->stale = true;
}

/* All that is to be done now. False when the view is to end. */
static bool step(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;

	learn_status(app);
	listen(app);
	look_for_end(app);
	if (tui_signals_ended())
		return false;
	if (tui_signals_stop())
		suspend(app);
	if (tui_signals_continued()) {
		tui_screen_redraw();
		internal->stale = true;
	}
	read_keys(app);
	if (!internal->quit && !app->paused && !app->finished && tui_clock_ns() >= internal->next_ns)
		tui_app_refresh(app);
	if (internal->quit)
		return false;
	if (internal->message[0] && tui_clock_ns() > internal->message_ns) {
		internal->message[0] = 0;
		internal->stale = true;
	}
	if (internal->stale)
		draw(app);
	return true;
}

static enum pyspyc_next tick(void *context, const struct pyspyc_recorder_stats *stats)
{
	struct tui_app *app = context;
	double duration = app->options->duration;

	if (!app->live)
		tui_app_refresh(app);
	if (app->internal->quit || !step(app) ||
	    (duration > 0 && (double)stats->elapsed_ns >= duration * 1e9)) {
		app->internal->quit = true;
		return PYSPYC_STOP;
	}
	return PYSPYC_CONTINUE;
}

/* Every process has ended: the last figures stay until the user has seen them. */
static void stay(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;
	struct pollfd terminal = { .fd = tui_key_fd(), .events = POLLIN };
	uint64_t now = tui_clock_ns();

	app->finished = true;
	/* The rest of a window counts when it is no mere moment. */
	if (internal->refreshes < 2 || now + (uint64_t)(app->delay * 0.5e9) > internal->next_ns)
		tui_app_refresh(app);
	internal->stale = true;
	while (step(app))
		poll(&terminal, 1, FINISHED_POLL_MS);
}

static void close_views(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;

	while (internal->over_count)
		tui_app_drop(app);
	for (size_t i = 0; i < TUI_VIEWS; i++) {
		if (app->states[i] && tui_views[i]->close)
			tui_views[i]->close(app->states[i]);
		free(app->states[i]);
	}
}

static bool open_views(struct tui_app *app)
{
	const char *first = app->options->view;

	for (size_t i = 0; i < TUI_VIEWS; i++) {
		const struct tui_view *view = tui_views[i];

		app->states[i] = calloc(1, view->size ? view->size : 1);
		if (!app->states[i])
			return false;
		app->internal->views[i] = (struct tui_layer){ view, app->states[i], "" };
		if (view->open)
			view->open(app, app->states[i]);
		if (first && !strcmp(first, view->name))
			app->view = i;
	}
	return true;
}

static int run(struct tui_app *app, struct pyspyc_error *err)
{
	struct tui_internal *internal = app->internal;
	int result = pyspyc_recorder_run(app->recorder, tick, app, err);

	if (!result && !internal->quit)
		stay(app);
	if (!result && internal->error.code) {
		if (err)
			*err = internal->error;
		result = -(int)internal->error.code;
	}
	return result;
}

int tui_run(struct pyspyc_recorder *recorder, const struct tui_options *options, int *ret,
	    int *signal, struct pyspyc_error *err)
{
	struct tui_internal internal = { .tabs_y = -1 };
	void *states[TUI_VIEWS] = { NULL };
	struct tui_app app = {
		.recorder = recorder,
		.options = options,
		.query = options->query,
		.rate = options->rate,
		.delay = options->delay,
		.states = states,
		.internal = &internal,
	};
	int result;

	*ret = *signal = 0;
	result = tui_screen_open(err);
	if (result < 0)
		return result;
	tui_signals_begin();
	pyspyc_recorder_wake_on(recorder, tui_key_fd());
	if (open_views(&app)) {
		result = run(&app, err);
	} else {
		result = -PYSPYC_ENOMEM;
		if (err) {
			err->code = PYSPYC_ENOMEM;
			snprintf(err->message, sizeof(err->message), "out of memory");
		}
	}
	pyspyc_recorder_wake_on(recorder, -1);
	*signal = tui_signals_ended();
	close_views(&app);
	tui_screen_close();
	tui_signals_end();
	learn_status(&app);
	*ret = internal.child_ended ? internal.child_status : 0;
	return result;
}
