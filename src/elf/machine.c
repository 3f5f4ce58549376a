#include <elf.h>
#include <stdio.h>

#include "elf/image.h"

#if defined(__x86_64__)
#define MACHINE_HERE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE_HERE EM_AARCH64
#else
#error "pyspyc knows x86-64 and aarch64 only"
#endif

/* As e_machine numbers them in the gABI. */
static const struct {
	unsigned machine;
	const char *name;
} machines[] = {
	{ EM_386, "x86 (i386)" },      { EM_X86_64, "x86-64" }, { EM_ARM, "ARM" },
	{ EM_AARCH64, "AArch64" },     { EM_PPC, "PowerPC" },	{ EM_PPC64, "PowerPC" },
	{ EM_S390, "S/390" },	       { EM_RISCV, "RISC-V" },	{ EM_MIPS, "MIPS" },
	{ EM_SPARC, "SPARC" },	       { EM_SPARCV9, "SPARC" }, { EM_IA_64, "Itanium" },
	{ EM_LOONGARCH, "LoongArch" },
};

const char *spy_elf_machine_name(unsigned machine, unsigned elf_class, char *buffer, size_t size)
{
	const char *bits = elf_class == ELFCLASS32 ? "32-bit" : "64-bit";
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		if (machines[i].machine == machine) {
			snprintf(buffer, size, "%s %s", bits, machines[i].name);
			return buffer;
		}
	}
	snprintf(buffer, size, "%s machine number %u", bits, machine);
	return buffer;
}

bool spy_elf_machine_here(const unsigned char *ident, unsigned machine)
{
	unsigned order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	return ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == order && machine == MACHINE_HERE;
}
