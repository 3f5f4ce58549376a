/* pyspyc top without a screen: a refresh after the other, as top -b prints them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/signals.h"
#include "cli/top.h"
#include "tui/top.h"

struct printing {
	const struct cli_top *top;
	struct pyspyc_recorder *recorder;
	struct cli_out out;
	uint64_t next_ns; /* when the next refresh is due, in the recorder's time */
	uint64_t printed;
	bool begun;
	bool failed;
	struct pyspyc_error error;
};

/* The busiest now first, among them by total, then by the time since the start, then by name. */
static int compare(const void *left, const void *right)
{
	const struct pyspyc_row *a = left;
	const struct pyspyc_row *b = right;
	const double pairs[][2] = {
		{ a->amounts.own_now, b->amounts.own_now },
		{ a->amounts.total_now, b->amounts.total_now },
		{ a->amounts.own_s, b->amounts.own_s },
		{ a->amounts.total_s, b->amounts.total_s },
	};
	int order;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] > pairs[i][1] || pairs[i][0] < pairs[i][1])
			return pairs[i][0] > pairs[i][1] ? -1 : 1;
	order = strcmp(a->place.name, b->place.name);
	if (!order)
		order = strcmp(a->place.file, b->place.file);
	return order ? order : (a->place.line > b->place.line) - (a->place.line < b->place.line);
}

/* Nothing in the table wants a reason. Once is enough. */
static void note_unmatched(const struct printing *printing, const struct pyspyc_live *live)
{
	const struct cli_top *top = printing->top;
	const struct pyspyc_snapshot_options options = cli_top_dump(top);
	char text[512];

	if (!printing->printed &&
	    tui_unmatched(live, top->order.options.threads, &options, text, sizeof(text)))
		cli_note("%s", text);
}

/* One refresh. False when something failed: printing->error, or the stream, says what. */
static bool print(struct printing *printing, const struct pyspyc_recorder_stats *stats)
{
	const struct cli_top *top = printing->top;
	struct cli_refresh refresh = { .top = top, .stats = stats };
	struct pyspyc_table table = { 0 };
	bool done;

	if (pyspyc_live_update(printing->recorder, &refresh.live, &printing->error) ||
	    pyspyc_live_table(printing->recorder, top->table, &top->query, &table,
			      &printing->error))
		return false;
	if (table.count)
		qsort(table.rows, table.count, sizeof(*table.rows), compare);
	refresh.table = &table;
	if (printing->printed && !top->json && printing->out.file)
		fputc('\n', printing->out.file);
	done = printing->out.file &&
	       (top->json ? cli_top_json : cli_top_text)(printing->out.file, &refresh);
	pyspyc_table_free(&table);
	cli_out_flush(&printing->out);
	note_unmatched(printing, refresh.live);
	printing->printed++;
	if (!done)
		snprintf(printing->error.message, sizeof(printing->error.message), "out of memory");
	return done && !printing->out.errnum;
}

static enum pyspyc_next stop(struct printing *printing, bool good)
{
	printing->failed = !good;
	return PYSPYC_STOP;
}

static enum pyspyc_next tick(void *context, const struct pyspyc_recorder_stats *stats)
{
	struct printing *printing = context;
	const struct cli_top *top = printing->top;
	uint64_t delay_ns = (uint64_t)(top->delay * 1e9);

	if (cli_signals_ended())
		return stop(printing, true);
	if (!printing->begun) { /* opens the first window */
		const struct pyspyc_live *live;

		printing->begun = true;
		printing->next_ns = stats->elapsed_ns + delay_ns;
		if (pyspyc_live_update(printing->recorder, &live, &printing->error))
			return stop(printing, false);
	}
	if (stats->elapsed_ns < printing->next_ns)
		return PYSPYC_CONTINUE;
	printing->next_ns += delay_ns;
	if (printing->next_ns < stats->elapsed_ns)
		printing->next_ns = stats->elapsed_ns + delay_ns;
	if (!print(printing, stats))
		return stop(printing, false);
	return printing->printed == top->refreshes ? stop(printing, true) : PYSPYC_CONTINUE;
}

int cli_top_print(const struct cli_top *top, struct pyspyc_recorder *recorder)
{
	struct printing printing = { .top = top, .recorder = recorder };
	int status = CLI_OK;

	cli_out_open(&printing.out);
	if (pyspyc_recorder_run(recorder, tick, &printing, &printing.error))
		printing.failed = true;
	/* What came after the last refresh, unless all that was asked for has been printed. */
	else if (!printing.failed && (!top->refreshes || printing.printed < top->refreshes))
		printing.failed = !print(&printing, pyspyc_recorder_stats(recorder));
	if (printing.failed && printing.error.message[0])
		status = cli_error("%s", printing.error.message);
	return cli_out_close(&printing.out, printing.failed ? CLI_FAILED : status);
}

int cli_top_last(const struct cli_top *top, struct pyspyc_recorder *recorder)
{
	struct printing printing = { .top = top, .recorder = recorder };
	int status = CLI_OK;

	cli_out_open(&printing.out);
	if (!print(&printing, pyspyc_recorder_stats(recorder)) && printing.error.message[0])
		status = cli_error("%s", printing.error.message);
	return cli_out_close(&printing.out, status);
}
