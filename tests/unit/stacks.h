/* A thread and its stack in an arena, for each family of frames. */
#ifndef TESTS_UNIT_STACKS_H
#define TESTS_UNIT_STACKS_H

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "sample/stack.h"

#define DEPTH 5

struct made {
	struct arena arena;
	uint64_t tstate, cframe;
	struct spy_thread_state state;
	uint64_t codes[DEPTH], frames[DEPTH]; /* outermost first */
};

static inline uint64_t make_code(struct arena *arena, const char *name, int first_line)
{
	static const uint8_t no_lines[] = { 0 };
	uint64_t type = arena_type(arena, 0), code = arena_take(arena, 512);
	uint64_t type_name = arena_take(arena, 16);

	memcpy(arena_at(arena, type_name), "code", 5);
	arena_word(arena, type + arena->layout.type_name, type_name);
	arena_word(arena, code + arena->layout.object_type, type);
	arena_word(arena, code + arena->layout.code_filename, arena_name(arena, "file.py"));
	arena_word(arena, code + arena->layout.code_name, arena_name(arena, name));
	if (arena->layout.code_qualname != SPY_NO_FIELD)
		arena_word(arena, code + arena->layout.code_qualname, arena_name(arena, name));
	arena_word(arena, code + arena->layout.code_linetable, arena_bytes(arena, no_lines, 0));
	memcpy(arena_at(arena, code + arena->layout.code_firstlineno), &first_line, 4);
	return code;
}

static inline void make_frame(struct made *made, int i)
{
	struct arena *arena = &made->arena;
	const struct spy_layout *layout = &arena->layout;
	uint64_t frame = made->frames[i];

	if (layout->frames == SPY_FRAME_OBJECTS) /* ob_refcnt */
		arena_word(arena, frame + layout->object_size - 16, 1);
	arena_word(arena, frame + layout->frame_back, i ? made->frames[i - 1] : 0);
	arena_word(arena, frame + layout->frame_code, made->codes[i]);
	if (layout->frame_instr_ptr != SPY_NO_FIELD)
		arena_word(arena, frame + layout->frame_instr_ptr,
			   made->codes[i] + layout->code_code + 8);
}

static inline void set_top(struct made *made, uint64_t frame)
{
	const struct spy_layout *layout = &made->arena.layout;

	if (layout->frames == SPY_FRAME_OBJECTS)
		arena_word(&made->arena, made->tstate + layout->tstate_frame, frame);
	else if (layout->frames == SPY_FRAME_CURRENT)
		arena_word(&made->arena, made->tstate + layout->tstate_current_frame, frame);
	else
		arena_word(&made->arena, made->cframe + layout->cframe_current_frame, frame);
}

static inline void make(struct made *made, const char *version)
{
	char name[16];
	int i;

	arena_open(&made->arena, version);
	made->tstate = arena_take(&made->arena, 1024);
	made->state = (struct spy_thread_state){ .address = made->tstate };
	made->cframe = arena_take(&made->arena, 64);
	if (made->arena.layout.frames == SPY_FRAME_CFRAME)
		arena_word(&made->arena, made->tstate + made->arena.layout.tstate_cframe,
			   made->cframe);
	for (i = 0; i < DEPTH; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		made->codes[i] = make_code(&made->arena, name, 10 + i);
		made->frames[i] = arena_take(&made->arena, 256);
	}
	for (i = 0; i < DEPTH; i++)
		make_frame(made, i);
	set_top(made, made->frames[DEPTH - 1]);
}

/* Reads the arena's one thread at a moment, in ms. */
static inline int read_at(struct spy_stack_reader *reader, struct spy_stack_memory *memory,
		   const struct made *made, unsigned at_ms, struct spy_stack *stack)
{
	reader->now_ns = UINT64_C(1000000) * at_ms;
	return spy_stack_read(reader, memory, &made->state, 0, stack, NULL);
}

/* Frees all of it; count memories. */
static inline void close_stacks(struct spy_stack_reader *reader, struct spy_stack_memory *memories,
				size_t count, struct arena *arena)
{
	size_t i;

	for (i = 0; i < count; i++)
		spy_stack_memory_free(&memories[i]);
	spy_stack_reader_deinit(reader);
	arena_close(arena);
}

#endif
