/* A refresh as text, in the manner of top -b. */
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "cli/message.h"
#include "cli/top.h"
#include "tui/view.h"

#define FIGURE 32

static double seconds_up(const struct pyspyc_live_process *process)
{
	int64_t up = process->started_at ? (int64_t)time(NULL) - process->started_at : 0;

	return up > 0 ? (double)up : 0;
}

static void put_process(FILE *file, const struct pyspyc_live_process *process)
{
	char figure[FIGURE];

	fprintf(file, "Process %d: ", (int)process->pid);
	cli_put_safe(file, process->command);
	if (process->version[0]) {
		fputs("; Python ", file);
		cli_put_safe(file, process->version);
	}
	if (process->ended)
		fputs("; ended", file);
	else if (process->started_at)
		fprintf(file, "; up %s", tui_seconds(seconds_up(process), figure, sizeof(figure)));
	if (!process->ended)
		fprintf(file, "; RSS %s", tui_bytes((double)process->rss, figure, sizeof(figure)));
	fputc('\n', file);
}

static void put_header(FILE *file, const struct cli_refresh *refresh)
{
	const struct pyspyc_live *live = refresh->live;
	const struct pyspyc_live_point *last = live->point_count
						       ? &live->points[live->point_count - 1]
						       : NULL;
	double growth = round(live->rss_per_minute); /* there is no -0B */
	size_t processes = 0;
	char one[FIGURE];
	char two[FIGURE];
	time_t now = time(NULL);
	struct tm local;
	char clock[FIGURE];

	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	for (size_t i = 0; i < live->process_count; i++)
		processes += live->processes[i].sampling;
	fprintf(file,
		"pyspyc top - %s; samples %" PRIu64 ", %.*f/s; missed %" PRIu64 ", errors %" PRIu64
		", late %.2f ms\n",
		clock, refresh->stats->samples, live->rate >= 20 ? 0 : 2, live->rate, live->missed,
		live->errors, (double)live->late_ns / 1e6);
	for (size_t i = 0; i < live->process_count; i++)
		put_process(file, &live->processes[i]);
	fprintf(file, "CPU %s", tui_percent(live->cpu, one, sizeof(one)));
	fprintf(file, ", GIL %s", tui_percent(live->gil, one, sizeof(one)));
	fprintf(file, ", GC %s", tui_percent(live->gc, one, sizeof(one)));
	fprintf(file, "; threads: %zu active, %zu idle, %zu waiting for the GIL; processes: %zu\n",
		live->active, live->idle, live->gil_wait, processes);
	fprintf(file, "Memory: RSS %s, %s%s a minute\n\n",
		tui_bytes(last ? (double)last->rss : 0, one, sizeof(one)), growth < 0 ? "" : "+",
		tui_bytes(growth, two, sizeof(two)));
}

static void put_row(FILE *file, const struct pyspyc_row *row)
{
	const struct pyspyc_place *place = &row->place;
	const struct pyspyc_amounts *amounts = &row->amounts;

	fprintf(file, "%7.2f %7.2f %9.2f %9.2f  ", amounts->own_now * 100, amounts->total_now * 100,
		amounts->own_s, amounts->total_s);
	if (place->pid || place->tid) {
		fprintf(file, "[%d", (int)(place->tid ? place->tid : place->pid));
		if (place->whose && *place->whose) {
			fputc(' ', file);
			cli_put_safe(file, place->whose);
		}
		fputs("] ", file);
	}
	cli_put_safe(file, place->name);
	if (place->file[0]) {
		fputs(" (", file);
		cli_put_safe(file, place->file);
		if (place->line > 0)
			fprintf(file, ":%d", place->line);
		fputc(')', file);
	}
	fputc('\n', file);
}

bool cli_top_text(FILE *file, const struct cli_refresh *refresh)
{
	put_header(file, refresh);
	fprintf(file, "%7s %7s %9s %9s  %s\n", "%Own", "%Total", "OwnTime", "TotalTime",
		refresh->top->table == PYSPYC_TABLE_LINES ? "Line" : "Function");
	for (size_t i = 0; i < refresh->table->count; i++)
		put_row(file, &refresh->table->rows[i]);
	return !ferror(file);
}
