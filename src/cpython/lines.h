/* Line tables: pure functions over a code object's table. */
#ifndef SPY_CPYTHON_LINES_H
#define SPY_CPYTHON_LINES_H

#include "cpython/layout.h"

/* Where a code object has no line for an instruction. */
#define SPY_NO_LINE 0

/*
 * The line of the instruction at byte offset `lasti` of the bytecode, as PyCode_Addr2Line
 * gives it (negative lasti means the first line), from a table of `size` hostile bytes.
 * SPY_NO_LINE when the table says that there is none or makes no sense.
 */
int spy_line_of(enum spy_line_table kind, const uint8_t *table, size_t size, int first_line,
		int64_t lasti);

#endif
