/*
 * Code objects already decoded, by address. An address may be used again, so each entry
 * keeps a fingerprint of the object's bytes and of its name's, which a reading compares
 * between its two looks at the frames: a frame that ran the code before and after proves
 * that the object lived in between.
 */
#ifndef SPY_SAMPLE_CODES_H
#define SPY_SAMPLE_CODES_H

#include "base/map.h"
#include "cpython/code.h"
#include "cpython/lines.h"

/* A decoded code object. */
struct spy_known_code {
	uint64_t address;
	uint32_t id;	      /* never used again for another */
	struct spy_code code;
	struct spy_map lines; /* lasti → line, filled on demand */
	struct spy_map tlbc;  /* index → address of a thread's own bytecode, on demand */
	/* What `print` covers besides the object itself: its names, file name and line table. */
	uint64_t name, qualname, file, table;
	uint32_t name_size, qualname_size, file_size, table_size;
	uint64_t print;	   /* the fingerprint */
	uint64_t seen;	   /* number of the reading in which it was last seen to hold */
	uint64_t planned;  /* number of the stack whose reading checks it already */
	uint64_t touched;  /* number of the window in which provisional stacks rely on it */
	uint64_t loaded_ns, checked_ns; /* when it was met first, and last seen to hold */
	struct spy_known_code *next_retired;
};

struct spy_codes {
	struct spy_map index;		/* address → struct spy_known_code * */
	struct spy_known_code *retired; /* addresses used again; kept until spy_codes_sweep */
	uint32_t next_id;
};

/* The bytes that a fingerprint is made of: parts of the code object and of what it refers to. */
#define SPY_PRINT_CODE_SIZE 256
#define SPY_PRINT_NAME_SIZE 256
#define SPY_PRINT_FILE_SIZE 512
#define SPY_PRINT_TABLE_SIZE 128

struct spy_print {
	uint8_t code[SPY_PRINT_CODE_SIZE];
	uint8_t name[SPY_PRINT_NAME_SIZE];
	uint8_t qualname[SPY_PRINT_NAME_SIZE]; /* where it is another object than the name */
	uint8_t file[SPY_PRINT_FILE_SIZE];
	uint8_t table[SPY_PRINT_TABLE_SIZE];
};

#define SPY_PRINT_RANGES 5

/* Frees all entries. Numbers are not given again. */
void spy_codes_clear(struct spy_codes *codes);

/* The entry for address, or NULL. */
struct spy_known_code *spy_codes_find(const struct spy_codes *codes, uint64_t address);

/* Decodes the object at address, in place of an entry there. Not verified yet. */
int spy_codes_load(struct spy_codes *codes, const struct spy_heap *heap, uint64_t address,
		   struct spy_known_code **ret, struct pyspyc_error *err);

/* Takes an entry whose fingerprint no longer holds out of the index. */
void spy_codes_retire(struct spy_codes *codes, struct spy_known_code *code);

/* Frees the retired entries: when no stack that names them is held any more. */
void spy_codes_sweep(struct spy_codes *codes);

/*
 * True where no two code objects of a process ever have equal fingerprints: from 3.12
 * co_version numbers them (Include/cpython/code.h; Objects/codeobject.c counts up, until 2^32
 * of them have been made). Then one that looks the same at two moments has lived in between.
 */
bool spy_print_unique(const struct spy_heap *heap);

/* Where the bytes of a fingerprint come from: how many ranges, which are read into print. */
size_t spy_print_ranges(const struct spy_heap *heap, const struct spy_known_code *code,
		      struct spy_print *print, struct spy_range ranges[SPY_PRINT_RANGES]);

/* True when the bytes read are the entry's. */
bool spy_print_holds(const struct spy_heap *heap, const struct spy_known_code *code,
		     const struct spy_print *print);

/* True when one of the entry's ranges contains address. */
bool spy_print_covers(const struct spy_known_code *code, uint64_t address);

struct spy_raw_frame;

/*
 * True for a frame that the interpreter has not finished setting up (_PyFrame_IsIncomplete;
 * up to 3.10 an innermost frame that has not begun its first instruction).
 */
bool spy_frame_incomplete(const struct spy_heap *heap, struct spy_known_code *code,
			  const struct spy_raw_frame *frame, bool innermost);

/* The line that a frame is at; 0 when there is none. */
int spy_frame_line(const struct spy_heap *heap, struct spy_known_code *code,
		   const struct spy_raw_frame *frame);

#endif
