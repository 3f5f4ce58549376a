/*
 * Objects in hostile memory. A target with an object of each kind is built, for the version
 * that the first byte chooses; each four bytes that follow overwrite one place of it; then all
 * that can be decoded is decoded. What comes out must be valid and no larger than promised.
 */
#include <stdio.h>

#include "hostile_arena.h"

#include "base/utf8.h"
#include "cpython/code.h"
#include "cpython/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOTS 16
#define INTERPRETER 0
#define KEYS 5

/* A target of one version. */
struct world {
	struct hostile_arena hostile;
	uint64_t roots[ROOTS]; /* objects, and the interpreter first */
	size_t count;
};

static uint64_t add(struct world *world, uint64_t object)
{
	assert(world->count < ROOTS);
	world->roots[world->count++] = object;
	return object;
}

static uint64_t dict_with(struct arena *arena, const char *name, uint64_t value)
{
	uint64_t key = arena_name(arena, name);

	return arena_dict(arena, &key, &value, 1);
}

/* Two threads, the modules to reach them by, and sys.path. */
static void build_interpreter(struct world *world)
{
	struct arena *arena = &world->hostile.arena;
	const char *attribute = arena->heap.version.major < 3 ? "_Thread__name" : "_name";
	uint64_t idents[2], threads[2], interpreter = add(world, arena_take(arena, 16384)), module;
	uint64_t path[] = { arena_name(arena, "/usr/lib/"), arena_name(arena, "/opt") };
	int i;

	for (i = 0; i < 2; i++) {
		idents[i] = add(world, arena_long(arena, UINT64_C(0x7f0012345678) + i, false));
		threads[i] = add(world,
				 arena_instance(arena, dict_with(arena, attribute, path[i])));
	}
	module = arena_instance(arena,
				dict_with(arena, "_active",
					  add(world, arena_dict(arena, idents, threads, 2))));
	arena_word(arena, interpreter + arena->layout.interp_modules,
		   dict_with(arena, "threading", module));
	arena_word(arena, interpreter + arena->layout.interp_sysdict,
		   dict_with(arena, "path", add(world, arena_list(arena, path, 2))));
}

static void build_code(struct world *world)
{
	struct arena *arena = &world->hostile.arena;
	const struct spy_layout *layout = &arena->layout;
	uint64_t code = arena_object(arena, layout->code_size + 16, 0);

	arena_word(arena, code + layout->code_filename, arena_name(arena, "file.py"));
	arena_word(arena, code + layout->code_name, arena_name(arena, "name"));
	arena_word(arena, code + layout->code_linetable,
		   add(world, arena_bytes(arena, "\x80\0\x80\0", 4)));
	if (arena_is(arena, 0x030b, 0xffff))
		arena_word(arena, code + layout->code_qualname, arena_name(arena, "Class.name"));
	add(world, code);
}

/* Instances with managed dicts, and strings of all widths. */
static void build_modern(struct world *world)
{
	static const uint32_t text[] = { 'a', 0xe9, 0x2603, 0xdc80, 0x1f600 };
	struct arena *arena = &world->hostile.arena;
	uint64_t object, type, keys[KEYS], i;

	if (arena->heap.version.major < 3) {
		add(world, arena_unicode27(arena, 4, text, 5));
		return;
	}
	add(world, arena_str(arena, 1 | ARENA_COMPACT, text, 5));
	add(world, arena_str(arena, 2, text, 5));
	add(world, arena_str(arena, 4 | ARENA_COMPACT, text, 5));
	if (!arena_is(arena, 0x030b, 0xffff))
		return;
	for (i = 0; i < KEYS; i++)
		keys[i] = arena_name(arena, "_name");
	type = arena_type(arena, ARENA_MANAGED_DICT | ARENA_INLINE_VALUES);
	arena_word(arena, type + arena->layout.heap_type_cached_keys,
		   arena_keys(arena, ARENA_KEYS_SPLIT, 3, keys, NULL, KEYS));
	arena_word(arena, type + arena->layout.type_basicsize, 32);
	object = add(world, arena_take(arena, 128));
	arena_word(arena, object + arena->layout.object_type, type);
	arena_word(arena, object + 32, 0x01010505);
	for (i = 0; i < KEYS; i++)
		arena_word(arena, object + 40 + i * 8, keys[i]);
	arena_word(arena, object - (arena_is(arena, 0x030b, 0x030b) ? 32 : 24),
		   arena_is(arena, 0x030d, 0xffff)   ? 0
		   : arena_is(arena, 0x030c, 0x030c) ? object + 39
						     : object + 40);
}

static struct world *world_of(unsigned index)
{
	static struct world worlds[ARENA_VERSIONS];
	struct world *world = &worlds[index % ARENA_VERSIONS];

	if (world->hostile.pristine)
		return world;
	arena_open(&world->hostile.arena, arena_versions[index % ARENA_VERSIONS]);
	build_interpreter(world);
	build_code(world);
	build_modern(world);
	hostile_built(&world->hostile);
	return world;
}

/* A number at the edge of something, or an address that means something. */
static uint64_t value_of(const struct world *world, unsigned kind, unsigned number)
{
	switch (kind % 6) {
	case HOSTILE_NUMBERS:
		return ARENA_BASE + number * (ARENA_SIZE / 256);
	case HOSTILE_NUMBERS + 1:
		return world->roots[number % world->count];
	case HOSTILE_NUMBERS + 2:
		return (uint64_t)number << 8 | 0xff;
	default:
		return hostile_number(kind % 6, number);
	}
}

static void overwrite(struct world *world, const uint8_t *patch)
{
	unsigned where = (unsigned)patch[0] | (unsigned)patch[1] << 8;

	/* Most of the arena is empty: half of the patches go to where the objects are. */
	if (patch[2] & 0x80)
		where = (unsigned)(world->roots[patch[0] % world->count] - ARENA_BASE) + patch[1];
	hostile_write(&world->hostile, patch, where, value_of(world, patch[2] >> 2, patch[3]));
}

static void check_text(const char *text, size_t size)
{
	size_t length;

	for (; size; text += length, size -= length) {
		length = spy_utf8_length(text, size);
		if (!length || !*text)
			abort();
	}
}

static bool visit(void *context, uint64_t key, uint64_t value)
{
	size_t *count = context;

	if (!key || !value || ++*count > SPY_ENTRIES_LIMIT)
		abort();
	return true;
}

static void decode_object(const struct spy_heap *heap, uint64_t object)
{
	struct spy_buffer buffer = { 0 };
	size_t count = 0;
	uint64_t word, *items;
	int64_t number;

	if (spy_string_read(heap, object, &buffer, NULL) == 0)
		check_text(buffer.data ? buffer.data : "", buffer.size);
	spy_buffer_clear(&buffer);
	if (spy_type_name(heap, object, &buffer, NULL) == 0)
		check_text(buffer.data ? buffer.data : "", buffer.size);
	spy_buffer_clear(&buffer);
	if (spy_bytes_read(heap, object, 1000, &buffer, NULL) == 0 && buffer.size > 1000)
		abort();
	spy_buffer_free(&buffer);
	spy_dict_visit(heap, object, visit, &count, NULL);
	spy_dict_get(heap, object, "_active", &word, NULL);
	spy_instance_get(heap, object, "_name", &word, NULL);
	spy_long_read(heap, object, &number, NULL);
	spy_ulong_read(heap, object, &word, NULL);
	spy_list_read(heap, object, &items, &count, NULL);
	free(items);
}

static void decode_code(const struct spy_heap *heap, uint64_t object)
{
	struct spy_code code;

	if (spy_code_read(heap, object, &code, NULL) < 0)
		return;
	check_text(code.filename, strlen(code.filename));
	check_text(code.name, strlen(code.name));
	if (code.qualname)
		check_text(code.qualname, strlen(code.qualname));
	spy_code_free(&code);
}

static void decode_interpreter(const struct spy_heap *heap, uint64_t interpreter)
{
	struct spy_thread_names names;
	struct spy_paths paths;
	size_t i;

	if (spy_thread_names_read(heap, interpreter, &names, NULL) == 0)
		for (i = 0; i < names.count; i++)
			check_text(names.items[i].name, strlen(names.items[i].name));
	spy_thread_names_free(&names);
	if (spy_sys_path_read(heap, interpreter, &paths, NULL) == 0)
		for (i = 0; i < paths.count; i++)
			check_text(paths.items[i], strlen(paths.items[i]));
	spy_paths_free(&paths);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *world = world_of(size ? data[0] : 0);
	const struct spy_heap *heap = &world->hostile.arena.heap;
	size_t i;

	hostile_restore(&world->hostile);
	for (i = 1; i + 4 <= size; i += 4)
		overwrite(world, data + i);
	decode_interpreter(heap, world->roots[INTERPRETER]);
	for (i = 1; i < world->count; i++) {
		decode_object(heap, world->roots[i]);
		decode_code(heap, world->roots[i]);
	}
	return 0;
}
