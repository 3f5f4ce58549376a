/* Where the runtime is in one image, and what it is. */
#include <string.h>

#include "base/error.h"
#include "cpython/find.h"

/* As much of PyInterpreterState_Head as is looked at, in bytes. */
#define CODE_SIZE 32

/* Addresses in the target; 0 for what has not been found. */
struct place {
	uint64_t runtime;
	uint64_t interpreters_head;
	uint64_t tstate_current;
};

static uint64_t decode_x86_64(const uint8_t *code, size_t size, uint64_t address)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t prologue[] = { 0x55, 0x48, 0x89, 0xe5 }; /* push, mov rbp */
	static const uint8_t load[] = { 0x48, 0x8b, 0x05 };	      /* mov rax, [rip + …] */
	int32_t distance;
	size_t at = 0;

	if (size < CODE_SIZE)
		return 0;
	if (memcmp(code, endbr64, sizeof(endbr64)) == 0)
		at += sizeof(endbr64);
	if (memcmp(code + at, prologue, sizeof(prologue)) == 0)
		at += sizeof(prologue);
	if (memcmp(code + at, load, sizeof(load)) != 0)
		return 0;
	memcpy(&distance, code + at + sizeof(load), sizeof(distance));
	return address + at + sizeof(load) + sizeof(distance) + (uint64_t)(int64_t)distance;
}

static uint64_t decode_aarch64(const uint8_t *code, size_t size, uint64_t address)
{
	uint32_t words[3];
	const uint32_t *word = words;
	uint64_t page;

	if (size < sizeof(words))
		return 0;
	memcpy(words, code, sizeof(words));
	if (*word == 0xd503245f) { /* bti c */
		word++;
		address += 4;
	}
	/* adrp x0, page; ldr x0, [x0, #offset] */
	if ((word[0] & 0x9f00001f) != 0x90000000 || (word[1] & 0xffc003ff) != 0xf9400000)
		return 0;
	page = (word[0] >> 5 & 0x7ffff) << 2 | (word[0] >> 29 & 3);
	if (page & 0x100000)
		page |= ~UINT64_C(0x1fffff);
	return (address & ~UINT64_C(0xfff)) + (page << 12) + (word[1] >> 10 & 0xfff) * 8;
}

uint64_t spy_decode_head(const uint8_t *code, size_t size, uint64_t address, enum spy_arch arch)
{
	return arch == SPY_ARCH_X86_64 ? decode_x86_64(code, size, address)
				       : decode_aarch64(code, size, address);
}

static bool in_data(const struct spy_image *image, uint64_t address, uint64_t size)
{
	size_t i;

	for (i = 0; i < image->load_count; i++) {
		const struct spy_load *load = &image->loads[i];

		if (load->writable && address >= load->address && size <= load->size &&
		    address - load->address <= load->size - size)
			return true;
	}
	return false;
}

/*
 * Up to 3.6 the list's head is static in Python/pystate.c; PyInterpreterState_Head is public
 * and does nothing but load it.
 */
static uint64_t head_by_code(struct spy_candidate *candidate)
{
	uint64_t function, head;
	uint8_t code[CODE_SIZE];

	function = spy_candidate_symbol(candidate, SPY_DEPTH_MEMORY, "PyInterpreterState_Head");
	if (!function ||
	    spy_memory_read(candidate->process->memory, function, code, sizeof(code), NULL) < 0)
		return 0;
	head = spy_decode_head(code, sizeof(code), function, SPY_ARCH_HERE);
	return head % 8 == 0 && in_data(&candidate->image, head, 8) ? head : 0;
}

static struct place by_symbols(struct spy_candidate *candidate, enum spy_depth depth)
{
	struct place place = { .runtime = spy_candidate_symbol(candidate, depth, "_PyRuntime") };

	if (place.runtime)
		return place;
	place.tstate_current = spy_candidate_symbol(candidate, depth, "_PyThreadState_Current");
	if (depth != SPY_DEPTH_MEMORY)
		place.interpreters_head = spy_candidate_symbol(candidate, depth, "interp_head");
	else if (place.tstate_current)
		place.interpreters_head = head_by_code(candidate);
	return place;
}

/* From 3.10 _PyRuntime has a section of its own (Include/internal/pycore_runtime.h). */
static struct place by_section(struct spy_candidate *candidate)
{
	const struct spy_elf *file = spy_candidate_file(candidate);
	struct spy_section section = { 0 };
	struct place place = { 0 };

	if (file)
		spy_elf_section(file, ".PyRuntime", &section);
	section.address += candidate->image.bias;
	if (section.size && in_data(&candidate->image, section.address, section.size))
		place.runtime = section.address;
	return place;
}

/* Puts the process and the file before the message of a failure, and gives its code. */
static int in_candidate(const struct spy_candidate *candidate, int r, struct pyspyc_error *err)
{
	char name[256];

	if (r < 0)
		spy_error_prefix(err, "process %d (%s)", (int)candidate->process->pid,
				 spy_printable(candidate->mapping->path, name, sizeof(name)));
	return r;
}

static int find_layout(const struct spy_candidate *candidate, const struct spy_version *version,
		       struct spy_layout *ret, struct pyspyc_error *err)
{
	return in_candidate(candidate, spy_layout_find(version, SPY_ARCH_HERE, ret, err), err);
}

static int by_scan(struct spy_candidate *candidate, struct place *ret, struct pyspyc_error *err)
{
	struct spy_version version;
	struct spy_layout layout;
	struct spy_scan scan;
	int r;

	*ret = (struct place){ .runtime = spy_scan_cookie(candidate) };
	if (ret->runtime)
		return 0;
	r = spy_candidate_version(candidate, SPY_DEPTH_SCAN, &version, err);
	if (r == 0)
		r = find_layout(candidate, &version, &layout, err);
	if (r < 0)
		return r;
	spy_scan_words(candidate, &layout, &scan);
	ret->runtime = scan.runtime;
	ret->interpreters_head = scan.interpreters_head;
	if (scan.interpreters_head)
		ret->tstate_current = spy_candidate_symbol(candidate, SPY_DEPTH_MEMORY,
							   "_PyThreadState_Current");
	return 0;
}

/* Version and layout of the runtime found; 3.13 and later publish them. */
static int identify(struct spy_candidate *candidate, enum spy_depth depth, uint64_t runtime,
		    struct spy_python *ret, struct pyspyc_error *err)
{
	struct spy_memory *memory = candidate->process->memory;
	uint8_t bytes[SPY_DEBUG_OFFSETS_LIMIT];
	size_t size = sizeof(bytes);
	int r = 0;

	if (runtime) {
		r = spy_memory_read(memory, runtime, bytes, size, err);
		if (r == -PYSPYC_EFAULT) {
			size = strlen(SPY_DEBUG_OFFSETS_COOKIE);
			r = spy_memory_read(memory, runtime, bytes, size, err);
		}
		if (r == 0 && memcmp(bytes, SPY_DEBUG_OFFSETS_COOKIE,
				     strlen(SPY_DEBUG_OFFSETS_COOKIE)) == 0) {
			ret->version.debug = spy_candidate_debug_build(candidate, depth);
			r = spy_debug_offsets_parse(bytes, size, SPY_ARCH_HERE, &ret->version,
						    &ret->layout, err);
			return in_candidate(candidate, r, err);
		}
	}
	if (r == 0)
		r = spy_candidate_version(candidate, depth, &ret->version, err);
	return r < 0 ? r : find_layout(candidate, &ret->version, &ret->layout, err);
}

static int not_ready(const struct spy_candidate *candidate, struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ENOTREADY,
			"process %d has a CPython that has no interpreter: it is starting, "
			"ending or never started it",
			(int)candidate->process->pid);
}

/* Fills in the words' addresses and sees whether the first interpreter is there. */
static int complete(struct spy_candidate *candidate, const struct place *place,
		    struct spy_python *ret, struct pyspyc_error *err)
{
	const struct spy_layout *layout = &ret->layout;
	const struct spy_mapping *mapping;
	char version[32];
	uint64_t first;
	int r;

	ret->runtime = place->runtime;
	ret->interpreters_head = place->interpreters_head;
	ret->tstate_current = place->tstate_current;
	if ((place->runtime != 0) != (layout->runtime_interpreters_head != SPY_NO_FIELD))
		return spy_fail(err, PYSPYC_ECORRUPT,
				"process %d says that it is CPython %s, but its runtime is not "
				"that version's",
				(int)candidate->process->pid,
				spy_version_format(&ret->version, version, sizeof(version)));
	if (place->runtime) {
		ret->interpreters_head = place->runtime + layout->runtime_interpreters_head;
		if (layout->runtime_tstate_current != SPY_NO_FIELD)
			ret->tstate_current = place->runtime + layout->runtime_tstate_current;
	}
	spy_candidate_statics(candidate, ret);
	/* While the loader is at work other parts of the file lie where the data will be. */
	mapping = spy_maps_find(&candidate->process->maps, ret->interpreters_head);
	if (!mapping || !(mapping->flags & SPY_MAP_WRITE))
		return not_ready(candidate, err);
	r = spy_memory_read_word(candidate->process->memory, ret->interpreters_head, &first, err);
	if (r < 0)
		return r;
	return first ? 0 : not_ready(candidate, err);
}

int spy_candidate_find(struct spy_candidate *candidate, enum spy_depth depth,
		       struct spy_python *ret, struct pyspyc_error *err)
{
	struct place place;
	int r = 0;

	if (depth == SPY_DEPTH_SCAN)
		r = by_scan(candidate, &place, err);
	else if (depth == SPY_DEPTH_SECTION)
		place = by_section(candidate);
	else
		place = by_symbols(candidate, depth);
	if (r < 0)
		return r;
	if (!place.runtime && !place.interpreters_head)
		return -PYSPYC_ENOTPYTHON;
	candidate->located = true;
	r = identify(candidate, depth, place.runtime, ret, err);
	if (r == 0)
		r = complete(candidate, &place, ret, err);
	return r;
}
