/*
 * Which branches of a call tree are shown: those whose callers are all open, or what a filter
 * leaves of them. Knows nothing of the screen.
 */
#ifndef TUI_TREE_ROWS_H
#define TUI_TREE_ROWS_H

#include "pyspyc/live.h"

/* A set of branches' ids. Zero-initialise. */
struct tui_ids {
	uint64_t *slots; /* 0: free */
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

struct tui_tree_rows {
	uint32_t *rows; /* indexes of the branches shown, rising */
	size_t count;

	/* Below: its own. */
	const struct pyspyc_tree *tree;
	size_t capacity;
	struct tui_ids open;   /* branches that are open, in this tree and others */
	struct tui_ids turned; /* with a filter: open or closed by the user, not by the filter */
	struct tui_ids seen;   /* branches at the top that have been there before */
	unsigned char *marks;  /* with a filter: of each branch */
	size_t mark_capacity;
	bool filtered;
};

#define TUI_NO_BRANCH UINT32_MAX

void tui_tree_rows_free(struct tui_tree_rows *rows);

/*
 * Makes rows anew for a tree, which must live until the next call. With matches, what it returns
 * true for is shown, with all callers; below that, nothing is open at first. Otherwise, of
 * branches at the top that are new, the first and all processes are opened down to where they
 * fork. -1 when memory ran out; the rows are none then.
 */
int tui_tree_rows_build(struct tui_tree_rows *rows, const struct pyspyc_tree *tree,
			bool (*matches)(void *context, size_t branch), void *context);

/* What follows changes what is open; tui_tree_rows_build makes it seen. */

bool tui_tree_rows_is_open(const struct tui_tree_rows *rows, uint32_t branch);

/* -1 when memory ran out. */
int tui_tree_rows_set(struct tui_tree_rows *rows, uint32_t branch, bool open);

/*
 * Opens branch and all below it, level by level, as long as no more than most branches are
 * shown by that, but one level at least. Returns whether anything was closed before.
 */
bool tui_tree_rows_open_below(struct tui_tree_rows *rows, uint32_t branch, size_t most);

/* Closes all below branch. */
void tui_tree_rows_close_below(struct tui_tree_rows *rows, uint32_t branch);

/*
 * Opens the way along the largest child from branch (or from the largest at the top, with
 * TUI_NO_BRANCH) down to where the time is spent: a leaf, or what takes more itself than each
 * that it calls. Returns that branch, TUI_NO_BRANCH when there is none.
 */
uint32_t tui_tree_rows_hottest(struct tui_tree_rows *rows, uint32_t branch, bool since_start);

/* The row of a branch, if it is shown. */
bool tui_tree_rows_find(const struct tui_tree_rows *rows, uint32_t branch, size_t *row);

#endif
