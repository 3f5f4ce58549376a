#include "tui/source_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_of(const struct pyspyc_row *row, const struct pyspyc_place *place)
{
	const struct pyspyc_place *at = &row->place;

	if (at->kind != PYSPYC_ROW_CODE || !at->path || !place->path)
		return false;
	if (at->pid && place->pid && at->pid != place->pid)
		return false;
	if (at->tid && place->tid && at->tid != place->tid)
		return false;
	return at->path == place->path || strcmp(at->path, place->path) == 0;
}

/* By line, then by thread: rows that may be of the same time stand together. */
static int compare(const void *left, const void *right)
{
	const struct pyspyc_place *a = &(*(const struct pyspyc_row *const *)left)->place;
	const struct pyspyc_place *b = &(*(const struct pyspyc_row *const *)right)->place;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* Adds the rows of one line and one thread, from first to before end. */
static void add_group(struct tui_figure *figure, const struct pyspyc_row *const *rows, size_t first,
		      size_t end)
{
	double own_now = 0, own_s = 0, total_now = 0, total_s = 0, net_total = 0;

	for (size_t i = first; i < end; i++) {
		const struct pyspyc_amounts *amounts = &rows[i]->amounts;
		double net = (double)amounts->grown_total - (double)amounts->released_total;

		figure->grown += (double)amounts->grown;
		figure->released += (double)amounts->released;
		if (fabs(net) > fabs(net_total))
			net_total = net;
		own_now += rows[i]->amounts.own_now;
		own_s += rows[i]->amounts.own_s;
		total_now = larger(total_now, rows[i]->amounts.total_now);
		total_s = larger(total_s, rows[i]->amounts.total_s);
	}
	figure->own_now += own_now;
	figure->own_s += own_s;
	figure->total_now += larger(total_now, own_now);
	figure->total_s += larger(total_s, own_s);
	figure->net_total += net_total;
}

int tui_figures_take(struct tui_figures *figures, const struct pyspyc_table *table,
		     const struct pyspyc_place *place)
{
	const struct pyspyc_row **rows = NULL;
	size_t count = 0, end;

	bool by_growth = figures->by_growth;

	tui_figures_free(figures);
	figures->by_growth = by_growth;
	figures->all_s = table->all.own_s;
	figures->all_grown = (double)table->all.grown;
	for (size_t i = 0; i < table->count; i++)
		count += is_of(&table->rows[i], place);
	if (!count)
		return 0;
	rows = calloc(count, sizeof(*rows));
	figures->figures = calloc(count, sizeof(*figures->figures));
	if (!rows || !figures->figures) {
		free(rows);
		tui_figures_free(figures);
		return -1;
	}
	count = 0;
	for (size_t i = 0; i < table->count; i++)
		if (is_of(&table->rows[i], place))
			rows[count++] = &table->rows[i];
	qsort(rows, count, sizeof(*rows), compare);
	for (size_t i = 0; i < count; i = end) {
		struct tui_figure *figure = &figures->figures[figures->count];

		if (figures->count && figure[-1].line == rows[i]->place.line)
			figure--;
		else
			figures->count++;
		figure->line = rows[i]->place.line;
		figure->name = rows[i]->place.name;
		for (end = i + 1; end < count && compare(&rows[i], &rows[end]) == 0; end++)
			;
		add_group(figure, rows, i, end);
	}
	free(rows);
	return 0;
}

void tui_figures_free(struct tui_figures *figures)
{
	free(figures->figures);
	*figures = (struct tui_figures){ 0 };
}

size_t tui_figures_after(const struct tui_figures *figures, size_t line)
{
	size_t low = 0, high = figures->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (figures->figures[middle].line < 0 ||
		    (size_t)figures->figures[middle].line <= line)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct tui_figure *tui_figures_find(const struct tui_figures *figures, int line)
{
	size_t i = line > 0 ? tui_figures_after(figures, (size_t)line - 1) : figures->count;

	return i < figures->count && figures->figures[i].line == line ? &figures->figures[i] : NULL;
}

/* What makes a line hot: what it took itself, then what it took with what it calls. */
struct heat {
	double own, total;
};

static struct heat heat_of(const struct tui_figures *figures, const struct tui_figure *figure)
{
	if (figures->by_growth)
		return (struct heat){ figure->grown, figure->net_total };
	return (struct heat){ figure->own_s, figure->total_s };
}

/* > 0 when a took more. */
static int compare_heat(const struct tui_figures *figures, const struct tui_figure *left,
			const struct tui_figure *right)
{
	struct heat a = heat_of(figures, left), b = heat_of(figures, right);

	if (a.own != b.own)
		return a.own > b.own ? 1 : -1;
	if (a.total != b.total)
		return a.total > b.total ? 1 : -1;
	return (right->line > left->line) - (right->line < left->line);
}

const struct tui_figure *tui_figures_hottest(const struct tui_figures *figures,
					     const struct tui_figure *after)
{
	const struct tui_figure *ret = NULL;

	for (size_t i = 0; i < figures->count; i++) {
		const struct tui_figure *figure = &figures->figures[i];
		struct heat heat = heat_of(figures, figure);

		if (!(heat.own > 0) && (after || !(heat.total > 0)))
			continue;
		if ((!after || compare_heat(figures, figure, after) < 0) &&
		    (!ret || compare_heat(figures, figure, ret) > 0))
			ret = figure;
	}
	return ret;
}
