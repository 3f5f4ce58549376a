#include "elf/image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Program headers read at most; programs have about a dozen. */
#define HEADERS_LIMIT 256
/* Notes read at most, in bytes; they are about a hundred. */
#define NOTES_LIMIT 65536
/* The highest user address of any Linux on 64 bits (x86-64 with five page table levels). */
#define ADDRESS_LIMIT (UINT64_C(1) << 57)

static int not_loaded(const struct spy_image *image, const char *why, struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ECORRUPT, "no loaded ELF image at %#llx: %s",
			(unsigned long long)image->base, why);
}

static int check_header(const struct spy_image *image, const Elf64_Ehdr *header,
			struct pyspyc_error *err)
{
	char machine[64];

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return not_loaded(image, "its first bytes are not an ELF header", err);
	if (!spy_elf_machine_here(header->e_ident, header->e_machine))
		return spy_fail(err, PYSPYC_EVERSION,
				"a program for %s, which this pyspyc cannot read: use a pyspyc "
				"built for the same machine",
				spy_elf_machine_name(header->e_machine, header->e_ident[EI_CLASS],
						     machine, sizeof(machine)));
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return not_loaded(image, "it is neither a program nor a library", err);
	if (header->e_phentsize != sizeof(Elf64_Phdr) || !header->e_phnum ||
	    header->e_phnum > HEADERS_LIMIT || header->e_phoff > ADDRESS_LIMIT)
		return not_loaded(image, "its program headers make no sense", err);
	return 0;
}

/* The bias follows from the segment that maps the file's first page, where base is. */
static int find_bias(struct spy_image *image, const Elf64_Ehdr *header, const Elf64_Phdr *phdrs,
		     struct pyspyc_error *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t i;

	for (i = 0; i < header->e_phnum; i++) {
		if (phdrs[i].p_type != PT_LOAD || phdrs[i].p_offset >= page)
			continue;
		image->bias = image->base - (phdrs[i].p_vaddr - phdrs[i].p_offset);
		if (header->e_type == ET_EXEC && image->bias)
			return not_loaded(image, "a program mapped as data", err);
		return 0;
	}
	return not_loaded(image, "no segment holds its header", err);
}

static int add_load(struct spy_image *image, const Elf64_Phdr *phdr, struct pyspyc_error *err)
{
	struct spy_load *load = &image->loads[image->load_count];

	if (image->load_count == SPY_IMAGE_LOADS)
		return not_loaded(image, "it has too many segments", err);
	*load = (struct spy_load){
		.address = phdr->p_vaddr + image->bias,
		.size = phdr->p_memsz,
		.file_size = phdr->p_filesz < phdr->p_memsz ? phdr->p_filesz : phdr->p_memsz,
		.writable = phdr->p_flags & PF_W,
		.executable = phdr->p_flags & PF_X,
	};
	if (load->address >= ADDRESS_LIMIT || load->size > ADDRESS_LIMIT - load->address)
		return not_loaded(image, "a segment lies outside the address space", err);
	if (!image->load_count || load->address < image->start)
		image->start = load->address;
	if (load->address + load->size > image->end)
		image->end = load->address + load->size;
	image->load_count++;
	return 0;
}

static bool inside(const struct spy_image *image, uint64_t address, uint64_t size)
{
	return address >= image->start && address < image->end && size <= image->end - address;
}

static int take_headers(struct spy_image *image, const Elf64_Ehdr *header, const Elf64_Phdr *phdrs,
			struct pyspyc_error *err)
{
	size_t i;
	int r;

	r = find_bias(image, header, phdrs, err);
	for (i = 0; r == 0 && i < header->e_phnum; i++)
		if (phdrs[i].p_type == PT_LOAD)
			r = add_load(image, &phdrs[i], err);
	if (r < 0)
		return r;
	for (i = 0; i < header->e_phnum; i++) {
		uint64_t address = phdrs[i].p_vaddr + image->bias;

		if (!inside(image, address, phdrs[i].p_memsz))
			continue;
		if (phdrs[i].p_type == PT_DYNAMIC) {
			image->dynamic_address = address;
			image->dynamic_size = phdrs[i].p_memsz;
		} else if (phdrs[i].p_type == PT_NOTE && phdrs[i].p_memsz <= NOTES_LIMIT &&
			   image->note_count < SPY_IMAGE_NOTES) {
			image->notes[image->note_count++] = (struct spy_notes){ address,
										phdrs[i].p_memsz };
		}
	}
	return 0;
}

void spy_image_build_id(const struct spy_image *image, struct spy_build_id *ret)
{
	size_t i;

	*ret = (struct spy_build_id){ 0 };
	for (i = 0; i < image->note_count && !ret->size; i++) {
		const struct spy_notes *notes = &image->notes[i];
		spy_autofree uint8_t *bytes = malloc(notes->size + 1);

		if (bytes &&
		    spy_memory_read(image->memory, notes->address, bytes, notes->size, NULL) == 0)
			spy_notes_build_id(bytes, notes->size, ret);
	}
}

int spy_image_open(struct spy_memory *memory, uint64_t base, struct spy_image *ret,
		   struct pyspyc_error *err)
{
	/* One read brings the headers of nearly every image. */
	union {
		Elf64_Ehdr header;
		uint8_t bytes[sizeof(Elf64_Ehdr) + 16 * sizeof(Elf64_Phdr)];
	} head;
	spy_autofree Elf64_Phdr *phdrs = NULL;
	size_t size;
	int r;

	*ret = (struct spy_image){ .memory = memory, .base = base };
	r = spy_memory_read(memory, base, &head, sizeof(head), err);
	if (r == 0)
		r = check_header(ret, &head.header, err);
	if (r < 0)
		return r;
	size = head.header.e_phnum * sizeof(*phdrs);
	phdrs = malloc(size);
	if (!phdrs)
		return spy_nomem(err);
	if (head.header.e_phoff <= sizeof(head) && size <= sizeof(head) - head.header.e_phoff)
		memcpy(phdrs, head.bytes + head.header.e_phoff, size);
	else
		r = spy_memory_read(memory, base + head.header.e_phoff, phdrs, size, err);
	return r < 0 ? r : take_headers(ret, &head.header, phdrs, err);
}

bool spy_notes_build_id(const void *notes, size_t size, struct spy_build_id *ret)
{
	const uint8_t *at = notes;
	Elf64_Nhdr note;

	while (size >= sizeof(note)) {
		/* Both lengths are 32 bits, so that rounding them up cannot overflow. */
		size_t name, desc;

		memcpy(&note, at, sizeof(note));
		at += sizeof(note);
		size -= sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		desc = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		if (name > size || desc > size - name)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(at, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 && note.n_descsz &&
		    note.n_descsz <= sizeof(ret->bytes)) {
			memcpy(ret->bytes, at + name, note.n_descsz);
			ret->size = note.n_descsz;
			return true;
		}
		at += name + desc;
		size -= name + desc;
	}
	return false;
}
