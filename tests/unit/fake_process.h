/*
 * A made-up process for unit tests: an executable, perhaps a library, and a heap in which the
 * structs of an interpreter are laid out as a given CPython does.
 */
#ifndef SPY_TESTS_FAKE_PROCESS_H
#define SPY_TESTS_FAKE_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpython/find.h"
#include "elf_builder.h"

#define EXE_BASE UINT64_C(0x555500000000)
#define LIB_BASE UINT64_C(0x7f1234500000)
#define HEAP_BASE UINT64_C(0x555600000000)
#define HEAP_SIZE 0x8000
/* What the heap holds. */
#define INTERPRETER (HEAP_BASE + 0x0)
#define SECOND (HEAP_BASE + 0x4000)
#define TSTATE (HEAP_BASE + 0x5000)
#define SECOND_TSTATE (HEAP_BASE + 0x6000)
#define SYS_DICT (HEAP_BASE + 0x7000)
#define DICT_TYPE (HEAP_BASE + 0x7100)
#define DICT_NAME (HEAP_BASE + 0x7f00)

struct fake {
	struct elf_builder exe;
	struct elf_builder lib;
	uint8_t exe_bytes[ELF_IMAGE_SIZE];
	uint8_t lib_bytes[ELF_IMAGE_SIZE];
	uint8_t heap[HEAP_SIZE];
	struct spy_mapping mappings[8];
	struct spy_process process;
	struct spy_python found;
	struct pyspyc_error err;
};

static inline void add_mapping(struct fake *fake, uint64_t start, uint64_t size, uint64_t offset,
			       unsigned flags, uint64_t inode, const char *path)
{
	fake->mappings[fake->process.maps.count++] = (struct spy_mapping){
		.start = start,
		.end = start + size,
		.offset = offset,
		.inode = inode,
		.flags = flags | SPY_MAP_READ,
		.path = (char *)(uintptr_t)path,
	};
}

static inline void add_image(struct fake *fake, uint64_t base, uint64_t inode, const char *path)
{
	uint64_t bss = ELF_IMAGE_SIZE - ELF_LOADED;

	if (!path)
		return;
	add_mapping(fake, base, ELF_DYNAMIC, 0, 0, inode, path);
	add_mapping(fake, base + ELF_DYNAMIC, ELF_LOADED - ELF_DYNAMIC, ELF_DYNAMIC, SPY_MAP_WRITE,
		    inode, path);
	add_mapping(fake, base + ELF_LOADED, bss, 0, SPY_MAP_WRITE, 0, "");
}

/* A process of an executable and, unless lib is NULL, a library. */
static inline struct fake *make(const char *exe, const char *lib)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	struct spy_stat stat;

	assert_non_null(fake);
	elf_begin_file(&fake->exe, ET_DYN, 0);
	elf_begin_file(&fake->lib, ET_DYN, 0);
	fake->process.maps.items = fake->mappings;
	add_image(fake, EXE_BASE, 1, exe);
	add_mapping(fake, HEAP_BASE, HEAP_SIZE, 0, SPY_MAP_WRITE, 0, "[heap]");
	add_image(fake, LIB_BASE, 2, lib);
	fake->process.exe = (char *)(uintptr_t)exe;
	fake->process.command = (char *)(uintptr_t)exe;
	/* Ours, so that the process is there when asked. */
	fake->process.pid = getpid();
	assert_int_equal(spy_stat_read(getpid(), 0, &stat, NULL), 0);
	fake->process.start_time = stat.start_time;
	fake->process.root_fd = fake->process.image_fd = -1;
	return fake;
}

static inline void put(struct fake *fake, uint64_t address, uint64_t word)
{
	memcpy(fake->heap + (address - HEAP_BASE), &word, sizeof(word));
}

static inline struct spy_layout layout_of(const char *text)
{
	struct spy_version version;
	struct spy_layout layout;

	assert_true(spy_version_parse(text, strlen(text), &version));
	assert_int_equal(spy_layout_find(&version, SPY_ARCH_HERE, &layout, NULL), 0);
	return layout;
}

static inline void add_interpreter(struct fake *fake, const struct spy_layout *layout,
				   uint64_t interp, uint64_t tstate, uint64_t next)
{
	put(fake, interp + layout->interp_next, next);
	put(fake, interp + layout->interp_threads_head, tstate);
	put(fake, interp + layout->interp_sysdict, SYS_DICT);
	put(fake, tstate + layout->tstate_interp, interp);
	put(fake, SYS_DICT + layout->object_type, DICT_TYPE);
	put(fake, DICT_TYPE + layout->type_name, DICT_NAME);
	memcpy(fake->heap + (DICT_NAME - HEAP_BASE), "dict", 5);
}

static inline int find(struct fake *fake)
{
	struct spy_segment segments[] = {
		{ EXE_BASE, fake->exe_bytes, ELF_IMAGE_SIZE },
		{ HEAP_BASE, fake->heap, HEAP_SIZE },
		{ LIB_BASE, fake->lib_bytes, ELF_IMAGE_SIZE },
	};
	int r;

	memcpy(fake->exe_bytes, fake->exe.file, ELF_LOADED);
	memcpy(fake->lib_bytes, fake->lib.file, ELF_LOADED);
	assert_int_equal(spy_memory_open_image(segments, 3, &fake->process.memory, NULL), 0);
	spy_python_close(&fake->found);
	fake->err = (struct pyspyc_error){ 0 };
	r = spy_python_find(&fake->process, &fake->found, &fake->err);
	spy_memory_close(fake->process.memory);
	assert_true(r == 0 || fake->err.message[0]);
	assert_null(strchr(fake->err.message, '\n'));
	return r;
}

static inline void release(struct fake *fake)
{
	spy_python_close(&fake->found);
	free(fake);
}

#endif
