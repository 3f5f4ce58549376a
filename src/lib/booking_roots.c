/* What stacks hang below in a profile: processes and threads, under the names that they have. */
#include "lib/booking_roots.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define COMMAND_SHOWN 200

/* There may be ever new processes and threads: half of the strings are for code. */
static uint32_t label_string(struct spy_booking *booking, const char *text)
{
	struct pyspyc_profile *profile = booking->profile;
	size_t before = profile->string_bytes;
	uint32_t string = spy_strings_find(&profile->strings, text);

	if (string != SPY_NO_STRING)
		return string;
	if (booking->label_bytes + strlen(text) > profile->limits.string_bytes / 2)
		return profile->other_string;
	string = spy_profile_string(profile, text);
	booking->label_bytes += profile->string_bytes - before;
	return string;
}

/* A frame that is no code; its name and file are there. */
static uint32_t root_frame(struct spy_booking *booking, struct spy_frame frame)
{
	frame.origin = SPY_ORIGIN_NONE;
	frame.path = spy_profile_string(booking->profile, "");
	if (frame.name == SPY_NO_STRING || frame.file == SPY_NO_STRING ||
	    frame.path == SPY_NO_STRING)
		return SPY_NO_FRAME;
	return spy_profile_frame(booking->profile, &frame);
}

uint32_t spy_booking_marker(struct spy_booking *booking, const char *name)
{
	struct spy_frame frame = { .kind = SPY_FRAME_MARKER };

	frame.name = spy_profile_string(booking->profile, name);
	frame.file = spy_profile_string(booking->profile, "");
	return root_frame(booking, frame);
}

/* As much of a command as is shown: whole characters. */
static void cut(const char *command, char ret[COMMAND_SHOWN + 1])
{
	size_t left = strlen(command), size = 0, length;

	while ((length = spy_utf8_length(command + size, left)) && size + length <= COMMAND_SHOWN) {
		size += length;
		left -= length;
	}
	memcpy(ret, command, size);
	ret[size] = '\0';
}

/* What a process is called; its file is the command alone. */
static uint32_t process_label(struct spy_booking *booking, const struct spy_process *process)
{
	struct spy_frame frame = { .kind = SPY_FRAME_PROCESS, .id = process->pid };
	char command[COMMAND_SHOWN + 1];
	spy_autofree char *name = NULL;

	cut(process->command, command);
	if (asprintf(&name, "process %d \"%s\"", (int)process->pid, command) < 0) {
		name = NULL;
		return SPY_NO_FRAME;
	}
	frame.name = label_string(booking, name);
	frame.file = label_string(booking, command);
	return root_frame(booking, frame);
}

/* The process' node: made at first, found again when nodes have got new numbers. */
static bool root_of_process(struct spy_booking *booking, struct spy_process_book *book,
			    const struct spy_sampler *sampler)
{
	if (book->begun && book->generation == booking->profile->generation)
		return true;
	if (!book->begun) {
		book->label = SPY_NO_FRAME;
		if (booking->process_roots) {
			book->label = process_label(booking, sampler->process);
			if (book->label == SPY_NO_FRAME)
				return false;
		}
		book->begun = true;
	}
	book->generation = booking->profile->generation;
	book->root = SPY_ROOT_NODE;
	if (book->label != SPY_NO_FRAME)
		book->root = spy_profile_child(booking->profile, SPY_ROOT_NODE, book->label);
	return book->root != UINT32_MAX;
}

/* Lanes are for the order of samples only. */
static bool name_lane(struct spy_booking *booking, const struct spy_thread_book *book,
		      const struct spy_sampler *sampler, const char *name)
{
	spy_autofree char *whole = NULL;
	uint32_t text;

	if (!booking->profile->timeline)
		return true;
	if (booking->process_roots &&
	    asprintf(&whole, "process %d, %s", (int)sampler->process->pid, name) < 0) {
		whole = NULL;
		return false;
	}
	text = label_string(booking, whole ? whole : name);
	spy_profile_rename_lane(booking->profile, book->lane, text);
	return text != SPY_NO_STRING;
}

/* Gives lane and root the name that the thread has by now; a root's file is that name alone. */
static bool name_thread(struct spy_booking *booking, struct spy_thread_book *book,
			const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	const char *label = thread->name ? thread->name : thread->os_name;
	spy_autofree char *name = NULL;
	uint32_t text, alone;

	if (asprintf(&name, "thread %d (%s)", (int)thread->tid, label) < 0) {
		name = NULL;
		return false;
	}
	book->named = thread->name != NULL;
	if (!name_lane(booking, book, sampler, name))
		return false;
	if (book->label == SPY_NO_FRAME)
		return true;
	text = label_string(booking, name);
	alone = label_string(booking, label);
	if (text == SPY_NO_STRING || alone == SPY_NO_STRING)
		return false;
	spy_profile_rename_frame(booking->profile, book->label, text, alone);
	return true;
}

static bool begin_thread(struct spy_booking *booking, struct spy_thread_book *path,
			 const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	struct spy_lane lane = { .pid = sampler->process->pid, .tid = thread->tid };
	struct spy_frame frame = { .kind = SPY_FRAME_THREAD, .id = thread->tid };
	char unique[64];

	/* Made under a name of its own, so that no two threads become one root. */
	snprintf(unique, sizeof(unique), "%d %d %u", (int)lane.pid, (int)lane.tid,
		 booking->profile->lane_count);
	lane.name = spy_profile_string(booking->profile, "");
	path->lane = spy_profile_lane(booking->profile, &lane);
	path->label = SPY_NO_FRAME;
	if (booking->options.thread_roots) {
		frame.name = label_string(booking, unique);
		frame.file = spy_profile_string(booking->profile, "");
		path->label = root_frame(booking, frame);
		if (path->label == SPY_NO_FRAME)
			return false;
	}
	path->begun = true;
	path->generation = booking->profile->generation - 1;
	return path->lane != UINT32_MAX && name_thread(booking, path, sampler, thread);
}

bool spy_booking_root(struct spy_booking *booking, struct spy_process_book *book,
		      struct spy_thread_book *path, const struct spy_sampler *sampler,
		      const struct spy_thread *thread)
{
	if (!root_of_process(booking, book, sampler) ||
	    (!path->begun && !begin_thread(booking, path, sampler, thread)) ||
	    (!path->named && thread->name && !name_thread(booking, path, sampler, thread)))
		return false;
	if (path->generation == booking->profile->generation)
		return true;
	path->generation = booking->profile->generation;
	path->node_count = 0;
	path->root = book->root;
	if (path->label != SPY_NO_FRAME)
		path->root = spy_profile_child(booking->profile, book->root, path->label);
	return path->root != UINT32_MAX;
}
