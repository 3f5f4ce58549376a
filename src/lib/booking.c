#include "lib/booking.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MATCH_KNOWN 1u
#define MATCH_INCLUDE 2u
#define MATCH_EXCLUDE 4u
#define COMMAND_SHOWN 200

static int compile(regex_t *regex, const char *pattern, bool *has, struct pyspyc_error *err)
{
	char why[256];
	int code;

	if (!pattern)
		return 0;
	code = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (code) {
		regerror(code, regex, why, sizeof(why));
		return spy_fail(err, PYSPYC_EINVAL, "'%s' is no regular expression: %s", pattern,
				why);
	}
	*has = true;
	return 0;
}

int spy_booking_init(struct spy_booking *booking, const struct pyspyc_recorder_options *options,
		     struct pyspyc_error *err)
{
	int result;

	*booking = (struct spy_booking){ .options = *options };
	result = compile(&booking->include, options->include, &booking->has_include, err);
	if (result == 0)
		result = compile(&booking->exclude, options->exclude, &booking->has_exclude, err);
	if (result < 0)
		return result;
	booking->process_roots = options->subprocesses;
	booking->profile = spy_profile_new(options->timeline);
	return booking->profile ? 0 : spy_nomem(err);
}

void spy_booking_deinit(struct spy_booking *booking)
{
	if (booking->has_include)
		regfree(&booking->include);
	if (booking->has_exclude)
		regfree(&booking->exclude);
	free(booking->matches);
	spy_profile_free(booking->profile);
}

static void free_thread_book(struct spy_thread_book *thread)
{
	free(thread->frames);
	free(thread->nodes);
	free(thread);
}

void spy_process_book_deinit(struct spy_process_book *book)
{
	size_t i;

	for (i = 0; i < book->threads.capacity; i++)
		if (book->threads.slots[i].used)
			free_thread_book(
				(struct spy_thread_book *)(uintptr_t)book->threads.slots[i].value);
	spy_map_free(&book->threads);
	spy_map_free(&book->places);
}

bool spy_booking_wants(const struct spy_booking *booking, const struct spy_thread *thread)
{
	const char *const *pattern = booking->options.threads;
	char tid[16];

	if (!pattern)
		return true;
	snprintf(tid, sizeof(tid), "%d", (int)thread->tid);
	for (; *pattern; pattern++)
		if (strcmp(*pattern, tid) == 0 ||
		    fnmatch(*pattern, thread->name ? thread->name : thread->os_name, 0) == 0)
			return true;
	return false;
}

/* --- roots: processes and threads --- */

static uint32_t add_root(struct spy_booking *booking, uint32_t parent, enum spy_frame_kind kind,
			 const char *name)
{
	struct spy_frame frame = { .kind = (uint8_t)kind, .origin = SPY_ORIGIN_NONE };
	uint32_t number, node;

	frame.name = spy_profile_string(booking->profile, name);
	frame.file = frame.path = spy_profile_string(booking->profile, "");
	if (frame.name == SPY_NO_STRING || frame.file == SPY_NO_STRING)
		return UINT32_MAX;
	number = spy_profile_frame(booking->profile, &frame);
	if (number == SPY_NO_FRAME)
		return UINT32_MAX;
	node = spy_profile_child(booking->profile, parent, number);
	return node;
}

static void begin_process(struct spy_booking *booking, struct spy_process_book *book,
			  const struct spy_sampler *sampler)
{
	spy_autofree char *name = NULL;

	book->begun = true;
	book->root = SPY_ROOT_NODE;
	if (!booking->process_roots)
		return;
	if (asprintf(&name, "process %d \"%.*s\"", (int)sampler->process->pid, COMMAND_SHOWN,
		     sampler->process->command) < 0) {
		name = NULL;
		booking->failed = true;
		return;
	}
	book->root = add_root(booking, SPY_ROOT_NODE, SPY_FRAME_PROCESS, name);
	booking->failed |= book->root == UINT32_MAX;
}

/* Gives lane and root the name that the thread has by now. */
static bool name_thread(struct spy_booking *booking, struct spy_thread_book *book,
			const struct spy_sampler *sampler, const struct spy_thread *thread)
{
	struct pyspyc_profile *profile = booking->profile;
	const char *label = thread->name ? thread->name : thread->os_name;
	spy_autofree char *name = NULL, *lane_name = NULL;

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
	profile->lanes[book->lane].name = spy_profile_string(profile, lane_name ? lane_name : name);
	if (book->label != SPY_NO_FRAME)
		profile->frames[book->label].name = spy_profile_string(profile, name);
	return profile->lanes[book->lane].name != SPY_NO_STRING &&
	       (book->label == SPY_NO_FRAME ||
		profile->frames[book->label].name != SPY_NO_STRING);
}

static struct spy_thread_book *begin_thread(struct spy_booking *booking,
					    struct spy_process_book *book,
					    const struct spy_sampler *sampler,
					    const struct spy_thread *thread)
{
	struct spy_lane lane = { .pid = sampler->process->pid, .tid = thread->tid };
	struct spy_thread_book *made = calloc(1, sizeof(*made));
	char unique[64];
	uint64_t *slot;

	if (!made)
		return NULL;
	/* Made under a name of its own, so that no two threads become one root. */
	snprintf(unique, sizeof(unique), "%d %d %u", (int)lane.pid, (int)lane.tid,
		 booking->profile->lane_count);
	lane.name = spy_profile_string(booking->profile, "");
	made->lane = spy_profile_lane(booking->profile, &lane);
	made->root = book->root;
	made->label = SPY_NO_FRAME;
	if (booking->options.thread_roots) {
		made->root = add_root(booking, book->root, SPY_FRAME_THREAD, unique);
		if (made->root != UINT32_MAX)
			made->label = booking->profile->nodes[made->root].frame;
	}
	if (made->lane == UINT32_MAX || made->root == UINT32_MAX ||
	    !name_thread(booking, made, sampler, thread) ||
	    !(slot = spy_map_insert(&book->threads, thread->id, NULL))) {
		free(made);
		return NULL;
	}
	*slot = (uintptr_t)made;
	return made;
}

/* --- frames --- */

static uint32_t add_frame(struct spy_booking *booking, struct spy_sampler *sampler,
			  const struct spy_known_code *code, int line)
{
	struct pyspyc_profile *profile = booking->profile;
	const char *filename = code->code.filename, *shown = filename;
	struct spy_frame frame = { .line = line, .first_line = code->code.first_line,
				   .kind = SPY_FRAME_PYTHON };

	if (!booking->options.full_filenames)
		shown = spy_sampler_shorten(sampler, filename);
	frame.name = spy_profile_string(profile, booking->options.names == PYSPYC_NAMES_QUALIFIED &&
							 code->code.qualname
							 ? code->code.qualname
							 : code->code.name);
	frame.file = spy_profile_string(profile, shown);
	frame.path = spy_profile_string(profile, filename);
	frame.origin = (uint8_t)spy_origin_of(filename);
	if (frame.name == SPY_NO_STRING || frame.file == SPY_NO_STRING ||
	    frame.path == SPY_NO_STRING)
		return SPY_NO_FRAME;
	return spy_profile_frame(profile, &frame);
}

static uint32_t place_of(struct spy_booking *booking, struct spy_process_book *book,
			 struct spy_sampler *sampler, struct spy_known_code *code,
			 const struct spy_raw_frame *raw)
{
	int line = booking->options.no_lines	  ? 0
		   : booking->options.by_function ? code->code.first_line
						  : spy_frame_line(&sampler->reader.heap, code, raw);
	bool inserted;
	uint64_t *slot = spy_map_insert(&book->places, (uint64_t)code->id << 32 | (uint32_t)line,
					&inserted);

	if (!slot)
		return SPY_NO_FRAME;
	if (inserted)
		*slot = add_frame(booking, sampler, code, line);
	return (uint32_t)*slot;
}

static unsigned match(struct spy_booking *booking, uint32_t number)
{
	const struct spy_frame *frame = &booking->profile->frames[number];
	spy_autofree char *text = NULL;

	if (number >= booking->match_count) {
		size_t count = (size_t)number * 2 + 64;
		uint8_t *matches = realloc(booking->matches, count);

		if (!matches)
			return 0;
		memset(matches + booking->match_count, 0, count - booking->match_count);
		booking->matches = matches;
		booking->match_count = count;
	}
	if (booking->matches[number])
		return booking->matches[number];
	if (asprintf(&text, "%s (%s)", spy_profile_text(booking->profile, frame->name),
		     spy_profile_text(booking->profile, frame->path)) < 0) {
		text = NULL;
		return 0;
	}
	booking->matches[number] = MATCH_KNOWN;
	if (booking->has_include && regexec(&booking->include, text, 0, NULL, 0) == 0)
		booking->matches[number] |= MATCH_INCLUDE;
	if (booking->has_exclude && regexec(&booking->exclude, text, 0, NULL, 0) == 0)
		booking->matches[number] |= MATCH_EXCLUDE;
	return booking->matches[number];
}

static bool passes(struct spy_booking *booking, const uint32_t *frames, size_t count)
{
	unsigned all = 0;
	size_t i;

	if (!booking->has_include && !booking->has_exclude)
		return true;
	for (i = 0; i < count; i++)
		all |= match(booking, frames[i]);
	return !(all & MATCH_EXCLUDE) && (!booking->has_include || (all & MATCH_INCLUDE));
}

/* --- stacks --- */

static bool room(struct spy_thread_book *thread, size_t count)
{
	uint32_t *frames, *nodes;

	if (count <= thread->capacity)
		return true;
	frames = realloc(thread->frames, count * 2 * sizeof(*frames));
	if (!frames)
		return false;
	thread->frames = frames;
	nodes = realloc(thread->nodes, count * 2 * sizeof(*nodes));
	if (!nodes)
		return false;
	thread->nodes = nodes;
	thread->capacity = count * 2;
	return true;
}

static uint32_t marker(struct spy_booking *booking)
{
	struct spy_frame frame = { .kind = SPY_FRAME_MARKER, .origin = SPY_ORIGIN_NONE };

	frame.name = spy_profile_string(booking->profile, "<truncated>");
	frame.file = frame.path = spy_profile_string(booking->profile, "");
	return spy_profile_frame(booking->profile, &frame);
}

/* Puts frame at position i of the thread's path; what was equal before keeps its node. */
static bool put(struct spy_booking *booking, struct spy_thread_book *thread, size_t i,
		uint32_t frame, bool *same)
{
	uint32_t parent = i ? thread->nodes[i - 1] : thread->root;

	*same = *same && i < thread->count && thread->frames[i] == frame;
	if (*same)
		return true;
	if (frame == SPY_NO_FRAME)
		return false;
	thread->frames[i] = frame;
	thread->nodes[i] = UINT32_MAX;
	if (parent != UINT32_MAX)
		thread->nodes[i] = spy_profile_child(booking->profile, parent, frame);
	return thread->nodes[i] != UINT32_MAX;
}

static struct spy_thread_book *thread_book(struct spy_booking *booking,
					   struct spy_process_book *book,
					   const struct spy_sampler *sampler,
					   const struct spy_thread *thread)
{
	struct spy_thread_book *known;
	const uint64_t *slot;

	if (!book->begun)
		begin_process(booking, book, sampler);
	slot = spy_map_find(&book->threads, thread->id);
	if (!slot)
		return begin_thread(booking, book, sampler, thread);
	known = (struct spy_thread_book *)(uintptr_t)*slot;
	if (!known->named && thread->name && !name_thread(booking, known, sampler, thread))
		return NULL;
	return known;
}

void spy_booking_add(struct spy_booking *booking, struct spy_process_book *book,
		     struct spy_sampler *sampler, const struct spy_thread *thread,
		     const struct spy_stack *stack, uint64_t at_ns)
{
	spy_autofree uint32_t *frames = malloc((stack->count + 1) * sizeof(*frames));
	struct spy_thread_book *path;
	size_t count = 0, i;
	bool same = true;

	if (!frames) {
		booking->failed = true;
		return;
	}
	if (stack->truncated)
		frames[count++] = marker(booking);
	for (i = stack->count; i > 0; i--) {
		struct spy_known_code *code = stack->codes[i - 1];

		if (code && !spy_frame_incomplete(&sampler->reader.heap, code, &stack->frames[i - 1],
						  i == 1))
			frames[count++] = place_of(booking, book, sampler, code,
						   &stack->frames[i - 1]);
	}
	if (!count)
		return;
	if (!passes(booking, frames, count)) {
		booking->left_out++;
		return;
	}
	path = thread_book(booking, book, sampler, thread);
	if (!path || !room(path, count)) {
		booking->failed = true;
		return;
	}
	for (i = 0; i < count; i++) {
		if (!put(booking, path, i, frames[i], &same)) {
			booking->failed = true;
			path->count = 0;
			return;
		}
	}
	path->count = count;
	spy_profile_add(booking->profile, path->nodes[count - 1], path->lane, at_ns, 1);
}
