/* pyspyc mem without a file and a screen: a line after the other, and a table at the end. */
#include <math.h>
#include <stdlib.h>

#include "cli/mem.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "cli/targets.h"
#include "tui/growing.h"
#include "tui/view.h"

#define FIGURE 32
#define TABLE_ROWS 20

struct printing {
	struct cli_mem *mem;
	struct pyspyc_recorder *recorder;
	struct pyspyc_child *child;
	struct cli_out out;
	struct tui_growing growing;
	uint64_t next_ns;	      /* when the next line is due, in the recorder's time */
	uint64_t at_ns, minor, major; /* as of the last line */
	uint64_t printed;
	bool failed;
	struct pyspyc_error error;
};

static void put_heading(FILE *file)
{
	fprintf(file, "%9s %7s %7s %7s %7s %9s %8s %10s  %s\n", "Time", "RSS", "PSS", "USS", "Swap",
		"Faults/s", "Major/s", "Growth/min", "Line that grew, or ran");
}

/* 0 is what is not known, of what a process always has some of. */
static void put_bytes(FILE *file, uint64_t bytes, bool known)
{
	char figure[FIGURE] = "-";

	if (known)
		tui_bytes((double)bytes, figure, sizeof(figure));
	fprintf(file, " %7s", figure);
}

static void put_growth(FILE *file, const struct pyspyc_memory_now *now)
{
	double growth = round(now->rss_per_minute);
	char figure[FIGURE] = "-"; /* in the first seconds there is no trend */

	if (growth != 0 || now->at_ns >= TUI_STEADY_NS) {
		figure[0] = '+';
		tui_bytes(growth, figure + (growth > 0), sizeof(figure) - 1);
	}
	fprintf(file, " %10s  ", figure);
}

/* How much each second since the last line. */
static double a_second(uint64_t now, uint64_t before, double seconds)
{
	return seconds > 0 && now > before ? (double)(now - before) / seconds : 0;
}

/* The line that has grown most since the last one, else the busiest one. */
static void put_line(struct printing *printing, const struct pyspyc_table *table)
{
	FILE *file = printing->out.file;
	const struct pyspyc_row *row;
	uint64_t bytes = 0;
	char figure[FIGURE];

	row = tui_growing_update(&printing->growing, table, &bytes);
	if (row)
		fprintf(file, "+%s ", tui_bytes((double)bytes, figure, sizeof(figure)));
	for (size_t i = 0; !bytes && i < table->count; i++)
		if (table->rows[i].amounts.own_now > (row ? row->amounts.own_now : 0))
			row = &table->rows[i];
	if (row)
		cli_mem_put_place(file, &row->place);
	fputc('\n', file);
}

/* One line of figures; false when something failed: printing->error, or the stream, says what. */
static bool print(struct printing *printing)
{
	struct pyspyc_query query = { .scope = PYSPYC_SCOPE_ALL };
	FILE *file = printing->out.file;
	const struct pyspyc_live *live;
	struct pyspyc_table table = { 0 };
	struct pyspyc_memory_now now;
	double seconds;

	if (!file || pyspyc_live_update(printing->recorder, &live, &printing->error) ||
	    pyspyc_recorder_memory(printing->recorder, &now, &printing->error) ||
	    pyspyc_live_table(printing->recorder, PYSPYC_TABLE_LINES, &query, &table,
			      &printing->error))
		return false;
	seconds = (double)(now.at_ns - printing->at_ns) / 1e9;
	if (!printing->printed++)
		put_heading(file);
	fprintf(file, "%8.1fs", (double)now.at_ns / 1e9);
	put_bytes(file, now.rss, now.rss);
	put_bytes(file, now.pss, now.pss);
	put_bytes(file, now.uss, now.uss);
	put_bytes(file, now.swap, true);
	fprintf(file, " %9.0f %8.0f", a_second(now.minor, printing->minor, seconds),
		a_second(now.major, printing->major, seconds));
	put_growth(file, &now);
	put_line(printing, &table);
	printing->at_ns = now.at_ns;
	printing->minor = now.minor;
	printing->major = now.major;
	pyspyc_table_free(&table);
	cli_out_flush(&printing->out);
	return !printing->out.errnum;
}

/* The lines that grew most so far. */
static bool print_table(struct printing *printing)
{
	FILE *file = printing->out.file;
	struct pyspyc_table table = { 0 };
	char figures[3][FIGURE];

	if (!file || !cli_mem_lines(printing->recorder, &table, &printing->error))
		return false;
	fprintf(file, "\n%9s %9s %9s  %s\n", "Grown", "Released", "Net", "Line");
	for (size_t i = 0; i < table.count && i < TABLE_ROWS; i++) {
		const struct pyspyc_amounts *amounts = &table.rows[i].amounts;

		fprintf(file, "%9s %9s %9s  ",
			tui_bytes((double)amounts->grown, figures[0], FIGURE),
			tui_bytes((double)amounts->released, figures[1], FIGURE),
			tui_bytes((double)amounts->grown - (double)amounts->released, figures[2],
				  FIGURE));
		cli_mem_put_place(file, &table.rows[i].place);
		fputc('\n', file);
	}
	if (!table.count)
		fputs("No line was seen to grow.\n", file);
	pyspyc_table_free(&table);
	cli_out_flush(&printing->out);
	return !printing->out.errnum;
}

static enum pyspyc_next stop(struct printing *printing, bool good)
{
	printing->failed = !good;
	return PYSPYC_STOP;
}

/* Whether all goes on. */
static bool heed_alarms(struct printing *printing)
{
	struct cli_mem *mem = printing->mem;
	const struct cli_alarm_scene scene = {
		.order = &mem->order,
		.pid = cli_targets_first(&mem->order, printing->child),
	};
	struct pyspyc_memory_now now;
	enum cli_alarm alarm = cli_alarms_due(&mem->alarms, printing->recorder, &now);

	if (alarm != CLI_ALARM_NONE)
		cli_alarms_give(&mem->alarms, &scene, alarm, &now);
	return !cli_alarms_ended(&mem->alarms);
}

static enum pyspyc_next tick(void *context, const struct pyspyc_recorder_stats *stats)
{
	struct printing *printing = context;
	uint64_t delay_ns = (uint64_t)(printing->mem->delay * 1e9);

	if (cli_signals_flush() && !print_table(printing))
		return stop(printing, false);
	if (cli_signals_ended() || !heed_alarms(printing))
		return stop(printing, true);
	/* The first line comes with the first moment. */
	if (stats->elapsed_ns < printing->next_ns || !stats->passes)
		return PYSPYC_CONTINUE;
	printing->next_ns += delay_ns;
	if (printing->next_ns < stats->elapsed_ns)
		printing->next_ns = stats->elapsed_ns + delay_ns;
	return print(printing) ? PYSPYC_CONTINUE : stop(printing, false);
}

/* What came after the last line, if there is still something to measure. */
static bool print_last(struct printing *printing)
{
	struct pyspyc_memory_now now;

	if (pyspyc_recorder_memory(printing->recorder, &now, &printing->error))
		return false;
	return !now.rss || now.at_ns == printing->at_ns || print(printing);
}

static int print_all(struct printing *printing)
{
	struct pyspyc_recorder *recorder = printing->recorder;
	struct cli_mem *mem = printing->mem;
	int status = cli_targets_add(&mem->order, recorder, &printing->child);

	if (status)
		return status;
	cli_targets_tell(&mem->order, recorder, "is recorded");
	cli_out_open(&printing->out);
	if (pyspyc_recorder_run(recorder, tick, printing, &printing->error))
		printing->failed = true;
	else if (!printing->failed)
		printing->failed = !print_last(printing) || !print_table(printing);
	if (printing->failed && printing->error.message[0])
		status = cli_error("%s", printing->error.message);
	status = cli_out_close(&printing->out, printing->failed ? CLI_FAILED : status);
	if (!printing->failed)
		cli_mem_tell(mem, recorder, false);
	return cli_alarms_finish(&mem->alarms, status);
}

int cli_mem_print(struct cli_mem *mem)
{
	struct printing printing = { .mem = mem };
	struct pyspyc_error err = { 0 };
	int status;

	if (pyspyc_recorder_new(&mem->order.options, &printing.recorder, &err))
		return cli_error("%s", err.message);
	status = print_all(&printing);
	pyspyc_recorder_free(printing.recorder);
	tui_growing_free(&printing.growing);
	return cli_targets_end(printing.child, status);
}
