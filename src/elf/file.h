/*
 * ELF files through libelf: section headers, full symbol tables, separate debug files.
 * Files are read in pieces with pread, never mapped: a file that shrinks meanwhile gives an
 * error instead of SIGBUS. Every size is checked against the file and a bound before libelf
 * gets to allocate for it.
 */
#ifndef SPY_ELF_FILE_H
#define SPY_ELF_FILE_H

#include "elf/image.h"
#include "target/process.h"

struct spy_elf;

/*
 * Opens the ELF file behind fd, which stays the caller's and may be closed. -PYSPYC_EVERSION
 * for a file for another machine (named in the message), -PYSPYC_ECORRUPT when it is no ELF
 * program, library or debug file. The caller closes *ret.
 */
int spy_elf_open(int fd, struct spy_elf **ret, struct pyspyc_error *err);

void spy_elf_close(struct spy_elf *elf);

static inline void spy_elf_cleanup(struct spy_elf **elf)
{
	spy_elf_close(*elf);
}

struct spy_section {
	uint64_t address; /* before the load bias; 0 when there is no such section */
	uint64_t size;
};

/* The section called name, such as ".PyRuntime", that the program is loaded with. */
void spy_elf_section(const struct spy_elf *elf, const char *name, struct spy_section *ret);

/*
 * A defined symbol in .symtab, or .dynsym in a file that has no .symtab. Static symbols
 * count; among several of one name the global one, else the first. *ret gets address 0,
 * without an error, when there is none.
 */
int spy_elf_symbol(struct spy_elf *elf, const char *name, struct spy_symbol *ret,
		   struct pyspyc_error *err);

/* The file's build id; size 0 when it has none. */
void spy_elf_build_id(const struct spy_elf *elf, struct spy_build_id *ret);

/*
 * Opens the separate debug file for an image, as gdb's manual ("Debugging Information in
 * Separate Files") places it, inside the target's root: by build id under
 * /usr/lib/debug/.build-id, else by elf's .gnu_debuglink beside path, in .debug there and
 * under /usr/lib/debug. One whose build id (or, without one, whose checksum) differs is not
 * taken. elf may be NULL, when only the build id is known. NULL when there is none; else the
 * caller closes it.
 */
struct spy_elf *spy_elf_open_debug(const struct spy_process *process, const struct spy_build_id *id,
				   const struct spy_elf *elf, const char *path);

/* The .gnu_debuglink section: a file name without slashes and a CRC-32; false when none. */
bool spy_elf_debug_link(const struct spy_elf *elf, char *name, size_t size, uint32_t *crc);

#endif
