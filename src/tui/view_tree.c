#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cells.h"
#include "tui/tree_rows.h"
#include "tui/views.h"

/* What the filter said of a place: many branches have the same. */
struct memo {
	const char *name, *file;
	int line;
	pid_t pid, tid;
	bool known, matches;
};

#define MEMOS 8192 /* a power of two */

struct tree_view {
	struct tui_list list; /* first: see tui_view */
	struct pyspyc_tree tree;
	struct tui_tree_rows rows;
	bool now; /* children by what they take now, not since the start */
	int step; /* columns by which a level is indented */
	int left; /* columns of the indentation that are off the screen */
	enum pyspyc_scope scope;
	const struct tui_match *filter; /* while rows are made */
	struct memo *memos;
	char pattern[TUI_PATTERN]; /* of the memos */
};

static const struct pyspyc_branch *branch_at(const struct tree_view *view, size_t row)
{
	return &view->tree.branches[view->rows.rows[row]];
}

/* --- cells --- */

static void cell_total(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, branch_at(context, row)->amounts.total_now);
}

static void cell_own(const void *context, size_t row, struct tui_cell *cell)
{
	tui_cell_share(cell, branch_at(context, row)->amounts.own_now);
}

static void cell_total_time(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tree_view *view = context;

	tui_cell_seconds(cell, branch_at(view, row)->amounts.total_s, view->tree.all.own_s);
}

static void cell_own_time(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tree_view *view = context;

	tui_cell_seconds(cell, branch_at(view, row)->amounts.own_s, view->tree.all.own_s);
}

#define BAR_WIDTH 10

static void cell_bar(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tree_view *view = context;
	const struct pyspyc_amounts *amounts = &branch_at(view, row)->amounts;
	double all = view->now ? view->tree.all.own_now : view->tree.all.own_s;

	tui_cell_bar(cell, all > 0 ? (view->now ? amounts->total_now : amounts->total_s) / all : 0,
		     BAR_WIDTH);
}

static void cell_call(const void *context, size_t row, struct tui_cell *cell)
{
	const struct tree_view *view = context;
	const struct pyspyc_branch *branch = branch_at(view, row);
	long long indent = (long long)branch->depth * view->step - view->left;
	const char *mark = " ";
	size_t length = indent > 0 ? (size_t)indent : 0;

	if (branch->size > 1 && tui_tree_rows_is_open(&view->rows, view->rows.rows[row]))
		mark = tui_screen_utf8() ? "▾" : "-";
	else if (branch->size > 1)
		mark = tui_screen_utf8() ? "▸" : "+";
	if (length > sizeof(cell->text) / 2)
		length = sizeof(cell->text) / 2;
	cell->role = tui_place_role(&branch->place);
	memset(cell->text, ' ', length);
	length += (size_t)snprintf(cell->text + length, sizeof(cell->text) - length, "%s ", mark);
	tui_place_full(&branch->place, cell->text + length, sizeof(cell->text) - length);
}

static const struct tui_column columns[] = {
	{ "%Total", -7, 0, 0, cell_total },
	{ "%Own", -7, 0, 0, cell_own },
	{ "TotalTime", -9, 56, 0, cell_total_time },
	{ "OwnTime", -8, 66, 0, cell_own_time },
	{ "", BAR_WIDTH, 90, 0, cell_bar },
	{ "Call", 0, 0, 0, cell_call },
	{ NULL },
};

enum { COLUMN_TOTAL, COLUMN_TOTAL_TIME = 2 };

#define FIGURES 36 /* columns of those before the call, on a screen of 80 */

/* --- rows --- */

static uint64_t identity(const void *context, size_t row)
{
	return branch_at(context, row)->id;
}

static void text(const void *context, size_t row, struct tui_cell *cell)
{
	tui_place_full(&branch_at(context, row)->place, cell->text, sizeof(cell->text));
}

static size_t memo_slot(const struct pyspyc_place *place)
{
	uint64_t key = (uintptr_t)place->name * 0xd6e8feb86659fd93u;

	key ^= (uintptr_t)place->file + ((uint64_t)(uint32_t)place->line << 32);
	key ^= (uint64_t)(uint32_t)place->tid << 20 ^ (uint32_t)place->pid;
	key *= 0xd6e8feb86659fd93u;
	return (size_t)(key >> 40) & (MEMOS - 1);
}

static bool matches(void *context, size_t branch)
{
	struct tree_view *view = context;
	const struct pyspyc_place *place = &view->tree.branches[branch].place;
	struct memo *memo = &view->memos[memo_slot(place)];
	char full[TUI_CELL];

	if (memo->known && memo->name == place->name && memo->file == place->file &&
	    memo->line == place->line && memo->pid == place->pid && memo->tid == place->tid)
		return memo->matches;
	tui_place_full(place, full, sizeof(full));
	*memo = (struct memo){
		.name = place->name,
		.file = place->file,
		.line = place->line,
		.pid = place->pid,
		.tid = place->tid,
		.known = true,
		.matches = tui_match_find(view->filter, full, false, NULL, NULL),
	};
	return memo->matches;
}

/* Memory for what filter says, emptied when it is another one. */
static bool begin_memos(struct tree_view *view, const struct tui_match *filter)
{
	if (!view->memos)
		view->memos = calloc(MEMOS, sizeof(*view->memos));
	else if (strcmp(view->pattern, filter->text) != 0)
		memset(view->memos, 0, MEMOS * sizeof(*view->memos));
	snprintf(view->pattern, sizeof(view->pattern), "%s", filter->text);
	view->filter = filter;
	return view->memos != NULL;
}

static void rebuild(void *context, const struct tui_match *filter)
{
	struct tree_view *view = context;
	bool filtered = filter && begin_memos(view, filter);

	tui_tree_rows_build(&view->rows, &view->tree, filtered ? matches : NULL, view);
	view->list.count = view->rows.count;
}

/* --- the view --- */

static void open_view(struct tui_app *app, void *state)
{
	struct tree_view *view = state;

	view->step = 2;
	tui_list_init(&view->list, columns, COLUMN_TOTAL_TIME);
	view->list.context = view;
	view->list.identity = identity;
	view->list.text = text;
	view->list.fixed = true;
	view->list.rebuild = rebuild;
}

static void close_view(void *state)
{
	struct tree_view *view = state;

	tui_list_free(&view->list);
	tui_tree_rows_free(&view->rows);
	pyspyc_tree_free(&view->tree);
	free(view->memos);
}

static void update(struct tui_app *app, void *state)
{
	struct tree_view *view = state;
	struct pyspyc_tree tree = { 0 };
	struct pyspyc_error error = { 0 };

	if (pyspyc_live_tree(app->recorder, &app->query, !view->now, &tree, &error) < 0) {
		tui_app_say(app, TUI_BAD, "%s", error.message);
		return;
	}
	pyspyc_tree_free(&view->tree);
	view->tree = tree;
	view->scope = app->query.scope;
	tui_list_update(&view->list);
}

static void draw_sums(const struct tree_view *view, struct tui_area area)
{
	const struct pyspyc_amounts *all = &view->tree.all;
	char now[32], since[32];

	tui_putf(area.y, area.x, area.width, TUI_DIM, true,
		 "%7s now, %s since the start, largest %s first",
		 tui_percent(all->own_now, now, sizeof(now)),
		 tui_seconds(all->own_s, since, sizeof(since)),
		 view->now ? "now" : "since the start");
}

/* Moves what is indented too far to the left, so that the row under the cursor can be read. */
static void fit_indentation(struct tree_view *view, int width)
{
	int room = (width > 2 * FIGURES ? width - FIGURES : width - FIGURES / 2) / 2;
	long long indent = 0;
	size_t row;

	view->step = width < 60 ? 1 : 2;
	if (tui_list_row(&view->list, &row))
		indent = (long long)branch_at(view, row)->depth * view->step;
	view->left = indent > room ? (int)(indent - room) : 0;
}

#define LEAST_SUMS 8

static void draw(struct tui_app *app, void *state, struct tui_area area)
{
	struct tree_view *view = state;

	fit_indentation(view, area.width);
	if (area.height >= LEAST_SUMS) {
		draw_sums(view, area);
		area.y++;
		area.height--;
	}
	tui_list_draw(&view->list, area);
	if (!view->list.shown && area.height > 1)
		tui_put(area.y + 1, area.x, area.width, TUI_DIM, true,
			view->tree.count ? "Nothing matches the filter."
					 : tui_why_empty(view->scope));
}

/* --- keys --- */

static void set_open(struct tree_view *view, uint32_t branch, bool open)
{
	tui_tree_rows_set(&view->rows, branch, open);
	tui_list_update(&view->list);
}

static void go_to(struct tree_view *view, uint32_t branch)
{
	size_t row;

	if (branch < view->tree.count && tui_tree_rows_find(&view->rows, branch, &row))
		tui_list_go(&view->list, row);
}

static void key_hottest(struct tui_app *app, struct tree_view *view, uint32_t from)
{
	uint32_t branch = tui_tree_rows_hottest(&view->rows, from, !view->now);

	if (branch == TUI_NO_BRANCH) {
		tui_app_say(app, TUI_DIM, "%s", tui_why_empty(view->scope));
		return;
	}
	tui_list_update(&view->list);
	go_to(view, branch);
}

/* How many branches * shows at most. */
#define MOST_OPENED 2000

/* Keys for the branch under the cursor. */
static bool key_branch(struct tui_app *app, struct tree_view *view, int key, uint32_t branch)
{
	const struct pyspyc_branch *at = &view->tree.branches[branch];
	bool leaf = at->size <= 1, open = tui_tree_rows_is_open(&view->rows, branch);

	switch (key) {
	case TUI_KEY_ENTER:
		if (leaf)
			tui_app_show_source(app, &at->place);
		else
			set_open(view, branch, !open);
		return true;
	case TUI_KEY_RIGHT:
	case 'l':
		if (open)
			go_to(view, branch + 1);
		else if (!leaf)
			set_open(view, branch, true);
		return true;
	case TUI_KEY_LEFT:
	case 'h':
		if (open)
			set_open(view, branch, false);
		else
			go_to(view, at->parent);
		return true;
	case '*':
		if (!tui_tree_rows_open_below(&view->rows, branch, MOST_OPENED))
			tui_tree_rows_close_below(&view->rows, branch);
		tui_list_update(&view->list);
		return true;
	case 'H':
		key_hottest(app, view, branch);
		return true;
	case 'v':
		tui_app_show_source(app, &at->place);
		return true;
	default:
		return false;
	}
}

static bool key_view(struct tui_app *app, void *state, int key, const struct tui_mouse *mouse)
{
	struct tree_view *view = state;
	size_t row;

	if (key == 'x') {
		key_hottest(app, view, TUI_NO_BRANCH);
		return true;
	}
	if (key == 'o') {
		view->now = !view->now;
		view->list.sort = view->now ? COLUMN_TOTAL : COLUMN_TOTAL_TIME;
		update(app, view);
		return true;
	}
	if (tui_list_chosen(&view->list, key, mouse, &row))
		key = TUI_KEY_ENTER;
	if (tui_list_row(&view->list, &row) && key_branch(app, view, key, view->rows.rows[row]))
		return true;
	return tui_list_key(&view->list, key, mouse);
}

static struct tui_list *list(void *state)
{
	return &((struct tree_view *)state)->list;
}

static const struct tui_hint hints[] = {
	{ "Enter", "open",
	  "Opens or closes a branch; at a leaf, shows its source. Also Right and Left." },
	{ "x", "hottest", "Opens the way to where the most time is spent." },
	{ "*", "all", "Opens all below, or closes it." },
	{ "o", "order", "Orders by what is spent now, or since the start." },
	{ "v", "source", "Shows the source of the branch." },
	{ "H", "hottest here", "As x, from the branch under the cursor on." },
	{ NULL },
};

const struct tui_view tui_view_tree = {
	.name = "tree",
	.title = "Tree",
	.help = "Who calls what, and where the time goes by that.",
	.hints = hints,
	.size = sizeof(struct tree_view),
	.open = open_view,
	.close = close_view,
	.update = update,
	.draw = draw,
	.key = key_view,
	.list = list,
};
