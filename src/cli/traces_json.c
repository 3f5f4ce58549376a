/* Traces as JSON; man/pyspyc-tracemalloc.1 describes it. */
#include "cli/json.h"
#include "cli/traces.h"
#include "pyspyc/version.h"

static const char *const names[] = {
	[PYSPYC_TRACES_BY_LINE] = "line",
	[PYSPYC_TRACES_BY_FILE] = "file",
	[PYSPYC_TRACES_BY_TRACEBACK] = "traceback",
};

static json_t *row_object(const struct pyspyc_traces_row *row)
{
	json_t *frames = json_array();

	for (size_t i = 0; i < row->frame_count; i++)
		json_array_append_new(frames,
				      json_pack("{s:o, s:o, s:I}", "file",
						cli_json_string(row->frames[i].file), "path",
						cli_json_string(row->frames[i].path), "line",
						(json_int_t)row->frames[i].line));
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "size", (json_int_t)row->size, "count",
			 (json_int_t)row->count, "size_diff", (json_int_t)row->size_diff,
			 "count_diff", (json_int_t)row->count_diff, "frames", frames);
}

static json_t *rows_array(const struct cli_traces *traces)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < traces->table->count && i < traces->rows; i++)
		json_array_append_new(rows, row_object(&traces->table->rows[i]));
	return rows;
}

json_t *cli_traces_json(const struct cli_traces *traces)
{
	const struct pyspyc_tracemalloc *now = traces->now;
	json_t *document = json_pack("{s:s, s:i, s:s, s:i, s:o, s:s, s:b}", "schema",
				     "pyspyc-tracemalloc", "version", CLI_TRACES_SCHEMA, "pyspyc",
				     pyspyc_version(), "pid", (int)now->pid, "command",
				     cli_json_string(now->command), "python", now->version,
				     "tracing", now->tracing);
	json_t *more;

	if (!document || !now->tracing)
		return document;
	more = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:f, s:s, s:o, s:I, s:o}", "traced",
			 (json_int_t)now->traced, "peak", (json_int_t)now->peak, "overhead",
			 (json_int_t)now->overhead, "traces", (json_int_t)now->traces,
			 "frame_limit", (json_int_t)now->frame_limit, "consistent", now->consistent,
			 "lost", (json_int_t)now->lost, "held_seconds", (double)now->held_ns / 1e9,
			 "by", names[traces->by], "growth_seconds",
			 traces->before ? json_real(traces->seconds) : json_null(), "row_count",
			 (json_int_t)traces->table->count, "rows", rows_array(traces));
	if (!more || json_object_update(document, more)) {
		json_decref(document);
		document = NULL;
	}
	json_decref(more);
	return document;
}
