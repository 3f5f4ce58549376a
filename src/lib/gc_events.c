#include "lib/gc_events.h"

#include "base/clock.h"

/* More collections between two readings: the sums are another interpreter's, or nonsense. */
#define COLLECTIONS_LIMIT 1000000
/* How old a collection may be that a ring shows for the first time. */
#define AGE_LIMIT_NS (UINT64_C(60) * SPY_NSEC_PER_SEC)

/* What the sums of one generation have grown by. */
struct growth {
	uint64_t count;
	int64_t collected, uncollectable;
};

static int64_t difference(int64_t now, int64_t before)
{
	return now < before || before < 0 ? SPY_GC_NONE : now - before;
}

static void prime(struct spy_gc_tracker *tracker, const struct spy_gc_state *state)
{
	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		size_t count = state->record_counts[i];

		tracker->seen[i] = state->totals[i];
		tracker->counts[i] = state->counts[i];
		tracker->durations[i] = count ? state->records[i][count - 1].duration : 0;
	}
	tracker->primed = true;
}

/* False when the sums are not those of before any more. */
static bool grow(const struct spy_gc_tracker *tracker, const struct spy_gc_state *state,
		 struct growth *ret)
{
	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		const struct spy_gc_totals *now = &state->totals[i], *before = &tracker->seen[i];
		int64_t count = difference(now->collections, before->collections);

		if (count < 0 || count > COLLECTIONS_LIMIT)
			return false;
		ret[i] = (struct growth){ (uint64_t)count,
					  difference(now->collected, before->collected),
					  difference(now->uncollectable, before->uncollectable) };
	}
	return true;
}

/*
 * 2.7 keeps no sums, but a collection sets the counts of its own and all younger generations to
 * 0 and adds one to that of the next (collect() in Modules/gcmodule.c): so much for sure.
 */
static void infer(const struct spy_gc_tracker *tracker, const struct spy_gc_state *state,
		  struct growth *ret)
{
	const int32_t *now = state->counts, *before = tracker->counts;
	int64_t counts[SPY_GC_GENERATIONS] = { now[1], 0, 0 };

	if (now[2] > before[2]) {
		counts[1] = (int64_t)now[2] - before[2];
	} else if (now[2] < before[2] || now[1] < before[1]) {
		counts[2] = 1;
		counts[1] = now[2];
	} else {
		counts[0] = (int64_t)now[1] - before[1];
		/* One of everything while there was nothing. */
		counts[2] = tracker->busy && !counts[0];
	}
	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		bool sane = counts[i] > 0 && counts[i] < COLLECTIONS_LIMIT;

		ret[i] = (struct growth){ sane ? (uint64_t)counts[i] : 0, SPY_GC_NONE,
					  SPY_GC_NONE };
	}
}

/* Emits what ended between the last reading and now; one of them may be known to have begun. */
static void end_some(struct spy_gc_tracker *tracker, const struct growth *growth, uint64_t now_ns,
		     spy_gc_emit *emit, void *context)
{
	uint64_t half = (now_ns - tracker->last_from_ns) / 2;
	int known = tracker->busy ? SPY_GC_GENERATIONS - 1 : -1;

	/* The longest took longest to end, and that is the oldest generation's. */
	while (known >= 0 && !growth[known].count)
		known--;
	for (int n = -1; n < SPY_GC_GENERATIONS; n++) {
		int i = n < 0 ? known : n;
		struct spy_gc_event event = { .generation = i, .end_ns = now_ns - half };

		if (i < 0 || (n >= 0 && i == known) || !growth[i].count)
			continue;
		event.count = growth[i].count;
		event.collected = growth[i].collected;
		event.uncollectable = growth[i].uncollectable;
		event.duration_ns = event.error_ns = half;
		if (n < 0 && tracker->tail) {
			/* It began at some time since then. */
			event.duration_ns = event.error_ns = (now_ns - tracker->start_ns) / 2;
		} else if (n < 0) {
			event.duration_ns = event.end_ns > tracker->start_ns
						    ? event.end_ns - tracker->start_ns
						    : 0;
			event.error_ns = half + tracker->start_error_ns;
		}
		tracker->collections += event.count;
		tracker->unseen += event.count - (n < 0 && !tracker->tail);
		emit(context, &event);
	}
	tracker->busy = false;
}

static void track_polled(struct spy_gc_tracker *tracker, const struct spy_gc_state *state,
			 uint64_t now_ns, spy_gc_emit *emit, void *context)
{
	struct growth growth[SPY_GC_GENERATIONS] = { { 0 } };
	bool counting = state->totals[0].collections >= 0, ended;

	if (counting && !grow(tracker, state, growth)) {
		tracker->busy = false;
		prime(tracker, state);
		return;
	}
	if (!counting && !state->collecting)
		infer(tracker, state, growth);
	ended = growth[0].count || growth[1].count || growth[2].count;
	if (ended)
		end_some(tracker, growth, now_ns, emit, context);
	if (state->collecting) {
		tracker->paused_ns += now_ns - tracker->last_to_ns;
		if (!tracker->busy) {
			uint64_t half = (now_ns - tracker->last_from_ns) / 2;

			/* Sums grow before the last callbacks are called (gc_collect_main, 3.12). */
			tracker->tail = ended;
			tracker->start_ns = ended ? tracker->last_from_ns : now_ns - half;
			tracker->start_error_ns = half;
		}
	}
	tracker->busy = state->collecting;
	if (counting || !state->collecting)
		prime(tracker, state);
}

/* The collection, or collections, between those seen and this record. */
static struct spy_gc_event of_record(const struct spy_gc_tracker *tracker, int generation,
				     const struct spy_gc_record *record, uint64_t now_ns)
{
	const struct spy_gc_totals *seen = &tracker->seen[generation];
	double more = record->duration - tracker->durations[generation];
	struct spy_gc_event event = {
		.generation = generation,
		.count = (uint64_t)(record->totals.collections - seen->collections),
		.end_ns = (uint64_t)record->stop_ns,
		.collected = difference(record->totals.collected, seen->collected),
		.uncollectable = difference(record->totals.uncollectable, seen->uncollectable),
		.duration_ns = (uint64_t)(record->stop_ns - record->start_ns),
	};

	if (event.count > 1 && more >= 0)
		event.duration_ns = (uint64_t)(more * SPY_NSEC_PER_SEC);
	/* A container may have a clock of its own (time_namespaces(7)). */
	if (event.end_ns > now_ns || now_ns - event.end_ns > AGE_LIMIT_NS)
		event.end_ns = now_ns;
	return event;
}

#define EVENTS_LIMIT (SPY_GC_GENERATIONS * SPY_GC_RECORDS_LIMIT)

static size_t take_records(struct spy_gc_tracker *tracker, const struct spy_gc_state *state,
			   int generation, uint64_t now_ns, struct spy_gc_event *events,
			   size_t count)
{
	size_t records = state->record_counts[generation];

	for (size_t i = 0; i < records; i++) {
		const struct spy_gc_record *record = &state->records[generation][i];
		struct spy_gc_event event;
		size_t place = count;

		/* The newest is whole for sure when it is not being written, or not the newest. */
		if (record->totals.collections <= tracker->seen[generation].collections ||
		    (i + 1 == records && state->collecting))
			continue;
		event = of_record(tracker, generation, record, now_ns);
		tracker->seen[generation] = record->totals;
		tracker->durations[generation] = record->duration;
		if (event.count > COLLECTIONS_LIMIT)
			continue;
		for (; place > 0 && events[place - 1].end_ns > event.end_ns; place--)
			events[place] = events[place - 1];
		events[place] = event;
		count++;
	}
	return count;
}

static void track_ring(struct spy_gc_tracker *tracker, const struct spy_gc_state *state,
		       uint64_t now_ns, spy_gc_emit *emit, void *context)
{
	struct spy_gc_event events[EVENTS_LIMIT];
	size_t count = 0;

	for (int i = 0; i < SPY_GC_GENERATIONS; i++) {
		if (state->totals[i].collections < tracker->seen[i].collections) {
			prime(tracker, state);
			return;
		}
		count = take_records(tracker, state, i, now_ns, events, count);
	}
	for (size_t i = 0; i < count; i++) {
		tracker->collections += events[i].count;
		tracker->unseen += events[i].count - 1;
		tracker->paused_ns += events[i].duration_ns;
		emit(context, &events[i]);
	}
}

void spy_gc_track(struct spy_gc_tracker *tracker, const struct spy_gc_state *state, bool has_ring,
		  uint64_t from_ns, uint64_t to_ns, spy_gc_emit *emit, void *context)
{
	if (!tracker->primed)
		prime(tracker, state);
	else if (from_ns < tracker->last_from_ns || to_ns < from_ns)
		return;
	else if (has_ring)
		track_ring(tracker, state, to_ns, emit, context);
	else
		track_polled(tracker, state, to_ns, emit, context);
	tracker->last_from_ns = from_ns;
	tracker->last_to_ns = to_ns;
}
