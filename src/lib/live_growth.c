/* Whose memory it is: differences in RSS are booked on stacks. */
#include "base/clock.h"
#include "lib/gauges.h"
#include "profile/live.h"

/* CPU time of a thread that runs is told at clock ticks, some ms apart. */
#define UNTOLD_NS (1u * SPY_NSEC_PER_MSEC)
/* A stack seen so soon after a thread's first fault is the one that made it. */
#define SUDDEN_NS (2u * SPY_NSEC_PER_MSEC)
/* What a fault brings is learnt from so many of them. */
#define FAULTS_LEAST 8
/* More there are never between two readings. */
#define FAULTS_MOST ((uint64_t)1 << 28)
#define PAGE 4096
/* lib/percpu_counter.c (6.2): RSS is told with a delay of some pages for each CPU. */
#define LAG (512 * 1024)
/* Newer ones add it all up (fs/proc/task_mmu.c, 6.16): faults and RSS agree, and that is how it shows. */
#define EXACT_PAGES 8
#define EXACT_FAULTS 64
#define EXACT_LEAST 4

/* Whether they go on is waited for of so many threads at once. */
#define WAITS_MOST 4

/* One difference that is being booked. */
struct difference {
	struct spy_gauges *gauges;
	struct spy_process_gauge *process;
	struct spy_booking *booking;
	struct spy_process_book *book;
	uint64_t since_ns, now_ns;
	bool shrank, shrinks; /* RSS, at the reading before and now */
	unsigned waits;	      /* so many threads were waited for */
};

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

static void book(struct difference *of, const struct spy_thread_book *path, uint32_t node,
		 bool known, int64_t bytes)
{
	struct spy_process_growth *growth = &of->process->growth;
	uint64_t amount = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

	if (!bytes)
		return;
	if (node == UINT32_MAX) {
		of->booking->failed = true;
		return;
	}
	spy_booking_add_bytes(of->booking, of->book, path, node, bytes);
	if (known && amount > growth->node_bytes) {
		growth->node = node;
		growth->generation = of->booking->profile->generation;
		growth->node_bytes = amount;
		growth->seen = true;
	}
}

/* The innermost node that has both below it. */
static uint32_t common_of(const struct pyspyc_profile *profile, uint32_t left, uint32_t right)
{
	while (left != right) { /* parents come first */
		uint32_t *later = left > right ? &left : &right;
		uint32_t parent = profile->nodes[*later].parent;

		if (parent >= *later)
			return SPY_ROOT_NODE;
		*later = parent;
	}
	return left;
}

/*
 * What ran when nobody looked: in that thread, or in whichever. It is booked below the frames that the
 * thread's stack had when it was last seen and has now.
 */
static void book_unknown(struct difference *of, struct spy_thread_book *path, int64_t bytes)
{
	const struct pyspyc_profile *profile = of->booking->profile;
	const struct spy_growth_mark *mark = path && path->gauge ? &path->gauge->mark : NULL;
	uint32_t generation = profile->generation, node;

	if (!bytes)
		return;
	if (path && path->begun && path->generation == generation) {
		node = path->root;
		if (mark && mark->booked && path->booked && mark->generation == generation)
			node = common_of(profile, mark->node, path->node);
		/* Not above the thread. */
		if (node < path->root)
			node = path->root;
		book(of, path, spy_booking_unknown(of->booking, node), false, bytes);
	} else if (of->book->begun && of->book->generation == generation) {
		book(of, NULL, spy_booking_unknown(of->booking, of->book->root), false, bytes);
	}
}

/*
 * What its stack at the reading before has of a thread's part, where it has another one now: of what
 * was released all or nothing when it is seen who does it, else half.
 */
static int64_t before_of_time(const struct difference *of, int64_t bytes)
{
	if (bytes < 0 && of->shrank != of->shrinks)
		return of->shrank ? bytes : 0;
	return bytes / 2;
}

/* Of faults it is those before the longest time without any: one line makes them one after the other. */
static int64_t before_of_told(const struct difference *of, const struct spy_thread_growth *growth,
			      int64_t bytes)
{
	size_t before = growth->told_before;

	if (!growth->told)
		return bytes / 2;
	if (of->now_ns > growth->told_ns && of->now_ns - growth->told_ns > growth->gap_ns)
		before = growth->told;
	return (int64_t)((__int128)bytes * (int64_t)before / (int64_t)growth->told);
}

/* What grew when RSS was read before and does not grow now has all, what grows only now has none. */
static int64_t before_of_faults(struct difference *of, struct spy_thread_gauge *thread,
				int64_t bytes)
{
	struct spy_thread_growth *growth = &thread->growth;
	uint64_t faults = growth->count - growth->counted, elapsed = of->now_ns - of->since_ns;

	growth->grows = false;
	if (!bytes || (faults && elapsed / faults > SPY_GOES_ON_NS) || of->waits++ >= WAITS_MOST)
		return before_of_told(of, growth, bytes);
	growth->grows = spy_growth_goes_on(growth, faults, elapsed);
	if (growth->grows != thread->mark.grows)
		return growth->grows ? 0 : bytes;
	return before_of_told(of, growth, bytes);
}

/* A thread's part: some is its stack's at the reading before, the rest its stack's now. */
static void add_part(struct difference *of, struct spy_thread_gauge *thread, bool by_faults,
		     int64_t bytes)
{
	const struct spy_growth_mark *mark = &thread->mark;
	struct spy_thread_book *path = thread->book;
	uint32_t generation = of->booking->profile->generation;
	bool told = by_faults && thread->growth.first_ns;
	bool here = path && thread->visited && path->booked && path->generation == generation;
	bool before = path && mark->booked && mark->generation == generation &&
		      mark->at_ns == of->since_ns;
	/* One that waits again and again, as it reads a pipe, grows in between. */
	bool same = by_faults && before && here && mark->node == path->node;
	int64_t first = 0;

	/* Told of the first fault, nothing was before that. */
	before &= (mark->active || (by_faults && mark->grows)) &&
		  !(told && here && mark->at_ns < thread->growth.first_ns);
	here = here && (same || (thread->doing & SPY_DOES_ACTIVE) ||
			(told && of->now_ns - thread->growth.first_ns < SUDDEN_NS));
	if (by_faults)
		thread->growth.grows = here;
	if (before && !(same && here))
		first = !here	   ? bytes
			: by_faults ? before_of_faults(of, thread, bytes)
				    : before_of_time(of, bytes);
	if (before)
		book(of, path, mark->node, true, first);
	if (here)
		book(of, path, path->node, true, bytes - first);
	else if (!before)
		book_unknown(of, path, bytes);
}

/* --- by CPU time --- */

/* What share of a thread's it is, over a time of elapsed_ns. */
static uint64_t weight_of(const struct spy_thread_gauge *thread, uint64_t elapsed_ns)
{
	bool active = thread->doing & SPY_DOES_ACTIVE;

	if (!thread->book || !thread->book->booked)
		return 0;
	/* A little for what an active one may have used that is not told yet. */
	return thread->used_ns + (active ? least(elapsed_ns / 2 + 1, UNTOLD_NS) : 0);
}

static void share_by_time(struct difference *of, int64_t bytes)
{
	const struct spy_gauges *gauges = of->gauges;
	uint64_t elapsed = of->now_ns - of->since_ns, weights = 0;
	size_t i;

	for (i = 0; i < gauges->moment_count; i++)
		weights += weight_of(gauges->moment[i], elapsed);
	/* What is left is shared by those that are left, so that nothing is lost by rounding. */
	for (i = 0; i < gauges->moment_count && weights; i++) {
		uint64_t weight = weight_of(gauges->moment[i], elapsed);
		int64_t part = (int64_t)((__int128)bytes * weight / weights);

		weights -= weight;
		bytes -= part;
		if (part)
			add_part(of, gauges->moment[i], false, part);
	}
	book_unknown(of, NULL, bytes);
}

/* --- by page faults --- */

/* A fault that began before RSS was read last: a huge page takes long. */
static bool is_late(const struct difference *of, const struct spy_thread_gauge *thread)
{
	const struct spy_growth_mark *mark = &thread->mark;

	return thread->growth.hot && thread->growth.count == thread->growth.counted &&
	       mark->grows && mark->booked && mark->at_ns == of->since_ns &&
	       mark->generation == of->booking->profile->generation;
}

static uint64_t faults_of(const struct spy_thread_gauge *thread)
{
	return least(thread->growth.count - thread->growth.counted, FAULTS_MOST);
}

static uint64_t count_faults(const struct spy_process_gauge *process)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; process->growth.hot && i < process->thread_count; i++)
		sum += faults_of(process->threads[i]);
	return sum;
}

static void share_by_faults(struct difference *of, int64_t bytes, uint64_t faults)
{
	struct spy_process_gauge *process = of->process;
	size_t i;

	for (i = 0; i < process->thread_count && faults; i++) {
		uint64_t weight = faults_of(process->threads[i]);
		int64_t part;

		if (!weight)
			continue;
		part = (int64_t)((__int128)bytes * weight / faults);
		faults -= weight;
		bytes -= part;
		add_part(of, process->threads[i], true, part);
	}
}

/*
 * How much a fault brings: a page; with huge ones, many; nothing where one that was shared is copied.
 * That it is less than before is believed by and by: something may have been released meanwhile.
 */
static void learn(struct spy_process_growth *growth, uint64_t bytes, uint64_t faults)
{
	uint64_t each = bytes / faults, before = growth->fault_bytes - growth->fault_bytes / 8;

	if (faults >= FAULTS_LEAST || each > 16 * PAGE)
		growth->fault_bytes = each > before ? each : before;
	if (faults < EXACT_FAULTS || bytes / PAGE > faults + EXACT_PAGES)
		return;
	if (bytes / PAGE + EXACT_PAGES >= faults)
		growth->exact += growth->exact < 2 * EXACT_LEAST;
	else
		growth->exact -= growth->exact > 0;
}

/* What came with the faults, where RSS has changed by bytes in all. */
static int64_t grown_of(struct spy_process_growth *growth, int64_t bytes, uint64_t faults)
{
	bool exact = growth->exact >= EXACT_LEAST;
	uint64_t lag = exact ? EXACT_PAGES * PAGE : LAG, each, grown;

	if (!faults)
		return 0;
	if (bytes > 0)
		learn(growth, (uint64_t)bytes, faults);
	each = exact || !growth->fault_bytes ? PAGE : least(growth->fault_bytes, PAGE);
	grown = faults < (uint64_t)INT64_MAX / PAGE / 2 ? faults * each : 0;
	/* Released and grown at once: more than by what RSS may lag behind. */
	if (bytes <= 0 || (grown > (uint64_t)bytes && grown - (uint64_t)bytes > lag))
		return (int64_t)grown;
	return bytes;
}

/* What came without a fault, but of one that had begun; the rest is returned. */
static int64_t share_late(struct difference *of, int64_t bytes)
{
	struct spy_process_gauge *process = of->process;
	int64_t count = 0;
	size_t i;

	for (i = 0; bytes > 0 && process->growth.hot && i < process->thread_count; i++)
		count += is_late(of, process->threads[i]);
	for (i = 0; count && i < process->thread_count; i++) {
		int64_t part = bytes / count;

		if (!is_late(of, process->threads[i]))
			continue;
		bytes -= part;
		count--;
		add_part(of, process->threads[i], true, part);
	}
	return bytes;
}

static void share(struct difference *of, int64_t bytes)
{
	uint64_t faults = count_faults(of->process);
	int64_t grown = grown_of(&of->process->growth, bytes, faults);

	if (grown)
		share_by_faults(of, grown, faults);
	bytes -= grown;
	if (bytes < 0)
		of->shrinks = spy_growth_shrinks(of->process);
	share_by_time(of, faults ? bytes : share_late(of, bytes));
}

/* --- what the next difference starts from --- */

static bool is_at_mark(const struct spy_thread_gauge *thread)
{
	const struct spy_thread_book *path = thread->book;

	return path && path->booked && thread->mark.booked &&
	       path->generation == thread->mark.generation && path->node == thread->mark.node;
}

static void set_mark(struct spy_thread_gauge *thread, uint64_t now_ns)
{
	const struct spy_thread_book *path = thread->book;

	thread->used_ns = 0;
	thread->mark.booked = path && path->booked;
	thread->mark.grows = false;
	if (!thread->mark.booked)
		return;
	thread->mark.at_ns = now_ns;
	thread->mark.active = thread->doing & SPY_DOES_ACTIVE;
	thread->mark.grows = thread->growth.grows;
	thread->mark.node = path->node;
	thread->mark.generation = path->generation;
}

static void set_usage(const struct spy_booking *booking, const struct spy_thread_gauge *thread,
		      uint64_t rss)
{
	const struct spy_thread_book *path = thread->book;

	if (path && path->booked && path->generation == booking->profile->generation &&
	    (thread->doing & SPY_DOES_ACTIVE))
		spy_live_usage(booking->profile, path->node, rss);
}

/* Where nothing has changed it is the one with the GIL that ran, or the one that ran most. */
static void see_runner(const struct spy_gauges *gauges, struct spy_process_growth *growth,
		       const struct pyspyc_profile *profile)
{
	const struct spy_thread_gauge *found = NULL;
	size_t i;

	for (i = 0; i < gauges->moment_count; i++) {
		const struct spy_thread_gauge *thread = gauges->moment[i];
		const struct spy_thread_book *path = thread->book;

		if (!path || !path->booked || path->generation != profile->generation ||
		    !(thread->doing & (SPY_DOES_ACTIVE | SPY_DOES_GIL)))
			continue;
		if (!found || ((thread->doing & SPY_DOES_GIL) > (found->doing & SPY_DOES_GIL)) ||
		    ((thread->doing & SPY_DOES_GIL) == (found->doing & SPY_DOES_GIL) &&
		     thread->used_ns > found->used_ns))
			found = thread;
	}
	growth->seen = found != NULL;
	growth->generation = profile->generation;
	if (found)
		growth->node = found->book->node;
}

void spy_gauges_book_rss(struct spy_gauges *gauges, struct spy_process_gauge *process,
			 struct spy_booking *booking, struct spy_process_book *book_of,
			 uint64_t rss, uint64_t now_ns)
{
	struct difference of = { .gauges = gauges,
				 .process = process,
				 .booking = booking,
				 .book = book_of,
				 .since_ns = process->rss_ns,
				 .now_ns = now_ns,
				 .shrank = process->growth.shrinks };
	int64_t bytes = (int64_t)rss - (int64_t)process->rss_bytes;
	size_t i;

	process->growth.node_bytes = 0;
	/* What grew goes on until it has another stack. */
	for (i = 0; i < gauges->moment_count; i++)
		gauges->moment[i]->growth.grows &= gauges->moment[i]->growth.hot &&
						   is_at_mark(gauges->moment[i]);
	if (process->rss_ns && bytes)
		share(&of, bytes);
	process->growth.shrinks = of.shrinks;
	if (process->growth.of && !process->growth.node_bytes)
		see_runner(gauges, &process->growth, booking->profile);
	if (!process->rss_ns || bytes)
		process->growth.more_ns = now_ns;
	process->rss_ns = now_ns;
	process->rss_bytes = rss;
	for (i = 0; i < gauges->moment_count; i++) {
		set_mark(gauges->moment[i], now_ns);
		set_usage(booking, gauges->moment[i], rss);
	}
	/* Faults without growth may be ahead of it: RSS is told with some delay. */
	for (i = 0; bytes && process->growth.hot && i < process->thread_count; i++) {
		spy_growth_account(&process->threads[i]->growth, now_ns);
	}
}
