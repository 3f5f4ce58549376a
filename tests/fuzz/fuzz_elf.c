/* An ELF image in memory and the same bytes as a file, with all that is asked of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpython/find.h"
#include "elf/file.h"
#include "elf/image.h"

#define BASE UINT64_C(0x7f1234560000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "_PyRuntime", "Py_Version", "_PyThreadState_Current", "" };

static bool see(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	uint8_t *sum = context;

	/* The ends of a piece, so that ASan sees a wrong one. */
	*sum = (uint8_t)(*sum + bytes[0] + bytes[size - 1]);
	return address >= BASE || size > 0;
}

static void check(int result, const struct pyspyc_error *err)
{
	if (result < 0 && (err->code != (enum pyspyc_code) - result || !err->message[0]))
		abort();
}

static void fuzz_image(const uint8_t *data, size_t size, uint64_t base)
{
	struct spy_segment segment = { base, data, size };
	struct pyspyc_error err = { 0 };
	struct spy_build_id id;
	struct spy_memory *memory;
	struct spy_image image;
	char needed[64];
	uint8_t sum = 0;
	size_t i;
	int r;

	if (spy_memory_open_image(&segment, 1, &memory, NULL) < 0)
		return;
	r = spy_image_open(memory, base, &image, &err);
	check(r, &err);
	for (i = 0; r == 0 && i < sizeof(names) / sizeof(*names); i++) {
		struct spy_symbol symbol;
		int found = spy_image_symbol(&image, names[i], &symbol, &err);

		check(found, &err);
		if (found == 0 && symbol.address &&
		    (symbol.address < image.start || symbol.address >= image.end))
			abort();
	}
	if (r == 0) {
		spy_image_build_id(&image, &id);
		if (spy_image_needs(&image, "lib", needed, sizeof(needed)) &&
		    strlen(needed) >= sizeof(needed))
			abort();
		spy_image_visit(&image, SPY_LOADS_WRITABLE, 1 << 20, see, &sum, NULL);
		spy_image_visit(&image, SPY_LOADS_CONSTANT, 1 << 20, see, &sum, NULL);
	}
	spy_memory_close(memory);
}

static void fuzz_file(const uint8_t *data, size_t size)
{
	struct pyspyc_error err = { 0 };
	struct spy_elf *elf = NULL;
	int fd, r;
	size_t i;

	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	r = spy_elf_open(fd, &elf, &err);
	check(r, &err);
	for (i = 0; r == 0 && i < sizeof(names) / sizeof(*names); i++) {
		struct spy_section section;
		struct spy_symbol symbol;

		check(spy_elf_symbol(elf, names[i], &symbol, &err), &err);
		spy_elf_section(elf, ".PyRuntime", &section);
	}
	if (r == 0) {
		struct spy_build_id id;
		char link[64];
		uint32_t crc;

		spy_elf_build_id(elf, &id);
		if (spy_elf_debug_link(elf, link, sizeof(link), &crc) &&
		    (strlen(link) >= sizeof(link) || strchr(link, '/')))
			abort();
	}
	spy_elf_close(elf);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spy_build_id id;

	if (!size)
		return 0;
	fuzz_image(data, size, BASE);
	fuzz_image(data, size, 0x400000);
	fuzz_file(data, size);
	spy_notes_build_id(data, size, &id);
	spy_decode_head(data, size, BASE, SPY_ARCH_X86_64);
	spy_decode_head(data, size, BASE, SPY_ARCH_AARCH64);
	return 0;
}
