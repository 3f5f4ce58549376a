/* A refresh as a line of JSON; pyspyc-top(1) describes it. */
#include <jansson.h>

#include "cli/json.h"
#include "cli/top.h"
#include "pyspyc/version.h"

static json_t *doing_name(enum pyspyc_doing doing)
{
	static const char *const names[] = {
		[PYSPYC_DOING_IDLE] = "idle",	  [PYSPYC_DOING_GIL_WAIT] = "gil-wait",
		[PYSPYC_DOING_ACTIVE] = "active", [PYSPYC_DOING_GIL] = "gil",
		[PYSPYC_DOING_ENDED] = "ended",
	};

	return json_string(names[doing]);
}

static json_t *known_share(double share)
{
	return share < 0 ? json_null() : json_real(share);
}

static json_t *integer(uint64_t number)
{
	return json_integer((json_int_t)(number > INT64_MAX ? INT64_MAX : number));
}

static json_t *process_object(const struct pyspyc_live_process *process)
{
	return json_pack("{s:i, s:i, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "pid", (int)process->pid, "parent", (int)process->parent, "command",
			 cli_json_string(process->command), "version",
			 cli_json_string(process->version), "started_at",
			 json_integer(process->started_at), "sampling", process->sampling, "ended",
			 process->ended, "cpu", known_share(process->cpu), "threads",
			 integer(process->threads), "rss", integer(process->rss), "pss",
			 integer(process->pss), "uss", integer(process->uss), "swap",
			 integer(process->swap), "peak_rss", integer(process->peak_rss));
}

static json_t *frame_object(const struct pyspyc_frame_info *frame)
{
	if (!frame->name)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:i, s:i}", "name", cli_json_string(frame->name), "file",
			 cli_json_string(frame->file), "path", cli_json_string(frame->path), "line",
			 frame->line, "first_line", frame->first_line);
}

static json_t *thread_object(const struct pyspyc_live_thread *thread)
{
	const char state[] = { thread->os_state, 0 };

	return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "pid",
			 (int)thread->pid, "tid", (int)thread->tid, "name",
			 cli_json_string(thread->name), "doing", doing_name(thread->doing),
			 "os_state", cli_json_string(state), "cpu", known_share(thread->cpu),
			 "active", thread->active, "gil", thread->gil, "gil_wait", thread->gil_wait,
			 "active_s", thread->active_s, "gil_s", thread->gil_s, "gil_wait_s",
			 thread->gil_wait_s, "frame", frame_object(&thread->frame));
}

static json_t *wait_object(const struct pyspyc_live *live, const struct pyspyc_live_wait *wait)
{
	return json_pack("{s:i, s:i, s:f, s:f}", "waiter", (int)live->threads[wait->waiter].tid,
			 "holder", (int)live->threads[wait->holder].tid, "now", wait->now,
			 "seconds", wait->seconds);
}

static json_t *row_object(const struct pyspyc_row *row)
{
	const struct pyspyc_place *place = &row->place;
	const struct pyspyc_amounts *amounts = &row->amounts;
	static const char *const origins[] = {
		[PYSPYC_ORIGIN_OWN] = "own",
		[PYSPYC_ORIGIN_STDLIB] = "stdlib",
		[PYSPYC_ORIGIN_THIRD_PARTY] = "third-party",
		[PYSPYC_ORIGIN_NONE] = NULL,
	};

	return json_pack(
		"{s:o, s:o, s:o, s:i, s:o, s:i, s:i, s:o, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o}",
		"name", cli_json_string(place->name), "file", cli_json_string(place->file), "path",
		cli_json_string(place->path), "line", place->line, "origin",
		cli_json_string(origins[place->origin]), "pid", (int)place->pid, "tid",
		(int)place->tid, "whose", cli_json_string(place->whose), "own", amounts->own_now,
		"total", amounts->total_now, "own_s", amounts->own_s, "total_s", amounts->total_s,
		"grown", integer(amounts->grown), "grown_total", integer(amounts->grown_total),
		"released", integer(amounts->released), "released_total",
		integer(amounts->released_total));
}

/* Figures of the refresh that are no lists. */
static json_t *figures(const struct cli_refresh *refresh)
{
	const struct pyspyc_live *live = refresh->live;
	const struct pyspyc_live_point *last = live->point_count
						       ? &live->points[live->point_count - 1]
						       : NULL;

	return json_pack(
		"{s:s, s:i, s:s, s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o, s:f}",
		"schema", "pyspyc-top", "version", CLI_TOP_SCHEMA, "pyspyc", pyspyc_version(), "at",
		(double)live->at_ns / 1e9, "window", (double)live->window_ns / 1e9, "rate",
		live->rate, "samples", integer(refresh->stats->samples), "missed",
		integer(live->missed), "errors", integer(live->errors), "late",
		(double)live->late_ns / 1e9, "cpu", live->cpu, "gil", live->gil, "gc", live->gc,
		"active", integer(live->active), "idle", integer(live->idle), "gil_wait",
		integer(live->gil_wait), "rss", integer(last ? last->rss : 0), "pss",
		integer(last ? last->pss : 0), "uss", integer(last ? last->uss : 0), "swap",
		integer(last ? last->swap : 0), "rss_per_minute", live->rss_per_minute);
}

bool cli_top_json(FILE *file, const struct cli_refresh *refresh)
{
	const struct pyspyc_live *live = refresh->live;
	json_t *document = figures(refresh);
	json_t *processes = json_array();
	json_t *threads = json_array();
	json_t *waits = json_array();
	json_t *rows = json_array();
	bool done;

	for (size_t i = 0; i < live->process_count; i++)
		json_array_append_new(processes, process_object(&live->processes[i]));
	for (size_t i = 0; i < live->thread_count; i++)
		json_array_append_new(threads, thread_object(&live->threads[i]));
	for (size_t i = 0; i < live->wait_count; i++)
		json_array_append_new(waits, wait_object(live, &live->waits[i]));
	for (size_t i = 0; i < refresh->table->count; i++)
		json_array_append_new(rows, row_object(&refresh->table->rows[i]));
	done = document && !json_object_set_new(document, "processes", processes) &&
	       !json_object_set_new(document, "threads", threads) &&
	       !json_object_set_new(document, "waits", waits) &&
	       !json_object_set_new(document, "rows", rows) &&
	       !json_dumpf(document, file, JSON_COMPACT | JSON_REAL_PRECISION(6)) &&
	       fputc('\n', file) != EOF;
	json_decref(document);
	return done;
}
