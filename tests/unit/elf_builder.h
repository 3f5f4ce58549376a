/*
 * Small ELF images made by hand, for unit tests: with the parts that pyspyc looks at, each at a
 * fixed offset, so that tests can break them.
 */
#ifndef SPY_TESTS_ELF_BUILDER_H
#define SPY_TESTS_ELF_BUILDER_H

#include <assert.h>
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Offsets in the file and, in a loaded image, from its base. */
#define ELF_NOTE 0x200
#define ELF_HASH 0x300
#define ELF_DYNSYM 0x600
#define ELF_DYNSTR 0xa00
#define ELF_CONSTANTS 0xe00
#define ELF_DYNAMIC 0x1000 /* the writable segment starts here */
#define ELF_DATA 0x1200
#define ELF_LOADED 0x3000 /* what follows is not loaded from the file: .bss in memory */
#define ELF_SECTION_NAMES 0x3000
#define ELF_SYMTAB 0x3200
#define ELF_STRTAB 0x3600
#define ELF_LINK 0x3a00
#define ELF_SECTIONS 0x3b00
#define ELF_FILE_SIZE 0x4000
#define ELF_IMAGE_SIZE 0x6000
#define ELF_SYMBOLS 32

#if defined(__x86_64__)
#define ELF_MACHINE_HERE EM_X86_64
#else
#define ELF_MACHINE_HERE EM_AARCH64
#endif

enum elf_hash { ELF_HASH_GNU, ELF_HASH_SYSV, ELF_HASH_NONE };

struct elf_builder {
	uint8_t file[ELF_FILE_SIZE];
	uint64_t vaddr; /* of the file's first byte; not 0 for programs and prelinked libraries */
	struct elf_made_symbol {
		const char *name;
		uint64_t value; /* from the image's base; 0: undefined */
	} symbols[ELF_SYMBOLS];
	unsigned symbol_count;
	const char *needed;
	size_t names_used;
	unsigned sections;
};

static inline void *elf_at(struct elf_builder *elf, size_t offset)
{
	return elf->file + offset;
}

static inline void elf_begin_file(struct elf_builder *elf, uint16_t type, uint64_t vaddr)
{
	static const uint8_t id[] = { 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89 };
	Elf64_Ehdr *header = elf_at(elf, 0);
	Elf64_Phdr *phdr = elf_at(elf, sizeof(*header));
	Elf64_Nhdr *note = elf_at(elf, ELF_NOTE);

	memset(elf, 0, sizeof(*elf));
	elf->vaddr = vaddr;
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = header->e_version = EV_CURRENT;
	header->e_type = type;
	header->e_machine = ELF_MACHINE_HERE;
	header->e_ehsize = sizeof(*header);
	header->e_phoff = sizeof(*header);
	header->e_phentsize = sizeof(*phdr);
	header->e_phnum = 4;
	phdr[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_flags = PF_R,
				.p_vaddr = vaddr,
				.p_filesz = ELF_DYNAMIC,
				.p_memsz = ELF_DYNAMIC };
	phdr[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_flags = PF_R | PF_W,
				.p_offset = ELF_DYNAMIC,
				.p_vaddr = vaddr + ELF_DYNAMIC,
				.p_filesz = ELF_LOADED - ELF_DYNAMIC,
				.p_memsz = ELF_IMAGE_SIZE - ELF_DYNAMIC };
	phdr[2] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
				.p_flags = PF_R | PF_W,
				.p_offset = ELF_DYNAMIC,
				.p_vaddr = vaddr + ELF_DYNAMIC,
				.p_filesz = 16 * sizeof(Elf64_Dyn),
				.p_memsz = 16 * sizeof(Elf64_Dyn) };
	phdr[3] = (Elf64_Phdr){ .p_type = PT_NOTE,
				.p_offset = ELF_NOTE,
				.p_vaddr = vaddr + ELF_NOTE,
				.p_filesz = sizeof(*note) + 4 + sizeof(id),
				.p_memsz = sizeof(*note) + 4 + sizeof(id) };
	*note = (Elf64_Nhdr){ 4, sizeof(id), NT_GNU_BUILD_ID };
	memcpy(note + 1, "GNU", 4);
	memcpy((uint8_t *)(note + 1) + 4, id, sizeof(id));
}

static inline void elf_symbol(struct elf_builder *elf, const char *name, uint64_t value)
{
	assert(elf->symbol_count < ELF_SYMBOLS - 1);
	elf->symbols[elf->symbol_count++] = (struct elf_made_symbol){ name, value };
}

static inline uint32_t elf_add_name(struct elf_builder *elf, size_t table, const char *name)
{
	uint32_t at = (uint32_t)elf->names_used;

	if (!at)
		at = 1;
	strcpy(elf_at(elf, table + at), name);
	elf->names_used = at + strlen(name) + 1;
	return at;
}

static inline uint32_t elf_gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static inline uint32_t elf_sysv_hash(const char *name)
{
	uint32_t hash = 0, high;

	for (; *name; name++) {
		hash = (hash << 4) + (unsigned char)*name;
		high = hash & 0xf0000000;
		if (high)
			hash ^= high >> 24;
		hash &= ~high;
	}
	return hash;
}

/* Undefined symbols first, then by bucket of two, as DT_GNU_HASH wants it. */
static inline unsigned elf_order(const struct elf_made_symbol *symbol)
{
	return symbol->value ? 1 + elf_gnu_hash(symbol->name) % 2 : 0;
}

static inline void elf_write_symbols(struct elf_builder *elf, size_t table, size_t names)
{
	Elf64_Sym *symbols = elf_at(elf, table);
	unsigned i, pass, at = 1;

	elf->names_used = 0;
	for (pass = 0; pass < 3; pass++) {
		for (i = 0; i < elf->symbol_count; i++) {
			const struct elf_made_symbol *symbol = &elf->symbols[i];

			if (elf_order(symbol) != pass)
				continue;
			symbols[at++] = (Elf64_Sym){
				.st_name = elf_add_name(elf, names, symbol->name),
				.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
				.st_shndx = symbol->value ? 1 : SHN_UNDEF,
				.st_value = symbol->value ? symbol->value + elf->vaddr : 0,
				.st_size = 8,
			};
		}
	}
}

static inline void elf_write_gnu_hash(struct elf_builder *elf)
{
	uint32_t *table = elf_at(elf, ELF_HASH), *buckets, *chain, first = 1;
	const Elf64_Sym *symbols = elf_at(elf, ELF_DYNSYM);
	uint64_t *bloom = (uint64_t *)(void *)(table + 4);
	unsigned i;

	for (i = 0; i < elf->symbol_count; i++)
		first += !elf->symbols[i].value;
	table[0] = 2;
	table[1] = first;
	table[2] = 1;
	table[3] = 6;
	buckets = table + 6;
	chain = buckets + 2;
	for (i = first; i <= elf->symbol_count; i++) {
		const char *name = elf_at(elf, ELF_DYNSTR + symbols[i].st_name);
		uint32_t hash = elf_gnu_hash(name);
		bool last = i == elf->symbol_count ||
			    elf_gnu_hash(elf_at(elf, ELF_DYNSTR + symbols[i + 1].st_name)) % 2 !=
				    hash % 2;

		*bloom |= UINT64_C(1) << hash % 64 | UINT64_C(1) << (hash >> 6) % 64;
		if (!buckets[hash % 2])
			buckets[hash % 2] = i;
		chain[i - first] = (hash & ~1u) | last;
	}
}

static inline void elf_write_sysv_hash(struct elf_builder *elf)
{
	uint32_t *table = elf_at(elf, ELF_HASH), *buckets = table + 2, *chain = buckets + 3;
	const Elf64_Sym *symbols = elf_at(elf, ELF_DYNSYM);
	unsigned i;

	table[0] = 3;
	table[1] = elf->symbol_count + 1;
	for (i = 1; i <= elf->symbol_count; i++) {
		uint32_t hash = elf_sysv_hash(elf_at(elf, ELF_DYNSTR + symbols[i].st_name));

		chain[i] = buckets[hash % 3];
		buckets[hash % 3] = i;
	}
}

/* Writes the dynamic symbols; pointers in the dynamic section are relocated by `bias`. */
static inline void elf_finish_dynamic(struct elf_builder *elf, enum elf_hash kind, uint64_t bias)
{
	Elf64_Dyn *dynamic = elf_at(elf, ELF_DYNAMIC);
	uint64_t to = elf->vaddr + bias;

	elf_write_symbols(elf, ELF_DYNSYM, ELF_DYNSTR);
	if (elf->needed)
		*dynamic++ = (Elf64_Dyn){ DT_NEEDED,
					  { elf_add_name(elf, ELF_DYNSTR, elf->needed) } };
	*dynamic++ = (Elf64_Dyn){ DT_SYMTAB, { to + ELF_DYNSYM } };
	*dynamic++ = (Elf64_Dyn){ DT_STRTAB, { to + ELF_DYNSTR } };
	*dynamic++ = (Elf64_Dyn){ DT_STRSZ, { elf->names_used + 1 } };
	if (kind == ELF_HASH_GNU) {
		elf_write_gnu_hash(elf);
		*dynamic++ = (Elf64_Dyn){ DT_GNU_HASH, { to + ELF_HASH } };
	} else if (kind == ELF_HASH_SYSV) {
		elf_write_sysv_hash(elf);
		*dynamic++ = (Elf64_Dyn){ DT_HASH, { to + ELF_HASH } };
	}
	*dynamic = (Elf64_Dyn){ DT_NULL, { 0 } };
}

static inline Elf64_Shdr *elf_add_section(struct elf_builder *elf, const char *name, uint32_t type,
					  uint64_t offset, uint64_t size)
{
	Elf64_Shdr *section = (Elf64_Shdr *)elf_at(elf, ELF_SECTIONS) + ++elf->sections;
	char *names = elf_at(elf, ELF_SECTION_NAMES);
	size_t used = 1;

	while (names[used])
		used += strlen(names + used) + 1;
	strcpy(names + used, name);
	*section = (Elf64_Shdr){
		.sh_name = (uint32_t)used, .sh_type = type, .sh_offset = offset, .sh_size = size
	};
	return section;
}

/* Writes section headers: names, the build id, .symtab with the symbols added so far. */
static inline void elf_finish_sections(struct elf_builder *elf)
{
	Elf64_Ehdr *header = elf_at(elf, 0);
	const Elf64_Phdr *phdr = elf_at(elf, sizeof(*header));
	Elf64_Shdr *symtab;

	elf_write_symbols(elf, ELF_SYMTAB, ELF_STRTAB);
	elf_add_section(elf, ".shstrtab", SHT_STRTAB, ELF_SECTION_NAMES,
			ELF_SYMTAB - ELF_SECTION_NAMES);
	header->e_shstrndx = (uint16_t)elf->sections;
	elf_add_section(elf, ".note.gnu.build-id", SHT_NOTE, ELF_NOTE, phdr[3].p_filesz);
	elf_add_section(elf, ".strtab", SHT_STRTAB, ELF_STRTAB, elf->names_used + 1);
	symtab = elf_add_section(elf, ".symtab", SHT_SYMTAB, ELF_SYMTAB,
				 (elf->symbol_count + 1) * sizeof(Elf64_Sym));
	symtab->sh_entsize = sizeof(Elf64_Sym);
	symtab->sh_link = elf->sections - 1;
	symtab->sh_info = 1;
	header->e_shoff = ELF_SECTIONS;
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shnum = (uint16_t)(elf->sections + 1);
}

#endif
