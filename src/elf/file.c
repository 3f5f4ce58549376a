#include "elf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Sections of a file at most; programs have about forty. */
#define SECTIONS_LIMIT 65536
/* Symbols and names of one table at most, in bytes; a browser's are about 200 MB. */
#define TABLE_LIMIT (UINT64_C(1) << 29)
/* Notes and links, in bytes. */
#define SMALL_LIMIT 65536

struct spy_elf {
	Elf *elf;
	int fd;
	const Elf64_Sym *symbols; /* belongs to libelf */
	size_t symbol_count;
	const char *names;
	size_t names_size;
	bool symbols_read;
};

static int no_elf(const char *why, struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ECORRUPT, "not an ELF file that can be read: %s", why);
}

/* libelf allocates by these numbers as soon as it opens a file, so they are checked before. */
static int check_file(int fd, struct pyspyc_error *err)
{
	Elf64_Ehdr header;
	Elf64_Shdr first;
	char machine[64];
	uint64_t sections;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return no_elf("it is too short", err);
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return no_elf("its first bytes are not an ELF header", err);
	if (!spy_elf_machine_here(header.e_ident, header.e_machine))
		return spy_fail(err, PYSPYC_EVERSION,
				"a file for %s, which this pyspyc cannot read: use a pyspyc "
				"built for the same machine",
				spy_elf_machine_name(header.e_machine, header.e_ident[EI_CLASS],
						     machine, sizeof(machine)));
	if (header.e_shoff && header.e_shentsize != sizeof(Elf64_Shdr))
		return no_elf("its section headers make no sense", err);
	sections = header.e_shnum;
	if (header.e_shoff && !sections) {
		/* More than 65,279 sections: their number is in the first one (gABI). */
		if (header.e_shoff > INT64_MAX ||
		    pread(fd, &first, sizeof(first), (off_t)header.e_shoff) != sizeof(first))
			return no_elf("its section headers are not there", err);
		sections = first.sh_size;
	}
	if (sections > SECTIONS_LIMIT)
		return no_elf("it has too many sections", err);
	return 0;
}

int spy_elf_open(int fd, struct spy_elf **ret, struct pyspyc_error *err)
{
	struct spy_elf *elf;
	int r;

	r = check_file(fd, err);
	if (r < 0)
		return r;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return spy_fail(err, PYSPYC_ESYS, "libelf is too old");
	elf = calloc(1, sizeof(*elf));
	if (!elf)
		return spy_nomem(err);
	elf->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (elf->fd < 0) {
		r = spy_fail_errno(err, PYSPYC_ESYS, errno, "cannot keep an ELF file open");
		free(elf);
		return r;
	}
	elf->elf = elf_begin(elf->fd, ELF_C_READ, NULL);
	if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF) {
		r = no_elf(elf->elf ? "it is of another kind" : elf_errmsg(-1), err);
		spy_elf_close(elf);
		return r;
	}
	*ret = elf;
	return 0;
}

void spy_elf_close(struct spy_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->elf);
	close(elf->fd);
	free(elf);
}

static Elf_Scn *find_section(const struct spy_elf *elf, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf->elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, header))
			continue;
		found = elf_strptr(elf->elf, names, header->sh_name);
		if (found && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

void spy_elf_section(const struct spy_elf *elf, const char *name, struct spy_section *ret)
{
	GElf_Shdr header;

	*ret = (struct spy_section){ 0 };
	if (find_section(elf, name, &header) && header.sh_flags & SHF_ALLOC)
		*ret = (struct spy_section){ header.sh_addr, header.sh_size };
}

/* A section's bytes, which belong to libelf; NULL when they are too many or not there. */
static Elf_Data *load(Elf_Scn *section, uint64_t limit)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS ||
	    header.sh_flags & SHF_COMPRESSED || header.sh_size > limit)
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf ? data : NULL;
}

static int read_symbols(struct spy_elf *elf, struct pyspyc_error *err)
{
	Elf_Scn *section = NULL, *best = NULL;
	GElf_Shdr header, chosen = { 0 };
	Elf_Data *symbols, *names;

	if (elf->symbols_read)
		return 0;
	while ((section = elf_nextscn(elf->elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB || (header.sh_type == SHT_DYNSYM && !best)) {
			best = section;
			chosen = header;
		}
		if (header.sh_type == SHT_SYMTAB)
			break;
	}
	elf->symbols_read = true;
	if (!best || chosen.sh_type == SHT_NOBITS)
		return 0;
	if (chosen.sh_entsize != sizeof(Elf64_Sym))
		return no_elf("its symbol table makes no sense", err);
	symbols = load(best, TABLE_LIMIT);
	names = load(elf_getscn(elf->elf, chosen.sh_link), TABLE_LIMIT);
	if (!symbols || !names)
		return no_elf("its symbol table is too large or not there", err);
	elf->symbols = symbols->d_buf;
	elf->symbol_count = symbols->d_size / sizeof(Elf64_Sym);
	elf->names = names->d_buf;
	elf->names_size = names->d_size;
	return 0;
}

int spy_elf_symbol(struct spy_elf *elf, const char *name, struct spy_symbol *ret,
		   struct pyspyc_error *err)
{
	size_t size = strlen(name) + 1, i;
	int r;

	*ret = (struct spy_symbol){ 0 };
	r = read_symbols(elf, err);
	if (r < 0)
		return r;
	for (i = 0; i < elf->symbol_count; i++) {
		const Elf64_Sym *symbol = &elf->symbols[i];
		unsigned type = ELF64_ST_TYPE(symbol->st_info);
		bool global = ELF64_ST_BIND(symbol->st_info) != STB_LOCAL;

		if (symbol->st_name >= elf->names_size ||
		    size > elf->names_size - symbol->st_name ||
		    memcmp(elf->names + symbol->st_name, name, size) != 0)
			continue;
		if (symbol->st_shndx == SHN_UNDEF || type == STT_TLS || type == STT_FILE ||
		    !symbol->st_value || (ret->address && !global))
			continue;
		*ret = (struct spy_symbol){ symbol->st_value, symbol->st_size };
		if (global)
			break;
	}
	return 0;
}

void spy_elf_build_id(const struct spy_elf *elf, struct spy_build_id *ret)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*ret = (struct spy_build_id){ 0 };
	while (!ret->size && (section = elf_nextscn(elf->elf, section))) {
		const Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		data = load(section, SMALL_LIMIT);
		if (data)
			spy_notes_build_id(data->d_buf, data->d_size, ret);
	}
}

bool spy_elf_debug_link(const struct spy_elf *elf, char *name, size_t size, uint32_t *crc)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(elf, ".gnu_debuglink", &header);
	const Elf_Data *data = load(section, SMALL_LIMIT);
	size_t length;

	if (!data || data->d_size < sizeof(*crc) + 2)
		return false;
	/* The name, NULs up to a multiple of four, the checksum. */
	length = strnlen(data->d_buf, data->d_size);
	if (!length || length >= size || length > data->d_size - sizeof(*crc) - 1 ||
	    memchr(data->d_buf, '/', length))
		return false;
	memcpy(name, data->d_buf, length + 1);
	memcpy(crc, (const char *)data->d_buf + data->d_size - sizeof(*crc), sizeof(*crc));
	return true;
}
