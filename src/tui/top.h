/* The live view, as its client (cli/) sees it. */
#ifndef TUI_TOP_H
#define TUI_TOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "pyspyc/live.h"
#include "pyspyc/process.h"
#include "pyspyc/snapshot.h"

/*
 * The views in the order of their tabs and F-keys (F2 is the first), by the names that --view
 * takes. The line to add for a view; its file defines `const struct tui_view tui_view_NAME`.
 */
#define TUI_VIEW_LIST(FIRST, VIEW) \
	FIRST(functions)           \
	VIEW(lines)                \
	VIEW(tree)                 \
	VIEW(threads)              \
	VIEW(memory)               \
	VIEW(gil)

struct tui_options {
	double delay;		    /* seconds between refreshes */
	struct pyspyc_query query;  /* scope and the like to begin with */
	const char *view;	    /* name of the view to begin with, or NULL for the first */
	const char *title;	    /* the command line or the pids that were given */
	struct pyspyc_child *child; /* the program that was started, or NULL */
	double rate;		    /* samples a second to begin with */
	double duration;	    /* seconds, 0: until the user or the target ends it */
	const char *file_stem;	    /* what saved files' names begin with: "app-1234" */
	struct pyspyc_snapshot_options dump; /* for the stacks that d shows */
	/* What of the program the recorder was told to take, as in its options; NULL for all. */
	const char *const *threads;
	const char *include, *exclude;
	/*
	 * Called some times a second, may be NULL: the last line that the program printed, NULL or
	 * "" for none, valid until the next call.
	 */
	const char *(*output)(void *context);
	void *context;
};

/*
 * Shows what recorder (made with options.live, its processes added) sees until the user ends it.
 * The terminal is as it was when this returns, also after errors. *ret gets the exit status of
 * the child if it has ended, else 0; *signal the signal that ended the view, or 0.
 * -PYSPYC_EIO when there is no terminal that can show it.
 */
int tui_run(struct pyspyc_recorder *recorder, const struct tui_options *options, int *ret,
	    int *signal, struct pyspyc_error *err);

/*
 * When --thread (threads, as in the recorder's options) has left no thread of what is sampled:
 * says so in text, a phrase with the names of those that there are. Else false.
 */
bool tui_unmatched(const struct pyspyc_live *live, const char *const *threads,
		   const struct pyspyc_snapshot_options *options, char *text, size_t size);

/*
 * Lets the user choose one of the machine's Python processes. *ret is 0 when none was chosen.
 */
int tui_pick(pid_t *ret, int *signal, struct pyspyc_error *err);

#endif
