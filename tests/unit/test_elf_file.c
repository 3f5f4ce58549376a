/* elf/file.h: sections, full symbol tables, separate debug files inside a target's root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "elf/file.h"
#include "elf_builder.h"

static char root[] = "/tmp/pyspyc-elf-XXXXXX";

static void path_in_root(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

static void make_folder(const char *name)
{
	char path[256];

	path_in_root(path, sizeof(path), name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[256];
	FILE *file;

	path_in_root(path, sizeof(path), name);
	file = fopen(path, "wb");
	assert_non_null(file);
	if (size > ELF_FILE_SIZE) /* a hole of any size costs nothing */
		assert_int_equal(ftruncate(fileno(file), (off_t)size), 0);
	size = size < ELF_FILE_SIZE ? size : ELF_FILE_SIZE;
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void remove_file(const char *name)
{
	char path[256];

	path_in_root(path, sizeof(path), name);
	assert_int_equal(unlink(path), 0);
}

static int make_root(void **state)
{
	if (!mkdtemp(root))
		return -1;
	make_folder("/opt");
	make_folder("/opt/.debug");
	make_folder("/usr");
	make_folder("/usr/lib");
	make_folder("/usr/lib/debug");
	make_folder("/usr/lib/debug/opt");
	make_folder("/usr/lib/debug/.build-id");
	make_folder("/usr/lib/debug/.build-id/ab");
	return 0;
}

static int remove_root(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void make(struct elf_builder *elf)
{
	elf_begin_file(elf, ET_DYN, 0);
	elf_symbol(elf, "other", ELF_DATA);
	elf_symbol(elf, "interp_head", ELF_DATA + 8);
	elf_symbol(elf, "interp_head_undefined", 0);
	elf_symbol(elf, "_PyRuntime", ELF_DATA + 16);
}

static int open_bytes(const void *bytes, size_t size, struct spy_elf **ret,
		      struct pyspyc_error *err)
{
	char path[256];
	int fd, r;

	write_file("/opt/file", bytes, size);
	path_in_root(path, sizeof(path), "/opt/file");
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	r = spy_elf_open(fd, ret, err);
	close(fd);
	remove_file("/opt/file");
	return r;
}

static uint64_t lookup(struct spy_elf *elf, const char *name)
{
	struct spy_symbol symbol;

	assert_int_equal(spy_elf_symbol(elf, name, &symbol, NULL), 0);
	return symbol.address;
}

static void test_symbols_and_sections(void **state)
{
	spy_cleanup(spy_elf_cleanup) struct spy_elf *elf = NULL;
	struct elf_builder made;
	struct spy_section found;
	struct spy_build_id id;
	Elf64_Shdr *section;

	make(&made);
	section = elf_add_section(&made, ".PyRuntime", SHT_PROGBITS, ELF_DATA, 0x100);
	section->sh_flags = SHF_ALLOC | SHF_WRITE;
	section->sh_addr = ELF_DATA;
	elf_finish_sections(&made);
	assert_int_equal(open_bytes(made.file, sizeof(made.file), &elf, NULL), 0);
	assert_int_equal(lookup(elf, "interp_head"), ELF_DATA + 8);
	assert_int_equal(lookup(elf, "_PyRuntime"), ELF_DATA + 16);
	assert_int_equal(lookup(elf, "interp_head_undefined"), 0);
	assert_int_equal(lookup(elf, "interp_hea"), 0);
	assert_int_equal(lookup(elf, "no_such"), 0);
	spy_elf_section(elf, ".PyRuntime", &found);
	assert_int_equal(found.address, ELF_DATA);
	assert_int_equal(found.size, 0x100);
	spy_elf_section(elf, ".strtab", &found); /* not loaded, so nowhere */
	assert_int_equal(found.address, 0);
	spy_elf_section(elf, ".PyRuntim", &found);
	assert_int_equal(found.address, 0);
	spy_elf_build_id(elf, &id);
	assert_int_equal(id.size, 8);
	assert_int_equal(id.bytes[7], 0x89);
}

/* Of symbols of one name it is the global one, and of static ones the first. */
static void test_global_wins(void **state)
{
	static const struct {
		unsigned char bindings[2];
		unsigned expected;
	} cases[] = {
		{ { STB_LOCAL, STB_GLOBAL }, 2 },
		{ { STB_GLOBAL, STB_LOCAL }, 1 },
		{ { STB_LOCAL, STB_LOCAL }, 1 },
	};
	struct elf_builder made;
	Elf64_Sym *symbols = elf_at(&made, ELF_SYMTAB);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		spy_cleanup(spy_elf_cleanup) struct spy_elf *elf = NULL;

		elf_begin_file(&made, ET_DYN, 0);
		elf_symbol(&made, "twice", ELF_DATA);
		elf_symbol(&made, "twice", ELF_DATA + 8);
		elf_finish_sections(&made);
		symbols[1].st_info = ELF64_ST_INFO(cases[i].bindings[0], STT_OBJECT);
		symbols[2].st_info = ELF64_ST_INFO(cases[i].bindings[1], STT_OBJECT);
		assert_int_equal(open_bytes(made.file, sizeof(made.file), &elf, NULL), 0);
		assert_int_equal(lookup(elf, "twice"), symbols[cases[i].expected].st_value);
	}
}

static int refusal(struct elf_builder *made, size_t size)
{
	struct pyspyc_error err = { 0 };
	struct spy_elf *elf = NULL;
	struct spy_symbol symbol;
	int r = open_bytes(made->file, size, &elf, &err);

	if (r == 0) {
		r = spy_elf_symbol(elf, "_PyRuntime", &symbol, &err);
		spy_elf_close(elf);
	}
	assert_true(r == 0 || err.message[0]);
	return r;
}

static void make_whole(struct elf_builder *made)
{
	make(made);
	elf_finish_sections(made);
}

static void test_hostile_files(void **state)
{
	struct elf_builder made;
	Elf64_Ehdr *header = elf_at(&made, 0);
	Elf64_Shdr *sections = elf_at(&made, ELF_SECTIONS);

	make_whole(&made);
	assert_int_equal(refusal(&made, sizeof(made.file)), 0);
	assert_int_equal(refusal(&made, 10), -PYSPYC_ECORRUPT);
	header->e_machine = EM_S390;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_EVERSION);
	make_whole(&made);
	header->e_ident[EI_MAG0] = '!';
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	make_whole(&made);
	header->e_shentsize = 1;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	/* More than 4 billion sections, by the number in the first one. */
	make_whole(&made);
	header->e_shnum = 0;
	sections[0].sh_size = UINT64_C(1) << 33;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	/* Sparse files, in which tables of any size can lie. */
	make_whole(&made);
	header->e_shnum = 0;
	sections[0].sh_size = 1 << 20;
	assert_int_equal(refusal(&made, (size_t)1 << 40), -PYSPYC_ECORRUPT);
	make_whole(&made);
	sections[4].sh_size = 22400000 * sizeof(Elf64_Sym); /* over half a gigabyte */
	assert_int_equal(refusal(&made, (size_t)1 << 40), -PYSPYC_ECORRUPT);
	make_whole(&made);
	header->e_shnum = 0;
	header->e_shoff = UINT64_MAX;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	/* A symbol table of 2**62 bytes, one of other entries, names that are elsewhere. */
	make_whole(&made);
	sections[4].sh_size = UINT64_C(1) << 62;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	make_whole(&made);
	sections[4].sh_entsize = 1;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	make_whole(&made);
	sections[4].sh_link = 77;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
	make_whole(&made);
	sections[3].sh_offset = ELF_FILE_SIZE - 1;
	assert_int_equal(refusal(&made, sizeof(made.file)), -PYSPYC_ECORRUPT);
}

/* Our own program, read as a file, against where its symbols are. */
extern int a_variable;
int a_variable __attribute__((used)) = 1;
int main(void);

static void test_own_program(void **state)
{
	spy_cleanup(spy_elf_cleanup) struct spy_elf *elf = NULL;
	spy_autoclose int fd = open("/proc/self/exe", O_RDONLY);
	struct spy_section text;
	uint64_t bias;

	assert_int_equal(spy_elf_open(fd, &elf, NULL), 0);
	bias = (uint64_t)(uintptr_t)main - lookup(elf, "main");
	assert_ptr_equal((void *)(uintptr_t)(lookup(elf, "a_variable") + bias), &a_variable);
	spy_elf_section(elf, ".text", &text);
	assert_true(lookup(elf, "main") >= text.address &&
		    lookup(elf, "main") < text.address + text.size);
}

static void add_link(struct elf_builder *elf, const char *name, uint32_t crc)
{
	size_t padded = (strlen(name) + 4) & ~(size_t)3;

	elf_add_section(elf, ".gnu_debuglink", SHT_PROGBITS, ELF_LINK, padded + sizeof(crc));
	strcpy(elf_at(elf, ELF_LINK), name);
	memcpy(elf_at(elf, ELF_LINK + padded), &crc, sizeof(crc));
}

/* A target whose root is the folder made above. */
static struct spy_process target(void)
{
	struct spy_process process = { .pid = getpid(), .root_fd = open(root, O_PATH) };

	assert_true(process.root_fd >= 0);
	return process;
}

static bool finds_debug(const struct spy_build_id *id, const struct spy_elf *elf)
{
	struct spy_process process = target();
	struct spy_elf *debug = spy_elf_open_debug(&process, id, elf, "/opt/program");
	bool found = debug && lookup(debug, "interp_head") == ELF_DATA + 8;

	spy_elf_close(debug);
	close(process.root_fd);
	return found;
}

static void test_debug_by_build_id(void **state)
{
	static const char *const place = "/usr/lib/debug/.build-id/ab/cdef0123456789.debug";
	struct spy_build_id id = { { 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89 }, 8 };
	struct elf_builder debug;
	uint8_t *last;

	make_whole(&debug);
	assert_false(finds_debug(&id, NULL));
	write_file(place, debug.file, sizeof(debug.file));
	assert_true(finds_debug(&id, NULL));
	id.size = 1; /* too short to be a path */
	assert_false(finds_debug(&id, NULL));
	id.size = 8;
	/* Under the right name, but of another build. */
	last = elf_at(&debug, ELF_NOTE + sizeof(Elf64_Nhdr) + 4 + 7);
	*last = 0;
	write_file(place, debug.file, sizeof(debug.file));
	assert_false(finds_debug(&id, NULL));
	remove_file(place);
}

static void test_debug_by_link(void **state)
{
	static const char *const places[] = { "/opt/program.debug", "/opt/.debug/program.debug",
					      "/usr/lib/debug/opt/program.debug" };
	spy_cleanup(spy_elf_cleanup) struct spy_elf *elf = NULL, *wrong = NULL;
	struct spy_build_id id = { { 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89 }, 8 };
	const struct spy_build_id none = { { 0 }, 0 };
	struct elf_builder debug, stripped;
	uint32_t crc;
	size_t i;

	make_whole(&debug);
	crc = (uint32_t)crc32(0, debug.file, sizeof(debug.file));
	elf_begin_file(&stripped, ET_DYN, 0);
	add_link(&stripped, "program.debug", crc);
	elf_finish_sections(&stripped);
	assert_int_equal(open_bytes(stripped.file, sizeof(stripped.file), &elf, NULL), 0);
	elf_begin_file(&stripped, ET_DYN, 0);
	add_link(&stripped, "program.debug", crc + 1);
	elf_finish_sections(&stripped);
	assert_int_equal(open_bytes(stripped.file, sizeof(stripped.file), &wrong, NULL), 0);
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		assert_false(finds_debug(&id, elf));
		write_file(places[i], debug.file, sizeof(debug.file));
		assert_true(finds_debug(&id, elf));
		/* Without build ids the checksum decides. */
		assert_true(finds_debug(&none, elf));
		assert_false(finds_debug(&none, wrong));
		id.bytes[0]++;
		assert_false(finds_debug(&id, elf));
		id.bytes[0]--;
		remove_file(places[i]);
	}
}

static void test_hostile_links(void **state)
{
	static const char *const names[] = { "../../etc/passwd", "/etc/passwd", "" };
	struct elf_builder made;
	char name[64];
	uint32_t crc;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		spy_cleanup(spy_elf_cleanup) struct spy_elf *elf = NULL;

		elf_begin_file(&made, ET_DYN, 0);
		add_link(&made, names[i], 0);
		elf_finish_sections(&made);
		assert_int_equal(open_bytes(made.file, sizeof(made.file), &elf, NULL), 0);
		assert_false(spy_elf_debug_link(elf, name, sizeof(name), &crc));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols_and_sections), cmocka_unit_test(test_global_wins),
		cmocka_unit_test(test_hostile_files),	     cmocka_unit_test(test_own_program),
		cmocka_unit_test(test_debug_by_build_id),    cmocka_unit_test(test_debug_by_link),
		cmocka_unit_test(test_hostile_links),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
