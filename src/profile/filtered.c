/* What a query takes in of a profile, as one of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "profile/live_parts.h"

/* What is counted. */
enum kind {
	TIME,
	GROWN,
	RELEASED,
};

struct making {
	enum kind kind;
	struct spy_selection selection;
	struct pyspyc_profile *made;
	uint64_t *own; /* of each node, in what a sample stands for period_ns of */
	bool *needed;  /* a node that has something, of its own or below it */
	uint8_t *parts;
	uint32_t *node_of;  /* the node that each became */
	uint32_t *frame_of; /* the same of frames; SPY_NO_FRAME: not needed so far */
	uint32_t library;
	uint64_t period_ns, rest; /* of bytes, 1 */
};

static bool begin(struct making *making, enum kind kind, const struct pyspyc_profile *profile,
		  const struct pyspyc_query *query, uint64_t period_ns)
{
	size_t nodes = profile->node_count, frames = profile->frame_count;

	*making = (struct making){ .kind = kind,
				   .library = SPY_NO_FRAME,
				   .period_ns = period_ns ? period_ns : 1 };
	making->made = spy_profile_new(false);
	making->own = malloc(nodes * sizeof(*making->own));
	making->needed = calloc(nodes, sizeof(*making->needed));
	making->parts = malloc(nodes);
	making->node_of = malloc(nodes * sizeof(*making->node_of));
	making->frame_of = malloc((frames + 1) * sizeof(*making->frame_of));
	if (!spy_selection_begin(&making->selection, profile, query, true) || !making->made ||
	    !making->own || !making->needed || !making->parts || !making->node_of ||
	    !making->frame_of)
		return false;
	memset(making->frame_of, 0xff, frames * sizeof(*making->frame_of));
	making->made->started_at = profile->started_at;
	making->made->bytes = kind == GROWN || kind == RELEASED;
	making->made->period_ns = making->made->bytes ? 0 : making->period_ns;
	making->made->title = profile->title ? strdup(profile->title) : NULL;
	return making->made->title || !profile->title;
}

static void end(struct making *making)
{
	spy_selection_free(&making->selection);
	spy_profile_free(making->made);
	free(making->own);
	free(making->needed);
	free(making->parts);
	free(making->node_of);
	free(making->frame_of);
}

/* Where the code is; other frames are nowhere. */
static uint32_t copy_text(struct making *making, const struct spy_frame *frame, uint32_t text)
{
	return spy_profile_string(making->made,
				  frame->kind == SPY_FRAME_PYTHON
					  ? spy_profile_text(making->selection.profile, text)
					  : "");
}

static uint32_t copy_frame(struct making *making, uint32_t number)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	struct spy_frame frame = profile->frames[number];
	uint32_t *known = &making->frame_of[number];

	if (*known != SPY_NO_FRAME)
		return *known;
	frame.name = spy_profile_string(making->made, spy_profile_text(profile, frame.name));
	frame.file = copy_text(making, &frame, frame.file);
	frame.path = copy_text(making, &frame, frame.path);
	if (frame.name != SPY_NO_STRING && frame.file != SPY_NO_STRING &&
	    frame.path != SPY_NO_STRING)
		*known = spy_profile_frame(making->made, &frame);
	return *known;
}

static uint32_t library_frame(struct making *making)
{
	struct spy_frame frame = { .kind = SPY_FRAME_MARKER, .origin = SPY_ORIGIN_NONE };

	if (making->library != SPY_NO_FRAME)
		return making->library;
	frame.name = spy_profile_string(making->made, SPY_LIBRARY_NAME);
	frame.file = frame.path = spy_profile_string(making->made, "");
	if (frame.name != SPY_NO_STRING && frame.file != SPY_NO_STRING)
		making->library = spy_profile_frame(making->made, &frame);
	return making->library;
}

/* Books an amount as samples; what is less than one goes to the next. */
static void book(struct making *making, uint32_t node, uint64_t own)
{
	making->rest += own;
	spy_profile_add(making->made, node, UINT32_MAX, 0, making->rest / making->period_ns);
	making->rest %= making->period_ns;
}

/* A node that has something, of its own or below it. */
static bool copy_node(struct making *making, uint32_t node)
{
	const struct spy_node *it = &making->selection.profile->nodes[node];
	uint32_t parent = making->node_of[it->parent], made = parent, frame = SPY_NO_FRAME;

	making->node_of[node] = parent;
	switch ((enum spy_part)making->parts[node]) {
	case SPY_PART_OF_CALLER:
		break;
	case SPY_PART_LIBRARY:
		if (!making->own[node])
			return true;
		frame = library_frame(making);
		if (frame == SPY_NO_FRAME)
			return false;
		made = spy_profile_child(making->made, parent, frame);
		break;
	case SPY_PART_SHOWN:
		frame = copy_frame(making, it->frame);
		if (frame == SPY_NO_FRAME)
			return false;
		made = making->node_of[node] = spy_profile_child(making->made, parent, frame);
		break;
	}
	if (made == UINT32_MAX)
		return false;
	book(making, made, making->own[node]);
	return true;
}

/* What counts of what a node has. */
static uint64_t own_of(const struct making *making, const struct spy_sums *sums)
{
	switch (making->kind) {
	case GROWN:
		return sums->grown;
	case RELEASED:
		return sums->released;
	case TIME:
		break;
	}
	return sums->since;
}

static bool copy(struct making *making)
{
	const struct pyspyc_profile *profile = making->selection.profile;
	uint32_t count = profile->node_count, i;
	struct spy_sums sums;

	for (i = 1; i < count; i++) {
		making->parts[i] = (uint8_t)spy_selection_next(&making->selection, i, &sums);
		making->own[i] = own_of(making, &sums);
		making->needed[i] = making->own[i] != 0;
	}
	for (i = count - 1; i > SPY_ROOT_NODE; i--)
		making->needed[profile->nodes[i].parent] |= making->needed[i];
	making->node_of[SPY_ROOT_NODE] = SPY_ROOT_NODE;
	for (i = 1; i < count; i++)
		if (making->needed[i] && !copy_node(making, i))
			return false;
	return !making->selection.failed;
}

static int make(enum kind kind, const struct pyspyc_profile *profile,
		const struct pyspyc_query *query, uint64_t period_ns, struct pyspyc_profile **ret,
		struct pyspyc_error *err)
{
	spy_cleanup(end) struct making making;

	if (!begin(&making, kind, profile, query, period_ns) || !copy(&making))
		return spy_nomem(err);
	*ret = spy_steal(making.made);
	return 0;
}

int spy_live_profile(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		     uint64_t period_ns, struct pyspyc_profile **ret, struct pyspyc_error *err)
{
	return make(TIME, profile, query, period_ns, ret, err);
}

int spy_live_bytes(const struct pyspyc_profile *profile, const struct pyspyc_query *query,
		   bool released, struct pyspyc_profile **ret, struct pyspyc_error *err)
{
	return make(released ? RELEASED : GROWN, profile, query, 1, ret, err);
}
