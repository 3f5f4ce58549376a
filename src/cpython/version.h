/* CPython's version and build. */
#ifndef SPY_CPYTHON_VERSION_H
#define SPY_CPYTHON_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spy_version {
	uint8_t major;
	uint8_t minor;
	uint8_t micro;
	char level;	    /* 'a' alpha, 'b' beta, 'c' release candidate, 'f' final */
	uint8_t serial;	    /* of the alpha, beta or candidate */
	bool debug;	    /* built with Py_DEBUG */
	bool free_threaded; /* built with Py_GIL_DISABLED */
};

/* From PY_VERSION_HEX (Include/patchlevel.h): major, minor, micro, level and serial. */
struct spy_version spy_version_from_hex(uint32_t hex);

/* From text such as "3.12.1", "3.15.0rc2", "2.7.18+"; false when it is none. */
bool spy_version_parse(const char *text, size_t size, struct spy_version *ret);

/* "3.13.0", "3.15.0rc2", with "t" and "d" put behind for the builds; returns buffer. */
const char *spy_version_format(const struct spy_version *version, char *buffer, size_t size);

/* 0x030d for 3.13. */
static inline unsigned spy_version_minor(const struct spy_version *version)
{
	return (unsigned)version->major << 8 | version->minor;
}

#endif
