/* sample/: what is read of a stack, in how many pieces, and what need not be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stacks.h"

#define ENTRY 2	 /* of the frames, the one by which C code calls the next */
#define APART 2048 /* bytes: a piece of its own */

/* The arena's memory; what it was asked for at last, and how often. */
struct watched {
	struct spy_memory memory;
	struct made made;
	struct spy_range last[64];
	size_t count;
	unsigned reads;
	bool runs;    /* the innermost frame goes on from piece to piece */
	bool calls;   /* what is behind its variables does */
	bool strays;  /* in one reading it seems that the outermost frame was elsewhere */
	unsigned away; /* 2: it seems to have returned in this reading, and not in the next */
	bool leaves;  /* once it is read, it returns */
	bool returns; /* once it is read, it and its caller are no longer at another place */
};

struct scene {
	struct watched watched;
	struct spy_stack_reader reader;
	struct spy_stack_memory memory;
	struct spy_stack stack;
	unsigned at_us;
};

/* Frame i, at its first place or at another. */
static void go_to(struct made *made, int i, bool other)
{
	arena_word(&made->arena, made->frames[i] + made->arena.layout.frame_instr_ptr,
		   made->codes[i] + made->arena.layout.code_code + (other ? 2 : 8));
}

static bool covers(const struct spy_range *range, uint64_t address)
{
	return address >= range->address && address - range->address < range->size;
}

/* What happens between one piece and the next. */
static void go_on(struct watched *watched, const struct spy_range *piece, size_t i)
{
	struct made *made = &watched->made;
	uint64_t inner = made->frames[DEPTH - 1];

	if (watched->runs)
		arena_word(&made->arena, inner + made->arena.layout.frame_instr_ptr,
			   made->codes[DEPTH - 1] + made->arena.layout.code_code + 2 * i);
	if (watched->calls)
		arena_word(&made->arena, inner + made->arena.layout.frame_localsplus + 16, i);
	if (watched->leaves && covers(piece, inner))
		set_top(made, made->frames[DEPTH - 2]);
	if (watched->returns && covers(piece, inner)) {
		go_to(made, DEPTH - 1, false);
		go_to(made, DEPTH - 2, false);
		watched->returns = false;
	}
}

static int watched_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
			struct pyspyc_error *err)
{
	struct watched *watched = (struct watched *)memory;
	struct made *made = &watched->made;
	size_t i;
	int result = 0;

	watched->reads++;
	watched->count = 0;
	go_to(made, 0, watched->strays);
	watched->strays = false;
	if (watched->away)
		set_top(made, made->frames[DEPTH - (watched->away-- == 2 ? 2 : 1)]);
	go_to(made, DEPTH - 1, watched->returns);
	go_to(made, DEPTH - 2, watched->returns);
	for (i = 0; i < count && result == 0; i++) {
		if (i < sizeof(watched->last) / sizeof(*watched->last))
			watched->last[watched->count++] = ranges[i];
		result = spy_memory_readv(made->arena.heap.memory, &ranges[i], 1, err);
		go_on(watched, &ranges[i], i);
	}
	return result;
}

static const struct spy_memory_ops watched_ops = { .read = watched_read };

/* In how many pieces of the last reading this was. */
static unsigned pieces(const struct scene *scene, uint64_t address)
{
	unsigned found = 0;
	size_t i;

	for (i = 0; i < scene->watched.count; i++)
		found += covers(&scene->watched.last[i], address);
	return found;
}

/* Frame `entry` is an entry frame, on the C stack; right before it there the _PyCFrame, if any. */
static void begin(struct scene *scene, const char *version, int entry)
{
	struct made *made = &scene->watched.made;
	struct arena *arena = &made->arena;
	struct spy_heap heap;
	int i;

	*scene = (struct scene){ .watched.memory.ops = &watched_ops };
	make(made, version);
	for (i = 0; i < DEPTH; i++) {
		if (i < DEPTH - 1) /* the two innermost ones are neighbours */
			arena_take(arena, APART);
		made->frames[i] = arena_take(arena, 128);
		make_frame(made, i);
	}
	arena_take(arena, APART);
	made->cframe = arena_take(arena, 64);
	if (arena->layout.frames == SPY_FRAME_CFRAME)
		arena_word(arena, made->tstate + arena->layout.tstate_cframe, made->cframe);
	set_top(made, made->frames[DEPTH - 1]);
	made->frames[entry] = arena_take(arena, 256);
	make_frame(made, entry);
	make_frame(made, entry + 1);
	arena_byte(arena, made->frames[entry] + arena->layout.frame_owner, SPY_OWNED_BY_INTERPRETER);
	arena_take(arena, APART);
	arena_word(arena, made->tstate + arena->layout.tstate_datastack_top,
		   made->frames[DEPTH - 1] + arena->layout.frame_localsplus + 16);
	heap = arena->heap;
	heap.memory = &scene->watched.memory;
	spy_stack_reader_init(&scene->reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
	scene->reader.often = true;
}

static void read_after(struct scene *scene, unsigned us)
{
	scene->at_us += us;
	scene->reader.now_ns = UINT64_C(1000) * scene->at_us;
	assert_int_equal(spy_stack_read(&scene->reader, &scene->memory, &scene->watched.made.state, 0,
					&scene->stack, NULL), 0);
}

static void read_now(struct scene *scene)
{
	read_after(scene, 100);
}

/* Until nothing of what it runs is looked at any more but at times. */
static void settle(struct scene *scene)
{
	int i;

	for (i = 0; i < 1000; i++)
		read_now(scene);
	scene->watched.reads = 0;
	read_now(scene);
	assert_int_equal(scene->watched.reads, 1);
	assert_int_equal(scene->stack.count, DEPTH);
}

/* A whole reading. */
static void read_whole(struct scene *scene)
{
	scene->memory.calm = false;
	read_now(scene);
}

static void end(struct scene *scene)
{
	close_stacks(&scene->reader, &scene->memory, 1, &scene->watched.made.arena);
}

static void check_entry_once(const char *version)
{
	struct scene scene;
	struct made *made = &scene.watched.made;

	begin(&scene, version, ENTRY);
	settle(&scene);
	assert_null(scene.stack.codes[DEPTH - 1 - ENTRY]);
	assert_int_equal(pieces(&scene, made->frames[ENTRY]), 1);
	read_whole(&scene);
	assert_int_equal(pieces(&scene, made->frames[ENTRY]), 1);
	assert_int_equal(pieces(&scene, made->frames[ENTRY + 1]), 2);
	/* Something else is there by now: from then on it is copied twice, as all else. */
	arena_byte(&made->arena, made->frames[ENTRY] + made->arena.layout.frame_owner, 0);
	settle(&scene);
	assert_string_equal(scene.stack.codes[DEPTH - 1 - ENTRY]->code.name, "f2");
	read_whole(&scene);
	assert_int_equal(pieces(&scene, made->frames[ENTRY]), 2);
	end(&scene);
}

static void test_entry_once(void **state)
{
	check_entry_once("3.13.0");
	check_entry_once("3.14.8");
	check_entry_once("3.15.0");
}

/* What leads to the frames is read first of them and last of all, and the entry frame with it. */
static void test_entry_and_top(void **state)
{
	struct scene scene;
	struct made *made = &scene.watched.made;
	const struct spy_range *last;
	uint64_t word, moved;

	begin(&scene, "3.12.0", ENTRY);
	settle(&scene);
	word = made->cframe + made->arena.layout.cframe_current_frame;
	last = &scene.watched.last[scene.watched.count - 1];
	assert_true(covers(&scene.watched.last[1], word)); /* the thread state comes before */
	assert_true(covers(&scene.watched.last[1], made->frames[ENTRY]));
	assert_true(covers(last, word));
	assert_true(covers(last, made->frames[ENTRY]));
	assert_int_equal(pieces(&scene, word), 2);
	assert_int_equal(pieces(&scene, made->frames[ENTRY]), 2);
	/* Another one, elsewhere. */
	moved = arena_take(&made->arena, 64);
	arena_word(&made->arena, made->tstate + made->arena.layout.tstate_cframe, moved);
	arena_word(&made->arena, moved + made->arena.layout.cframe_current_frame,
		   made->frames[DEPTH - 1]);
	set_top(made, made->frames[0]); /* what the former one holds */
	settle(&scene);
	assert_int_equal(pieces(&scene, moved + made->arena.layout.cframe_current_frame), 2);
	end(&scene);
}

/* A thread that runs Python code from one copy to the other is not in the collector. */
static void check_collector(const char *version)
{
	struct scene scene;
	struct made *made = &scene.watched.made;
	uint64_t collecting;

	begin(&scene, version, ENTRY);
	collecting = arena_take(&made->arena, 8);
	arena_take(&made->arena, APART);
	scene.memory.collecting_at = collecting;
	made->state.gil = true;
	settle(&scene);
	assert_int_equal(pieces(&scene, collecting), 1);
	scene.watched.runs = true;
	settle(&scene);
	assert_int_equal(pieces(&scene, collecting), 0);
	assert_false(scene.stack.collecting);
	/* It is known of the first stack that stands still, and again in one reading after some. */
	scene.watched.runs = false;
	arena_byte(&made->arena, collecting, 1);
	read_now(&scene);
	assert_true(scene.stack.collecting);
	settle(&scene);
	assert_true(scene.stack.collecting);
	assert_int_equal(pieces(&scene, collecting), 1);
	/* Functions that the collector calls, one after the other, are no sign that it does not run. */
	arena_byte(&made->arena, collecting, 0);
	scene.watched.runs = true;
	settle(&scene);
	arena_byte(&made->arena, collecting, 1);
	scene.watched.runs = false;
	scene.watched.calls = true;
	read_now(&scene);
	assert_true(scene.stack.collecting);
	scene.watched.calls = false;
	/* What was known to be in it is, and code that it calls runs in it, too. */
	scene.watched.runs = true;
	settle(&scene);
	assert_true(scene.stack.collecting);
	end(&scene);
}

static void test_collector(void **state)
{
	check_collector("3.11.0");
	check_collector("3.12.0");
	check_collector("3.13.0");
}

/* At high rates, of a chain that is as it was only the innermost page is copied twice. */
static void check_light(const char *version)
{
	struct scene scene;
	struct made *made = &scene.watched.made;

	begin(&scene, version, ENTRY);
	settle(&scene);
	assert_true(scene.memory.light);
	assert_int_equal(pieces(&scene, made->frames[0]), 1);
	assert_int_equal(pieces(&scene, made->frames[DEPTH - 2]), 2);
	assert_int_equal(pieces(&scene, made->frames[DEPTH - 1]), 2);
	assert_int_equal(scene.stack.same, DEPTH);
	scene.watched.strays = true;
	read_now(&scene);
	assert_int_equal(scene.watched.reads, 3);
	assert_int_equal(pieces(&scene, made->frames[0]), 2);
	assert_int_equal(scene.stack.frames[DEPTH - 1].instr,
			 made->codes[0] + made->arena.layout.code_code + 8);
	/* It is as it was: one look more and it is copied once again. */
	read_now(&scene);
	read_now(&scene);
	assert_int_equal(pieces(&scene, made->frames[0]), 1);
	/* Not when that was long ago, nor at low rates, at which it may be short as well. */
	read_after(&scene, 1000);
	assert_int_equal(pieces(&scene, made->frames[0]), 2);
	scene.reader.often = false;
	read_now(&scene);
	assert_int_equal(pieces(&scene, made->frames[0]), 2);
	scene.reader.often = true;
	read_now(&scene);
	assert_int_equal(pieces(&scene, made->frames[0]), 1);
	/* Nor when it has returned. */
	read_now(&scene);
	set_top(made, made->frames[DEPTH - 2]);
	scene.watched.reads = 0;
	read_now(&scene);
	assert_int_equal(scene.stack.count, DEPTH - 1);
	assert_true(scene.watched.reads > 1);
	end(&scene);
}

static void test_light(void **state)
{
	check_light("3.11.0");
	check_light("3.12.0");
	check_light("3.13.0");
	check_light("3.15.0");
}

/* The innermost frame is the first one of a page. */
static void split(struct made *made)
{
	struct arena *arena = &made->arena;
	int i;

	arena_take(arena, 4096 - arena_take(arena, 8) % 4096);
	while ((made->frames[DEPTH - 2] = arena_take(arena, 128)) % 4096 < 4096 - 256)
		;
	made->frames[DEPTH - 1] = arena_take(arena, 128);
	assert_int_equal(made->frames[DEPTH - 2] / 4096 + 1, made->frames[DEPTH - 1] / 4096);
	for (i = DEPTH - 2; i < DEPTH; i++)
		make_frame(made, i);
	set_top(made, made->frames[DEPTH - 1]);
}

/* Where the innermost frame is, and from where it was called, are of one moment. */
static void check_pair(const char *version, bool light, bool splits)
{
	struct scene scene;
	struct made *made = &scene.watched.made;
	uint32_t code = 0;
	int i;

	begin(&scene, version, ENTRY);
	code = made->arena.layout.code_code;
	if (splits)
		split(made);
	settle(&scene);
	assert_true(scene.memory.light);
	if (!light)
		scene.memory.calm = false;
	scene.watched.returns = true;
	read_now(&scene);
	assert_false(scene.watched.returns);
	for (i = 0; i < 2; i++)
		assert_int_equal(scene.stack.frames[i].instr, made->codes[DEPTH - 1 - i] + code + 8);
	end(&scene);
}

static void test_pair(void **state)
{
	check_pair("3.11.0", true, false);
	check_pair("3.13.0", true, false);
	check_pair("3.13.0", true, true);
	check_pair("3.11.0", false, false);
	check_pair("3.13.0", false, false);
	check_pair("3.13.0", false, true);
}

/* What was the innermost frame when its address was read, and has gone since, is seen to have gone. */
static void check_gone(const char *version)
{
	struct scene scene;

	begin(&scene, version, ENTRY);
	settle(&scene);
	assert_true(scene.memory.light);
	scene.watched.leaves = true;
	read_now(&scene);
	assert_int_equal(scene.stack.count, DEPTH - 1);
	end(&scene);
}

static void test_gone(void **state)
{
	check_gone("3.11.0");
	check_gone("3.12.0");
	check_gone("3.13.0");
}

/* A new code object is looked at each time, whatever a reading that came to nothing relied on. */
static void test_young(void **state)
{
	struct scene scene;
	struct made *made = &scene.watched.made;
	unsigned found = 0;
	size_t i;

	begin(&scene, "3.13.0", ENTRY);
	settle(&scene);
	made->codes[DEPTH - 1] = make_code(&made->arena, "young", 1);
	make_frame(made, DEPTH - 1);
	read_now(&scene);
	scene.watched.away = 2;
	scene.watched.reads = 0;
	read_now(&scene);
	assert_int_equal(scene.watched.reads, 2);
	assert_string_equal(scene.stack.codes[0]->code.name, "young");
	read_now(&scene);
	for (i = 0; i < scene.watched.count; i++)
		found += scene.watched.last[i].address >= made->codes[DEPTH - 1] &&
			 scene.watched.last[i].address < made->codes[DEPTH - 1] + 512;
	assert_int_not_equal(found, 0);
	end(&scene);
}

/* With the caller somewhere else all is copied twice. */
static void test_caller_apart(void **state)
{
	struct scene scene;
	struct made *made = &scene.watched.made;

	begin(&scene, "3.13.0", ENTRY);
	made->frames[DEPTH - 1] = arena_take(&made->arena, 256);
	make_frame(made, DEPTH - 1);
	set_top(made, made->frames[DEPTH - 1]);
	settle(&scene);
	assert_false(scene.memory.light);
	assert_int_equal(pieces(&scene, made->frames[0]), 2);
	end(&scene);
}

/* Of the outermost frames `entries` are entry frames; `known` are read once a millisecond. */
static void check_root(const char *version, int entries, int known)
{
	struct scene scene;
	struct made *made = &scene.watched.made;
	unsigned found[2] = { 0, 0 }, i;
	uint64_t outer, last;
	int entry;

	begin(&scene, version, entries - 1);
	for (entry = 0; entry < entries - 1; entry++)
		arena_byte(&made->arena, made->frames[entry] + made->arena.layout.frame_owner,
			   SPY_OWNED_BY_INTERPRETER);
	settle(&scene);
	for (i = 0; i < 50; i++) {
		read_now(&scene);
		assert_int_equal(scene.stack.count, DEPTH);
		for (entry = 0; entry < entries; entry++)
			found[entry] += pieces(&scene, made->frames[entry]);
	}
	for (entry = 0; entry < entries; entry++)
		assert_in_range(found[entry], entry < known ? 4 : 50, entry < known ? 6 : 50);
	/* By then it is seen that there is another one. */
	last = made->frames[entries - 1];
	outer = arena_take(&made->arena, 128);
	arena_word(&made->arena, outer + made->arena.layout.frame_code, made->codes[entries - 1]);
	arena_word(&made->arena, outer + made->arena.layout.frame_instr_ptr,
		   made->codes[entries - 1] + made->arena.layout.code_code);
	arena_word(&made->arena, outer + made->arena.layout.frame_back,
		   entries > 1 ? made->frames[entries - 2] : 0);
	arena_word(&made->arena, last + made->arena.layout.frame_back, outer);
	for (i = 0; i < 10; i++)
		read_now(&scene);
	assert_int_equal(scene.stack.count, DEPTH + 1);
	end(&scene);
}

static void test_root(void **state)
{
	check_root("3.13.0", 1, 1);
	check_root("3.13.0", 2, 1);
	check_root("3.15.0", 1, 1);
	check_root("3.15.0", 2, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_once),
		cmocka_unit_test(test_entry_and_top),
		cmocka_unit_test(test_collector),
		cmocka_unit_test(test_light),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_caller_apart),
		cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
