#include "lib/pythons.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cpython/find.h"

#define MAPS_SIZE_LIMIT (64u << 20)
#define ARGUMENT_LIMIT 4096
#define PF_KTHREAD 0x00200000u /* linux/sched.h */

/* A process while it is being judged. */
struct suspect {
	pid_t pid;
	char exe[PATH_MAX]; /* as /proc links to it */
	bool named;	    /* its executable has CPython's name */
	char library[256];  /* the name of the libpython that is mapped; "" for none */
	char *maps;	    /* the text of /proc/PID/maps */
	size_t maps_size;
	struct spy_pythons_key key;
};

void spy_pythons_free(struct spy_pythons *pythons)
{
	free(pythons->known);
	*pythons = (struct spy_pythons){ 0 };
}

static const struct spy_pythons_known *recall(const struct spy_pythons *pythons,
					      const struct spy_pythons_key *key)
{
	size_t i;

	for (i = 0; i < pythons->count; i++)
		if (memcmp(&pythons->known[i].key, key, sizeof(*key)) == 0)
			return &pythons->known[i];
	return NULL;
}

/* Best effort: what cannot be remembered is found out again. */
static void remember(struct spy_pythons *pythons, const struct spy_pythons_key *key, bool is_python,
		     const char *version)
{
	struct spy_pythons_known *known = pythons->known;

	if ((pythons->count & (pythons->count - 1)) == 0) {
		size_t room = pythons->count ? pythons->count * 2 : 1;

		known = realloc(known, room * sizeof(*known));
		if (!known)
			return;
		pythons->known = known;
	}
	known += pythons->count++;
	*known = (struct spy_pythons_known){ .key = *key, .is_python = is_python };
	snprintf(known->version, sizeof(known->version), "%s", version);
}

static void version_of_names(const char *library, const char *program, char *ret, size_t size)
{
	unsigned minor = spy_minor_of_name(library);

	if (!minor)
		minor = spy_minor_of_name(program);
	if (minor)
		snprintf(ret, size, "%u.%u", minor >> 8, minor & 0xff);
	else
		snprintf(ret, size, "?");
}

/* Of a process that keeps its files to itself, what it was called with must do. */
static bool ask_names(pid_t pid, struct spy_pythons_answer *ret)
{
	spy_autofree char *arguments = NULL;
	struct spy_stat stat;
	const char *name;
	char path[64];

	ret->readable = false;
	if (spy_stat_read(pid, 0, &stat, NULL) < 0 || stat.flags & PF_KTHREAD || stat.state == 'Z')
		return false;
	snprintf(path, sizeof(path), "%d/cmdline", (int)pid);
	if (spy_proc_read(path, ARGUMENT_LIMIT, &arguments, NULL, NULL) < 0)
		return false;
	name = arguments[0] == '-' ? arguments + 1 : arguments; /* a login shell's habit */
	if (!spy_named_python(name))
		name = stat.command;
	version_of_names("", name, ret->version, sizeof(ret->version));
	return spy_named_python(name);
}

/* The last part of the path at the end of a line of maps. */
static void name_of_line(const char *line, size_t size, char *ret, size_t room)
{
	const char *slash = memrchr(line, '/', size);

	snprintf(ret, room, "%.*s", slash ? (int)(line + size - slash - 1) : 0,
		 slash ? slash + 1 : "");
}

/* Looks for a mapped libpython: in the text, for to parse all of it takes ten times as long. */
static void find_library(struct suspect *suspect)
{
	static const char start[] = "/libpython";
	const char *end = suspect->maps + suspect->maps_size, *at = suspect->maps;

	while ((at = memmem(at, (size_t)(end - at), start, sizeof(start) - 1))) {
		const char *line = memrchr(suspect->maps, '\n', (size_t)(at - suspect->maps));
		const char *next = memchr(at, '\n', (size_t)(end - at));
		struct spy_maps maps;

		line = line ? line + 1 : suspect->maps;
		next = next ? next : end;
		name_of_line(line, (size_t)(next - line), suspect->library,
			     sizeof(suspect->library));
		if (spy_named_python(suspect->library) &&
		    spy_maps_parse(line, (size_t)(next - line), &maps, NULL) == 0) {
			if (maps.count) {
				suspect->key.library_inode = maps.items[0].inode;
				suspect->key.library_device = makedev(maps.items[0].device_major,
								      maps.items[0].device_minor);
			}
			spy_maps_free(&maps);
			return;
		}
		suspect->library[0] = '\0';
		at = next;
	}
}

/* The address at which the executable's file is mapped; 0 when that is not to be seen. */
static uint64_t executable_base(const struct suspect *suspect)
{
	struct spy_maps maps;
	uint64_t base = 0;
	size_t i;

	if (spy_maps_parse(suspect->maps, suspect->maps_size, &maps, NULL) < 0)
		return 0;
	for (i = 0; i < maps.count && !base; i++)
		if (maps.items[i].inode == suspect->key.inode && !maps.items[i].offset &&
		    maps.items[i].flags & SPY_MAP_READ)
			base = maps.items[i].start;
	spy_maps_free(&maps);
	return base;
}

static void close_memory(struct spy_memory **memory)
{
	if (*memory)
		spy_memory_close(*memory);
}

/* An interpreter in the executable itself shows by its functions, or from 3.11 by a section. */
static bool holds_interpreter(const struct suspect *suspect)
{
	spy_cleanup(close_memory) struct spy_memory *memory = NULL;
	spy_cleanup(spy_elf_cleanup) struct spy_elf *elf = NULL;
	spy_autoclose int fd = -1;
	uint64_t base = executable_base(suspect);
	struct spy_section section = { 0 };
	struct spy_symbol symbol = { 0 };
	struct spy_image image;
	char path[64];

	if (!base || spy_memory_open_live(suspect->pid, &memory, NULL) < 0 ||
	    spy_image_open(memory, base, &image, NULL) < 0)
		return false;
	if (spy_image_symbol(&image, "Py_IsInitialized", &symbol, NULL) == 0 && symbol.address)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)suspect->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || spy_elf_open(fd, &elf, NULL) < 0)
		return false;
	spy_elf_section(elf, ".PyRuntime", &section);
	return section.address != 0;
}

/* What spy_python_find says: true for a CPython, with its version if that can be told. */
static bool attach(struct spy_pythons *pythons, const struct suspect *suspect,
		   struct spy_pythons_answer *ret)
{
	spy_cleanup(spy_process_cleanup) struct spy_process *process = NULL;
	struct spy_python python = { 0 };
	int result = spy_process_open(suspect->pid, &process, NULL);

	if (result == 0)
		result = spy_python_find(process, &python, NULL);
	if (result == 0)
		spy_version_format(&python.version, ret->version, sizeof(ret->version));
	spy_python_close(&python);
	if (result == 0 || result == -PYSPYC_EIMPL)
		remember(pythons, &suspect->key, result == 0, ret->version);
	switch (-result) {
	case PYSPYC_OK:
	case PYSPYC_EVERSION:
		return true;
	case PYSPYC_EPERM:
		ret->readable = false;
		return true;
	case PYSPYC_EIMPL:
	case PYSPYC_ENOPROC:
	case PYSPYC_ENOTPYTHON:
		return false;
	}
	/* Still starting, or in mid-exec; others than Python's program may never start one. */
	return suspect->named;
}

static bool may_read(const struct suspect *suspect)
{
	spy_cleanup(close_memory) struct spy_memory *memory = NULL;
	char byte;

	return spy_memory_open_live(suspect->pid, &memory, NULL) == 0 &&
	       spy_memory_read(memory, strtoull(suspect->maps, NULL, 16), &byte, 1, NULL) !=
		       -PYSPYC_EPERM;
}

/* exe and maps tell whether it can be one at all. */
static bool is_suspect(struct spy_pythons *pythons, struct suspect *suspect)
{
	const struct spy_pythons_known *known;
	bool found;

	find_library(suspect);
	known = recall(pythons, &suspect->key);
	if (known)
		return known->is_python;
	if (suspect->named || suspect->library[0])
		return true;
	found = holds_interpreter(suspect);
	if (!found)
		remember(pythons, &suspect->key, false, "");
	return found;
}

static bool ask_files(struct spy_pythons *pythons, struct suspect *suspect,
		      struct spy_pythons_answer *ret)
{
	const struct spy_pythons_known *known;
	struct stat stat_buffer;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)suspect->pid);
	if (stat(path, &stat_buffer) == 0) {
		suspect->key.device = stat_buffer.st_dev;
		suspect->key.inode = stat_buffer.st_ino;
	}
	snprintf(path, sizeof(path), "%d/maps", (int)suspect->pid);
	if (spy_proc_read(path, MAPS_SIZE_LIMIT, &suspect->maps, &suspect->maps_size, NULL) < 0)
		return suspect->named && ask_names(suspect->pid, ret);
	if (!suspect->maps_size || !is_suspect(pythons, suspect))
		return false;
	version_of_names(suspect->library, suspect->named ? suspect->exe : "", ret->version,
			 sizeof(ret->version));
	ret->readable = may_read(suspect);
	known = recall(pythons, &suspect->key);
	if (known)
		snprintf(ret->version, sizeof(ret->version), "%s", known->version);
	else if (ret->readable && spy_clock_read(CLOCK_THREAD_CPUTIME_ID) < pythons->limit_ns)
		return attach(pythons, suspect, ret);
	return true;
}

bool spy_pythons_ask(struct spy_pythons *pythons, pid_t pid, struct spy_pythons_answer *ret)
{
	static const char deleted[] = " (deleted)";
	struct suspect suspect = { .pid = pid };
	size_t suffix = sizeof(deleted) - 1;
	char path[64];
	ssize_t size;
	bool found;

	*ret = (struct spy_pythons_answer){ .version = "?" };
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	size = readlink(path, suspect.exe, sizeof(suspect.exe) - 1);
	if (size < 0) /* a kernel thread or a zombie has none: ENOENT */
		return (errno == EACCES || errno == EPERM) && ask_names(pid, ret);
	if ((size_t)size > suffix && memcmp(suspect.exe + size - suffix, deleted, suffix) == 0)
		size -= (ssize_t)suffix;
	suspect.exe[size] = '\0';
	suspect.named = spy_named_python(suspect.exe);
	found = ask_files(pythons, &suspect, ret);
	free(suspect.maps);
	return found;
}
