/* Frames as bytes: where they are, what they say. Pure functions; sample/ does the reading. */
#ifndef SPY_CPYTHON_FRAMES_H
#define SPY_CPYTHON_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/layout.h"

/* Deeper stacks are cut at the root end and marked. */
#define SPY_DEPTH_LIMIT 32768

/* A frame as its bytes say, nothing followed. */
struct spy_raw_frame {
	uint64_t address;
	uint64_t back;	/* the caller's frame, 0 at the root */
	uint64_t code;	/* the code object, tag bits taken off */
	uint64_t instr; /* prev_instr or instr_ptr; up to 3.10 f_lasti, sign-extended */
	int32_t tlbc;	/* index of the thread's own bytecode, 0 unless free-threaded */
	uint8_t owner;	/* enum _frameowner; up to 3.10 BY_GENERATOR or BY_THREAD, from f_gen */
};

/* Owners (Include/internal/pycore_frame.h, 3.11; pycore_interpframe_structs.h, 3.15). */
enum spy_frame_owner {
	SPY_OWNED_BY_THREAD = 0,
	SPY_OWNED_BY_GENERATOR = 1,
	SPY_OWNED_BY_FRAME_OBJECT = 2,
	/* From here on: entry frames and sentinels of the interpreter, no Python code (3.12+). */
	SPY_OWNED_BY_INTERPRETER = 3,
};

/* How many bytes from a frame's address spy_frame_decode looks at. */
size_t spy_frame_extent(const struct spy_layout *layout);

/* Decodes the spy_frame_extent bytes found at address. */
void spy_frame_decode(const struct spy_layout *layout, uint64_t address, const uint8_t *bytes,
		      struct spy_raw_frame *ret);

/*
 * First byte, counted from a frame's address, that does not change while the frame waits for
 * one that it called: up to 3.10 frames are objects, whose reference counts may move.
 */
size_t spy_frame_steady(const struct spy_layout *layout);

/* False for an address that no frame can have: null, misaligned or outside user space. */
static inline bool spy_address_plausible(uint64_t address)
{
	return address >= 4096 && address < (UINT64_C(1) << 56) && address % 8 == 0;
}

#endif
