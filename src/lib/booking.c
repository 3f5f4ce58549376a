#include "lib/booking.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "lib/booking_roots.h"
#include "lib/gauges.h"
#include "profile/live.h"

#define MATCH_KNOWN 1u
#define MATCH_INCLUDE 2u
#define MATCH_EXCLUDE 4u
#define MATCH_SHOWN 8u /* at least one frame that is shown */
#define PLACES_LIMIT 131072
/* So many threads that have ended may wait for being forgotten. */
#define THREADS_KEPT 1024

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
	if (thread->gauge)
		spy_thread_gauge_leave(thread->gauge);
	free(thread->frames);
	free(thread->nodes);
	free(thread->matches);
	free(thread);
}

static void free_threads(struct spy_process_book *book)
{
	size_t i;

	for (i = 0; i < book->threads.capacity; i++)
		if (book->threads.slots[i].used)
			free_thread_book(
				(struct spy_thread_book *)(uintptr_t)book->threads.slots[i].value);
	spy_map_free(&book->threads);
}

void spy_process_book_deinit(struct spy_process_book *book)
{
	free_threads(book);
	spy_map_free(&book->places);
	free(book->pending);
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

/* --- stacks --- */

static bool room(struct spy_thread_book *path, size_t count)
{
	uint32_t *frames, *nodes;
	uint8_t *matches;

	if (count <= path->capacity)
		return true;
	count += count / 2 + 16;
	frames = realloc(path->frames, count * sizeof(*frames));
	if (!frames)
		return false;
	path->frames = frames;
	nodes = realloc(path->nodes, count * sizeof(*nodes));
	if (!nodes)
		return false;
	path->nodes = nodes;
	matches = realloc(path->matches, count);
	if (!matches)
		return false;
	path->matches = matches;
	path->capacity = count;
	return true;
}

struct spy_thread_book *spy_booking_thread(struct spy_process_book *book,
					   const struct spy_thread *thread)
{
	struct spy_thread_book *made;
	const uint64_t *known = spy_map_find(&book->threads, thread->id);
	uint64_t *slot;

	if (known)
		return (struct spy_thread_book *)(uintptr_t)*known;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	slot = spy_map_insert(&book->threads, thread->id, NULL);
	if (!slot) {
		free(made);
		return NULL;
	}
	*slot = (uintptr_t)made;
	return made;
}

/* Looks up the stack's frames from position `from` on. */
static bool place_frames(struct spy_booking *booking, struct spy_process_book *book,
			 struct spy_sampler *sampler, struct spy_thread_book *path,
			 const struct spy_stack *stack, size_t from)
{
	bool filtered = booking->has_include || booking->has_exclude;
	size_t i;

	for (i = from; i < stack->count; i++) {
		const struct spy_raw_frame *raw = &stack->frames[stack->count - 1 - i];
		struct spy_known_code *code = stack->codes[stack->count - 1 - i];

		path->matches[i] = i ? path->matches[i - 1] : 0;
		path->frames[i] = SPY_NO_FRAME;
		if (!code || spy_frame_incomplete(&sampler->reader.heap, code, raw,
						  i == stack->count - 1))
			continue;
		path->frames[i] = place_of(booking, book, sampler, code, raw);
		if (path->frames[i] == SPY_NO_FRAME)
			return false;
		path->matches[i] |= MATCH_SHOWN;
		if (filtered)
			path->matches[i] |= match(booking, path->frames[i]);
	}
	path->count = stack->count;
	return true;
}

static bool passes(const struct spy_booking *booking, unsigned matches)
{
	return !(matches & MATCH_EXCLUDE) && (!booking->has_include || (matches & MATCH_INCLUDE));
}

/* The marker `name` below a node. UINT32_MAX: no memory. */
static uint32_t marked(struct spy_booking *booking, uint32_t node, const char *name)
{
	uint32_t frame = spy_booking_marker(booking, name);

	return frame == SPY_NO_FRAME ? UINT32_MAX
				     : spy_profile_child(booking->profile, node, frame);
}

/* The node of the path's innermost frame, or of a marker below it. UINT32_MAX: no memory. */
static uint32_t node_of(struct spy_booking *booking, struct spy_thread_book *path,
			const char *outer, const char *inner)
{
	struct pyspyc_profile *profile = booking->profile;
	uint32_t node = path->root;
	size_t i;

	if (outer) {
		path->node_count = 0;
		node = marked(booking, node, outer);
	}
	for (i = path->node_count; i < path->count && node != UINT32_MAX; i++) {
		if (i)
			node = path->nodes[i - 1];
		if (path->frames[i] != SPY_NO_FRAME)
			node = spy_profile_child(profile, node, path->frames[i]);
		path->nodes[i] = node;
	}
	if (node == UINT32_MAX)
		return node;
	node = path->nodes[path->count - 1];
	path->node_count = outer ? 0 : path->count;
	return inner ? marked(booking, node, inner) : node;
}

static bool append_pending(struct spy_process_book *book, const struct spy_pending *sample)
{
	struct spy_pending *last = book->pending_count ? &book->pending[book->pending_count - 1]
						       : NULL;

	if (last && last->node == sample->node && last->lane == sample->lane &&
	    last->provisional == sample->provisional && last->doing == sample->doing &&
	    !last->stacks == !sample->stacks) {
		last->stacks += sample->stacks;
		last->samples += sample->samples;
		last->time_ns += sample->time_ns;
		last->grown += sample->grown;
		last->released += sample->released;
		return true;
	}
	if (book->pending_count == book->pending_capacity) {
		size_t capacity = book->pending_capacity ? book->pending_capacity * 2 : 64;
		struct spy_pending *larger = realloc(book->pending, capacity * sizeof(*larger));

		if (!larger)
			return false;
		book->pending = larger;
		book->pending_capacity = capacity;
	}
	book->pending[book->pending_count++] = *sample;
	return true;
}

/* On the columns of options.live. */
static void count_live(struct pyspyc_profile *profile, const struct spy_pending *sample)
{
	static const struct {
		unsigned flag;
		enum spy_live_value value;
	} doings[] = {
		{ SPY_DOES_ACTIVE, SPY_LIVE_ACTIVE },
		{ SPY_DOES_GIL, SPY_LIVE_GIL },
		{ SPY_DOES_GIL_WAIT, SPY_LIVE_GIL_WAIT },
	};
	size_t i;

	if (!sample->stacks) {
		spy_live_add(profile, sample->node, SPY_LIVE_GROWN, sample->grown);
		spy_live_add(profile, sample->node, SPY_LIVE_RELEASED, sample->released);
		return;
	}
	spy_live_add(profile, sample->node, SPY_LIVE_ALL, sample->time_ns);
	for (i = 0; i < sizeof(doings) / sizeof(*doings); i++)
		if (sample->doing & doings[i].flag)
			spy_live_add(profile, sample->node, doings[i].value, sample->time_ns);
}

static void count(struct spy_booking *booking, const struct spy_pending *sample)
{
	booking->stacks += sample->stacks;
	if (sample->stacks)
		spy_profile_add(booking->profile, sample->node, sample->lane, sample->at_ns,
				sample->samples);
	if (booking->options.live)
		count_live(booking->profile, sample);
}

/* Counts at once what nothing has to be waited for with. */
static bool take(struct spy_booking *booking, struct spy_process_book *book,
		 const struct spy_pending *sample)
{
	if (sample->provisional || book->pending_count)
		return append_pending(book, sample);
	count(booking, sample);
	return true;
}

/* Returns how many stacks are lost. The bytes of one that never was are not: they are unknown's. */
static uint64_t settle_one(struct spy_booking *booking, struct spy_pending *sample, bool hold)
{
	bool lost = sample->provisional && !hold;

	if (lost && sample->stacks)
		return sample->stacks;
	if (lost)
		sample->node = spy_booking_unknown(booking, sample->root);
	if (sample->node != UINT32_MAX)
		count(booking, sample);
	else
		booking->failed = true;
	return 0;
}

uint64_t spy_booking_settle(struct spy_booking *booking, struct spy_process_book *book, bool hold)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < book->pending_count; i++)
		lost += settle_one(booking, &book->pending[i], hold);
	book->pending_count = 0;
	/* Frames keep their numbers: what is still needed is found again. */
	if (book->places.count > PLACES_LIMIT)
		spy_map_clear(&book->places);
	return lost;
}

void spy_booking_forget_threads(struct spy_process_book *book, const struct spy_sampler *sampler)
{
	struct spy_map kept = { 0 };
	size_t i;

	if (book->threads.count < 2 * sampler->thread_count + THREADS_KEPT)
		return;
	for (i = 0; i < sampler->thread_count; i++) {
		uint64_t *known = spy_map_find(&book->threads, sampler->threads[i]->id);
		uint64_t *slot = known ? spy_map_insert(&kept, sampler->threads[i]->id, NULL) : NULL;

		if (slot) {
			*slot = *known;
			spy_map_remove(&book->threads, sampler->threads[i]->id);
		}
	}
	free_threads(book);
	book->threads = kept;
}

static bool book_stack(struct spy_booking *booking, struct spy_process_book *book,
		       struct spy_thread_book *path, struct spy_sampler *sampler,
		       const struct spy_thread *thread, const struct spy_stack *stack,
		       struct spy_pending sample)
{
	bool collecting = stack->collecting && !booking->options.no_gc;
	size_t from = stack->same;

	path->booked = false;
	path->collecting = stack->collecting;
	sample.provisional = path->provisional = stack->provisional;
	if (!room(path, stack->count))
		return false;
	/* What was innermost may have been hidden for that. */
	if (path->sequence != stack->sequence - 1)
		from = 0;
	else if (from && from >= path->count)
		from = path->count - 1;
	path->sequence = stack->sequence;
	if (path->node_count > from)
		path->node_count = from;
	if (!place_frames(booking, book, sampler, path, stack, from)) {
		path->sequence = path->node_count = 0;
		return false;
	}
	if (!path->count || !(path->matches[path->count - 1] & MATCH_SHOWN))
		return true;
	if (!passes(booking, path->matches[path->count - 1])) {
		booking->left_out++;
		return true;
	}
	if (!spy_booking_root(booking, book, path, sampler, thread))
		return false;
	sample.node = node_of(booking, path, stack->truncated ? "<truncated>" : NULL,
			      collecting ? "<GC>" : NULL);
	sample.lane = path->lane;
	if (sample.node == UINT32_MAX)
		return false;
	path->booked = true;
	path->node = sample.node;
	return !sample.stacks || take(booking, book, &sample);
}

void spy_booking_add(struct spy_booking *booking, struct spy_process_book *book,
		     struct spy_thread_book *path, struct spy_sampler *sampler,
		     const struct spy_thread *thread, const struct spy_stack *stack,
		     const struct spy_sample *as)
{
	struct spy_pending sample = {
		.at_ns = as->at_ns, .stacks = !as->look, .samples = as->samples, .time_ns = as->time_ns,
		.doing = booking->options.live ? as->doing : 0,
	};

	booking->failed |= !book_stack(booking, book, path, sampler, thread, stack, sample);
}

void spy_booking_add_bytes(struct spy_booking *booking, struct spy_process_book *book,
			   const struct spy_thread_book *path, uint32_t node, int64_t bytes)
{
	struct spy_pending sample = {
		.node = node, .lane = path ? path->lane : 0,
		.provisional = path && path->provisional,
		.grown = bytes > 0 ? (uint64_t)bytes : 0,
		.released = bytes < 0 ? -(uint64_t)bytes : 0,
		.root = path ? path->root : SPY_ROOT_NODE,
	};

	if (bytes)
		booking->failed |= !take(booking, book, &sample);
}

uint32_t spy_booking_unknown(struct spy_booking *booking, uint32_t root)
{
	return marked(booking, root, "<unknown>");
}
