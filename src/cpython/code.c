#include "cpython/code.h"

#include <stdlib.h>

#include "base/error.h"
#include "cpython/head.h"

void spy_code_free(struct spy_code *code)
{
	free(code->filename);
	free(code->name);
	free(code->qualname);
	free(code->lines);
	*code = (struct spy_code){ 0 };
}

static int read_text(const struct spy_heap *heap, uint64_t object, char **ret,
		     struct pyspyc_error *err)
{
	struct spy_buffer buffer = { 0 };
	int result;

	result = spy_string_read(heap, object, &buffer, err);
	if (result < 0) {
		spy_buffer_free(&buffer);
		return result;
	}
	*ret = spy_buffer_steal(&buffer);
	return *ret ? 0 : spy_nomem(err);
}

static int read_lines(const struct spy_heap *heap, uint64_t object, struct spy_code *ret,
		      struct pyspyc_error *err)
{
	struct spy_buffer buffer = { 0 };
	int result;

	result = spy_bytes_read(heap, object, SPY_LINE_TABLE_LIMIT, &buffer, err);
	if (result < 0) {
		spy_buffer_free(&buffer);
		return result;
	}
	ret->lines_size = buffer.size;
	ret->lines = (uint8_t *)spy_buffer_steal(&buffer);
	return ret->lines ? 0 : spy_nomem(err);
}

int spy_code_read(const struct spy_heap *heap, uint64_t address, struct spy_code *ret,
		  struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	bool modern = spy_version_minor(&heap->version) >= 0x030b;
	struct spy_head head;
	int result;

	*ret = (struct spy_code){ 0 };
	result = spy_object_read(heap, address, 0, "code", &head, NULL, err);
	if (result < 0)
		return result;
	ret->first_line = spy_head_int(&head, layout->code_firstlineno);
	result = read_text(heap, spy_head_word(&head, layout->code_filename), &ret->filename, err);
	if (result == 0)
		result = read_text(heap, spy_head_word(&head, layout->code_name), &ret->name, err);
	if (result == 0 && modern)
		result = read_text(heap, spy_head_word(&head, layout->code_qualname),
				   &ret->qualname, err);
	if (result == 0)
		result = read_lines(heap, spy_head_word(&head, layout->code_linetable), ret, err);
	if (result < 0) {
		spy_code_free(ret);
		return result;
	}
	if (modern) {
		ret->bytecode = address + layout->code_code;
		ret->first_traceable = spy_head_int(&head, layout->code_firsttraceable);
	}
	return 0;
}
