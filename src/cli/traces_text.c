/* Traces as a table. */
#include <inttypes.h>

#include "cli/message.h"
#include "cli/traces.h"
#include "tui/view.h"

#define FIGURE 32

static const char *bytes(uint64_t number, char *text)
{
	return tui_bytes((double)number, text, FIGURE);
}

static void put_bytes(FILE *file, int width, uint64_t number)
{
	char text[FIGURE];

	fprintf(file, "%*s", width, bytes(number, text));
}

/* "+1.5M", "-812K", "0" */
static void put_change(FILE *file, int width, int64_t change)
{
	uint64_t size = change < 0 ? 0 - (uint64_t)change : (uint64_t)change;
	char text[FIGURE], with_sign[FIGURE + 1];

	snprintf(with_sign, sizeof(with_sign), "%s%s",
		 change < 0 ? "-"
		 : change   ? "+"
			    : "",
		 bytes(size, text));
	fprintf(file, "%*s", width, with_sign);
}

static void put_process(FILE *file, const struct pyspyc_tracemalloc *now)
{
	fprintf(file, "Process %d: ", (int)now->pid);
	cli_put_safe(file, now->command);
	fprintf(file, "\nPython v%s, tracemalloc keeps %" PRIu32 " frame%s of each block\n\n",
		now->version, now->frame_limit, now->frame_limit == 1 ? "" : "s");
}

static void put_total(FILE *file, const char *name, uint64_t size, const char *more)
{
	char text[FIGURE];

	fprintf(file, "%-9s %7s  %" PRIu64 " bytes%s\n", name, bytes(size, text), size, more);
}

static void put_totals(FILE *file, const struct cli_traces *traces)
{
	const struct pyspyc_tracemalloc *now = traces->now;
	char more[64];

	snprintf(more, sizeof(more), " in %" PRIu64 " block%s", now->traces,
		 now->traces == 1 ? "" : "s");
	put_total(file, "Traced", now->traced, more);
	put_total(file, "Peak", now->peak, "");
	put_total(file, "Overhead", now->overhead, " of tracemalloc itself");
	if (traces->before)
		fprintf(file, "Growth    %+" PRId64 " bytes, %+" PRId64 " blocks in %.1f seconds\n",
			(int64_t)(now->traced - traces->before->traced),
			(int64_t)(now->traces - traces->before->traces), traces->seconds);
	fputc('\n', file);
}

static void put_frame(FILE *file, const struct pyspyc_traced_frame *frame, enum pyspyc_traces_by by)
{
	cli_put_safe(file, frame->file);
	if (by != PYSPYC_TRACES_BY_FILE)
		fprintf(file, ":%u", frame->line);
	fputc('\n', file);
}

static void put_row(FILE *file, const struct cli_traces *traces,
		    const struct pyspyc_traces_row *row)
{
	put_bytes(file, 8, row->size);
	if (traces->before)
		put_change(file, 9, row->size_diff);
	fprintf(file, " %9" PRIu64, row->count);
	if (traces->before)
		fprintf(file, " %+9" PRId64, row->count_diff);
	else
		put_bytes(file, 8, row->count ? row->size / row->count : 0);
	fputs("  ", file);
	for (size_t i = 0; i < row->frame_count; i++) {
		if (i)
			fprintf(file, "%*s", traces->before ? 41 : 30, "from ");
		put_frame(file, &row->frames[i], traces->by);
	}
}

static void put_table(FILE *file, const struct cli_traces *traces)
{
	static const char *const headings[] = {
		[PYSPYC_TRACES_BY_LINE] = "Line",
		[PYSPYC_TRACES_BY_FILE] = "File",
		[PYSPYC_TRACES_BY_TRACEBACK] = "Traceback, innermost frame first",
	};
	size_t count = traces->table->count, i;

	if (traces->before)
		fprintf(file, "%8s%9s %9s %9s  %s\n", "Size", "Growth", "Blocks", "Growth",
			headings[traces->by]);
	else
		fprintf(file, "%8s %9s%8s  %s\n", "Size", "Blocks", "Average",
			headings[traces->by]);
	for (i = 0; i < count && i < traces->rows; i++)
		put_row(file, traces, &traces->table->rows[i]);
	if (i < count)
		fprintf(file, "... and %zu more\n", count - i);
}

void cli_traces_text(FILE *file, const struct cli_traces *traces)
{
	put_process(file, traces->now);
	put_totals(file, traces);
	put_table(file, traces);
}
