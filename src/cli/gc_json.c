/* The collector's state and its collections as JSON; docs/gc-schema.json describes both. */
#include <string.h>

#include "cli/gc.h"
#include "cli/json.h"

static json_t *number(int64_t value)
{
	return value < 0 ? json_null() : json_integer((json_int_t)value);
}

static json_t *flag_names(unsigned debug)
{
	json_t *list = json_array();
	char names[160], *rest = NULL;

	cli_gc_flags(debug, names, sizeof(names));
	if (!debug)
		return list;
	for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		json_array_append_new(list, json_string(name));
	return list;
}

static json_t *interpreter_object(const struct pyspyc_gc_interpreter *interpreter)
{
	json_t *generations = json_array();

	for (int i = 0; i < PYSPYC_GC_GENERATIONS; i++) {
		const struct pyspyc_gc_generation *one = &interpreter->generations[i];

		json_array_append_new(
			generations,
			json_pack("{s:I, s:I, s:o, s:o, s:o}", "count", (json_int_t)one->count,
				  "threshold", (json_int_t)one->threshold, "collections",
				  number(one->collections), "collected", number(one->collected),
				  "uncollectable", number(one->uncollectable)));
	}
	return json_pack("{s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
			 (json_int_t)interpreter->id, "enabled", interpreter->enabled, "collecting",
			 interpreter->collecting, "debug", flag_names(interpreter->debug), "frozen",
			 number(interpreter->frozen), "garbage", number(interpreter->garbage),
			 "long_lived_total", number(interpreter->long_lived_total),
			 "long_lived_pending", number(interpreter->long_lived_pending),
			 "generations", generations);
}

bool cli_gc_add(json_t *document, const struct pyspyc_gc *gc)
{
	json_t *interpreters = json_array();
	json_t *process;

	for (size_t i = 0; i < gc->interpreter_count; i++)
		json_array_append_new(interpreters, interpreter_object(&gc->interpreters[i]));
	process = json_pack("{s:i, s:i, s:o, s:o, s:o, s:o}", "pid", (int)gc->pid, "parent",
			    (int)gc->parent, "command", cli_json_string(gc->command), "executable",
			    cli_json_string(gc->executable), "version",
			    cli_json_string(gc->version), "interpreters", interpreters);
	return process && !json_array_append_new(json_object_get(document, "processes"), process);
}

json_t *cli_gc_collection(const struct pyspyc_gc_collection *collection, double time, double paused)
{
	return json_pack("{s:f, s:i, s:I, s:o, s:I, s:f, s:f, s:o, s:o, s:f}", "time", time, "pid",
			 (int)collection->pid, "interpreter", (json_int_t)collection->interpreter,
			 "generation", number(collection->generation), "count",
			 (json_int_t)collection->count, "duration",
			 (double)collection->duration_ns / 1e9, "error",
			 (double)collection->error_ns / 1e9, "collected",
			 number(collection->collected), "uncollectable",
			 number(collection->uncollectable), "paused", paused);
}
