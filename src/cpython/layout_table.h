/* The table that tools/layouts-to-c makes from layouts.in at build time. */
#ifndef SPY_CPYTHON_LAYOUT_TABLE_H
#define SPY_CPYTHON_LAYOUT_TABLE_H

#include "cpython/layout.h"

struct spy_layout_row {
	uint8_t major;
	uint8_t minor;
	uint8_t micro_low; /* the micro versions, from and to */
	uint8_t micro_high;
	enum spy_arch arch;
	bool debug;
	bool free_threaded;
	struct spy_layout layout;
};

extern const struct spy_layout_row spy_layout_table[];
extern const size_t spy_layout_table_size;

#endif
