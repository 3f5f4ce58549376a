/* The app between its files: what is common to all views. */
#ifndef TUI_APP_H
#define TUI_APP_H

#include "tui/view.h"
#include "tui/views.h"

#define TUI_OVERS 6
#define TUI_INPUT 128

#define TUI_CTRL(letter) ((letter)&0x1f)

/* A view, or what lies over it, and the pattern that its list was filtered or searched with. */
struct tui_layer {
	const struct tui_view *view;
	void *state;
	char pattern[TUI_INPUT];
};

enum tui_prompt {
	TUI_PROMPT_NONE,
	TUI_PROMPT_FILTER,
	TUI_PROMPT_SAVE,
};

struct tui_internal {
	struct tui_layer views[TUI_VIEWS];
	struct tui_layer overs[TUI_OVERS];
	size_t over_count;
	bool stale; /* what is on the screen is no longer true */
	bool quit;
	uint64_t next_ns; /* monotonic time of the next refresh */
	uint64_t refreshes;
	uint64_t rate_refreshes; /* how many there had been when the rate was set */
	char said[512];		 /* the last line that the program printed */
	uint64_t listen_ns;	 /* when to look for that again */
	uint64_t alive_ns;	 /* when to look whether any process is there, while paused */
	enum tui_prompt prompt;
	bool wrong; /* what was typed is no regular expression */
	char message[512];
	uint64_t message_ns; /* until when it is shown */
	enum tui_role message_role;
	int tabs_y;			 /* row of the tabs, or -1 */
	struct tui_area tabs[TUI_VIEWS]; /* where to click; width 0: not to be seen */
	bool child_ended;
	int child_status;
	struct pyspyc_error error;
};

/* --- app.c --- */

/* Asks what can be seen for its figures anew: another query, another view. */
void tui_app_update(struct tui_app *app);

/* Ends a window and shows it. */
void tui_app_refresh(struct tui_app *app);

/* --- overlay.c --- */

/* What the user looks at: the topmost overlay, or else the view. */
struct tui_layer *tui_app_layer(struct tui_app *app);

/* Closes the topmost overlay, if any; the second one shows what lies below as it is now. */
void tui_app_drop(struct tui_app *app);
void tui_app_pop(struct tui_app *app);

/* --- app_keys.c --- */

void tui_app_key(struct tui_app *app, int key, const struct tui_mouse *mouse);

/* Keys that work in every view, for the bottom line and the help; NULL key ends them. */
extern const struct tui_hint tui_app_hints[];

/* --- header.c: returns the rows it took --- */

int tui_header_draw(struct tui_app *app, struct tui_area screen);

/* --- bottom.c --- */

void tui_tabs_draw(struct tui_app *app, struct tui_area line);
void tui_bottom_draw(struct tui_app *app, struct tui_area line);

/* --- prompt.c --- */

void tui_prompt_filter(struct tui_app *app);
void tui_prompt_save(struct tui_app *app);

/* A key while there is a prompt. */
void tui_prompt_key(struct tui_app *app, int key);
void tui_prompt_draw(struct tui_app *app, struct tui_area line);

/* Takes the filter off; false when there was none. */
bool tui_prompt_clear(struct tui_app *app);

/* --- save.c --- */

/* What can be saved of the view that is shown; key 0 ends them. */
const struct tui_saving *tui_app_savings(const struct tui_app *app);

/* Writes it, and says so. */
void tui_app_save(struct tui_app *app, const struct tui_saving *saving);

/* --- help.c, dump_popup.c --- */

void tui_app_help(struct tui_app *app);
void tui_app_dump(struct tui_app *app);

#endif
