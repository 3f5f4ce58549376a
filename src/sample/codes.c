#include "sample/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpython/frames.h"

#define LINES_LIMIT 65536

static void free_code(struct spy_known_code *code)
{
	spy_code_free(&code->code);
	spy_map_free(&code->lines);
	spy_map_free(&code->tlbc);
	free(code);
}

void spy_codes_sweep(struct spy_codes *codes)
{
	while (codes->retired) {
		struct spy_known_code *code = codes->retired;

		codes->retired = code->next_retired;
		free_code(code);
	}
}

void spy_codes_clear(struct spy_codes *codes)
{
	size_t i;

	for (i = 0; i < codes->index.capacity; i++)
		if (codes->index.slots[i].used)
			free_code((struct spy_known_code *)(uintptr_t)codes->index.slots[i].value);
	spy_map_free(&codes->index);
	spy_codes_sweep(codes);
}

struct spy_known_code *spy_codes_find(const struct spy_codes *codes, uint64_t address)
{
	const uint64_t *slot = spy_map_find(&codes->index, address);

	return slot ? (struct spy_known_code *)(uintptr_t)*slot : NULL;
}

void spy_codes_retire(struct spy_codes *codes, struct spy_known_code *code)
{
	spy_map_remove(&codes->index, code->address);
	code->next_retired = codes->retired;
	codes->retired = code;
}

/* Where the characters of a str begin (compact ASCII, or 2.7's bytes). */
static uint32_t text_offset(const struct spy_layout *layout)
{
	return layout->unicode_ascii_data != SPY_NO_FIELD ? layout->unicode_ascii_data
							   : layout->bytes_data;
}

/* The length, the hash and the first characters; counts and flags may change while it lives. */
static uint64_t hash_text(const struct spy_layout *layout, const uint8_t *bytes, uint32_t size,
			  uint64_t hash)
{
	uint32_t offset = text_offset(layout);

	hash = spy_hash(bytes + layout->object_size, 16, hash);
	return size > offset ? spy_hash(bytes + offset, size - offset, hash) : hash;
}

bool spy_print_unique(const struct spy_heap *heap)
{
	const struct spy_layout *layout = heap->layout;

	return heap->version.major == 3 && heap->version.minor >= 12 &&
	       layout->code_firstlineno < layout->code_filename;
}

static uint32_t code_size(const struct spy_layout *layout)
{
	const uint32_t fields[] = { layout->code_filename, layout->code_name,
				    layout->code_qualname, layout->code_linetable,
				    layout->code_firstlineno };
	uint32_t size = 0;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i] != SPY_NO_FIELD && fields[i] + 8 > size)
			size = fields[i] + 8;
	return size;
}

/* What tells one code object from another at the same address. */
static uint64_t print_of(const struct spy_heap *heap, const struct spy_known_code *code,
			 const struct spy_print *print)
{
	const struct spy_layout *layout = heap->layout;
	const uint32_t words[] = { layout->code_filename, layout->code_name, layout->code_qualname,
				   layout->code_linetable };
	uint64_t hash = 0;
	size_t i;

	/* From the first line number to the line table: co_version lies there. */
	if (spy_print_unique(heap))
		return spy_hash(print->code + layout->code_firstlineno,
				code_size(layout) - layout->code_firstlineno, 0);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i] != SPY_NO_FIELD)
			hash = spy_hash(print->code + words[i], 8, hash);
	hash = spy_hash(print->code + layout->code_firstlineno, 4, hash);
	hash = hash_text(layout, print->name, code->name_size, hash);
	if (code->qualname_size)
		hash = hash_text(layout, print->qualname, code->qualname_size, hash);
	hash = hash_text(layout, print->file, code->file_size, hash);
	hash = spy_hash(print->table + layout->var_size, 8, hash);
	if (code->table_size <= layout->bytes_data)
		return hash;
	return spy_hash(print->table + layout->bytes_data, code->table_size - layout->bytes_data,
			hash);
}

static void all_ranges(const struct spy_heap *heap, const struct spy_known_code *code,
		       struct spy_print *print, struct spy_range ranges[SPY_PRINT_RANGES])
{
	ranges[0] = (struct spy_range){ code->address, print->code, code_size(heap->layout) };
	ranges[1] = (struct spy_range){ code->name, print->name, code->name_size };
	ranges[2] = (struct spy_range){ code->file, print->file, code->file_size };
	ranges[3] = (struct spy_range){ code->table, print->table, code->table_size };
	ranges[4] = (struct spy_range){ code->qualname, print->qualname, code->qualname_size };
}

size_t spy_print_ranges(const struct spy_heap *heap, const struct spy_known_code *code,
			struct spy_print *print, struct spy_range ranges[SPY_PRINT_RANGES])
{
	all_ranges(heap, code, print, ranges);
	if (spy_print_unique(heap))
		return 1;
	/* The qualified name is an object of its own from 3.11 only. */
	return code->qualname_size ? SPY_PRINT_RANGES : SPY_PRINT_RANGES - 1;
}

bool spy_print_holds(const struct spy_heap *heap, const struct spy_known_code *code,
		     const struct spy_print *print)
{
	return print_of(heap, code, print) == code->print;
}

bool spy_print_covers(const struct spy_known_code *code, uint64_t address)
{
	return address - code->address < SPY_PRINT_CODE_SIZE ||
	       address - code->name < code->name_size || address - code->file < code->file_size ||
	       address - code->qualname < code->qualname_size ||
	       address - code->table < code->table_size;
}

/*
 * How much of a variable-sized object to cover: its head and at most `count` bytes of what it
 * holds, of which there are as many as its length says.
 */
static int measure(const struct spy_heap *heap, uint64_t object, uint32_t length_at,
		   uint32_t data_at, uint32_t most, uint32_t *ret, struct pyspyc_error *err)
{
	uint64_t length;
	int result;

	/* Offsets beyond this are no CPython's. */
	if (data_at + 8 > most || length_at + 8 > data_at)
		return spy_fail(err, PYSPYC_EVERSION, "the layout of strings makes no sense");
	result = spy_memory_read_word(heap->memory, object + length_at, &length, err);
	*ret = length < most - data_at ? data_at + (uint32_t)length : most;
	return result;
}

static int measure_all(const struct spy_heap *heap, struct spy_known_code *code,
		       struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	uint32_t text = text_offset(layout);
	int result = measure(heap, code->name, layout->object_size, text, SPY_PRINT_NAME_SIZE,
			     &code->name_size, err);

	if (result == 0 && code->qualname != code->name)
		result = measure(heap, code->qualname, layout->object_size, text,
				 SPY_PRINT_NAME_SIZE, &code->qualname_size, err);
	if (result == 0)
		result = measure(heap, code->file, layout->object_size, text, SPY_PRINT_FILE_SIZE,
				 &code->file_size, err);
	if (result == 0)
		result = measure(heap, code->table, layout->var_size, layout->bytes_data,
				 SPY_PRINT_TABLE_SIZE, &code->table_size, err);
	return result;
}

static int take_print(const struct spy_heap *heap, struct spy_known_code *code,
		      struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	struct spy_range ranges[SPY_PRINT_RANGES] = { { 0 } };
	struct spy_print print = { 0 };
	int result;

	if (code_size(layout) > SPY_PRINT_CODE_SIZE)
		return spy_fail(err, PYSPYC_EVERSION, "the layout of code objects makes no sense");
	ranges[0] = (struct spy_range){ code->address, print.code, code_size(layout) };
	result = spy_memory_readv(heap->memory, ranges, 1, err);
	if (result < 0)
		return result;
	memcpy(&code->name, print.code + layout->code_name, 8);
	memcpy(&code->qualname, print.code + (layout->code_qualname != SPY_NO_FIELD
					      ? layout->code_qualname : layout->code_name), 8);
	memcpy(&code->file, print.code + layout->code_filename, 8);
	memcpy(&code->table, print.code + layout->code_linetable, 8);
	result = measure_all(heap, code, err);
	if (result < 0)
		return result;
	all_ranges(heap, code, &print, ranges);
	result = spy_memory_readv(heap->memory, ranges, SPY_PRINT_RANGES, err);
	if (result == 0)
		code->print = print_of(heap, code, &print);
	return result;
}

/* True unless bytes, a str's, plainly hold another text; only ASCII can be compared. */
static bool same_text(const struct spy_layout *layout, const uint8_t *bytes, uint32_t size,
		      const char *text)
{
	uint32_t offset = text_offset(layout);
	size_t length = strlen(text), i;

	/* Any other text lies elsewhere in the object, or was escaped. */
	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80 || text[i] == '\\')
			return true;
	if (size <= offset)
		return true;
	return memcmp(bytes + offset, text, length < size - offset ? length : size - offset) == 0;
}

/*
 * The object was decoded piece by piece. Should its address have been given to another
 * meanwhile, the fingerprint has changed, or (changed and changed back) its texts differ.
 */
static int check_print(const struct spy_heap *heap, const struct spy_known_code *code,
		       struct pyspyc_error *err)
{
	struct spy_range ranges[SPY_PRINT_RANGES];
	struct spy_print print = { 0 };
	int result;

	all_ranges(heap, code, &print, ranges);
	result = spy_memory_readv(heap->memory, ranges, SPY_PRINT_RANGES, err);
	if (result < 0)
		return result;
	if (spy_print_holds(heap, code, &print) &&
	    same_text(heap->layout, print.name, code->name_size, code->code.name) &&
	    same_text(heap->layout, print.file, code->file_size, code->code.filename) &&
	    (!code->qualname_size || same_text(heap->layout, print.qualname, code->qualname_size,
					       code->code.qualname)))
		return 0;
	return spy_fail(err, PYSPYC_EAGAIN, "the code object changed while it was read");
}

int spy_codes_load(struct spy_codes *codes, const struct spy_heap *heap, uint64_t address,
		   struct spy_known_code **ret, struct pyspyc_error *err)
{
	struct spy_known_code *old = spy_codes_find(codes, address), *code;
	uint64_t *slot;
	int result;

	if (old)
		spy_codes_retire(codes, old);
	code = calloc(1, sizeof(*code));
	if (!code)
		return spy_nomem(err);
	code->address = address;
	/* The fingerprint first: it is checked again after the rest has been read. */
	result = take_print(heap, code, err);
	if (result == 0)
		result = spy_code_read(heap, address, &code->code, err);
	if (result == 0)
		result = check_print(heap, code, err);
	if (result < 0) {
		free_code(code);
		return result;
	}
	slot = spy_map_insert(&codes->index, address, NULL);
	if (!slot) {
		free_code(code);
		return spy_nomem(err);
	}
	code->id = codes->next_id++;
	*slot = (uintptr_t)code;
	*ret = code;
	return 0;
}

/* Free-threaded builds from 3.14: each thread runs its own copy of the bytecode. */
static uint64_t bytecode_of(const struct spy_heap *heap, struct spy_known_code *code,
			    int32_t index)
{
	uint64_t array, *slot, address;
	int64_t size;

	if (index <= 0 || heap->layout->code_tlbc == SPY_NO_FIELD)
		return code->code.bytecode;
	slot = spy_map_find(&code->tlbc, (uint64_t)index);
	if (slot)
		return *slot;
	/* struct _PyCodeArray { Py_ssize_t size; char *entries[]; }, pycore_code.h, 3.14. */
	if (spy_memory_read_word(heap->memory, code->address + heap->layout->code_tlbc, &array,
				 NULL) < 0 ||
	    spy_memory_read(heap->memory, array, &size, sizeof(size), NULL) < 0 || index >= size ||
	    spy_memory_read_word(heap->memory, array + 8 + 8 * (uint64_t)index, &address, NULL) < 0)
		return code->code.bytecode;
	slot = spy_map_insert(&code->tlbc, (uint64_t)index, NULL);
	if (slot)
		*slot = address;
	return address;
}

/* The byte offset of a frame's instruction in its bytecode. */
static int64_t lasti_of(const struct spy_heap *heap, struct spy_known_code *code,
			const struct spy_raw_frame *frame)
{
	if (heap->layout->frames != SPY_FRAME_OBJECTS)
		return (int64_t)(frame->instr - bytecode_of(heap, code, frame->tlbc));
	/* 3.10 counts instructions, the others bytes. */
	return heap->layout->lines == SPY_LINES_310 ? (int64_t)frame->instr * 2
						    : (int64_t)frame->instr;
}

bool spy_frame_incomplete(const struct spy_heap *heap, struct spy_known_code *code,
			  const struct spy_raw_frame *frame, bool innermost)
{
	int64_t lasti = lasti_of(heap, code, frame);

	if (heap->layout->frames == SPY_FRAME_OBJECTS)
		return innermost && lasti < 0;
	return frame->owner != SPY_OWNED_BY_GENERATOR && lasti < INT64_C(2) * code->code.first_traceable;
}

int spy_frame_line(const struct spy_heap *heap, struct spy_known_code *code,
		   const struct spy_raw_frame *frame)
{
	int64_t lasti = lasti_of(heap, code, frame);
	bool inserted;
	uint64_t *slot;
	int line;

	/* No real function has as many instructions: a target that makes them up. */
	if (code->lines.count > LINES_LIMIT)
		spy_map_clear(&code->lines);
	slot = spy_map_insert(&code->lines, (uint64_t)lasti, &inserted);

	if (slot && !inserted)
		return (int)*slot;
	line = spy_line_of(heap->layout->lines, code->code.lines, code->code.lines_size,
			   code->code.first_line, lasti);
	if (slot)
		*slot = (uint64_t)line;
	return line;
}
