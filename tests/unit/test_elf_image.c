/* elf/image.h: images in a target's memory, made by hand and as the loader left our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/image.h"
#include "elf_builder.h"

#define BASE UINT64_C(0x7f1234560000)

/* An image as a target has it in memory. */
struct loaded {
	struct elf_builder elf;
	uint8_t bytes[ELF_IMAGE_SIZE];
	struct spy_memory *memory;
};

static void load(struct loaded *loaded, uint64_t base)
{
	struct spy_segment segment = { base, loaded->bytes, sizeof(loaded->bytes) };

	if (loaded->memory)
		spy_memory_close(loaded->memory);
	memcpy(loaded->bytes, loaded->elf.file, ELF_LOADED);
	assert_int_equal(spy_memory_open_image(&segment, 1, &loaded->memory, NULL), 0);
}

static void make(struct loaded *loaded, uint16_t type, uint64_t vaddr)
{
	memset(loaded, 0, sizeof(*loaded));
	elf_begin_file(&loaded->elf, type, vaddr);
	elf_symbol(&loaded->elf, "_PyRuntime", ELF_DATA);
	elf_symbol(&loaded->elf, "Py_Version", ELF_CONSTANTS);
	elf_symbol(&loaded->elf, "_Py_RefTotal", 0);
	elf_symbol(&loaded->elf, "_Py_NoneStruct", ELF_DATA + 8);
	elf_symbol(&loaded->elf, "Py_Main", ELF_DATA + 16);
	loaded->elf.needed = "libpython3.9.so.1.0";
}

static uint64_t lookup(struct spy_image *image, const char *name)
{
	struct spy_symbol symbol;

	assert_int_equal(spy_image_symbol(image, name, &symbol, NULL), 0);
	return symbol.address;
}

static void check_symbols(struct loaded *loaded, uint64_t base)
{
	struct spy_build_id id;
	struct spy_image image;
	char needed[64];

	load(loaded, base);
	assert_int_equal(spy_image_open(loaded->memory, base, &image, NULL), 0);
	assert_int_equal(image.bias, base - loaded->elf.vaddr);
	assert_int_equal(image.start, base);
	assert_int_equal(image.end, base + ELF_IMAGE_SIZE);
	assert_int_equal(lookup(&image, "_PyRuntime"), base + ELF_DATA);
	assert_int_equal(lookup(&image, "Py_Version"), base + ELF_CONSTANTS);
	assert_int_equal(lookup(&image, "_Py_NoneStruct"), base + ELF_DATA + 8);
	assert_int_equal(lookup(&image, "Py_Main"), base + ELF_DATA + 16);
	assert_int_equal(lookup(&image, "_Py_RefTotal"), 0);
	assert_int_equal(lookup(&image, "_PyRuntim"), 0);
	assert_int_equal(lookup(&image, ""), 0);
	spy_image_build_id(&image, &id);
	assert_int_equal(id.size, 8);
	assert_int_equal(id.bytes[0], 0xab);
	assert_true(spy_image_needs(&image, "libpython", needed, sizeof(needed)));
	assert_string_equal(needed, "libpython3.9.so.1.0");
	assert_false(spy_image_needs(&image, "libpypy", needed, sizeof(needed)));
	spy_memory_close(loaded->memory);
	loaded->memory = NULL;
}

static void test_symbols(void **state)
{
	static const enum elf_hash kinds[] = { ELF_HASH_GNU, ELF_HASH_SYSV };
	static const struct {
		uint16_t type;
		uint64_t vaddr;
		uint64_t base;
	} places[] = {
		{ ET_DYN, 0, BASE },			/* a library or PIE */
		{ ET_DYN, 0x3000000000, BASE },		/* a prelinked library moved away */
		{ ET_DYN, 0x3000000000, 0x3000000000 }, /* and in its place */
		{ ET_EXEC, 0x400000, 0x400000 },	/* a program that is not PIE */
	};
	struct loaded loaded;
	size_t i, kind;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		for (kind = 0; kind < 2; kind++) {
			uint64_t bias = places[i].base - places[i].vaddr;

			/* Relocated by the loader, as glibc does, and left alone, as musl does. */
			make(&loaded, places[i].type, places[i].vaddr);
			elf_finish_dynamic(&loaded.elf, kinds[kind], bias);
			check_symbols(&loaded, places[i].base);
			make(&loaded, places[i].type, places[i].vaddr);
			elf_finish_dynamic(&loaded.elf, kinds[kind], 0);
			check_symbols(&loaded, places[i].base);
		}
	}
}

static void test_no_symbols(void **state)
{
	struct loaded loaded;
	struct spy_image image;

	make(&loaded, ET_DYN, 0);
	elf_finish_dynamic(&loaded.elf, ELF_HASH_NONE, 0);
	load(&loaded, BASE);
	assert_int_equal(spy_image_open(loaded.memory, BASE, &image, NULL), 0);
	assert_int_equal(lookup(&image, "_PyRuntime"), 0);
	spy_memory_close(loaded.memory);
}

/* What is no loaded image for us is refused with a reason. */
static int refusal(struct loaded *loaded, struct pyspyc_error *err)
{
	struct spy_image image;
	int r;

	*err = (struct pyspyc_error){ 0 };
	load(loaded, BASE);
	r = spy_image_open(loaded->memory, BASE, &image, err);
	spy_memory_close(loaded->memory);
	loaded->memory = NULL;
	return r;
}

static void test_other_machines(void **state)
{
	static const struct {
		unsigned char elf_class;
		uint16_t machine;
		const char *name;
	} others[] = {
		{ ELFCLASS32, EM_386, "32-bit x86 (i386)" },
		{ ELFCLASS32, EM_X86_64, "32-bit x86-64" }, /* the x32 ABI */
		{ ELFCLASS32, EM_ARM, "32-bit ARM" },
		{ ELFCLASS64, EM_RISCV, "64-bit RISC-V" },
		{ ELFCLASS64, 4711, "64-bit machine number 4711" },
	};
	struct pyspyc_error err;
	struct loaded loaded;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		Elf64_Ehdr *header;

		make(&loaded, ET_DYN, 0);
		header = elf_at(&loaded.elf, 0);
		header->e_ident[EI_CLASS] = others[i].elf_class;
		header->e_machine = others[i].machine;
		assert_int_equal(refusal(&loaded, &err), -PYSPYC_EVERSION);
		assert_non_null(strstr(err.message, others[i].name));
	}
}

static void test_no_image(void **state)
{
	struct pyspyc_error err;
	struct loaded loaded;
	Elf64_Ehdr *header = elf_at(&loaded.elf, 0);
	Elf64_Phdr *phdr = elf_at(&loaded.elf, sizeof(*header));

	make(&loaded, ET_DYN, 0);
	header->e_ident[0] = 0;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_REL, 0);
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_EXEC, 0x400000); /* a program that is mapped as data */
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_DYN, 0);
	header->e_phnum = 0;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_DYN, 0);
	header->e_phnum = 65535;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_DYN, 0);
	header->e_phentsize = 1;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_DYN, 0);
	header->e_phoff = ELF_IMAGE_SIZE;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_EFAULT);
	make(&loaded, ET_DYN, 0);
	phdr[0].p_offset = 0x100000;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_DYN, 0);
	phdr[1].p_memsz = UINT64_MAX;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
	make(&loaded, ET_DYN, 0);
	phdr[1].p_vaddr = UINT64_C(1) << 60;
	assert_int_equal(refusal(&loaded, &err), -PYSPYC_ECORRUPT);
}

/* A broken table ends a search with an error or without a result, and at once. */
static void try_broken(struct loaded *loaded, bool must_fail)
{
	struct spy_symbol symbol;
	struct spy_image image;
	int r;

	load(loaded, BASE);
	assert_int_equal(spy_image_open(loaded->memory, BASE, &image, NULL), 0);
	r = spy_image_symbol(&image, "_PyRuntime", &symbol, NULL);
	if (must_fail)
		assert_int_equal(r, -PYSPYC_ECORRUPT);
	assert_int_equal(symbol.address, 0);
	spy_memory_close(loaded->memory);
	loaded->memory = NULL;
}

static void test_broken_gnu_hash(void **state)
{
	struct loaded loaded;
	uint32_t *hash = elf_at(&loaded.elf, ELF_HASH);
	Elf64_Sym *symbols = elf_at(&loaded.elf, ELF_DYNSYM);
	unsigned i;

	make(&loaded, ET_DYN, 0);
	elf_finish_dynamic(&loaded.elf, ELF_HASH_GNU, 0);
	hash[0] = 0;
	try_broken(&loaded, true);
	hash[0] = UINT32_MAX;
	try_broken(&loaded, true);
	hash[0] = 2;
	hash[2] = 0;
	try_broken(&loaded, true);
	hash[2] = 1;
	hash[3] = 32;
	try_broken(&loaded, true);
	hash[3] = 6;
	hash[1] = 1000; /* the first symbol lies behind those in the buckets */
	try_broken(&loaded, true);
	hash[1] = 2;
	for (i = 1; i < 6; i++)
		symbols[i].st_name = UINT32_MAX;
	try_broken(&loaded, false);
	/* A chain that does not end where it should, and goes on into what follows. */
	for (i = 8; i < (ELF_LOADED - ELF_HASH) / 4; i++)
		hash[i] = 2;
	try_broken(&loaded, false);
}

static void test_broken_sysv_hash(void **state)
{
	struct loaded loaded;
	uint32_t *hash = elf_at(&loaded.elf, ELF_HASH);
	unsigned i;

	make(&loaded, ET_DYN, 0);
	elf_finish_dynamic(&loaded.elf, ELF_HASH_SYSV, 0);
	hash[0] = 0;
	try_broken(&loaded, true);
	hash[0] = 3;
	for (i = 0; i < 6; i++)
		hash[5 + i] = hash[2 + i % 3] = 1; /* a circle without the symbol */
	try_broken(&loaded, false);
	for (i = 0; i < 3; i++)
		hash[2 + i] = 1000;
	try_broken(&loaded, true);
}

static void test_notes(void **state)
{
	static const uint8_t other[] = { 4,   0, 0, 0, 3,   0,	 0,   0, 1,    0,    0, 0, 'G', 'N',
					 'U', 0, 1, 2, 3,   0,	 4,   0, 0,    0,    2, 0, 0,	0,
					 3,   0, 0, 0, 'G', 'N', 'U', 0, 0xaa, 0xbb, 0, 0 };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					3,    0,    0,	  0,	'G',  'N',  'U',  0 };
	struct spy_build_id id = { 0 };
	size_t size;

	assert_true(spy_notes_build_id(other, sizeof(other), &id));
	assert_int_equal(id.size, 2);
	assert_int_equal(id.bytes[1], 0xbb);
	id.size = 0;
	assert_false(spy_notes_build_id(huge, sizeof(huge), &id));
	for (size = 0; size < sizeof(other) - 1; size++)
		assert_false(spy_notes_build_id(other, size, &id));
	assert_int_equal(id.size, 0);
}

static int find_libc(struct dl_phdr_info *info, size_t size, void *context)
{
	uint64_t *base = context;

	if (strstr(info->dlpi_name, "libc.so"))
		*base = info->dlpi_addr;
	return 0;
}

/* Our own libc, as the loader left it, against what the loader says. */
static void test_own_libc(void **state)
{
	static const char *const names[] = { "printf", "malloc", "getpid", "environ", "stdout",
					     "qsort",  "strtol", "close",  "abort",   "free" };
	struct spy_memory *memory;
	struct spy_image image;
	void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	uint64_t base = 0;
	size_t i;

	assert_non_null(library);
	dl_iterate_phdr(find_libc, &base);
	assert_true(base);
	assert_int_equal(spy_memory_open_live(getpid(), &memory, NULL), 0);
	assert_int_equal(spy_image_open(memory, base, &image, NULL), 0);
	assert_int_equal(lookup(&image, "no_such_function_in_libc"), 0);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_ptr_equal((void *)(uintptr_t)lookup(&image, names[i]),
				 dlsym(library, names[i]));
	dlclose(library);
	spy_memory_close(memory);
}

struct seen {
	uint64_t next;
	size_t bytes;
	unsigned pieces;
};

static bool see(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct seen *seen = context;

	assert_true(!seen->pieces || address <= seen->next);
	/* Pieces overlap: each byte counts once. */
	seen->bytes += seen->pieces ? address + size - seen->next : size;
	seen->next = address + size;
	seen->pieces++;
	return true;
}

static void test_visit(void **state)
{
	struct loaded loaded;
	struct spy_image image;
	struct seen seen = { 0 };

	make(&loaded, ET_DYN, 0);
	load(&loaded, BASE);
	assert_int_equal(spy_image_open(loaded.memory, BASE, &image, NULL), 0);
	assert_int_equal(spy_image_visit(&image, SPY_LOADS_WRITABLE, 1 << 20, see, &seen, NULL), 0);
	assert_int_equal(seen.bytes, ELF_IMAGE_SIZE - ELF_DYNAMIC);
	seen = (struct seen){ 0 };
	assert_int_equal(spy_image_visit(&image, SPY_LOADS_CONSTANT, 1 << 20, see, &seen, NULL), 0);
	assert_int_equal(seen.bytes, ELF_DYNAMIC);
	seen = (struct seen){ 0 };
	assert_int_equal(spy_image_visit(&image, SPY_LOADS_WRITABLE, 100, see, &seen, NULL), 0);
	assert_int_equal(seen.bytes, 100);
	/* A segment that says that it goes on for 2**50 bytes. */
	image.loads[1].size = UINT64_C(1) << 50;
	seen = (struct seen){ 0 };
	assert_int_equal(spy_image_visit(&image, SPY_LOADS_WRITABLE, 1 << 20, see, &seen, NULL), 0);
	assert_int_equal(seen.bytes, ELF_IMAGE_SIZE - ELF_DYNAMIC);
	spy_memory_close(loaded.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols),		cmocka_unit_test(test_no_symbols),
		cmocka_unit_test(test_other_machines),	cmocka_unit_test(test_no_image),
		cmocka_unit_test(test_broken_gnu_hash), cmocka_unit_test(test_broken_sysv_hash),
		cmocka_unit_test(test_notes),		cmocka_unit_test(test_own_libc),
		cmocka_unit_test(test_visit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
