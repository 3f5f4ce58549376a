/* What a recording of memory tells at its end. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/mem.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "tui/view.h"

#define FIGURE 32
#define LINES 3
#define NSEC_PER_SEC 1e9

static int compare(const void *left, const void *right)
{
	const struct pyspyc_amounts *a = &((const struct pyspyc_row *)left)->amounts;
	const struct pyspyc_amounts *b = &((const struct pyspyc_row *)right)->amounts;

	if (a->grown != b->grown)
		return a->grown > b->grown ? -1 : 1;
	return (a->released < b->released) - (a->released > b->released);
}

bool cli_mem_lines(struct pyspyc_recorder *recorder, struct pyspyc_table *ret,
		   struct pyspyc_error *err)
{
	/* Memory may grow while a thread is not seen to be active, in a page fault, say. */
	const struct pyspyc_query query = { .scope = PYSPYC_SCOPE_ALL };
	size_t kept = 0;

	if (pyspyc_live_table(recorder, PYSPYC_TABLE_LINES, &query, ret, err))
		return false;
	for (size_t i = 0; i < ret->count; i++)
		if (ret->rows[i].amounts.grown)
			ret->rows[kept++] = ret->rows[i];
	ret->count = kept;
	if (kept)
		qsort(ret->rows, kept, sizeof(*ret->rows), compare);
	return true;
}

void cli_mem_put_place(FILE *file, const struct pyspyc_place *place)
{
	cli_put_safe(file, place->name);
	if (!place->file || !*place->file)
		return;
	fputs(" (", file);
	cli_put_safe(file, place->file);
	if (place->line > 0)
		fprintf(file, ":%d", place->line);
	fputc(')', file);
}

static double seconds(uint64_t ns)
{
	return (double)ns / NSEC_PER_SEC;
}

/* First, last, the way between. */
static void put_curve(FILE *file, const struct pyspyc_memory_now *now)
{
	double growth = (double)now->last_rss - (double)now->first_rss;
	char one[FIGURE];
	char two[FIGURE];

	fprintf(file, "RSS %s at first, %s at last",
		tui_bytes((double)now->first_rss, one, sizeof(one)),
		tui_bytes((double)now->last_rss, two, sizeof(two)));
	if (now->last_ns >= TUI_TREND_NS) {
		growth = round(growth * 60 / seconds(now->last_ns));
		fprintf(file, ", %s%s a minute", growth < 0 ? "" : "+",
			tui_bytes(growth, one, sizeof(one)));
	}
}

/* The highest, when it was and what ran then. */
static void put_peak(FILE *file, struct pyspyc_recorder *recorder,
		     const struct pyspyc_memory_now *now)
{
	struct pyspyc_memory_peak peak;
	struct pyspyc_place place = { 0 };
	uint64_t most = now->peak_rss;
	char bytes[FIGURE];

	if (pyspyc_recorder_memory_peak(recorder, &peak, NULL))
		return;
	fprintf(file, "; peak %s",
		tui_bytes((double)(most > peak.rss ? most : peak.rss), bytes, sizeof(bytes)));
	/* VmHWM knows what no sample saw, but not when. */
	if ((double)most > (double)peak.rss * 1.02)
		fprintf(file, " between samples, of these %s",
			tui_bytes((double)peak.rss, bytes, sizeof(bytes)));
	fprintf(file, " at %.2f s", seconds(peak.at_ns));
	if (!peak.frame.name)
		return;
	place.name = peak.frame.name;
	place.file = peak.frame.file;
	place.line = peak.frame.line;
	fputs(" in ", file);
	cli_mem_put_place(file, &place);
}

static void put_lines(FILE *file, struct pyspyc_recorder *recorder)
{
	struct pyspyc_table table = { 0 };
	char bytes[FIGURE];

	if (!cli_mem_lines(recorder, &table, NULL))
		return;
	fputs(table.count ? "grew most: " : "no line was seen to grow", file);
	for (size_t i = 0; i < table.count && i < LINES; i++) {
		fprintf(file, "%s%s ", i ? ", " : "",
			tui_bytes((double)table.rows[i].amounts.grown, bytes, sizeof(bytes)));
		cli_mem_put_place(file, &table.rows[i].place);
	}
	pyspyc_table_free(&table);
}

static void put_faults(FILE *file, const struct pyspyc_memory_now *now)
{
	fprintf(file, "page faults: %" PRIu64 " minor, %" PRIu64 " major; ", now->minor,
		now->major);
	fputs(now->fault_events
		      ? "the kernel told of them as they happened"
		      : "the kernel did not tell of them as they happened: growth is booked on "
			"the stacks seen between two readings of RSS",
	      file);
}

/* Says what put prints, as one line. */
static void note(const char *text)
{
	if (text && *text)
		cli_note("%s", text);
}

void cli_mem_tell(const struct cli_mem *mem, struct pyspyc_recorder *recorder, bool lines)
{
	struct pyspyc_memory_now now;
	char *texts[3] = { NULL };
	size_t size;

	for (size_t i = 0; i < 3 && !pyspyc_recorder_memory(recorder, &now, NULL); i++) {
		FILE *memory = open_memstream(&texts[i], &size);

		if (!memory)
			break;
		if (i == 0) {
			put_curve(memory, &now);
			put_peak(memory, recorder, &now);
		} else if (i == 1 && lines) {
			put_lines(memory, recorder);
		} else if (i == 2) {
			put_faults(memory, &now);
		}
		fclose(memory);
		note(texts[i]);
		free(texts[i]);
	}
	cli_progress_summary(pyspyc_recorder_stats(recorder), mem->order.options.rate);
}
