/*
 * Who has had the GIL since the look before: nobody else's stack can have changed.
 *
 * A switch is counted after its holder is noted (take_gil, Python/ceval_gil.c): that both are read in
 * this order relies on the machine's keeping the order of writes, as x86 does; elsewhere somebody
 * would have to be read just between the two, twice, for a stack to be one look old. What is passed
 * over is a thread state that was made in another thread than the one that runs it, on 3.12.
 */
#include "sample/stack_copy.h"

/* So often in a row it may fail before there is no peeking for 1, 3, 7 … looks. */
#define FAILURES_FROM 4
#define FAILURES_LIMIT 9

/* Both words of one moment: who has taken the GIL says so before the switch is counted. */
static bool read_gil(struct spy_stack_reader *reader)
{
	spy_stack_begin(reader);
	return spy_stack_plan_gil(reader, 0) && spy_stack_plan_gil(reader, 1) &&
	       spy_stack_fetch(reader, NULL) == 0 && spy_stack_gil_stayed(reader);
}

/*
 * Books who has had the GIL since it was looked at last. False when it may have been somebody unknown:
 * with more than one switch in between.
 */
static bool follow(struct spy_stack_reader *reader)
{
	struct spy_gil_turns *turns = &reader->turns;
	const struct spy_gil_words *now = &reader->gil_words[0];
	uint64_t switches = now->switch_number - turns->switch_number;

	if (switches != (now->last_holder != turns->holders[turns->count - 1]))
		return false;
	if (!switches)
		return true;
	if (turns->count == SPY_GIL_HOLDERS)
		return false;
	turns->switch_number = now->switch_number;
	turns->holders[turns->count++] = now->last_holder;
	return true;
}

static bool has_had_it(const struct spy_gil_turns *turns, uint64_t tstate)
{
	unsigned i;

	for (i = 0; i < turns->count; i++)
		if (turns->holders[i] == tstate)
			return true;
	return false;
}

/* Whether to peek before the next look, by what became of it before this one. */
static void judge(struct spy_gil_turns *turns, bool known)
{
	if (turns->pause) {
		turns->pause--;
		return;
	}
	if (known)
		turns->failed = 0;
	else if (turns->failed < FAILURES_LIMIT)
		turns->failed++;
	if (turns->failed > FAILURES_FROM)
		turns->pause = (1u << (turns->failed - FAILURES_FROM)) - 1;
}

void spy_stack_turns(struct spy_stack_reader *reader, const struct spy_stack_job *jobs, size_t count)
{
	struct spy_gil_turns *turns = &reader->turns;
	bool begun = turns->count && turns->gil == reader->gil, known;
	size_t i;

	if (!reader->gil || !count || !read_gil(reader)) {
		turns->count = 0;
		return;
	}
	known = begun && !turns->lost && follow(reader);
	if (begun)
		judge(turns, known);
	for (i = 0; known && i < count; i++)
		jobs[i].memory->unturned = jobs[i].memory->current &&
					   !has_had_it(turns, jobs[i].state->address);
	/* Where nobody else wants it there is nothing to miss. */
	turns->moved = !known || turns->count > 1;
	turns->lost = false;
	turns->gil = reader->gil;
	turns->count = 1;
	turns->holders[0] = reader->gil_words[0].last_holder;
	turns->switch_number = reader->gil_words[0].switch_number;
}

bool spy_stack_peeks(const struct spy_stack_reader *reader)
{
	const struct spy_gil_turns *turns = &reader->turns;

	return turns->count && turns->moved && !turns->lost && !turns->pause;
}

void spy_stack_peek(struct spy_stack_reader *reader)
{
	if (spy_stack_peeks(reader))
		reader->turns.lost = !read_gil(reader) || !follow(reader);
}
