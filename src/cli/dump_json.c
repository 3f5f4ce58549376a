/* A snapshot as JSON; docs/dump-schema.json describes it. */
#include "cli/dump.h"

static json_t *frame_object(const struct pyspyc_frame_info *frame)
{
	return json_pack("{s:o, s:o, s:o, s:i, s:i}", "name", cli_json_string(frame->name), "file",
			 cli_json_string(frame->file), "path", cli_json_string(frame->path), "line",
			 frame->line, "first_line", frame->first_line);
}

static json_t *thread_object(const struct pyspyc_thread_info *thread)
{
	const char state[] = { thread->os_state, 0 };
	json_t *frames = json_array();

	for (size_t i = 0; i < thread->frame_count; i++)
		json_array_append_new(frames, frame_object(&thread->frames[i]));
	return json_pack("{s:o, s:I, s:o, s:o, s:I, s:b, s:b, s:b, s:o, s:b, s:o, s:o}", "tid",
			 thread->tid ? json_integer(thread->tid) : json_null(), "ident",
			 (json_int_t)thread->ident, "name", cli_json_string(thread->name),
			 "os_name", cli_json_string(thread->os_name), "interpreter",
			 (json_int_t)thread->interpreter, "active", thread->active, "gil",
			 thread->gil, "gil_wait", thread->gil_wait, "os_state",
			 cli_json_string(state), "truncated", thread->truncated, "error",
			 cli_json_string(thread->error), "frames", frames);
}

bool cli_dump_add(json_t *document, const struct pyspyc_snapshot *snapshot)
{
	json_t *threads = json_array();
	json_t *process;

	for (size_t i = 0; i < snapshot->thread_count; i++)
		json_array_append_new(threads, thread_object(&snapshot->threads[i]));
	process = json_pack("{s:i, s:i, s:o, s:o, s:o, s:b, s:o}", "pid", (int)snapshot->pid,
			    "parent", (int)snapshot->parent, "command",
			    cli_json_string(snapshot->command), "executable",
			    cli_json_string(snapshot->executable), "version",
			    cli_json_string(snapshot->version), "consistent", snapshot->consistent,
			    "threads", threads);
	return process && !json_array_append_new(json_object_get(document, "processes"), process);
}
