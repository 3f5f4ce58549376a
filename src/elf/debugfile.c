/* Separate debug files, by build id and by .gnu_debuglink. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "elf/file.h"

/* Files whose checksum has to be computed are no larger; CPython's are about 20 MB. */
#define CHECKSUM_LIMIT (UINT64_C(1) << 28)

static bool same_id(const struct spy_build_id *a, const struct spy_build_id *b)
{
	return a->size && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool same_checksum(int fd, uint32_t expected)
{
	unsigned char chunk[65536];
	uLong crc = crc32(0, NULL, 0);
	uint64_t done = 0;
	ssize_t got;

	while ((got = pread(fd, chunk, sizeof(chunk), (off_t)done)) > 0) {
		crc = crc32(crc, chunk, (uInt)got);
		done += (uint64_t)got;
		if (done > CHECKSUM_LIMIT)
			return false;
	}
	return got == 0 && crc == expected;
}

/* Opens path when it is the debug file looked for; crc is NULL when there is no link. */
static struct spy_elf *try_path(const struct spy_process *process, const char *path,
				const struct spy_build_id *id, const uint32_t *crc)
{
	struct spy_build_id found;
	spy_autoclose int fd = -1;
	struct spy_elf *elf;

	if (spy_process_open_path(process, path, &fd, NULL) < 0 || spy_elf_open(fd, &elf, NULL) < 0)
		return NULL;
	spy_elf_build_id(elf, &found);
	if (id->size ? same_id(id, &found) : crc && same_checksum(fd, *crc))
		return elf;
	spy_elf_close(elf);
	return NULL;
}

static struct spy_elf *by_build_id(const struct spy_process *process, const struct spy_build_id *id)
{
	spy_autobuffer struct spy_buffer path = { 0 };
	size_t i;

	if (id->size < 2)
		return NULL;
	spy_buffer_puts(&path, "/usr/lib/debug/.build-id/");
	for (i = 0; i < id->size; i++)
		spy_buffer_printf(&path, i == 1 ? "/%02x" : "%02x", id->bytes[i]);
	spy_buffer_puts(&path, ".debug");
	return path.failed ? NULL : try_path(process, path.data, id, NULL);
}

static struct spy_elf *by_link(const struct spy_process *process, const struct spy_build_id *id,
			       const struct spy_elf *elf, const char *path)
{
	static const char *const patterns[][2] = {
		{ "", "/" },
		{ "", "/.debug/" },
		{ "/usr/lib/debug", "/" },
	};
	const char *slash = strrchr(path, '/');
	struct spy_elf *found = NULL;
	char name[256];
	uint32_t crc;
	size_t i;

	if (!slash || !spy_elf_debug_link(elf, name, sizeof(name), &crc))
		return NULL;
	for (i = 0; !found && i < sizeof(patterns) / sizeof(*patterns); i++) {
		spy_autobuffer struct spy_buffer full = { 0 };

		spy_buffer_printf(&full, "%s%.*s%s%s", patterns[i][0], (int)(slash - path), path,
				  patterns[i][1], name);
		if (!full.failed)
			found = try_path(process, full.data, id, &crc);
	}
	return found;
}

struct spy_elf *spy_elf_open_debug(const struct spy_process *process, const struct spy_build_id *id,
				   const struct spy_elf *elf, const char *path)
{
	struct spy_elf *found = by_build_id(process, id);

	return found || !elf ? found : by_link(process, id, elf, path);
}
