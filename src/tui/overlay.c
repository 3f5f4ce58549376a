/* What is shown over a view: the source, a stack, the help. */
#include <stdlib.h>

#include "tui/app.h"

struct tui_layer *tui_app_layer(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;

	return internal->over_count ? &internal->overs[internal->over_count - 1]
				    : &internal->views[app->view];
}

void tui_app_push(struct tui_app *app, const struct tui_view *over,
		  void (*begin)(void *state, const void *argument), const void *argument)
{
	struct tui_internal *internal = app->internal;
	struct tui_layer *layer;
	void *state;

	if (internal->over_count == TUI_OVERS) {
		tui_app_say(app, TUI_BAD, "Too much lies over this already: Escape goes back");
		return;
	}
	state = calloc(1, over->size ? over->size : 1);
	if (!state) {
		tui_app_say(app, TUI_BAD, "Out of memory");
		return;
	}
	layer = &internal->overs[internal->over_count++];
	*layer = (struct tui_layer){ .view = over, .state = state };
	if (over->open)
		over->open(app, state);
	if (begin)
		begin(state, argument);
	if (over->update)
		over->update(app, state);
	internal->stale = true;
}

void tui_app_drop(struct tui_app *app)
{
	struct tui_internal *internal = app->internal;
	struct tui_layer *layer = tui_app_layer(app);

	if (!internal->over_count)
		return;
	if (layer->view->close)
		layer->view->close(layer->state);
	free(layer->state);
	internal->over_count--;
	internal->stale = true;
}

void tui_app_pop(struct tui_app *app)
{
	tui_app_drop(app);
	tui_app_update(app);
}
