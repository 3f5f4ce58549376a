/* Which version an older CPython (one without debug offsets) is. */
#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "cpython/find.h"

/* A program's segments are searched for text up to here, in bytes. */
#define TEXT_LIMIT (UINT64_C(128) << 20)
/* As much of sys.version as is looked at; Python/getversion.c makes at most 250 bytes. */
#define VERSION_TEXT 300
/* The longest number, such as "3.10.13rc1". */
#define NUMBER_LIMIT 16

struct search {
	unsigned minor; /* as spy_version_minor; 0 for any */
	struct spy_version version;
	char text[VERSION_TEXT];
	bool found;
};

unsigned spy_minor_of_name(const char *path)
{
	const char *name = spy_basename(path), *digits = strstr(name, "python");
	unsigned major, minor = 0;

	if (!digits || !isdigit((unsigned char)digits[6]) || digits[7] != '.')
		return 0;
	major = (unsigned)(digits[6] - '0');
	for (digits += 8; isdigit((unsigned char)*digits) && minor < 100; digits++)
		minor = minor * 10 + (unsigned)(*digits - '0');
	return digits[-1] == '.' ? 0 : major << 8 | minor;
}

/*
 * Length of a version number at text, with what is put behind a "+", of which size bytes are
 * there; 0 when it is none.
 */
static size_t number_at(const uint8_t *text, size_t size, unsigned minor, struct spy_version *ret)
{
	size_t length = 0;

	while (length < size && length < NUMBER_LIMIT &&
	       (isalnum(text[length]) || text[length] == '.'))
		length++;
	if (length < 5 || !spy_version_parse((const char *)text, length, ret) ||
	    (ret->major != 2 && ret->major != 3) || (minor && spy_version_minor(ret) != minor))
		return 0;
	if (length < size && text[length] == '+')
		while (length < size && length < 2 * NUMBER_LIMIT &&
		       (isalnum(text[length]) || text[length] == '+'))
			length++;
	return length;
}

/*
 * What Py_GetVersion left in its static buffer (Python/getversion.c): "3.9.18 (main, Jan  1
 * 2024, 00:00:00) \n[GCC 12.2.0]", in some distributions with a "| packaged by … |".
 */
static bool is_full_text(const uint8_t *text, size_t size, size_t number)
{
	const uint8_t *end = memchr(text, '\0', size < VERSION_TEXT ? size : VERSION_TEXT);
	size_t length, i;

	if (!end || text[number] != ' ')
		return false;
	length = (size_t)(end - text);
	for (i = number; i < length; i++)
		if (text[i] < ' ' && text[i] != '\n')
			return false;
	return memchr(text, '(', length) && memchr(text, ')', length);
}

/* The next place from `from` on where "2." or "3." stands; size when there is none. */
static size_t next_major(const uint8_t *bytes, size_t size, size_t from)
{
	while (from + 1 < size) {
		const uint8_t *dot = memchr(bytes + from + 1, '.', size - from - 1);

		if (!dot)
			break;
		from = (size_t)(dot - bytes) - 1;
		if (bytes[from] == '2' || bytes[from] == '3')
			return from;
		from++;
	}
	return size;
}

static bool visit_full(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct search *search = context;
	size_t i;

	(void)address;
	for (i = next_major(bytes, size, 0); i < size; i = next_major(bytes, size, i + 1)) {
		size_t number;

		if (i && bytes[i - 1])
			continue;
		number = number_at(bytes + i, size - i - 1, search->minor, &search->version);
		if (!number || !is_full_text(bytes + i, size - i, number))
			continue;
		memcpy(search->text, bytes + i, strnlen((const char *)bytes + i, VERSION_TEXT - 1));
		search->found = true;
		return false;
	}
	return true;
}

/*
 * PY_VERSION among the constants: a number that ends in NUL. Linkers may have made it the
 * tail of another text such as "/opt/python/3.9.18", but not of "expat_2.7.1".
 */
static bool visit_number(void *context, uint64_t address, const uint8_t *bytes, size_t size)
{
	struct search *search = context;
	struct spy_version version;
	size_t i;

	(void)address;
	for (i = next_major(bytes, size, 0); i < size; i = next_major(bytes, size, i + 1)) {
		uint8_t before = i ? bytes[i - 1] : '_';
		size_t number;

		if (before && before != '/' && before != '-' && before != ' ')
			continue;
		number = number_at(bytes + i, size - i - 1, search->minor, &version);
		if (!number || bytes[i + number] || (before && search->found))
			continue;
		search->version = version;
		search->found = true;
		if (!before)
			return false;
	}
	return true;
}

/* `const unsigned long Py_Version = PY_VERSION_HEX`, from 3.11 (Include/pylifecycle.h). */
static bool by_constant(struct spy_candidate *candidate, enum spy_depth depth,
			struct spy_version *ret)
{
	uint64_t address = spy_candidate_symbol(candidate, depth, "Py_Version"), hex;

	if (!address || spy_memory_read_word(candidate->process->memory, address, &hex, NULL) < 0 ||
	    hex >> 32 || hex < 0x030b00a0 || hex >= 0x04000000)
		return false;
	*ret = spy_version_from_hex((uint32_t)hex);
	return true;
}

static int by_text(struct spy_candidate *candidate, struct spy_version *ret,
		   struct pyspyc_error *err)
{
	struct search search = { .minor = spy_minor_of_name(candidate->mapping->path) };
	const char *other;
	char name[256];
	int r;

	r = spy_image_visit(&candidate->image, SPY_LOADS_WRITABLE, TEXT_LIMIT, visit_full, &search,
			    err);
	other = search.found ? spy_implementation_of_text(search.text) : NULL;
	if (other)
		return spy_fail(err, PYSPYC_EIMPL,
				"process %d runs %s, not CPython: pyspyc reads CPython only",
				(int)candidate->process->pid, other);
	if (r == 0 && !search.found)
		r = spy_image_visit(&candidate->image, SPY_LOADS_CONSTANT, TEXT_LIMIT, visit_number,
				    &search, err);
	if (r < 0)
		return r;
	if (!search.found && search.minor) {
		search.version = (struct spy_version){ .major = (uint8_t)(search.minor >> 8),
						       .minor = (uint8_t)search.minor,
						       .level = 'f' };
		search.found = true;
	}
	if (!search.found)
		return spy_fail(err, PYSPYC_EVERSION,
				"process %d holds a CPython in %s whose version cannot be told",
				(int)candidate->process->pid,
				spy_printable(candidate->mapping->path, name, sizeof(name)));
	*ret = search.version;
	return 0;
}

/* d in libpython3.11d.so.1.0, python3.6dm and python3.11-dbg. */
static bool debug_by_name(const char *path)
{
	const char *name = strstr(spy_basename(path), "python");

	if (!name)
		return false;
	name += 6;
	name += strspn(name, "0123456789.");
	return memchr(name, 'd', strspn(name, "dmut")) || strncmp(name, "-dbg", 4) == 0;
}

/*
 * _Py_RefTotal exists where Py_REF_DEBUG is defined, which Py_DEBUG implies (Include/object.h,
 * 2.7 to 3.15; exported for the stable ABI's sake from 3.12). Names may lie, so they count
 * only where the program has no symbols.
 */
bool spy_candidate_debug_build(struct spy_candidate *candidate, enum spy_depth depth)
{
	if (spy_candidate_symbol(candidate, SPY_DEPTH_MEMORY, "_Py_RefTotal"))
		return true;
	if (spy_candidate_symbol(candidate, SPY_DEPTH_MEMORY, "Py_IsInitialized"))
		return false;
	return depth == SPY_DEPTH_FILE || depth == SPY_DEPTH_DEBUG
		       ? spy_candidate_symbol(candidate, depth, "_Py_RefTotal") != 0
		       : debug_by_name(candidate->mapping->path);
}

int spy_candidate_version(struct spy_candidate *candidate, enum spy_depth depth,
			  struct spy_version *ret, struct pyspyc_error *err)
{
	int r = by_constant(candidate, depth, ret) ? 0 : by_text(candidate, ret, err);

	if (r == 0)
		ret->debug = spy_candidate_debug_build(candidate, depth);
	return r;
}
