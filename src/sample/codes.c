#include "sample/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cpython/frames.h"

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

void spy_codes_free(struct spy_codes *codes)
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

/* The fields that tell one code object from another at the same address. */
static uint64_t print_of(const struct spy_heap *heap, const struct spy_print *print)
{
	const struct spy_layout *layout = heap->layout;
	const uint32_t words[] = { layout->code_filename, layout->code_name, layout->code_qualname,
				   layout->code_linetable };
	uint64_t hash = 0;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i] != SPY_NO_FIELD && words[i] + 8 <= SPY_PRINT_CODE_SIZE)
			hash = spy_hash(print->code + words[i], 8, hash);
	hash = spy_hash(print->code + layout->code_firstlineno, 4, hash);
	/*
	 * The name's length, hash and first characters. Its reference count and state (interned
	 * or not) may change while it lives.
	 */
	hash = spy_hash(print->name + layout->object_size, 16, hash);
	if (layout->unicode_ascii_data != SPY_NO_FIELD &&
	    layout->unicode_ascii_data < SPY_PRINT_NAME_SIZE)
		return spy_hash(print->name + layout->unicode_ascii_data,
				SPY_PRINT_NAME_SIZE - layout->unicode_ascii_data, hash);
	return spy_hash(print->name + layout->bytes_data,
			SPY_PRINT_NAME_SIZE - layout->bytes_data, hash);
}

/* Never beyond the page that the object ends in, so that what follows need not be mapped. */
static size_t within_page(uint64_t address, size_t least, size_t most)
{
	uint64_t end = (address + least + 4095) & ~UINT64_C(4095);

	return end - address < most ? (size_t)(end - address) : most;
}

static size_t least_code_size(const struct spy_layout *layout)
{
	const uint32_t ends[] = { layout->code_filename, layout->code_name, layout->code_qualname,
				  layout->code_linetable, layout->code_firstlineno };
	size_t least = 0, i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] != SPY_NO_FIELD && ends[i] + 8 > least)
			least = ends[i] + 8;
	return least < SPY_PRINT_CODE_SIZE ? least : SPY_PRINT_CODE_SIZE;
}

void spy_print_ranges(const struct spy_heap *heap, const struct spy_known_code *code,
		      struct spy_print *print, struct spy_range ranges[2])
{
	size_t name_size = within_page(code->name_object, 32, SPY_PRINT_NAME_SIZE);

	memset(print->name, 0, sizeof(print->name));
	ranges[0] = (struct spy_range){ code->address, print->code,
					least_code_size(heap->layout) };
	ranges[1] = (struct spy_range){ code->name_object, print->name, name_size };
}

bool spy_print_holds(const struct spy_heap *heap, const struct spy_known_code *code,
		     const struct spy_print *print)
{
	return print_of(heap, print) == code->print;
}

static int take_print(const struct spy_heap *heap, struct spy_known_code *code,
		      struct pyspyc_error *err)
{
	uint32_t name = heap->layout->code_qualname != SPY_NO_FIELD ? heap->layout->code_qualname
								    : heap->layout->code_name;
	struct spy_print print = { 0 };
	struct spy_range ranges[2];
	int result;

	if (least_code_size(heap->layout) >= SPY_PRINT_CODE_SIZE)
		return spy_fail(err, PYSPYC_EVERSION, "the layout of code objects makes no sense");
	result = spy_memory_read_word(heap->memory, code->address + name, &code->name_object, err);
	if (result < 0)
		return result;
	spy_print_ranges(heap, code, &print, ranges);
	result = spy_memory_readv(heap->memory, ranges, 2, err);
	if (result == 0)
		code->print = print_of(heap, &print);
	return result;
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
	if (result < 0) {
		free(code);
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
	return frame->owner != SPY_OWNED_BY_GENERATOR && lasti < 2 * code->code.first_traceable;
}

int spy_frame_line(const struct spy_heap *heap, struct spy_known_code *code,
		   const struct spy_raw_frame *frame)
{
	int64_t lasti = lasti_of(heap, code, frame);
	bool inserted;
	uint64_t *slot = spy_map_insert(&code->lines, (uint64_t)lasti, &inserted);
	int line;

	if (slot && !inserted)
		return (int)*slot;
	line = spy_line_of(heap->layout->lines, code->code.lines, code->code.lines_size,
			   code->code.first_line, lasti);
	if (slot)
		*slot = (uint64_t)line;
	return line;
}
