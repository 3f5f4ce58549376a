/*
 * struct _Py_DebugOffsets: what CPython from 3.13 on says about itself, at the start of
 * _PyRuntime. It is made of 64-bit words: a cookie, the version, the build, then one per
 * member of the table below. Sources: Include/internal/pycore_runtime.h of 3.13.0,
 * pycore_debug_offsets.h of 3.14.8 and 3.15.0. Within a minor version the struct does not
 * change (a comment at debug_offsets in pycore_runtime.h promises it).
 */
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "cpython/layout.h"

/* The words before the table's: the cookie, the version and the build. */
#define HEADER_WORDS 3
/* No struct is larger in any build; spy_layout_sane has the same bound. */
#define STRUCT_LIMIT (1u << 20)
/* struct _gil_runtime_state is a few hundred bytes. */
#define GIL_LIMIT 4096
/* The last minor version that the table is known to be true of. */
#define NEWEST_MINOR 15

/* What to do with a word. */
enum use {
	UNUSED,
	SIZE,	     /* the size of its section's struct */
	OFFSET,	     /* an offset in its section's struct */
	THREADED,    /* the same, for free-threaded builds; 0 in the others */
	GIL_BASE,    /* where PyInterpreterState has a struct _gil_runtime_state of its own */
	GIL_MEMBER,  /* an offset in PyInterpreterState of a member of that struct */
	GIL_ENABLED, /* an offset in struct _gil_runtime_state, free-threaded only */
	GC_BASE,     /* where PyInterpreterState has its struct _gc_runtime_state */
	GC_MEMBER, /* an offset in that struct, its section's; the field's is in PyInterpreterState */
	OTHER_SIZE, /* the size of something else */
};

#define NONE (-1)
#define FIELD_OF(name) (int16_t) offsetof(struct spy_layout, name)

/* clang-format off */
static const struct word {
	int since; /* the minor version that brought it; those before have the others only */
	const char *section;
	const char *name;
	enum use use;
	unsigned width; /* of the value at that offset, in bytes, and its alignment */
	int16_t field;	/* offset in struct spy_layout, or NONE */
} words[] = {
	{ 13, "runtime_state", "size", SIZE, 0, FIELD_OF(runtime_size) },
	{ 13, "runtime_state", "finalizing", OFFSET, 8, FIELD_OF(runtime_finalizing) },
	{ 13, "runtime_state", "interpreters_head", OFFSET, 8, FIELD_OF(runtime_interpreters_head) },

	{ 13, "interpreter_state", "size", SIZE, 0, FIELD_OF(interp_size) },
	{ 13, "interpreter_state", "id", OFFSET, 8, FIELD_OF(interp_id) },
	{ 13, "interpreter_state", "next", OFFSET, 8, FIELD_OF(interp_next) },
	{ 13, "interpreter_state", "threads_head", OFFSET, 8, FIELD_OF(interp_threads_head) },
	{ 14, "interpreter_state", "threads_main", UNUSED, 0, NONE },
	{ 13, "interpreter_state", "gc", GC_BASE, 8, FIELD_OF(gc_state) },
	{ 13, "interpreter_state", "imports_modules", OFFSET, 8, FIELD_OF(interp_modules) },
	{ 13, "interpreter_state", "sysdict", OFFSET, 8, FIELD_OF(interp_sysdict) },
	{ 13, "interpreter_state", "builtins", UNUSED, 0, NONE },
	{ 13, "interpreter_state", "ceval_gil", OFFSET, 8, FIELD_OF(interp_ceval_gil) },
	{ 13, "interpreter_state", "gil_runtime_state", GIL_BASE, 8, NONE },
	{ 13, "interpreter_state", "gil_runtime_state_enabled", GIL_ENABLED, 4, FIELD_OF(gil_enabled) },
	{ 13, "interpreter_state", "gil_runtime_state_locked", GIL_MEMBER, 4, FIELD_OF(gil_locked) },
	{ 13, "interpreter_state", "gil_runtime_state_holder", GIL_MEMBER, 8, FIELD_OF(gil_last_holder) },
	{ 14, "interpreter_state", "code_object_generation", OFFSET, 8, FIELD_OF(interp_code_generation) },
	{ 14, "interpreter_state", "tlbc_generation", UNUSED, 0, NONE },

	{ 13, "thread_state", "size", SIZE, 0, FIELD_OF(tstate_size) },
	{ 13, "thread_state", "prev", UNUSED, 0, NONE },
	{ 13, "thread_state", "next", OFFSET, 8, FIELD_OF(tstate_next) },
	{ 13, "thread_state", "interp", OFFSET, 8, FIELD_OF(tstate_interp) },
	{ 13, "thread_state", "current_frame", OFFSET, 8, FIELD_OF(tstate_current_frame) },
	{ 15, "thread_state", "base_frame", OFFSET, 8, FIELD_OF(tstate_base_frame) },
	{ 15, "thread_state", "last_profiled_frame", UNUSED, 0, NONE },
	{ 15, "thread_state", "last_profiled_frame_seq", UNUSED, 0, NONE },
	{ 13, "thread_state", "thread_id", OFFSET, 8, FIELD_OF(tstate_thread_id) },
	{ 13, "thread_state", "native_thread_id", OFFSET, 8, FIELD_OF(tstate_native_thread_id) },
	{ 13, "thread_state", "datastack_chunk", OFFSET, 8, FIELD_OF(tstate_datastack_chunk) },
	{ 13, "thread_state", "status", OFFSET, 4, FIELD_OF(tstate_status) },
	{ 15, "thread_state", "holds_gil", OFFSET, 4, FIELD_OF(tstate_holds_gil) },
	{ 15, "thread_state", "gil_requested", OFFSET, 4, FIELD_OF(tstate_gil_requested) },
	{ 15, "thread_state", "current_exception", UNUSED, 0, NONE },
	{ 15, "thread_state", "exc_state", UNUSED, 0, NONE },

	{ 15, "err_stackitem", "exc_value", UNUSED, 0, NONE },

	{ 13, "interpreter_frame", "size", SIZE, 0, NONE },
	{ 13, "interpreter_frame", "previous", OFFSET, 8, FIELD_OF(frame_back) },
	{ 13, "interpreter_frame", "executable", OFFSET, 8, FIELD_OF(frame_code) },
	{ 13, "interpreter_frame", "instr_ptr", OFFSET, 8, FIELD_OF(frame_instr_ptr) },
	{ 13, "interpreter_frame", "localsplus", OFFSET, 8, FIELD_OF(frame_localsplus) },
	{ 13, "interpreter_frame", "owner", OFFSET, 1, FIELD_OF(frame_owner) },
	{ 14, "interpreter_frame", "stackpointer", UNUSED, 0, NONE },
	{ 14, "interpreter_frame", "tlbc_index", THREADED, 4, FIELD_OF(frame_tlbc_index) },

	{ 13, "code_object", "size", SIZE, 0, NONE },
	{ 13, "code_object", "filename", OFFSET, 8, FIELD_OF(code_filename) },
	{ 13, "code_object", "name", OFFSET, 8, FIELD_OF(code_name) },
	{ 13, "code_object", "qualname", OFFSET, 8, FIELD_OF(code_qualname) },
	{ 13, "code_object", "linetable", OFFSET, 8, FIELD_OF(code_linetable) },
	{ 13, "code_object", "firstlineno", OFFSET, 4, FIELD_OF(code_firstlineno) },
	{ 13, "code_object", "argcount", UNUSED, 0, NONE },
	{ 13, "code_object", "localsplusnames", UNUSED, 0, NONE },
	{ 13, "code_object", "localspluskinds", UNUSED, 0, NONE },
	{ 13, "code_object", "co_code_adaptive", OFFSET, 2, FIELD_OF(code_code) },
	{ 14, "code_object", "co_tlbc", THREADED, 8, FIELD_OF(code_tlbc) },

	{ 13, "pyobject", "size", SIZE, 0, FIELD_OF(object_size) },
	{ 13, "pyobject", "ob_type", OFFSET, 8, FIELD_OF(object_type) },

	{ 13, "type_object", "size", SIZE, 0, NONE },
	{ 13, "type_object", "tp_name", OFFSET, 8, FIELD_OF(type_name) },
	{ 13, "type_object", "tp_repr", UNUSED, 0, NONE },
	{ 13, "type_object", "tp_flags", OFFSET, 8, FIELD_OF(type_flags) },
	{ 15, "type_object", "tp_basicsize", OFFSET, 8, FIELD_OF(type_basicsize) },
	{ 15, "type_object", "tp_dictoffset", OFFSET, 8, FIELD_OF(type_dictoffset) },

	{ 15, "heap_type_object", "size", SIZE, 0, NONE },
	{ 15, "heap_type_object", "ht_cached_keys", OFFSET, 8, FIELD_OF(heap_type_cached_keys) },

	{ 13, "tuple_object", "size", SIZE, 0, NONE },
	{ 13, "tuple_object", "ob_item", OFFSET, 8, FIELD_OF(tuple_items) },
	{ 13, "tuple_object", "ob_size", OFFSET, 8, FIELD_OF(var_size) },

	{ 13, "list_object", "size", SIZE, 0, NONE },
	{ 13, "list_object", "ob_item", OFFSET, 8, FIELD_OF(list_items) },
	{ 13, "list_object", "ob_size", OFFSET, 8, FIELD_OF(var_size) },

	{ 14, "set_object", "size", SIZE, 0, NONE },
	{ 14, "set_object", "used", UNUSED, 0, NONE },
	{ 14, "set_object", "table", UNUSED, 0, NONE },
	{ 14, "set_object", "mask", UNUSED, 0, NONE },

	{ 13, "dict_object", "size", SIZE, 0, NONE },
	{ 13, "dict_object", "ma_keys", OFFSET, 8, FIELD_OF(dict_keys) },
	{ 13, "dict_object", "ma_values", OFFSET, 8, FIELD_OF(dict_values) },

	{ 13, "float_object", "size", SIZE, 0, NONE },
	{ 13, "float_object", "ob_fval", UNUSED, 0, NONE },

	{ 13, "long_object", "size", SIZE, 0, NONE },
	{ 13, "long_object", "lv_tag", UNUSED, 0, NONE },
	{ 13, "long_object", "ob_digit", OFFSET, 4, FIELD_OF(long_digits) },

	{ 13, "bytes_object", "size", SIZE, 0, NONE },
	{ 13, "bytes_object", "ob_size", OFFSET, 8, FIELD_OF(var_size) },
	{ 13, "bytes_object", "ob_sval", OFFSET, 1, FIELD_OF(bytes_data) },

	{ 13, "unicode_object", "size", SIZE, 0, NONE },
	{ 13, "unicode_object", "state", OFFSET, 4, FIELD_OF(unicode_state) },
	{ 13, "unicode_object", "length", OFFSET, 8, FIELD_OF(unicode_length) },
	{ 13, "unicode_object", "asciiobject_size", OTHER_SIZE, 0, FIELD_OF(unicode_ascii_data) },
	{ 15, "unicode_object", "compactunicodeobject_size", OTHER_SIZE, 0, FIELD_OF(unicode_compact_data) },

	{ 13, "gc", "size", SIZE, 0, NONE },
	{ 13, "gc", "collecting", GC_MEMBER, 4, FIELD_OF(interp_gc_collecting) },
	{ 15, "gc", "frame", UNUSED, 0, NONE },
	{ 15, "gc", "generation_stats_size", OTHER_SIZE, 0, FIELD_OF(gc_ring_size) },
	{ 15, "gc", "generation_stats", OFFSET, 8, FIELD_OF(gc_stats) },

	{ 14, "gen_object", "size", SIZE, 0, NONE },
	{ 14, "gen_object", "gi_name", UNUSED, 0, NONE },
	{ 14, "gen_object", "gi_iframe", UNUSED, 0, NONE },
	{ 14, "gen_object", "gi_frame_state", UNUSED, 0, NONE },

	{ 14, "llist_node", "next", UNUSED, 0, NONE },
	{ 14, "llist_node", "prev", UNUSED, 0, NONE },

	{ 14, "debugger_support", "eval_breaker", UNUSED, 0, NONE },
	{ 14, "debugger_support", "remote_debugger_support", UNUSED, 0, NONE },
	{ 14, "debugger_support", "remote_debugging_enabled", UNUSED, 0, NONE },
	{ 14, "debugger_support", "debugger_pending_call", UNUSED, 0, NONE },
	{ 14, "debugger_support", "debugger_script_path", UNUSED, 0, NONE },
	{ 14, "debugger_support", "debugger_script_path_size", UNUSED, 0, NONE },
};
/* clang-format on */

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

/*
 * Fields that a version does not publish keep the row's distance from one that it does, so
 * that builds whose objects have a longer head (Py_TRACE_REFS) come out right.
 */
static const struct anchor {
	int16_t field, published;
} anchors[] = {
	{ FIELD_OF(tstate_datastack_top), FIELD_OF(tstate_datastack_chunk) },
	{ FIELD_OF(tstate_state), FIELD_OF(tstate_status) },
	{ FIELD_OF(tstate_holds_gil), FIELD_OF(tstate_status) },
	{ FIELD_OF(code_firsttraceable), FIELD_OF(code_linetable) },
	{ FIELD_OF(type_basicsize), FIELD_OF(type_name) },
	{ FIELD_OF(type_dictoffset), FIELD_OF(type_flags) },
	{ FIELD_OF(heap_type_cached_keys), FIELD_OF(type_flags) },
	{ FIELD_OF(unicode_compact_data), FIELD_OF(unicode_ascii_data) },
};

/* A parse under way. */
struct parse {
	struct spy_version version;
	char name[32]; /* the version's */
	uint64_t values[WORD_COUNT];
	struct spy_layout *layout;
	struct pyspyc_error *err;
};

static uint32_t get_field(const struct spy_layout *layout, int16_t field)
{
	uint32_t value;

	memcpy(&value, (const char *)layout + field, sizeof(value));
	return value;
}

static void set_field(struct spy_layout *layout, int16_t field, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	memcpy((char *)layout + field, &narrow, sizeof(narrow));
}

static int contradiction(const struct parse *parse, size_t index, const char *what)
{
	return spy_fail(parse->err, PYSPYC_ECORRUPT,
			"the debug offsets of CPython %s make no sense: %s.%s is %llu, %s",
			parse->name, words[index].section, words[index].name,
			(unsigned long long)parse->values[index], what);
}

/* The value of the word of this use in the section that index belongs to. */
static uint64_t value_beside(const struct parse *parse, size_t index, enum use use)
{
	while (words[index].use != use)
		index--;
	return parse->values[index];
}

/* The value of the only word of this use. */
static uint64_t value_of(const struct parse *parse, enum use use)
{
	return value_beside(parse, WORD_COUNT - 1, use);
}

static bool is_offset(enum use use)
{
	return use == OFFSET || use == THREADED || use == GIL_BASE || use == GIL_MEMBER ||
	       use == GC_BASE || use == GC_MEMBER;
}

/* Other words that are known to be inside the same struct. */
static bool overlaps(const struct parse *parse, size_t index, size_t other)
{
	uint64_t value = parse->values[index], taken = parse->values[other];

	/* The members of the GIL's struct lie in it on purpose. */
	if (words[other].use != OFFSET || words[index].use == GIL_MEMBER ||
	    words[other].since > parse->version.minor)
		return false;
	return value < taken + words[other].width && taken < value + words[index].width;
}

static int check_offset(const struct parse *parse, size_t index)
{
	uint64_t value = parse->values[index];
	uint64_t size = value_beside(parse, index, SIZE);

	if (value >= size || size - value < words[index].width)
		return contradiction(parse, index, "outside its struct");
	if (value % words[index].width != 0)
		return contradiction(parse, index, "not aligned");
	for (size_t i = index; words[--i].use != SIZE;)
		if (overlaps(parse, index, i))
			return contradiction(parse, index, "where another member lies");
	return 0;
}

static int check_word(const struct parse *parse, size_t index)
{
	uint64_t value = parse->values[index];
	enum use use = words[index].use;
	uint64_t base;

	if (use == SIZE || use == OTHER_SIZE) {
		if (value == 0 || value >= STRUCT_LIMIT || value % sizeof(uint64_t) != 0)
			return contradiction(parse, index, "no size");
		return 0;
	}
	if (use == GIL_ENABLED && (value > GIL_LIMIT || value % words[index].width != 0))
		return contradiction(parse, index, "not in struct _gil_runtime_state");
	if (use == GIL_MEMBER) {
		base = value_beside(parse, index, GIL_BASE);
		if (value < base || value - base > GIL_LIMIT)
			return contradiction(parse, index, "not in gil_runtime_state");
	}
	return is_offset(use) ? check_offset(parse, index) : 0;
}

/* A field that several structs publish (ob_size) is one: it must be the same in all. */
static bool is_disputed(const struct parse *parse, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (words[i].field == words[index].field &&
		    parse->values[i] != parse->values[index])
			return true;
	return false;
}

static int take_word(const struct parse *parse, size_t index)
{
	const struct word *word = &words[index];
	uint64_t value = parse->values[index];
	int result;

	if (!parse->version.free_threaded && (word->use == THREADED || word->use == GIL_ENABLED)) {
		set_field(parse->layout, word->field, SPY_NO_FIELD);
		return 0;
	}
	result = check_word(parse, index);
	if (result < 0 || word->field == NONE)
		return result;
	if (word->use == GIL_MEMBER)
		value -= value_beside(parse, index, GIL_BASE);
	if (word->use == GC_MEMBER)
		value += value_of(parse, GC_BASE);
	if (is_disputed(parse, index))
		return contradiction(parse, index, "elsewhere in other objects");
	set_field(parse->layout, word->field, value);
	return 0;
}

static bool is_published(const struct parse *parse, int16_t field)
{
	for (size_t i = 0; i < WORD_COUNT; i++)
		if (words[i].field == field)
			return words[i].since <= parse->version.minor;
	return false;
}

/* Moves the row's fields that are not published by as much as their neighbours have moved. */
static int move_anchored(const struct parse *parse, const struct spy_layout *row)
{
	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++) {
		uint32_t field = get_field(row, anchors[i].field);
		int64_t moved;

		if (field == SPY_NO_FIELD || is_published(parse, anchors[i].field))
			continue;
		moved = (int64_t)field + get_field(parse->layout, anchors[i].published) -
			get_field(row, anchors[i].published);
		if (moved < 0 || moved >= STRUCT_LIMIT)
			return spy_fail(
				parse->err, PYSPYC_ECORRUPT,
				"the debug offsets of CPython %s make no sense: they are far from "
				"those of any build known",
				parse->name);
		set_field(parse->layout, anchors[i].field, (uint64_t)moved);
	}
	return 0;
}

/* What must hold between members of different structs; size is that of the offsets. */
static int check_whole(const struct parse *parse, size_t size)
{
	const struct spy_layout *layout = parse->layout;
	const char *wrong = NULL;

	if (layout->runtime_interpreters_head < size || layout->runtime_finalizing < size)
		wrong = "runtime_state.interpreters_head or finalizing lies in the offsets themselves";
	else if (layout->var_size < layout->object_size)
		wrong = "tuple_object.ob_size lies inside PyObject";
	else if (layout->tuple_items <= layout->var_size || layout->bytes_data <= layout->var_size)
		wrong = "tuple_object.ob_item or bytes_object.ob_sval lies inside PyVarObject";
	else if (layout->unicode_length < layout->object_size ||
		 layout->unicode_ascii_data <= layout->unicode_state ||
		 layout->unicode_compact_data < layout->unicode_ascii_data)
		wrong = "unicode_object's members lie outside PyASCIIObject";
	else if (layout->type_name < layout->object_size || layout->code_name < layout->object_size)
		wrong = "type_object.tp_name or code_object.name lies inside PyObject";
	else if (layout->tstate_size < 8 || layout->tstate_state > layout->tstate_size - 8 ||
		 layout->tstate_datastack_top > layout->tstate_size - 8)
		wrong = "thread_state.size is less than a thread state takes";
	else if (layout->interp_gc_collecting > layout->interp_size - 4)
		wrong = "gc.collecting lies outside of interpreter_state";
	else if (!spy_layout_sane(layout))
		wrong = "a member lies outside its struct";
	if (!wrong)
		return 0;
	return spy_fail(parse->err, PYSPYC_ECORRUPT,
			"the debug offsets of CPython %s make no sense: %s", parse->name, wrong);
}

static uint64_t word_at(const void *bytes, size_t index)
{
	return spy_word_at(bytes, index * sizeof(uint64_t));
}

/* Reads the words before the table's; version->debug is the caller's. */
static int read_header(struct parse *parse, const void *bytes, size_t size)
{
	bool debug = parse->version.debug;
	uint64_t hex, free_threaded;

	if (size < HEADER_WORDS * sizeof(uint64_t))
		return spy_fail(parse->err, PYSPYC_ECORRUPT,
				"the debug offsets are cut off after %zu bytes", size);
	if (memcmp(bytes, SPY_DEBUG_OFFSETS_COOKIE, sizeof(uint64_t)) != 0)
		return spy_fail(parse->err, PYSPYC_ECORRUPT,
				"there are no debug offsets: their cookie is missing");
	hex = word_at(bytes, 1);
	free_threaded = word_at(bytes, 2);
	if (hex > UINT32_MAX)
		return spy_fail(parse->err, PYSPYC_ECORRUPT,
				"the debug offsets make no sense: version is %#llx",
				(unsigned long long)hex);
	if (free_threaded > 1)
		return spy_fail(parse->err, PYSPYC_ECORRUPT,
				"the debug offsets make no sense: free_threaded is %llu",
				(unsigned long long)free_threaded);
	parse->version = spy_version_from_hex((uint32_t)hex);
	parse->version.debug = debug;
	parse->version.free_threaded = free_threaded;
	spy_version_format(&parse->version, parse->name, sizeof(parse->name));
	return 0;
}

/* Fills in the values of the words that the version has; *used is how many bytes they take. */
static int read_words(struct parse *parse, const void *bytes, size_t size, size_t *used)
{
	size_t count = HEADER_WORDS;

	for (size_t i = 0; i < WORD_COUNT; i++) {
		if (words[i].since > parse->version.minor)
			continue;
		if (size / sizeof(uint64_t) <= count)
			return spy_fail(
				parse->err, PYSPYC_ECORRUPT,
				"the debug offsets of CPython %s are cut off after %zu bytes",
				parse->name, size);
		parse->values[i] = word_at(bytes, count++);
	}
	*used = count * sizeof(uint64_t);
	return 0;
}

int spy_debug_offsets_parse(const void *bytes, size_t size, enum spy_arch arch,
			    struct spy_version *version, struct spy_layout *ret,
			    struct pyspyc_error *err)
{
	struct parse parse = { .version = *version, .layout = ret, .err = err };
	struct spy_layout row;
	size_t used = 0;
	int result;

	result = read_header(&parse, bytes, size);
	if (result < 0)
		return result;
	*version = parse.version;
	/* Refuses versions that are not known, too. */
	result = spy_layout_find(version, arch, &row, err);
	if (result < 0)
		return result;
	*ret = row;
	/* The words of a later version may be others: its row counts alone. */
	if (version->major == 3 && version->minor > NEWEST_MINOR)
		return 0;
	if (row.frames != SPY_FRAME_CURRENT)
		return spy_fail(err, PYSPYC_ECORRUPT,
				"the debug offsets make no sense: CPython %s has none", parse.name);
	result = read_words(&parse, bytes, size, &used);
	for (size_t i = 0; i < WORD_COUNT && result >= 0; i++)
		if (words[i].since <= version->minor)
			result = take_word(&parse, i);
	if (result < 0)
		return result;
	/* The sizes published include the first item of the arrays at the ends. */
	ret->frame_size = ret->frame_localsplus;
	ret->code_size = ret->code_code;
	result = move_anchored(&parse, &row);
	return result < 0 ? result : check_whole(&parse, used);
}
