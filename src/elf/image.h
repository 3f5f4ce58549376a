/*
 * An ELF image as the loader left it in a target's memory, read through struct spy_memory
 * alone: it needs no file, so it is right also when the file has been deleted or replaced.
 * All numbers come from the target and are bounded here. Formats: the System V gABI and
 * <elf.h>; DT_GNU_HASH as glibc's elf/dl-lookup.c reads it.
 */
#ifndef SPY_ELF_IMAGE_H
#define SPY_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/memory.h"

/* Loadable segments of one image; linkers make up to nine. */
#define SPY_IMAGE_LOADS 32
/* Segments of notes; linkers make one or two. */
#define SPY_IMAGE_NOTES 4
/* A build id is 20 bytes (SHA-1) as a rule. */
#define SPY_BUILD_ID_LIMIT 64

/* A PT_LOAD segment where it lies in the target. */
struct spy_load {
	uint64_t address;
	uint64_t size;	    /* in memory */
	uint64_t file_size; /* the first bytes of it, that come from the file */
	bool writable;
	bool executable;
};

struct spy_build_id {
	uint8_t bytes[SPY_BUILD_ID_LIMIT];
	size_t size; /* 0: there is none */
};

/* A symbol's place; address is 0 when there is no such symbol. */
struct spy_symbol {
	uint64_t address; /* in an image: in the target; in a file: before the load bias */
	uint64_t size;
};

/* What PT_DYNAMIC says, as addresses in the target; 0 for what is not there. */
struct spy_dynamic {
	bool read;
	uint64_t symbols;
	uint64_t strings;
	uint64_t strings_size;
	uint64_t gnu_hash;
	uint64_t hash;
};

struct spy_image {
	struct spy_memory *memory; /* borrowed */
	uint64_t base;		   /* where the ELF header is mapped */
	uint64_t bias;		   /* to be added to the addresses that the file names */
	uint64_t start;		   /* of the lowest segment */
	uint64_t end;		   /* of the highest */
	struct spy_load loads[SPY_IMAGE_LOADS];
	size_t load_count;
	uint64_t dynamic_address; /* PT_DYNAMIC; 0 when there is none */
	uint64_t dynamic_size;
	struct spy_notes {
		uint64_t address;
		uint64_t size;
	} notes[SPY_IMAGE_NOTES];
	size_t note_count;
	struct spy_dynamic dynamic;
};

/*
 * Reads the headers of the image whose ELF header lies at base and works out its load bias.
 * -PYSPYC_ECORRUPT when that is no loaded ELF program or library, -PYSPYC_EVERSION when it
 * is one for another machine than ours or not 64-bit (the message names the machine).
 */
int spy_image_open(struct spy_memory *memory, uint64_t base, struct spy_image *ret,
		   struct pyspyc_error *err);

/* The image's build id; size 0 when it has none. */
void spy_image_build_id(const struct spy_image *image, struct spy_build_id *ret);

/*
 * Finds a defined symbol in the image's dynamic symbol table by its hash table. *ret gets
 * address 0, without an error, when there is none.
 */
int spy_image_symbol(struct spy_image *image, const char *name, struct spy_symbol *ret,
		     struct pyspyc_error *err);

/* True when a DT_NEEDED entry starts with prefix, such as "libpython"; its name in ret. */
bool spy_image_needs(struct spy_image *image, const char *prefix, char *ret, size_t size);

enum spy_loads {
	SPY_LOADS_CONSTANT, /* what is not writable, code last */
	SPY_LOADS_WRITABLE, /* .data, .bss and what was made read-only after relocation */
};

/* Pieces of a segment overlap by as much, so that what is shorter is seen whole once. */
#define SPY_VISIT_OVERLAP 512

/* Called with a piece of a segment, which starts at address; false ends the visit. */
typedef bool spy_image_visitor(void *context, uint64_t address, const uint8_t *bytes, size_t size);

/* Reads the image's segments piece by piece, at most limit bytes; unreadable pages are skipped. */
int spy_image_visit(const struct spy_image *image, enum spy_loads which, uint64_t limit,
		    spy_image_visitor *visit, void *context, struct pyspyc_error *err);

/* The build id of a note section or segment's bytes into *ret; false when there is none. */
bool spy_notes_build_id(const void *notes, size_t size, struct spy_build_id *ret);

/* An ELF e_machine and class by name, such as "32-bit ARM"; returns buffer. */
const char *spy_elf_machine_name(unsigned machine, unsigned elf_class, char *buffer, size_t size);

/* Whether an ELF header of e_ident ident and e_machine machine is for a program like us. */
bool spy_elf_machine_here(const unsigned char *ident, unsigned machine);

#endif
