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
	bool strays; /* in one reading it seems that the outermost frame was elsewhere */
};

struct scene {
	struct watched watched;
	struct spy_stack_reader reader;
	struct spy_stack_memory memory;
	struct spy_stack stack;
	unsigned at_ms;
};

/* Frame i, at its first place or at another. */
static void go_to(struct made *made, int i, bool other)
{
	arena_word(&made->arena, made->frames[i] + made->arena.layout.frame_instr_ptr,
		   made->codes[i] + made->arena.layout.code_code + (other ? 2 : 8));
}

static int watched_read(struct spy_memory *memory, const struct spy_range *ranges, size_t count,
			struct pyspyc_error *err)
{
	struct watched *watched = (struct watched *)memory;
	struct made *made = &watched->made;
	uint64_t inner = made->frames[DEPTH - 1] + made->arena.layout.frame_instr_ptr;
	size_t i;
	int result = 0;

	watched->reads++;
	watched->count = 0;
	go_to(made, 0, watched->strays);
	watched->strays = false;
	for (i = 0; i < count && result == 0; i++) {
		if (i < sizeof(watched->last) / sizeof(*watched->last))
			watched->last[watched->count++] = ranges[i];
		if (watched->runs)
			arena_word(&made->arena, inner,
				   made->codes[DEPTH - 1] + made->arena.layout.code_code + 2 * i);
		result = spy_memory_readv(made->arena.heap.memory, &ranges[i], 1, err);
	}
	return result;
}

static const struct spy_memory_ops watched_ops = { .read = watched_read };

static bool covers(const struct spy_range *range, uint64_t address)
{
	return address >= range->address && address - range->address < range->size;
}

/* In how many pieces of the last reading this was. */
static unsigned pieces(const struct scene *scene, uint64_t address)
{
	unsigned found = 0;
	size_t i;

	for (i = 0; i < scene->watched.count; i++)
		found += covers(&scene->watched.last[i], address);
	return found;
}

/* f2 is an entry frame, on the C stack; right before it there the _PyCFrame, where it has one. */
static void begin(struct scene *scene, const char *version)
{
	struct made *made = &scene->watched.made;
	struct arena *arena = &made->arena;
	struct spy_heap heap;

	*scene = (struct scene){ .watched.memory.ops = &watched_ops };
	make(made, version);
	arena_take(arena, APART);
	made->cframe = arena_take(arena, 64);
	if (arena->layout.frames == SPY_FRAME_CFRAME)
		arena_word(arena, made->tstate + arena->layout.tstate_cframe, made->cframe);
	set_top(made, made->frames[DEPTH - 1]);
	made->frames[ENTRY] = arena_take(arena, 256);
	make_frame(made, ENTRY);
	make_frame(made, ENTRY + 1);
	arena_byte(arena, made->frames[ENTRY] + arena->layout.frame_owner, SPY_OWNED_BY_INTERPRETER);
	arena_take(arena, APART);
	heap = arena->heap;
	heap.memory = &scene->watched.memory;
	spy_stack_reader_init(&scene->reader, &heap, 0, PYSPYC_BLOCKING_NEVER);
}

static void read_now(struct scene *scene)
{
	scene->at_ms++;
	assert_int_equal(read_at(&scene->reader, &scene->memory, &scene->watched.made, scene->at_ms,
				 &scene->stack), 0);
	assert_int_equal(scene->stack.count, DEPTH);
}

/* Until nothing of what it runs is looked at any more but at times. */
static void settle(struct scene *scene)
{
	int i;

	for (i = 0; i < 100; i++)
		read_now(scene);
	scene->watched.reads = 0;
	read_now(scene);
	assert_int_equal(scene->watched.reads, 1);
}

static void end(struct scene *scene)
{
	close_stacks(&scene->reader, &scene->memory, 1, &scene->watched.made.arena);
}

static void check_entry_once(const char *version)
{
	struct scene scene;
	struct made *made = &scene.watched.made;

	begin(&scene, version);
	settle(&scene);
	assert_null(scene.stack.codes[DEPTH - 1 - ENTRY]);
	assert_int_equal(pieces(&scene, made->frames[ENTRY]), 1);
	scene.memory.calm = false;
	read_now(&scene);
	assert_int_equal(pieces(&scene, made->frames[ENTRY]), 1);
	assert_int_equal(pieces(&scene, made->frames[ENTRY + 1]), 2);
	/* Something else is there by now: from then on it is copied twice, as all else. */
	arena_byte(&made->arena, made->frames[ENTRY] + made->arena.layout.frame_owner, 0);
	settle(&scene);
	assert_string_equal(scene.stack.codes[DEPTH - 1 - ENTRY]->code.name, "f2");
	scene.memory.calm = false;
	read_now(&scene);
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

	begin(&scene, "3.12.0");
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

	begin(&scene, version);
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
	/* Python code that the collector calls runs in it, too. */
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

/* Of a chain that is as it was only the innermost frame's page is copied twice. */
static void check_brief(const char *version)
{
	struct scene scene;
	struct made *made = &scene.watched.made;

	begin(&scene, version);
	settle(&scene);
	assert_int_equal(pieces(&scene, made->frames[0]), 1);
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
	/* The same by itself: it is copied twice until it is the same again. */
	set_top(made, made->frames[DEPTH - 2]);
	scene.watched.reads = 0;
	assert_int_equal(read_at(&scene.reader, &scene.memory, made, ++scene.at_ms, &scene.stack), 0);
	assert_int_equal(scene.stack.count, DEPTH - 1);
	assert_true(scene.watched.reads > 1);
	end(&scene);
}

static void test_brief(void **state)
{
	check_brief("3.11.0");
	check_brief("3.12.0");
	check_brief("3.13.0");
	check_brief("3.15.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_once),
		cmocka_unit_test(test_entry_and_top),
		cmocka_unit_test(test_collector),
		cmocka_unit_test(test_brief),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
