/* What stacks hang below in a profile: processes and threads, under the names that they have. */
#include "lib/booking_roots.h"

#include <stdio.h>

#include "base/cleanup.h"

#define COMMAND_SHOWN 200

uint32_t spy_booking_root_frame(struct spy_booking *booking, enum spy_frame_kind kind,
				const char *name)
{
	struct spy_frame frame = { .kind = (uint8_t)kind, .origin = SPY_ORIGIN_NONE };

	frame.name = spy_profile_string(booking->profile, name);
	frame.file = frame.path = spy_profile_string(booking->profile, "");
	if (frame.name == SPY_NO_STRING || frame.file == SPY_NO_STRING)
		return SPY_NO_FRAME;
	return spy_profile_frame(booking->profile, &frame);
}

/* The process' node: made at first, found again when nodes have got new numbers. */
static bool root_of_process(struct spy_booking *booking, struct spy_process_book *book,
			    const struct spy_sampler *sampler)
{
	spy_autofree char *name = NULL;

	if (book->begun && book->generation == booking->profile->generation)
		return true;
	if (!book->begun) {
		book->label = SPY_NO_FRAME;
		if (booking->process_roots) {
			if (asprintf(&name, "process %d \"%.*s\"", (int)sampler->process->pid,
				     COMMAND_SHOWN, sampler->process->command) < 0) {
				name = NULL;
				return false;
			}
			book->label = spy_booking_root_frame(booking, SPY_FRAME_PROCESS, name);
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

/* Gives lane and root the name that the thread has by now. */
static bool name_thread(struct spy_booking *booking, struct spy_thread_book *book,
			const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	struct pyspyc_profile *profile = booking->profile;
	const char *label = thread->name ? thread->name : thread->os_name;
	spy_autofree char *name = NULL, *lane_name = NULL;
	uint32_t text, lane_text;

	if (asprintf(&name, "thread %d (%s)", (int)thread->tid, label) < 0) {
		name = NULL;
		return false;
	}
	if (booking->process_roots &&
	    asprintf(&lane_name, "process %d, %s", (int)sampler->process->pid, name) < 0) {
		lane_name = NULL;
		return false;
	}
	book->named = thread->name != NULL;
	text = spy_profile_string(profile, name);
	lane_text = spy_profile_string(profile, lane_name ? lane_name : name);
	if (text == SPY_NO_STRING || lane_text == SPY_NO_STRING)
		return false;
	spy_profile_rename_lane(profile, book->lane, lane_text);
	if (book->label != SPY_NO_FRAME)
		spy_profile_rename_frame(profile, book->label, text);
	return true;
}

static bool begin_thread(struct spy_booking *booking, struct spy_thread_book *path,
			 const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	struct spy_lane lane = { .pid = sampler->process->pid, .tid = thread->tid };
	char unique[64];

	/* Made under a name of its own, so that no two threads become one root. */
	snprintf(unique, sizeof(unique), "%d %d %u", (int)lane.pid, (int)lane.tid,
		 booking->profile->lane_count);
	lane.name = spy_profile_string(booking->profile, "");
	path->lane = spy_profile_lane(booking->profile, &lane);
	path->label = SPY_NO_FRAME;
	if (booking->options.thread_roots) {
		path->label = spy_booking_root_frame(booking, SPY_FRAME_THREAD, unique);
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
