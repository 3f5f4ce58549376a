/* Views: each a const descriptor in a file of its own, listed once, in views.c. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include "tui/list.h"
#include "tui/top.h"

struct tui_app;

/* A key and what it does, for the bottom line and the help. */
struct tui_hint {
	const char *key;  /* as shown: "Enter", "x" */
	const char *what; /* a word or two */
	const char *help; /* a sentence, for ? */
};

/* What s can save of what a view shows: the key that chooses it, and what is written. */
struct tui_saving {
	int key;	    /* 0 ends a list of them */
	const char *what;   /* "flame graph" */
	const char *brief;  /* the same for a narrow screen */
	const char *format; /* its name */
	bool memory;	    /* one of pyspyc/memory.h, else one of pyspyc/profile.h */
};

struct tui_view {
	const char *name;	      /* as --view takes it: "functions" */
	const char *title;	      /* as the tab shows it: "Functions" */
	const char *help;	      /* a sentence: what it shows */
	const struct tui_hint *hints; /* its own keys; NULL key ends them */
	size_t size; /* of its state, zeroed at the start; its list may be its first member */
	void (*open)(struct tui_app *app, void *state); /* once; may be NULL */
	void (*close)(void *state);			/* once; may be NULL */
	/* New figures, or another query: asks the recorder for what it shows. */
	void (*update)(struct tui_app *app, void *state);
	void (*draw)(struct tui_app *app, void *state, struct tui_area area);
	/* True when the key was for the view. mouse is for TUI_KEY_MOUSE. */
	bool (*key)(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse);
	/* The list that / filters and n searches, or NULL. */
	struct tui_list *(*list)(void *state);
	const struct tui_saving *savings; /* the first is Enter's; NULL: those of time */
};

/* All views in the order of their tabs and F-keys (F2 is the first), NULL-terminated. */
extern const struct tui_view *const tui_views[];

/* What views share. Made by app.c. */
struct tui_app {
	struct pyspyc_recorder *recorder;
	const struct tui_options *options;
	const struct pyspyc_live *live; /* of the last refresh; never NULL while views are called */
	struct pyspyc_query query;
	double rate, delay;
	bool paused, finished;	       /* finished: every process has ended */
	size_t view;		       /* index in tui_views */
	void **states;		       /* of each view */
	struct tui_internal *internal; /* app.c's own */
};

/* Says something in the bottom line until the next key, for some seconds at most. */
void tui_app_say(struct tui_app *app, enum tui_role role, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Shows the source of a place over the view, until Escape (source.c). */
void tui_app_show_source(struct tui_app *app, const struct pyspyc_place *place);

/* The same with how memory grew under each line. */
void tui_app_show_memory(struct tui_app *app, const struct pyspyc_place *place);

/* Shows a thread's live stack over the view, until Escape (stack_popup.c). */
void tui_app_show_stack(struct tui_app *app, pid_t pid, pid_t tid);

/* Goes to the view called name. */
void tui_app_go(struct tui_app *app, const char *name);

/*
 * Something shown over the view (source, stack, help, dump): a view that is not in the list. It
 * is closed by Escape, q, X or Left. Its state is made as for a view; argument is handed to begin.
 */
void tui_app_push(struct tui_app *app, const struct tui_view *over,
		  void (*begin)(void *state, const void *argument), const void *argument);

/* Until a recording is as old as that, RSS has no trend: rss_per_minute is 0. */
#define TUI_TREND_NS ((uint64_t)10000000000)
/*
 * Only from then on a trend of 0 says that memory is steady. Before, there may be none yet: its
 * points lie half a second, or an update, apart, and the first and the last of them may be late.
 */
#define TUI_STEADY_NS ((uint64_t)12000000000)

/* --- format.c: figures as text --- */

/* "12.3%", "  0.0%": a share. */
const char *tui_percent(double share, char *buffer, size_t size);
/* "1.23s", "12m03s", "3h02m": seconds. */
const char *tui_seconds(double seconds, char *buffer, size_t size);
/* "12.3M": bytes, binary units. */
const char *tui_bytes(double bytes, char *buffer, size_t size);
/* Hot, warm or cool. */
enum tui_role tui_heat(double share);

#endif
