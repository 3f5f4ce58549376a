/* cpython/python.h: finding the runtime, in processes that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake_process.h"

static void assert_version(const struct fake *fake, const char *expected)
{
	char text[32];

	assert_string_equal(spy_version_format(&fake->found.version, text, sizeof(text)), expected);
}

#define TEXT_AT (ELF_DATA + 0x1c00)

static void set_text(struct elf_builder *elf, const char *text)
{
	memset(elf_at(elf, TEXT_AT), 0, ELF_LOADED - TEXT_AT);
	strcpy(elf_at(elf, TEXT_AT), text);
}

static void set_word(struct elf_builder *elf, uint64_t offset, uint64_t word)
{
	memcpy(elf_at(elf, offset), &word, sizeof(word));
}

/* A libpython of 3.9 with its symbols, one interpreter, and sys.version. */
static struct fake *make_39(const char *exe)
{
	struct fake *fake = make(exe, "/opt/lib/libpython3.9.so.1.0");
	struct spy_layout layout = layout_of("3.9.18");

	elf_symbol(&fake->lib, "_PyRuntime", ELF_DATA);
	elf_symbol(&fake->lib, "Py_IsInitialized", ELF_CONSTANTS);
	elf_finish_dynamic(&fake->lib, ELF_HASH_GNU, LIB_BASE);
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
	set_text(&fake->lib, "3.9.18 (main, Jan  1 2024, 00:00:00) \n[GCC 12.2.0]");
	set_word(&fake->lib, ELF_DATA + layout.runtime_interpreters_head, INTERPRETER);
	add_interpreter(fake, &layout, INTERPRETER, TSTATE, 0);
	return fake;
}

static void test_shared_library(void **state)
{
	struct spy_layout layout = layout_of("3.9.18");
	struct fake *fake = make_39("/opt/bin/python3.9");

	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.9.18");
	assert_string_equal(fake->found.binary, "/opt/lib/libpython3.9.so.1.0");
	assert_int_equal(fake->found.runtime, LIB_BASE + ELF_DATA);
	assert_int_equal(fake->found.interpreters_head,
			 LIB_BASE + ELF_DATA + layout.runtime_interpreters_head);
	assert_int_equal(fake->found.tstate_current,
			 LIB_BASE + ELF_DATA + layout.runtime_tstate_current);
	release(fake);
}

static void test_not_ready(void **state)
{
	struct spy_layout layout = layout_of("3.9.18");
	struct fake *fake = make_39("/opt/bin/python3.9");

	set_word(&fake->lib, ELF_DATA + layout.runtime_interpreters_head, 0);
	assert_int_equal(find(fake), -PYSPYC_ENOTREADY);
	assert_version(fake, "3.9.18");
	release(fake);

	/* The loader has yet to map the data: what lies there is another part of the file. */
	fake = make_39("/opt/bin/python3.9");
	fake->mappings[5].flags = SPY_MAP_READ;
	assert_int_equal(find(fake), -PYSPYC_ENOTREADY);
	release(fake);

	/* It has yet to map the library. */
	fake = make("/opt/bin/python3.9", NULL);
	fake->exe.needed = "libpython3.9.so.1.0";
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, 0);
	assert_int_equal(find(fake), -PYSPYC_ENOTREADY);
	assert_non_null(strstr(fake->err.message, "libpython3.9.so.1.0"));
	release(fake);
}

static void test_version_texts(void **state)
{
	static const struct {
		const char *text;
		const char *expected; /* NULL: another implementation */
	} cases[] = {
		{ "3.9.7 | packaged by conda-forge | (default, Sep  2 2021, 17:58:34) \n[GCC]",
		  "3.9.7" },
		{ "3.9.2+ (heads/3.9:abcdef, Feb  2 2021, 10:00:00) \n[Clang 11.0.1]", "3.9.2" },
		{ "3.9.0rc2 (default, Sep 20 2020, 10:00:00) \n[GCC 10.2.0]", "3.9.0rc2" },
		{ "3.9.1 |Anaconda, Inc.| (default, Dec  2 2020) \n[GCC 7.3.0]", "3.9.1" },
		{ "3.9.1 (default, Dec  2 2020) \n[Pyston 2.3.5, GCC 9.4.0]", NULL },
		{ "3.9.1+cinder (heads/cinder, Dec  2 2020) \n[GCC 9.4.0]", NULL },
	};
	struct fake *fake = make_39("/opt/bin/python3.9");
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_text(&fake->lib, cases[i].text);
		if (cases[i].expected) {
			assert_int_equal(find(fake), 0);
			assert_version(fake, cases[i].expected);
		} else {
			assert_int_equal(find(fake), -PYSPYC_EIMPL);
		}
	}
	/* What starts in the middle of another text is not it. */
	set_text(&fake->lib, "made for 3.9.3 (or later) [GCC]");
	strcpy(elf_at(&fake->lib, TEXT_AT + 0x80), "3.9.4 (default, May  2 2021) \n[GCC]");
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.9.4");
	/* Other libraries' numbers and other versions' texts do not count. */
	set_text(&fake->lib, "3.8.1 (default, Dec  2 2020) \n[GCC]");
	strcpy(elf_at(&fake->lib, ELF_CONSTANTS + 0x20), "expat_3.9.5");
	strcpy(elf_at(&fake->lib, ELF_CONSTANTS + 0x40), "3.9.6 is not it");
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.9.0"); /* by the library's name alone */
	strcpy(elf_at(&fake->lib, ELF_CONSTANTS + 0x60), "/opt/3.9.11");
	strcpy(elf_at(&fake->lib, ELF_CONSTANTS + 0xa0), "/opt/3.9.13");
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.9.11"); /* the tail of another text */
	strcpy(elf_at(&fake->lib, ELF_CONSTANTS + 0x80), "3.9.12");
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.9.12");
	release(fake);
}

static void test_version_symbol(void **state)
{
	struct fake *fake = make("/opt/bin/host", "/opt/lib/libpython3.12.so.1.0");
	struct spy_layout layout = layout_of("3.12.1");

	elf_symbol(&fake->lib, "_PyRuntime", ELF_DATA);
	elf_symbol(&fake->lib, "Py_Version", ELF_CONSTANTS);
	set_word(&fake->lib, ELF_CONSTANTS, 0x030c01f0);
	elf_finish_dynamic(&fake->lib, ELF_HASH_SYSV, LIB_BASE);
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
	set_word(&fake->lib, ELF_DATA + layout.runtime_interpreters_head, INTERPRETER);
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.12.1");
	assert_int_equal(fake->found.tstate_current, 0);
	/* A debug build by its symbol, and an unknown version. */
	elf_symbol(&fake->lib, "_Py_RefTotal", ELF_DATA + 8);
	elf_finish_dynamic(&fake->lib, ELF_HASH_SYSV, LIB_BASE);
	find(fake);
	assert_version(fake, "3.12.1d");
	set_word(&fake->lib, ELF_CONSTANTS, 0x032a00f0);
	assert_int_equal(find(fake), -PYSPYC_EVERSION);
	assert_non_null(strstr(fake->err.message, "3.42.0"));
	release(fake);
}

/* The program has its own copy of the library's variable: that is the one in use. */
static void test_copy_relocation(void **state)
{
	struct spy_layout layout = layout_of("3.9.18");
	struct fake *fake = make_39("/opt/bin/host");

	elf_symbol(&fake->exe, "_PyRuntime", ELF_DATA + 0x400);
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
	set_text(&fake->exe, "3.9.18 (main, Jan  1 2024, 00:00:00) \n[GCC 12.2.0]");
	set_word(&fake->exe, ELF_DATA + 0x400 + layout.runtime_interpreters_head, INTERPRETER);
	set_word(&fake->lib, ELF_DATA + layout.runtime_interpreters_head, 0);
	assert_int_equal(find(fake), 0);
	assert_int_equal(fake->found.runtime, EXE_BASE + ELF_DATA + 0x400);
	/* And the other way round: two runtimes, of which the library's is up. */
	set_word(&fake->exe, ELF_DATA + 0x400 + layout.runtime_interpreters_head, 0);
	set_word(&fake->lib, ELF_DATA + layout.runtime_interpreters_head, INTERPRETER);
	assert_int_equal(find(fake), 0);
	assert_int_equal(fake->found.runtime, LIB_BASE + ELF_DATA);
	release(fake);
}

/* A static program without symbols: 3.9's words in the data lead to the runtime. */
static void test_scan(void **state)
{
	struct spy_layout layout = layout_of("3.9.18");
	struct fake *fake = make("/opt/bin/python3.9", NULL);
	uint64_t runtime = ELF_DATA + 0x200;

	elf_finish_dynamic(&fake->exe, ELF_HASH_NONE, EXE_BASE);
	set_text(&fake->exe, "3.9.18 (main, Jan  1 2024, 00:00:00) \n[GCC 12.2.0]");
	add_interpreter(fake, &layout, INTERPRETER, TSTATE, 0);
	/* Words that look alike at first: equal pairs, pointers to no interpreter. */
	set_word(&fake->exe, ELF_DATA + 0x10, HEAP_BASE + 0x3000);
	set_word(&fake->exe, ELF_DATA + 0x18, HEAP_BASE + 0x3000);
	set_word(&fake->exe, ELF_DATA + 0x20, INTERPRETER);
	assert_int_equal(find(fake), -PYSPYC_ENOTPYTHON);
	set_word(&fake->exe, runtime + layout.runtime_interpreters_head, INTERPRETER);
	set_word(&fake->exe, runtime + layout.runtime_interpreters_head + 8, INTERPRETER);
	assert_int_equal(find(fake), 0);
	assert_int_equal(fake->found.runtime, EXE_BASE + runtime);
	/* With subinterpreters the head is not the main one. */
	add_interpreter(fake, &layout, SECOND, SECOND_TSTATE, INTERPRETER);
	set_word(&fake->exe, runtime + layout.runtime_interpreters_head, SECOND);
	assert_int_equal(find(fake), 0);
	assert_int_equal(fake->found.runtime, EXE_BASE + runtime);
	/* Unless it is no interpreter at all. */
	put(fake, SYS_DICT + layout.object_type, HEAP_BASE);
	assert_int_equal(find(fake), -PYSPYC_ENOTPYTHON);
	release(fake);
}

/* To 3.6 the word alone: of the two that qualify it is the one that leads to both. */
static void test_scan_old(void **state)
{
	struct spy_layout layout = layout_of("2.7.18");
	struct fake *fake = make("/opt/bin/python2.7", NULL);

	elf_finish_dynamic(&fake->exe, ELF_HASH_NONE, EXE_BASE);
	set_text(&fake->exe, "2.7.18 (default, Apr 20 2020, 20:30:41) \n[GCC 9.3.0]");
	add_interpreter(fake, &layout, INTERPRETER, TSTATE, 0);
	add_interpreter(fake, &layout, SECOND, SECOND_TSTATE, INTERPRETER);
	set_word(&fake->exe, ELF_DATA + 0x100, INTERPRETER); /* autoInterpreterState */
	set_word(&fake->exe, ELF_DATA + 0x110, SECOND);	     /* interp_head */
	assert_int_equal(find(fake), 0);
	assert_version(fake, "2.7.18");
	assert_int_equal(fake->found.runtime, 0);
	assert_int_equal(fake->found.interpreters_head, EXE_BASE + ELF_DATA + 0x110);
	set_word(&fake->exe, ELF_DATA + 0x100, SECOND);
	set_word(&fake->exe, ELF_DATA + 0x110, INTERPRETER);
	assert_int_equal(find(fake), 0);
	assert_int_equal(fake->found.interpreters_head, EXE_BASE + ELF_DATA + 0x100);
	release(fake);
}

/* 2.7's and 3.6's head by the code of PyInterpreterState_Head. */
static void test_head_by_code(void **state)
{
	static const struct {
		enum spy_arch arch;
		size_t size;
		uint8_t code[32];
		uint64_t expected; /* for code at 0x401000 */
	} cases[] = {
		{ SPY_ARCH_X86_64, 32, { 0x48, 0x8b, 0x05, 0x09, 0, 0, 0, 0xc3 }, 0x401010 },
		{ SPY_ARCH_X86_64,
		  32,
		  { 0x48, 0x8b, 0x05, 0xf9, 0xff, 0xff, 0xff, 0xc3 },
		  0x401000 },
		{ SPY_ARCH_X86_64,
		  32,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8b, 0x05, 0, 1, 0, 0 },
		  0x40110b },
		{ SPY_ARCH_X86_64,
		  32,
		  { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x8b, 0x05, 0, 1, 0, 0, 0x5d, 0xc3 },
		  0x40110b },
		{ SPY_ARCH_X86_64, 32, { 0x31, 0xc0, 0xc3 }, 0 },
		{ SPY_ARCH_X86_64, 7, { 0x48, 0x8b, 0x05, 0x09, 0, 0, 0 }, 0 },
		/* adrp x0, #0x2000; ldr x0, [x0, #24]; ret */
		{ SPY_ARCH_AARCH64,
		  12,
		  { 0x00, 0x00, 0x00, 0xd0, 0x00, 0x0c, 0x40, 0xf9, 0xc0, 0x03, 0x5f, 0xd6 },
		  0x403018 },
		/* bti c; adrp x0, #-0x1000; ldr x0, [x0, #8] */
		{ SPY_ARCH_AARCH64,
		  12,
		  { 0x5f, 0x24, 0x03, 0xd5, 0xe0, 0xff, 0xff, 0xf0, 0x00, 0x04, 0x40, 0xf9 },
		  0x400008 },
		{ SPY_ARCH_AARCH64, 8, { 0 }, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(spy_decode_head(cases[i].code, cases[i].size, 0x401000,
						 cases[i].arch),
				 cases[i].expected);
}

#if defined(__x86_64__)
static void test_old_library(void **state)
{
	struct fake *fake = make("/opt/bin/host", "/opt/lib/libpython3.6m.so.1.0");
	struct spy_layout layout = layout_of("3.6.15");
	uint8_t *code = elf_at(&fake->lib, ELF_CONSTANTS);
	int32_t distance = ELF_DATA + 0x40 - (ELF_CONSTANTS + 7);

	elf_symbol(&fake->lib, "_PyThreadState_Current", ELF_DATA + 0x30);
	elf_symbol(&fake->lib, "PyInterpreterState_Head", ELF_CONSTANTS);
	elf_finish_dynamic(&fake->lib, ELF_HASH_GNU, LIB_BASE);
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
	memcpy(code, "\x48\x8b\x05", 3);
	memcpy(code + 3, &distance, 4);
	set_text(&fake->lib, "3.6.15 (default, Sep  5 2021, 10:00:00) \n[GCC 9.3.0]");
	set_word(&fake->lib, ELF_DATA + 0x40, INTERPRETER);
	add_interpreter(fake, &layout, INTERPRETER, TSTATE, 0);
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.6.15");
	assert_int_equal(fake->found.interpreters_head, LIB_BASE + ELF_DATA + 0x40);
	assert_int_equal(fake->found.tstate_current, LIB_BASE + ELF_DATA + 0x30);
	/* The program's copy of the variable is the one in use. */
	elf_symbol(&fake->exe, "_PyThreadState_Current", ELF_DATA + 0x80);
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
	assert_int_equal(find(fake), 0);
	assert_int_equal(fake->found.tstate_current, EXE_BASE + ELF_DATA + 0x80);
	release(fake);
}
#endif

/* 3.13 and later say themselves where what is. */
static void test_debug_offsets(void **state)
{
	struct fake *fake = make("/opt/bin/python3", NULL);
	struct spy_layout layout = layout_of("3.14.8");
	uint8_t offsets[SPY_DEBUG_OFFSETS_LIMIT];
	const char *arch = SPY_ARCH_HERE == SPY_ARCH_X86_64 ? "x86_64" : "aarch64";
	char path[512];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/data/debug_offsets/3.14.8-%s", TESTS_DIR, arch);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(offsets, 1, sizeof(offsets), file);
	fclose(file);
	memcpy(elf_at(&fake->exe, ELF_DATA + 0x40), offsets, size);
	set_word(&fake->exe, ELF_DATA + 0x40 + layout.runtime_interpreters_head, INTERPRETER);
	/* Without a symbol, by the cookie alone. */
	elf_finish_dynamic(&fake->exe, ELF_HASH_NONE, EXE_BASE);
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.14.8");
	assert_int_equal(fake->found.runtime, EXE_BASE + ELF_DATA + 0x40);
	elf_symbol(&fake->exe, "_PyRuntime", ELF_DATA + 0x40);
	elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
	assert_int_equal(find(fake), 0);
	assert_version(fake, "3.14.8");
	release(fake);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *exe;
		const char *command;
		const char *lib;
		int code;
		const char *word;
	} cases[] = {
		{ "/bin/dash", "sh -c true", NULL, -PYSPYC_ENOTPYTHON, "/bin/dash" },
		{ "/tmp/evil\nname", "evil", NULL, -PYSPYC_ENOTPYTHON, "evil?name" },
		{ "/usr/bin/pypy3.10", "python x.py", NULL, -PYSPYC_EIMPL, "PyPy" },
		{ "/opt/python", "python x.py", "/opt/libpypy3.10-c.so", -PYSPYC_EIMPL, "PyPy" },
		{ "/opt/graalpy", "graalpy", NULL, -PYSPYC_EIMPL, "GraalPy" },
		{ "/opt/x", "x", "/opt/lib/libpythonvm.so", -PYSPYC_EIMPL, "GraalPy" },
		{ "/usr/bin/micropython", "m", NULL, -PYSPYC_EIMPL, "MicroPython" },
		{ "/jvm/bin/java", "java -jar /x/Jython-2.7.jar", NULL, -PYSPYC_EIMPL, "Jython" },
		{ "/jvm/bin/java", "java -jar /x/tomcat.jar", NULL, -PYSPYC_ENOTPYTHON, "java" },
		{ "/usr/bin/mono", "mono /opt/ipy.exe", NULL, -PYSPYC_EIMPL, "IronPython" },
		{ "/opt/pyston3.8", "python", NULL, -PYSPYC_EIMPL, "Pyston" },
		{ "/opt/rustpython", "python", NULL, -PYSPYC_EIMPL, "RustPython" },
	};
	char pid[32];
	size_t i;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake *fake = make(cases[i].exe, cases[i].lib);

		fake->process.command = (char *)(uintptr_t)cases[i].command;
		elf_finish_dynamic(&fake->exe, ELF_HASH_GNU, EXE_BASE);
		elf_finish_dynamic(&fake->lib, ELF_HASH_GNU, LIB_BASE);
		assert_int_equal(find(fake), cases[i].code);
		assert_non_null(strstr(fake->err.message, cases[i].word));
		assert_non_null(strstr(fake->err.message, pid));
		release(fake);
	}
}

static void test_other_machine(void **state)
{
	struct fake *fake = make("/usr/bin/python3.9", NULL);
	Elf64_Ehdr *header = elf_at(&fake->exe, 0);

	header->e_ident[EI_CLASS] = ELFCLASS32;
	header->e_machine = EM_386;
	assert_int_equal(find(fake), -PYSPYC_EVERSION);
	assert_non_null(strstr(fake->err.message, "i386"));
	release(fake);
}

static void test_names(void **state)
{
	static const char *const yes[] = {
		"/usr/bin/python",	    "/usr/bin/python3.11", "python3.13t",
		"python3.11-dbg",	    "python2.7d",	   "python3.6dm",
		"/lib/libpython3.9.so.1.0", "libpython2.7.so",
	};
	static const char *const no[] = { "/usr/bin/pythonista", "/usr/bin/ipython3", "/python/sh",
					  "libpython3.9.a",	 "python3.11-config", "" };
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(spy_named_python(yes[i]));
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(spy_named_python(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_library),
		cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_version_texts),
		cmocka_unit_test(test_version_symbol),
		cmocka_unit_test(test_copy_relocation),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_scan_old),
		cmocka_unit_test(test_head_by_code),
#if defined(__x86_64__)
		cmocka_unit_test(test_old_library),
#endif
		cmocka_unit_test(test_debug_offsets),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_other_machine),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
