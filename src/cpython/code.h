/* Code objects of a target, decoded. */
#ifndef SPY_CPYTHON_CODE_H
#define SPY_CPYTHON_CODE_H

#include "cpython/objects.h"

/* Longer line tables are an error. */
#define SPY_LINE_TABLE_LIMIT (16u << 20)

struct spy_code {
	char *filename; /* co_filename, valid UTF-8 */
	char *name;	/* co_name */
	char *qualname; /* co_qualname from 3.11, else NULL */
	int first_line; /* co_firstlineno */
	uint8_t *lines; /* the line table's bytes */
	size_t lines_size;
	uint64_t bytecode;   /* address of co_code_adaptive, 0 up to 3.10 */
	int first_traceable; /* index of the first traceable instruction, 0 up to 3.10 */
};

/* Reads the code object at address. The caller frees ret with spy_code_free. */
int spy_code_read(const struct spy_heap *heap, uint64_t address, struct spy_code *ret,
		  struct pyspyc_error *err);

void spy_code_free(struct spy_code *code);

#endif
